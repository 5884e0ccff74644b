//! What an invocation works with: clients, settings, and how long it may take.

use aws::Clients;

use crate::{Settings, deadline::Deadline};

/// An invocation.
#[derive(Debug)]
pub(crate) struct Invocation<'a> {
    pub(crate) clients: &'a Clients,
    pub(crate) settings: &'a Settings,
    /// Names it as the holder of a lease.
    pub(crate) id: String,
    pub(crate) deadline: Deadline,
}

//! What an invocation works with, from its event's context on.

use aws::Clients;

use crate::{Settings, deadline::Deadline};

/// What an invocation works with.
#[derive(Debug)]
pub(crate) struct Invocation<'a> {
    pub(crate) clients: &'a Clients,
    pub(crate) settings: &'a Settings,
    /// Names it as the holder of a lease.
    pub(crate) id: String,
    pub(crate) deadline: Deadline,
}

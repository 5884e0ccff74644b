//! A table's turn in a run: what all that is done for the table works with.

use aws::{Clients, tagged::TaggedTable};
use jiff::Timestamp;

use crate::Settings;

/// A table whose turn it is in a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turn<'a> {
    pub(crate) clients: &'a Clients,
    pub(crate) settings: &'a Settings,
    pub(crate) table: &'a TaggedTable,
    /// Tells the table from one that had its name before.
    pub(crate) table_id: &'a str,
    /// Since when the change feed tells of its changes.
    pub(crate) fed_since: Timestamp,
    /// When the run was due.
    pub(crate) scheduled: Timestamp,
    /// The invocation.
    pub(crate) request_id: &'a str,
}

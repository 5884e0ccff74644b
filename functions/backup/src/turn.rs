//! A table's turn in a run: what all that is done for the table works with.

use aws::{Clients, sdk, tagged::TaggedTable};
use jiff::Timestamp;

use crate::{Settings, exports::FullExports};

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

impl Turn<'_> {
    /// The table's full exports.
    pub(crate) fn exports(&self, now: Timestamp) -> FullExports<'_> {
        let Self { clients, settings, table, table_id, fed_since, .. } = *self;
        let table = (table.name.as_str(), table.arn.as_str());
        FullExports { clients, settings, table, table_id, fed_since, now }
    }

    /// Where state is kept: the lake's bucket.
    pub(crate) fn state(&self) -> (&sdk::s3::Client, &str) {
        (self.clients.s3(), &self.settings.enrolment.lake_bucket)
    }
}

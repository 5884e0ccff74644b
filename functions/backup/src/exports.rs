//! Full exports, each with a token that makes a second request of the same the same export.

use aws::{
    Clients, Failure,
    export::{self, FullExport},
};
use jiff::Timestamp;

use crate::{Settings, plan};

/// Why an export is made; of one time there is one for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// It is due, or the table's first.
    Due,
    /// The table's first came to nothing; so many did.
    Again(u32),
    /// An audit of that snapshot found the feed to have a hole.
    Audit,
}

/// Starts the full export of a table (its name and ARN) that is due at a time, and gives its ARN.
pub(crate) async fn start(
    clients: &Clients,
    settings: &Settings,
    (name, arn): (&str, &str),
    time: Timestamp,
    why: Why,
) -> Result<String, Failure> {
    let (prefix, token) = match why {
        Why::Due => (plan::export_prefix(name, time), plan::export_token(arn, time)),
        Why::Again(attempt) => {
            (plan::export_prefix(name, time), plan::export_token(&format!("{arn} {attempt}"), time))
        }
        Why::Audit => (
            format!("{}-audit", plan::export_prefix(name, time)),
            plan::export_token(&format!("{arn} audit"), time),
        ),
    };
    let export = FullExport {
        table_arn: arn,
        bucket: &settings.exports_bucket,
        prefix: &prefix,
        client_token: &token,
    };
    export::start_full(&clients.dynamodb, &export).await
}

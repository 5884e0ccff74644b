//! An hourly run has small change files merged, by a function of its own that nobody waits for.
//!
//! | the run is | `compaction` is called |
//! |---|---|
//! | of all tables | once for the time it was due, however often it is tried: `state/backup/compaction.json` has that time. Where that could not be written it may be twice, which claims make harmless |
//! | of some tables, at a person's word | each time, for those |

use aws::{Clients, Failure, invocation, object, sdk::s3::Client};
use jiff::Timestamp;
use lake::path;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::Settings;

/// The last run that called it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Begun {
    /// When that was due.
    begun_for: Timestamp,
}

/// Calls `compaction` for a run, if the stack merges files and it was not called for this run before.
/// Gives whether it is called, by this attempt or an earlier one.
pub(crate) async fn begin(
    clients: &Clients,
    settings: &Settings,
    due: Timestamp,
    only: Option<&[String]>,
) -> Result<bool, Failure> {
    let Some(function) = &settings.compaction_function else { return Ok(false) };
    let (lambda, bucket) = (clients.lambda(), &settings.enrolment.lake_bucket);
    if let Some(tables) = only {
        let event = json!({ "compactionTime": due, "tables": tables });
        invocation::call(lambda, function, &event).await?;
    } else if !is_begun(clients.s3(), bucket, due).await? {
        invocation::call(lambda, function, &json!({ "compactionTime": due })).await?;
        let bytes = json!(Begun { begun_for: due }).to_string().into_bytes();
        let noted = object::put(clients.s3(), bucket, &key(), "application/json", bytes).await;
        if let Err(failure) = noted {
            tracing::warn!(%failure, "another attempt at this run will call compaction again");
        }
    }
    Ok(true)
}

async fn is_begun(s3: &Client, bucket: &str, due: Timestamp) -> Result<bool, Failure> {
    let found = object::read(s3, bucket, &key()).await?;
    // One that cannot be read is in nobody's way.
    let begun = found.and_then(|bytes| serde_json::from_slice::<Begun>(&bytes).ok());
    Ok(begun.is_some_and(|begun| begun.begun_for == due))
}

/// Beside the folders of the tables.
fn key() -> String {
    path::state("backup", "compaction.json")
}

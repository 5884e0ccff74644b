//! Following `ImportTable` to its end, in messages of which each comes a few seconds after the one before.
//!
//! A look takes a fraction of a second: 600 of them an hour, for about a cent.

use std::time::Duration;

use aws::{
    clock,
    enrolment::{ON, TAG},
    sdk::dynamodb::types::{ImportStatus, ImportTableDescription},
    table, table_import,
};
use jiff::{SignedDuration, Timestamp};

use crate::{
    definition,
    import::{End, IMPORT_TAG, Import},
    report::ImportTable,
    status::{Native, Progress, Stage},
    stop::{Refusal, Stop},
    work::Work,
};

/// How long until the next look: with its way through the queue, less than ten seconds lie between two.
const NEXT_LOOK: Duration = Duration::from_secs(5);
/// How long until a job that failed for a reason of DynamoDB's own is started anew.
const NEXT_ATTEMPT: Duration = Duration::from_secs(15);
/// How long DynamoDB may not know a job that it has started. Ours: it is known at once, and AWS does not promise that.
const UNKNOWN_FOR: SignedDuration = SignedDuration::from_mins(5);
/// Jobs that are started anew when DynamoDB failed for a reason of its own.
const ATTEMPTS: u32 = 3;
/// Failure codes that another attempt may not meet.
///
/// Source: [ImportTable](https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ImportTable.html).
const PASSING: [&str; 3] = ["InternalServerError", "InternalFailure", "ServiceUnavailable"];

/// Looks at the job, and ends the import or sends a message to look again.
pub(super) async fn follow(
    import: &mut Import<'_>,
    work: &Work,
    state: &Native,
    import_arn: &str,
    started_at: Option<Timestamp>,
) -> Result<End, Stop> {
    let found = match table_import::describe(import.run.clients.dynamodb(), import_arn).await {
        Err(failure)
            if failure.has_code("ImportNotFoundException")
                && is_young(started_at, clock::now()) =>
        {
            tracing::info!(import_arn, "DynamoDB does not know the job yet");
            return look_again(import, state).await;
        }
        found => found?,
    };
    import.report.import_table = Some(told(import_arn, &found));
    import.hold.meter.is_told(progress(work, &found));
    if !table_import::has_ended(&found) {
        return look_again(import, state).await;
    }
    // Whatever becomes of the import, what is staged is read no more.
    let import_arn = import_arn.to_owned();
    super::enter(import, state, Stage::Importing { import_arn, started_at, has_ended: true });
    if found.import_status() == Some(&ImportStatus::Completed) {
        return complete(import, work, &found).await;
    }
    let code = found.failure_code().unwrap_or_default();
    if PASSING.contains(&code) && state.attempt < ATTEMPTS && !table_is_there(import).await? {
        let next = Native { attempt: state.attempt + 1, ..state.clone() };
        super::enter(import, &next, Stage::Staging);
        import.send_next(NEXT_ATTEMPT).await?;
        return Ok(End::Continues);
    }
    Err(failed(import, work, &found).into())
}

/// Whether a job was started so lately that DynamoDB may not know it yet.
fn is_young(started_at: Option<Timestamp>, now: Timestamp) -> bool {
    started_at.is_some_and(|started_at| now.duration_since(started_at) < UNKNOWN_FOR)
}

async fn look_again(import: &mut Import<'_>, state: &Native) -> Result<End, Stop> {
    if clock::now() > state.not_after {
        let reason = format!(
            "ImportTable was still at work at {} and is not followed any more; look at it with aws \
             dynamodb describe-import. Once it is complete, enrol the table with the tag {TAG}={ON}",
            state.not_after
        );
        return Err(Refusal::from(reason).into());
    }
    // It is `not_after` that bounds how often.
    import.send_next(NEXT_LOOK).await?;
    Ok(End::Continues)
}

/// How far the job is: what DynamoDB counts, and of the source's bytes as many as of its rows.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a percentage and a rate for people"
)]
fn progress(work: &Work, found: &ImportTableDescription) -> Progress {
    let rows = count(found.processed_item_count());
    let staged = work.report.rows_read - work.report.rows_rejected - work.report.rows_superseded;
    let share = (rows as f64 / staged.max(1) as f64).min(1.0);
    let bytes_total = work.bytes();
    let seconds = found.start_time().map_or(0, |start| clock::now().as_second() - start.secs());
    Progress {
        rows,
        written: count(found.imported_item_count()),
        rejected: work.report.rows_rejected + count(found.error_count()),
        bytes: (share * bytes_total as f64) as u64,
        bytes_total,
        percent: (share * 1000.0).round() / 10.0,
        rows_per_second: (rows as f64 / seconds.max(1) as f64).round(),
        throttled_calls: 0,
    }
}

/// The table is there: it is tagged and enrolled, and what was staged is removed.
async fn complete(
    import: &mut Import<'_>,
    work: &Work,
    found: &ImportTableDescription,
) -> Result<End, Stop> {
    let dynamodb = import.run.clients.dynamodb();
    let description = table::wait_until_active(dynamodb, &work.report.table).await?;
    let tags = [(TAG, ON), (IMPORT_TAG, work.report.import_id.as_str())];
    let tags = definition::all_tags(work, &tags).map_err(|error| definition::unbuilt(&error))?;
    let arn = description.table_arn().unwrap_or_default();
    table::set_tags(dynamodb, arn, tags).await?;
    import.enrol(&description, work).await?;
    definition::complete(dynamodb, work, &description).await?;
    super::remove_staged(import).await?;
    import.account(work, count(found.imported_item_count()), count(found.error_count()))?;
    Ok(End::Finished)
}

/// Whether a failed job left the table, so that another cannot make it.
async fn table_is_there(import: &Import<'_>) -> Result<bool, Stop> {
    let dynamodb = import.run.clients.dynamodb();
    let there = table::describe(dynamodb, &import.report.table).await?;
    Ok(there.is_some_and(|table| !table::is_being_deleted(&table)))
}

fn failed(import: &mut Import<'_>, work: &Work, found: &ImportTableDescription) -> Refusal {
    import.report.rows_written = count(found.imported_item_count());
    let told = |text: Option<&str>| text.unwrap_or("not told").to_owned();
    let reason = format!(
        "ImportTable ended as {} with {}: {}. Of {} items read it wrote {}; each of the {} others has a \
         line in the log group {}. If this left the table {}, it is not whole: delete it, and drop the \
         source anew",
        found.import_status().map_or("unknown", ImportStatus::as_str),
        told(found.failure_code()),
        told(found.failure_message()),
        found.processed_item_count(),
        found.imported_item_count(),
        found.error_count(),
        told(found.cloud_watch_log_group_arn()),
        work.report.table,
    );
    Refusal::from(reason)
}

fn told(import_arn: &str, found: &ImportTableDescription) -> ImportTable {
    let status = found.import_status().map_or("unknown", ImportStatus::as_str);
    ImportTable {
        import_arn: import_arn.to_owned(),
        import_status: status.to_owned(),
        processed_item_count: found.processed_item_count(),
        imported_item_count: found.imported_item_count(),
        error_count: found.error_count(),
        processed_size_bytes: found.processed_size_bytes().unwrap_or_default(),
        failure_code: found.failure_code().map(str::to_owned),
        failure_message: found.failure_message().map(str::to_owned),
        log_group: found.cloud_watch_log_group_arn().map(str::to_owned),
    }
}

fn count(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_may_be_unknown_for_its_first_minutes() {
        let started_at: Timestamp = "2026-11-22T03:00:00Z".parse().unwrap();
        let is_young =
            |seconds| is_young(Some(started_at), started_at + SignedDuration::from_secs(seconds));
        // Clocks of two invocations differ.
        assert!([-1, 0, 299].into_iter().all(is_young));
        assert!(![300, 7 * 24 * 3600].into_iter().any(is_young));
        assert!(!super::is_young(None, started_at));
    }
}

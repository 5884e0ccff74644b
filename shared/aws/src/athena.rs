//! One statement in Athena, to its end.
//!
//! ```text
//! StartQueryExecution ─▶ GetQueryExecution … SUCCEEDED
//!                          ├─ FAILED ─▶ permanent with Athena's reason, unless Athena says it may pass
//!                          └─ CANCELLED, or no end in two minutes ─▶ retryable
//! ```
//!
//! The request's token is the SDK's own, new for each call: it keeps the SDK's retries of that call from
//! starting the statement twice. A token derived from the statement would do harm: Athena answers
//! a known token with the execution it has, so that a view that was dropped would not be made again,
//! and a statement that failed for want of a right would fail for as long as Athena remembers it.

use std::time::Duration;

use aws_sdk_athena::{
    Client,
    types::{QueryExecutionContext, QueryExecutionState, QueryExecutionStatus, Row},
};

use crate::{Class, Failure};

/// The first pause between two looks; each is half as long again as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How long a statement is waited for. One that makes a view takes seconds, most of them in a queue.
const LONGEST_WAIT: Duration = Duration::from_mins(2);
/// The category of Athena's own errors.
///
/// Source: [AthenaError](https://docs.aws.amazon.com/athena/latest/APIReference/API_AthenaError.html).
const SYSTEM: i32 = 1;

/// Where a statement runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The workgroup, which says where results go.
    pub workgroup: String,
    /// The database that names without one are in.
    pub database: String,
}

/// Runs a statement to its end; its result is left in the workgroup's place.
///
/// `resource` is what the statement is about, for the failure: `view headwater.orders`.
pub async fn run(
    athena: &Client,
    place: &Place,
    statement: &str,
    resource: &str,
) -> Result<(), Failure> {
    let id = start(athena, place, statement, resource).await?;
    if let Some(end) = end_of(athena, &id, resource).await? {
        return end;
    }
    let message = format!("execution {id} has not ended within {} seconds", LONGEST_WAIT.as_secs());
    Err(Failure::stated("GetQueryExecution", resource, message, Class::Retryable))
}

/// Starts a query, and gives the execution: [`answer`] has what comes of it.
pub async fn start(
    athena: &Client,
    place: &Place,
    statement: &str,
    resource: &str,
) -> Result<String, Failure> {
    let started = athena
        .start_query_execution()
        .work_group(&place.workgroup)
        .query_execution_context(QueryExecutionContext::builder().database(&place.database).build())
        .query_string(statement)
        .send()
        .await
        .map_err(|error| Failure::of("StartQueryExecution", resource, error))?;
    Ok(started.query_execution_id.unwrap_or_default())
}

/// Rows of texts; null is nothing.
pub type Rows = Vec<Vec<Option<String>>>;

/// What came of a query.
#[derive(Debug)]
pub enum Answer {
    /// Its rows, without the heads: the first 999.
    Rows(Rows),
    /// It has not ended within two minutes, and may be looked for again.
    NotYet,
    /// It was cancelled, or failed, whether another may do better or not: this one has no answer any more.
    Failed(Failure),
}

/// What came of a query, or why that cannot be said.
pub async fn answer(athena: &Client, id: &str, resource: &str) -> Result<Answer, Failure> {
    match end_of(athena, id, resource).await? {
        None => return Ok(Answer::NotYet),
        Some(Err(failure)) => return Ok(Answer::Failed(failure)),
        Some(Ok(())) => {}
    }
    let got = athena.get_query_results().query_execution_id(id).send().await;
    let got = got.map_err(|error| Failure::of("GetQueryResults", resource, error))?;
    let rows = got.result_set.and_then(|set| set.rows).unwrap_or_default();
    let texts = |row: Row| {
        let cells = row.data.unwrap_or_default().into_iter();
        cells.map(|cell| cell.var_char_value).collect()
    };
    Ok(Answer::Rows(rows.into_iter().skip(1).map(texts).collect()))
}

/// How an execution ends, if it does within two minutes.
async fn end_of(
    athena: &Client,
    id: &str,
    resource: &str,
) -> Result<Option<Result<(), Failure>>, Failure> {
    let (mut pause, mut waited) = (FIRST_PAUSE, Duration::ZERO);
    while waited < LONGEST_WAIT {
        if let Some(end) = look(athena, id, resource).await? {
            return Ok(Some(end));
        }
        tokio::time::sleep(pause).await;
        waited += pause;
        pause = (pause * 3 / 2).min(LONGEST_PAUSE);
    }
    Ok(None)
}

/// How the execution ended, if it has.
async fn look(
    athena: &Client,
    id: &str,
    resource: &str,
) -> Result<Option<Result<(), Failure>>, Failure> {
    let got = athena
        .get_query_execution()
        .query_execution_id(id)
        .send()
        .await
        .map_err(|error| Failure::of("GetQueryExecution", resource, error))?;
    let status = got.query_execution.and_then(|execution| execution.status);
    Ok(status.and_then(|status| end(&status, id, resource)))
}

fn end(status: &QueryExecutionStatus, id: &str, resource: &str) -> Option<Result<(), Failure>> {
    let state = status.state()?;
    let class = match state {
        QueryExecutionState::Succeeded => return Some(Ok(())),
        QueryExecutionState::Failed => class_of(status),
        QueryExecutionState::Cancelled => Class::Retryable,
        // Queued, running, or a state to come.
        _ => return None,
    };
    let reason = status.state_change_reason().filter(|reason| !reason.is_empty());
    let error = status.athena_error().and_then(|error| error.error_message());
    let reason = reason.or(error).unwrap_or("Athena gives no reason");
    let message = format!("execution {id} is {state}: {reason}");
    Some(Err(Failure::stated("StartQueryExecution", resource, message, class)))
}

/// The same statement fails again, unless Athena says otherwise or was itself at fault.
fn class_of(status: &QueryExecutionStatus) -> Class {
    let passes = status
        .athena_error()
        .is_some_and(|error| error.retryable() || error.error_category() == Some(SYSTEM));
    if passes { Class::Retryable } else { Class::Permanent }
}

#[cfg(test)]
mod tests {
    use aws_sdk_athena::types::AthenaError;

    use super::*;

    fn status(state: QueryExecutionState, error: Option<AthenaError>) -> QueryExecutionStatus {
        let status = QueryExecutionStatus::builder().state(state).set_athena_error(error);
        status.state_change_reason("line 1:8: Column 'x' cannot be resolved").build()
    }

    fn failed(error: Option<AthenaError>) -> Failure {
        let status = status(QueryExecutionState::Failed, error);
        end(&status, "id-1", "view db.orders").unwrap().unwrap_err()
    }

    #[test]
    fn a_failed_statement_says_why_and_whether_it_may_pass() {
        let error = || AthenaError::builder();
        let check = |error: Option<AthenaError>, class| assert_eq!(failed(error).class, class);
        check(None, Class::Permanent);
        check(Some(error().error_category(2).error_type(1301).build()), Class::Permanent);
        check(Some(error().error_category(3).build()), Class::Permanent);
        check(Some(error().error_category(2).retryable(true).build()), Class::Retryable);
        check(Some(error().error_category(SYSTEM).error_type(233).build()), Class::Retryable);
        insta::assert_snapshot!(
            failed(None),
            @"StartQueryExecution on view db.orders failed: execution id-1 is FAILED: line 1:8: Column 'x' cannot be resolved"
        );
    }

    #[test]
    fn only_an_end_ends_the_wait() {
        let ended = |state| end(&status(state, None), "id-1", "view db.orders");
        assert!(ended(QueryExecutionState::Queued).is_none());
        assert!(ended(QueryExecutionState::Running).is_none());
        assert!(matches!(ended(QueryExecutionState::Succeeded), Some(Ok(()))));
        let cancelled = ended(QueryExecutionState::Cancelled);
        assert!(matches!(cancelled, Some(Err(failure)) if failure.is_retryable()));
    }
}

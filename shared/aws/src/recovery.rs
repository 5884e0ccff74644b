//! Point-in-time recovery.

use std::time::Duration;

use aws_sdk_dynamodb::{
    Client,
    types::{
        PointInTimeRecoveryDescription, PointInTimeRecoverySpecification, PointInTimeRecoveryStatus,
    },
};
use jiff::Timestamp;

use crate::{Class, Failure};

/// A table answers `ContinuousBackupsUnavailableException` for some time after its creation.
const ATTEMPTS: u32 = 60;
const PAUSE: Duration = Duration::from_secs(3);

/// Whether a table's recovery had to be switched on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovery {
    /// It was off, or reached back fewer days.
    SwitchedOn,
    /// It was as it should be.
    AlreadyOn,
}

/// Makes sure that point-in-time recovery is on and reaches back `days` (1 to 35) days or more.
///
/// A longer period is never shortened: what could be restored until now would be lost.
pub async fn ensure(dynamodb: &Client, table: &str, days: i32) -> Result<Recovery, Failure> {
    if is_on(dynamodb, table, days).await? {
        return Ok(Recovery::AlreadyOn);
    }
    let mut attempt = 1;
    loop {
        match switch_on(dynamodb, table, days).await {
            Ok(()) => return Ok(Recovery::SwitchedOn),
            Err(failure)
                if failure.has_code("ContinuousBackupsUnavailableException")
                    && attempt < ATTEMPTS =>
            {
                attempt += 1;
                tokio::time::sleep(PAUSE).await;
            }
            Err(failure) => return Err(failure),
        }
    }
}

/// Whether point-in-time recovery is on and reaches back `days` or more.
pub async fn is_on(dynamodb: &Client, table: &str, days: i32) -> Result<bool, Failure> {
    let recovery = describe(dynamodb, table).await?;
    Ok(recovery.is_some_and(|recovery| recovery.recovery_period_in_days() >= Some(days)))
}

/// The times that a table can be restored to, and exported as of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restorable {
    /// `EarliestRestorableDateTime`: moves on, and leaps to now where recovery is switched off and on.
    pub earliest: Timestamp,
    /// `LatestRestorableDateTime`: about five minutes ago.
    pub latest: Timestamp,
}

/// What a table can be restored to; nothing while its recovery is off, or has only just been switched on.
pub async fn restorable(dynamodb: &Client, table: &str) -> Result<Option<Restorable>, Failure> {
    let time = |time: Option<&aws_sdk_dynamodb::primitives::DateTime>| {
        Timestamp::from_millisecond(time?.to_millis().ok()?).ok()
    };
    Ok(describe(dynamodb, table).await?.and_then(|recovery| {
        let earliest = time(recovery.earliest_restorable_date_time())?;
        Some(Restorable { earliest, latest: time(recovery.latest_restorable_date_time())? })
    }))
}

/// Point-in-time recovery, if it is on.
async fn describe(
    dynamodb: &Client,
    table: &str,
) -> Result<Option<PointInTimeRecoveryDescription>, Failure> {
    let output =
        dynamodb.describe_continuous_backups().table_name(table).send().await.map_err(|error| {
            Failure::of("DescribeContinuousBackups", format!("table {table}"), error)
        })?;
    let recovery = output
        .continuous_backups_description
        .and_then(|description| description.point_in_time_recovery_description);
    Ok(recovery.filter(|recovery| {
        recovery.point_in_time_recovery_status() == Some(&PointInTimeRecoveryStatus::Enabled)
    }))
}

async fn switch_on(dynamodb: &Client, table: &str, days: i32) -> Result<(), Failure> {
    let resource = format!("table {table}");
    let specification = PointInTimeRecoverySpecification::builder()
        .point_in_time_recovery_enabled(true)
        .recovery_period_in_days(days)
        .build()
        .map_err(|error| {
            let message = error.to_string();
            Failure::stated("UpdateContinuousBackups", &resource, message, Class::Permanent)
        })?;
    let updated = dynamodb
        .update_continuous_backups()
        .table_name(table)
        .point_in_time_recovery_specification(specification)
        .send()
        .await;
    updated.map_err(|error| Failure::of("UpdateContinuousBackups", resource, error))?;
    Ok(())
}

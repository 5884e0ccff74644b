//! On-demand backups of tables.

use aws_sdk_dynamodb::{
    Client,
    config::{Builder as Config, retry::RetryConfig},
    types::{BackupStatus, BackupSummary},
};
use jiff::Timestamp;

use crate::{Class, Failure};

/// A backup as `ListBackups` tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// The table it is of, which another of the same name is not.
    pub table_id: Option<String>,
    /// When it was asked for.
    pub created: Timestamp,
    /// Whether it can be restored from.
    pub available: bool,
}

/// Starts a backup and returns its ARN.
///
/// `CreateBackup` has no idempotency token, so it is sent once: after an answer that was lost,
/// look for the backup by its name before asking again.
pub async fn create(dynamodb: &Client, table: &str, name: &str) -> Result<String, Failure> {
    let once = Config::new().retry_config(RetryConfig::disabled());
    let call = dynamodb.create_backup().table_name(table).backup_name(name);
    let output = call
        .customize()
        .config_override(once)
        .send()
        .await
        .map_err(|error| Failure::of("CreateBackup", format!("table {table}"), error))?;
    output.backup_details.map(|details| details.backup_arn).ok_or_else(|| {
        let message = "the answer names no backup";
        Failure::stated("CreateBackup", format!("table {table}"), message, Class::Retryable)
    })
}

/// Every user-made backup of a table, whoever made it, and of those that had its name before: they outlive a
/// table that is deleted.
pub async fn list(dynamodb: &Client, table: &str) -> Result<Vec<Backup>, Failure> {
    let mut backups = Vec::new();
    let mut from = None;
    loop {
        let page = dynamodb
            .list_backups()
            .table_name(table)
            .set_exclusive_start_backup_arn(from)
            .send()
            .await
            .map_err(|error| Failure::of("ListBackups", format!("table {table}"), error))?;
        backups.extend(page.backup_summaries.unwrap_or_default().into_iter().filter_map(known));
        from = page.last_evaluated_backup_arn;
        if from.is_none() {
            return Ok(backups);
        }
    }
}

/// A backup whose name and time AWS told; of another nothing can be decided.
fn known(summary: BackupSummary) -> Option<Backup> {
    let created = summary.backup_creation_date_time?;
    Some(Backup {
        arn: summary.backup_arn?,
        name: summary.backup_name?,
        table_id: summary.table_id,
        created: Timestamp::from_second(created.secs()).ok()?,
        available: summary.backup_status == Some(BackupStatus::Available),
    })
}

/// Deletes a backup; one that is gone already is fine.
pub async fn delete(dynamodb: &Client, arn: &str) -> Result<(), Failure> {
    let deleted = dynamodb.delete_backup().backup_arn(arn).send().await;
    match deleted.map_err(|error| Failure::of("DeleteBackup", arn, error)) {
        Ok(_) => Ok(()),
        Err(failure) if failure.has_code("BackupNotFoundException") => Ok(()),
        Err(failure) => Err(failure),
    }
}

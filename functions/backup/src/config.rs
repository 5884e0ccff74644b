//! The function's settings, validated at cold start.

use aws::{
    athena::Place,
    enrolment::EnrolmentSettings,
    environment::{Environment, EnvironmentError},
    export::Destination,
};

use crate::{
    chain::WindowLength,
    policy::{Exports, Mode, Policy},
    retention::Retention,
};

/// What the function is told by its environment.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What an enrolled table is given.
    pub enrolment: EnrolmentSettings,
    /// Where DynamoDB exports to, and how.
    pub exports: Destination,
    /// What is exported of a table whose tags say nothing else.
    pub export: Exports,
    /// How long a window of an incremental export is to be at least.
    pub window: WindowLength,
    /// Days, of those that have a backup, whose newest good one is kept.
    pub keep_days: u32,
    /// Only tables whose names begin with this are looked at.
    pub table_prefix: String,
    /// The Athena workgroup that views are made in.
    pub workgroup: String,
}

impl Settings {
    /// Reads `HEADWATER_EXPORTS_BUCKET`, `HEADWATER_EXPORTS_BUCKET_OWNER` and `HEADWATER_EXPORT_KMS_KEY_ARN` (may be
    /// empty), `HEADWATER_EXPORT_FORMAT`, `HEADWATER_EXPORT`, `HEADWATER_INCREMENTAL_EXPORT_MINUTES`,
    /// `HEADWATER_BACKUP_KEEP_DAYS`, `HEADWATER_TABLE_PREFIX` (may be empty), `HEADWATER_WORKGROUP` and what
    /// [`EnrolmentSettings`] needs.
    pub fn from_environment(environment: &Environment) -> Result<Self, EnvironmentError> {
        let optional = |name: &str| environment.optional(name).map(str::to_owned);
        Ok(Self {
            enrolment: EnrolmentSettings::from_environment(environment)?,
            exports: Destination {
                bucket: environment.required("HEADWATER_EXPORTS_BUCKET")?.to_owned(),
                bucket_owner: optional("HEADWATER_EXPORTS_BUCKET_OWNER"),
                kms_key_id: optional("HEADWATER_EXPORT_KMS_KEY_ARN"),
                format: environment.parsed("HEADWATER_EXPORT_FORMAT")?,
            },
            export: environment.parsed("HEADWATER_EXPORT")?,
            window: environment.parsed("HEADWATER_INCREMENTAL_EXPORT_MINUTES")?,
            keep_days: environment.parsed("HEADWATER_BACKUP_KEEP_DAYS")?,
            table_prefix: optional("HEADWATER_TABLE_PREFIX").unwrap_or_default(),
            workgroup: environment.required("HEADWATER_WORKGROUP")?.to_owned(),
        })
    }

    /// What is done for a table whose tags say nothing else.
    pub(crate) fn policy(&self) -> Policy {
        let retain = Some(Retention::days(self.keep_days));
        Policy { mode: Mode::On, backup: true, export: self.export, retain }
    }

    /// Where statements run that make views.
    pub(crate) fn athena(&self) -> Place {
        Place { workgroup: self.workgroup.clone(), database: self.enrolment.database.clone() }
    }
}

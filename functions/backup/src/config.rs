//! The function's settings, validated at cold start.

use std::str::FromStr;

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
    selection::NamePatterns,
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
    /// Tables with such names are looked at although they have no tag.
    pub name_patterns: NamePatterns,
    /// The Athena workgroup that views are made in.
    pub workgroup: String,
    /// The function that merges small change files, if they are to be merged.
    pub compaction_function: Option<String>,
    /// When full exports are due.
    pub full_exports: FullExportsDue,
}

/// When full exports are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FullExportsDue {
    /// With each backup.
    WithBackups,
    /// On a schedule of their own.
    OnTheirOwn,
}

impl FromStr for FullExportsDue {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "with-backups" => Ok(Self::WithBackups),
            "on-their-own" => Ok(Self::OnTheirOwn),
            _ => Err("expected with-backups or on-their-own".to_owned()),
        }
    }
}

impl Settings {
    /// Reads `HEADWATER_EXPORTS_BUCKET`, `HEADWATER_EXPORTS_BUCKET_OWNER` and `HEADWATER_EXPORT_KMS_KEY_ARN` (may be
    /// empty), `HEADWATER_EXPORT_FORMAT`, `HEADWATER_EXPORT`, `HEADWATER_INCREMENTAL_EXPORT_MINUTES`,
    /// `HEADWATER_BACKUP_KEEP_DAYS`, `HEADWATER_TABLE_PREFIX`, `HEADWATER_TABLE_NAME_PATTERNS` and
    /// `HEADWATER_COMPACTION_FUNCTION` (may be empty), `HEADWATER_WORKGROUP`, `HEADWATER_FULL_EXPORTS` and what [`EnrolmentSettings`] needs.
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
            name_patterns: environment.parsed_or_empty("HEADWATER_TABLE_NAME_PATTERNS")?,
            workgroup: environment.required("HEADWATER_WORKGROUP")?.to_owned(),
            compaction_function: optional("HEADWATER_COMPACTION_FUNCTION"),
            full_exports: environment.parsed("HEADWATER_FULL_EXPORTS")?,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_exports_are_due_in_one_of_two_ways() {
        assert_eq!("on-their-own".parse(), Ok(FullExportsDue::OnTheirOwn));
        assert_eq!("with-backups".parse(), Ok(FullExportsDue::WithBackups));
        assert!("".parse::<FullExportsDue>().is_err());
    }

    /// An environment as the template sets it.
    const USUAL: [(&str, &str); 16] = [
        ("HEADWATER_LAKE_BUCKET", "lake"),
        ("HEADWATER_DATABASE", "headwater"),
        ("HEADWATER_RECOVERY_DAYS", "35"),
        ("HEADWATER_STREAM_FUNCTION", "stream"),
        ("HEADWATER_BATCH_SIZE", "1000"),
        ("HEADWATER_BATCH_WINDOW_SECONDS", "30"),
        ("HEADWATER_EXPORTS_BUCKET", "exports"),
        ("HEADWATER_EXPORTS_BUCKET_OWNER", ""),
        ("HEADWATER_EXPORT", "full"),
        ("HEADWATER_EXPORT_FORMAT", "DYNAMODB_JSON"),
        ("HEADWATER_EXPORT_KMS_KEY_ARN", ""),
        ("HEADWATER_INCREMENTAL_EXPORT_MINUTES", "60"),
        ("HEADWATER_BACKUP_KEEP_DAYS", "35"),
        ("HEADWATER_TABLE_PREFIX", ""),
        ("HEADWATER_FULL_EXPORTS", "with-backups"),
        ("HEADWATER_WORKGROUP", "headwater"),
    ];

    fn settings<'v>(
        variables: impl IntoIterator<Item = (&'v str, &'v str)>,
    ) -> Result<Settings, EnvironmentError> {
        Settings::from_environment(&Environment::from_variables(variables))
    }

    /// What is told of it, but for one variable.
    fn with(name: &str, value: &str) -> String {
        match settings(USUAL.map(|(key, text)| (key, if key == name { value } else { text }))) {
            Ok(settings) => format!("{} {:?}", settings.exports, settings.policy().export),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn files_are_merged_where_there_is_a_function_for_it() {
        let function = |set: &str| {
            let variables = [("HEADWATER_COMPACTION_FUNCTION", set)];
            let set = settings(variables.into_iter().chain(USUAL)).unwrap();
            set.compaction_function
        };
        assert_eq!(function(""), None);
        assert_eq!(function("arn:compaction").as_deref(), Some("arn:compaction"));
    }

    #[test]
    fn exports_are_as_the_stack_says_or_the_function_does_not_start() {
        insta::assert_snapshot!(with("", ""), @"exports - - DYNAMODB_JSON Full");
        insta::assert_snapshot!(with("HEADWATER_EXPORT", "incremental"), @"exports - - DYNAMODB_JSON Incremental");
        insta::assert_snapshot!(with("HEADWATER_EXPORT_KMS_KEY_ARN", "arn:key"), @"exports - arn:key DYNAMODB_JSON Full");
        insta::assert_snapshot!(with("HEADWATER_EXPORTS_BUCKET_OWNER", "123456789012"), @"exports 123456789012 - DYNAMODB_JSON Full");
        insta::assert_snapshot!(
            with("HEADWATER_EXPORT", "daily"),
            @r#"environment variable HEADWATER_EXPORT is "daily": exports are one of full, incremental, off"#
        );
        insta::assert_snapshot!(
            with("HEADWATER_EXPORT_FORMAT", "PARQUET"),
            @r#"environment variable HEADWATER_EXPORT_FORMAT is "PARQUET": exports are written as DYNAMODB_JSON or ION"#
        );
        insta::assert_snapshot!(
            with("HEADWATER_INCREMENTAL_EXPORT_MINUTES", "5"),
            @r#"environment variable HEADWATER_INCREMENTAL_EXPORT_MINUTES is "5": an export window is of "5" minutes, expected a whole number from 15 to 1440"#
        );
    }
}

//! The function's settings, validated at cold start.

use std::str::FromStr;

use aws::{
    athena::Place,
    enrolment::EnrolmentSettings,
    environment::{Environment, EnvironmentError},
};

use crate::{
    policy::{Exports, Mode, Policy},
    retention::Retention,
    selection::NamePatterns,
};

/// What the function is told by its environment.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What an enrolled table is given.
    pub enrolment: EnrolmentSettings,
    /// The bucket DynamoDB exports to.
    pub exports_bucket: String,
    /// Days, of those that have a backup, whose newest good one is kept.
    pub keep_days: u32,
    /// Only tables whose names begin with this are looked at.
    pub table_prefix: String,
    /// Tables with such names are looked at although they have no tag.
    pub name_patterns: NamePatterns,
    /// The Athena workgroup that views are made in.
    pub workgroup: String,
    /// Whether small change files are merged.
    pub compaction: Compaction,
}

/// Whether small change files are merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compaction {
    /// By every hourly run.
    On,
    /// Never; what is noted of earlier ones stays as it is.
    Off,
}

impl FromStr for Compaction {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "on" => Ok(Self::On),
            "off" => Ok(Self::Off),
            _ => Err("expected on or off".to_owned()),
        }
    }
}

impl Settings {
    /// Reads `HEADWATER_EXPORTS_BUCKET`, `HEADWATER_BACKUP_KEEP_DAYS`, `HEADWATER_TABLE_PREFIX`
    /// and `HEADWATER_TABLE_NAME_PATTERNS` (both may be empty), `HEADWATER_WORKGROUP`, `HEADWATER_COMPACTION` and
    /// what [`EnrolmentSettings`] needs.
    pub fn from_environment(environment: &Environment) -> Result<Self, EnvironmentError> {
        Ok(Self {
            enrolment: EnrolmentSettings::from_environment(environment)?,
            exports_bucket: environment.required("HEADWATER_EXPORTS_BUCKET")?.to_owned(),
            keep_days: environment.parsed("HEADWATER_BACKUP_KEEP_DAYS")?,
            table_prefix: environment
                .optional("HEADWATER_TABLE_PREFIX")
                .unwrap_or_default()
                .to_owned(),
            name_patterns: environment.parsed_or_empty("HEADWATER_TABLE_NAME_PATTERNS")?,
            workgroup: environment.required("HEADWATER_WORKGROUP")?.to_owned(),
            compaction: environment.parsed("HEADWATER_COMPACTION")?,
        })
    }

    /// What is done for a table whose tags say nothing else.
    pub(crate) fn policy(&self) -> Policy {
        let retain = Some(Retention::days(self.keep_days));
        Policy { mode: Mode::On, backup: true, export: Exports::Full, retain }
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
    fn compaction_is_on_or_off() {
        assert_eq!("on".parse(), Ok(Compaction::On));
        assert_eq!("off".parse(), Ok(Compaction::Off));
        let refused = "On".parse::<Compaction>();
        assert_eq!(refused, Err("expected on or off".to_owned()));
    }
}

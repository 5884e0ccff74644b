//! Enrolment: what a table needs so that its changes reach the lake and its past can be restored.
//!
//! ```text
//! stream on (new and old images) ─▶ catalog table ─▶ mapping from TRIM_HORIZON ─▶ recovery on
//! ```
//!
//! The catalog table comes before the mapping: the stream function does not make it, and without it
//! new attributes travel in `_rest`. But neither the feed nor recovery waits for a catalog that cannot
//! be reached.
//!
//! Every step looks before it acts, so that enrolling an enrolled table changes nothing and
//! a drifted one is repaired. What repair would break for others is reported and left alone:
//!
//! | found | done |
//! |---|---|
//! | no stream | switched on, new and old images |
//! | stream with new images only | used as it is: changes carry no old image |
//! | stream with keys or old images only | left alone: backups and exports, no change feed |
//! | two other functions read the stream | left alone: a stream serves two readers well |
//! | replicas (a global table) | left alone |
//! | mapping disabled, or batching otherwise than the settings say | repaired |
//! | recovery that reaches further back than asked | left alone: shortening it would lose history |

use aws_sdk_dynamodb::types::{StreamViewType, TableDescription};
use jiff::Timestamp;
use serde::Serialize;

use crate::{
    Class, Clients, Failure,
    catalog::{self, Ensured, Lake, Restored},
    environment::{Environment, EnvironmentError},
    mapping::{self, MappingSettings},
    recovery::{self, Recovery},
    table,
};

/// The tag that enrols a table.
pub const TAG: &str = "headwater";
/// The value of [`TAG`] that enrols it.
pub const ON: &str = "on";

/// What every enrolled table is given.
#[derive(Debug, Clone)]
pub struct EnrolmentSettings {
    /// The Glue database of the catalog.
    pub database: String,
    /// The lake's bucket.
    pub lake_bucket: String,
    /// Days that point-in-time recovery reaches back, 1 to 35.
    pub recovery_days: i32,
    /// The mapping from the table's stream to the `stream` function.
    pub mapping: MappingSettings,
}

impl EnrolmentSettings {
    /// Reads `HEADWATER_DATABASE`, `HEADWATER_LAKE_BUCKET`, `HEADWATER_RECOVERY_DAYS`,
    /// `HEADWATER_STREAM_FUNCTION`, `HEADWATER_BATCH_SIZE`, `HEADWATER_BATCH_WINDOW_SECONDS`.
    pub fn from_environment(environment: &Environment) -> Result<Self, EnvironmentError> {
        let lake_bucket = environment.required("HEADWATER_LAKE_BUCKET")?.to_owned();
        Ok(Self {
            database: environment.required("HEADWATER_DATABASE")?.to_owned(),
            recovery_days: environment.parsed("HEADWATER_RECOVERY_DAYS")?,
            mapping: MappingSettings {
                function: environment.required("HEADWATER_STREAM_FUNCTION")?.to_owned(),
                batch_size: environment.parsed("HEADWATER_BATCH_SIZE")?,
                batch_window_seconds: environment.parsed("HEADWATER_BATCH_WINDOW_SECONDS")?,
                failure_bucket: lake_bucket.clone(),
            },
            lake_bucket,
        })
    }
}

/// One step of enrolment and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "outcome", content = "detail")]
pub enum Step {
    /// It was done now.
    Done(String),
    /// It was so already.
    AlreadySo(String),
    /// It was left alone, and why.
    LeftAlone(String),
}

/// An enrolled table.
#[derive(Debug)]
pub struct Enrolled {
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// What a person should look at in the catalog: columns that were changed or dropped, names that
    /// stand for two things, files that cannot be read.
    pub drift: Vec<String>,
    /// Why the catalog table is not there, if it is not. Everything else was done all the same.
    pub uncatalogued: Option<Failure>,
}

/// Enrols an `ACTIVE` table; `now` bounds the catalog's partitions.
///
/// The mapping comes before anything is loaded, so that a load reaches the lake as inserts.
pub async fn enrol(
    clients: &Clients,
    settings: &EnrolmentSettings,
    description: &TableDescription,
    now: Timestamp,
) -> Result<Enrolled, Failure> {
    let name = description.table_name().unwrap_or_default();
    let mut steps = Vec::new();
    let stream_arn = ensure_stream(clients, description, &mut steps).await?;
    let lake = Lake { database: &settings.database, bucket: &settings.lake_bucket };
    let (drift, uncatalogued) =
        match Box::pin(catalog::ensure_changes(clients, lake, name, now)).await {
            Ok(ensured) => {
                steps.push(catalogued(&ensured));
                (to_look_at(&ensured), None)
            }
            Err(failure) => (Vec::new(), Some(failure)),
        };
    if let Some(stream_arn) = stream_arn {
        ensure_mapping(clients, &settings.mapping, &stream_arn, &mut steps).await?;
    }
    let days = settings.recovery_days;
    steps.push(match recovery::ensure(&clients.dynamodb, name, days).await? {
        Recovery::SwitchedOn => Step::Done(format!("point-in-time recovery of {days} days on")),
        Recovery::AlreadyOn => Step::AlreadySo(format!("point-in-time recovery of {days} days on")),
    });
    Ok(Enrolled { steps, drift, uncatalogued })
}

fn catalogued(ensured: &Ensured) -> Step {
    let Ensured { name, created, restored, .. } = ensured;
    match restored {
        Some(Restored { files, columns, .. }) if *files > 0 => Step::Done(format!(
            "catalog table {name} made anew, with {} columns from {files} files",
            columns.len()
        )),
        _ if *created => Step::Done(format!("catalog table {name} made")),
        _ => Step::AlreadySo(format!("catalog table {name} there")),
    }
}

/// What a person should look at in a catalog table, and the log tells as well.
pub fn to_look_at(ensured: &Ensured) -> Vec<String> {
    let mut found: Vec<String> = ensured.drift.iter().map(ToString::to_string).collect();
    if let Some(restored) = &ensured.restored {
        found.extend(restored.conflicts.iter().map(ToString::to_string));
        found.extend(restored.unreadable.iter().cloned());
        let unnamed = restored.unreadable_files - restored.unreadable.len();
        if unnamed > 0 {
            found.push(format!("{unnamed} more files that cannot be read"));
        }
    }
    for finding in &found {
        tracing::warn!(catalog_table = ensured.name, finding, "catalog is not as it was made");
    }
    found
}

/// The stream's ARN, if the table has or may be given a stream that serves.
async fn ensure_stream(
    clients: &Clients,
    description: &TableDescription,
    steps: &mut Vec<Step>,
) -> Result<Option<String>, Failure> {
    let name = description.table_name().unwrap_or_default();
    if !description.replicas().is_empty() {
        steps.push(Step::LeftAlone("stream: the table has replicas (global table)".into()));
        return Ok(None);
    }
    let stream = description.stream_specification().filter(|stream| stream.stream_enabled());
    let Some(stream) = stream else {
        table::enable_stream(&clients.dynamodb, name).await?;
        let description = table::wait_until_active(&clients.dynamodb, name).await?;
        steps.push(Step::Done("stream with new and old images on".into()));
        return stream_arn(&description).map(Some);
    };
    match stream.stream_view_type() {
        Some(view @ (StreamViewType::NewAndOldImages | StreamViewType::NewImage)) => {
            steps.push(Step::AlreadySo(format!("stream on ({view})")));
            stream_arn(description).map(Some)
        }
        other => {
            let view = other.map_or("unknown", StreamViewType::as_str);
            steps.push(Step::LeftAlone(format!(
                "stream: its view type {view} holds no new image and serves someone else; \
                 the table gets backups and exports, and no change feed"
            )));
            Ok(None)
        }
    }
}

fn stream_arn(description: &TableDescription) -> Result<String, Failure> {
    description.latest_stream_arn().map(str::to_owned).ok_or_else(|| {
        let name = description.table_name().unwrap_or_default();
        let message = "the stream is on but has no ARN yet";
        Failure::stated("DescribeTable", format!("table {name}"), message, Class::Retryable)
    })
}

async fn ensure_mapping(
    clients: &Clients,
    settings: &MappingSettings,
    stream_arn: &str,
    steps: &mut Vec<Step>,
) -> Result<(), Failure> {
    let mappings = mapping::of_stream(&clients.lambda, stream_arn).await?;
    let (ours, foreign): (Vec<_>, Vec<_>) =
        mappings.iter().partition(|mapping| mapping::feeds(mapping, &settings.function));
    let step = match ours.first() {
        Some(mapping) if mapping.state() == Some("Deleting") => {
            let message = "the stream mapping is being deleted; it can be made again after that";
            return Err(Failure::stated(
                "ListEventSourceMappings",
                stream_arn,
                message,
                Class::Retryable,
            ));
        }
        Some(mapping) if mapping::is_as_set(mapping, settings) => {
            Step::AlreadySo("stream mapping there".into())
        }
        Some(mapping) => {
            let uuid = mapping.uuid().unwrap_or_default();
            mapping::repair(&clients.lambda, uuid, settings).await?;
            Step::Done("stream mapping repaired".into())
        }
        None if foreign.len() >= 2 => Step::LeftAlone(format!(
            "stream mapping: {} other functions read the stream, which serves two readers at most",
            foreign.len()
        )),
        None => {
            mapping::create(&clients.lambda, stream_arn, settings).await?;
            Step::Done("stream mapping made".into())
        }
    };
    steps.push(step);
    Ok(())
}

//! Enrolment: what a table needs so that its changes reach the lake and its past can be restored.
//!
//! ```text
//! stream on (new and old images) ─▶ catalog table ─▶ mapping from TRIM_HORIZON ─▶ recovery on
//! ```
//!
//! The catalog table comes before the mapping: the stream function does not make it, and without it
//! new attributes travel in `_rest`. But the feed does not wait for a catalog that cannot be reached, and
//! recovery for neither.
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
//! | mapping disabled, or batching or retrying otherwise than the settings say | repaired |
//! | recovery that reaches further back than asked | left alone: shortening it would lose history |

use aws_sdk_dynamodb::types::{StreamViewType, TableDescription};
use aws_sdk_lambda::types::EventSourceMappingConfiguration;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

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
/// The value of [`TAG`] that enrols it; the others only observe it, or let its change feed rest.
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "outcome", content = "detail")]
pub enum Step {
    /// It was done now.
    Done(String),
    /// It was so already.
    AlreadySo(String),
    /// It was left alone, and why.
    LeftAlone(String),
    /// It would be done, if the table were not only observed.
    Would(String),
}

/// An enrolled table.
#[derive(Debug, Default)]
pub struct Enrolled {
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// Whether its changes reach the lake.
    pub has_feed: bool,
    /// What the feed's last batch failed of, if it did: changes wait in the stream then.
    pub feed_problem: Option<String>,
    /// What a person should look at in the catalog: columns that were changed or dropped, names that
    /// stand for two things, files that cannot be read.
    pub drift: Vec<String>,
    /// Why the catalog table is not there, if it is not. Everything else was done all the same.
    pub uncatalogued: Option<Failure>,
    /// Why its changes do not reach the lake, if that could not be arranged, likewise.
    pub unfed: Option<Failure>,
    /// Why its past cannot be restored, likewise.
    pub unrecoverable: Option<Failure>,
}

/// Enrols a table; `now` bounds the catalog's partitions. Each step is done whatever became of the others.
///
/// The mapping comes before anything is loaded, so that a load reaches the lake as inserts.
pub async fn enrol(
    clients: &Clients,
    settings: &EnrolmentSettings,
    description: &TableDescription,
    now: Timestamp,
) -> Enrolled {
    let name = description.table_name().unwrap_or_default();
    let mut steps = Vec::new();
    let stream_arn = ensure_stream(clients, description, &mut steps).await;
    let stream_arn = match stream_arn {
        // Deleted since it was described: a catalog table would be in the way of the next of that name.
        Err(failure) if failure.has_code("ResourceNotFoundException") => {
            return Enrolled { unfed: Some(failure), ..Enrolled::default() };
        }
        other => other,
    };
    let lake = Lake { database: &settings.database, bucket: &settings.lake_bucket };
    let (drift, uncatalogued) =
        match Box::pin(catalog::ensure_changes(clients, lake, name, now)).await {
            Ok(ensured) => {
                steps.push(catalogued(&ensured));
                (to_look_at(&ensured), None)
            }
            Err(failure) => (Vec::new(), Some(failure)),
        };
    let fed = match stream_arn {
        Ok(Some(arn)) => ensure_mapping(clients, &settings.mapping, &arn, &mut steps).await,
        Ok(None) => Ok((false, None)),
        Err(failure) => Err(failure),
    };
    let ((has_feed, feed_problem), unfed) = match fed {
        Ok(fed) => (fed, None),
        Err(failure) => ((false, None), Some(failure)),
    };
    let days = settings.recovery_days;
    let recovery = format!("point-in-time recovery of {days} days on");
    let recovered = recovery::ensure(clients.dynamodb(), name, days).await.map(|made| match made {
        Recovery::SwitchedOn => Step::Done(recovery.clone()),
        Recovery::AlreadyOn => Step::AlreadySo(recovery.clone()),
    });
    let unrecoverable = recovered.map(|step| steps.push(step)).err();
    Enrolled { steps, has_feed, feed_problem, drift, uncatalogued, unfed, unrecoverable }
}

impl Enrolled {
    /// The steps, if all of them were done.
    pub fn whole(self) -> Result<Vec<Step>, Failure> {
        let failure = self.unfed.or(self.uncatalogued).or(self.unrecoverable);
        failure.map_or(Ok(self.steps), Err)
    }
}

/// What enrolling a table would do. Nothing is changed.
pub async fn observe(
    clients: &Clients,
    settings: &EnrolmentSettings,
    description: &TableDescription,
) -> Result<Vec<Step>, Failure> {
    let name = description.table_name().unwrap_or_default();
    let stream = stream_of(description);
    let mut steps = vec![match &stream {
        Stream::Off => Step::Would(STREAM_ON.to_owned()),
        stream => stream.step(),
    }];
    steps.push(match catalog::find(clients.glue(), &settings.database, name).await? {
        Some(found) => Step::AlreadySo(format!("catalog table {} there", found.name)),
        None => Step::Would("catalog table made".to_owned()),
    });
    match stream {
        Stream::Off => steps.push(Step::Would(MAPPING_MADE.to_owned())),
        Stream::Serves(_) => {
            let arn = stream_arn(description)?;
            let mappings = mapping::of_stream(clients.lambda(), &arn).await?;
            steps.push(match fed(&mappings, &settings.mapping) {
                Fed::Otherwise(_) => Step::Would(MAPPING_REPAIRED.to_owned()),
                Fed::Not => Step::Would(MAPPING_MADE.to_owned()),
                Fed::Leaving => Step::Would(format!("{MAPPING_MADE}, once the old one is gone")),
                Fed::AsSet => Step::AlreadySo(MAPPING_THERE.to_owned()),
                Fed::ByOthers(count) => by_others(count),
            });
        }
        Stream::Replicated | Stream::Foreign(_) => {}
    }
    let days = settings.recovery_days;
    let recovery = format!("point-in-time recovery of {days} days on");
    let is_on = recovery::is_on(clients.dynamodb(), name, days).await?;
    steps.push(if is_on { Step::AlreadySo(recovery) } else { Step::Would(recovery) });
    Ok(steps)
}

/// Lets the change feed of a table rest: its mapping is switched off, and nothing else is touched.
pub async fn pause(
    clients: &Clients,
    settings: &EnrolmentSettings,
    description: &TableDescription,
) -> Result<Vec<Step>, Failure> {
    const RESTS: &str = "change feed rests; what is older than 20 hours when it goes on is left below \
                         aws/lambda/ in the lake's bucket, and what is older than 24 is gone";
    let Some(arn) = description.latest_stream_arn() else {
        return Ok(vec![Step::AlreadySo("no stream, and no change feed".to_owned())]);
    };
    let mappings = mapping::of_stream(clients.lambda(), arn).await?;
    let ours = mappings.iter().find(|it| mapping::feeds(it, &settings.mapping.function));
    Ok(vec![match ours {
        None => Step::AlreadySo("no change feed".to_owned()),
        Some(ours) if mapping::rests(ours) => Step::AlreadySo(RESTS.to_owned()),
        Some(ours) => {
            mapping::rest(clients.lambda(), ours.uuid().unwrap_or_default()).await?;
            Step::Done(RESTS.to_owned())
        }
    }])
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

const STREAM_ON: &str = "stream with new and old images on";
const MAPPING_MADE: &str = "stream mapping made";
const MAPPING_REPAIRED: &str = "stream mapping repaired";
const MAPPING_THERE: &str = "stream mapping there";

/// What stream a table has.
enum Stream {
    /// None.
    Off,
    /// One with new images.
    Serves(StreamViewType),
    /// One without, which serves someone else.
    Foreign(String),
    /// That of a global table.
    Replicated,
}

fn stream_of(description: &TableDescription) -> Stream {
    if !description.replicas().is_empty() {
        return Stream::Replicated;
    }
    let stream = description.stream_specification().filter(|stream| stream.stream_enabled());
    match stream.map(|stream| stream.stream_view_type()) {
        None => Stream::Off,
        Some(Some(view @ (StreamViewType::NewAndOldImages | StreamViewType::NewImage))) => {
            Stream::Serves(view.clone())
        }
        Some(other) => Stream::Foreign(other.map_or("unknown", StreamViewType::as_str).to_owned()),
    }
}

impl Stream {
    /// What is said of it as it is.
    fn step(&self) -> Step {
        match self {
            Self::Off => Step::AlreadySo("no stream".to_owned()),
            Self::Serves(view) => Step::AlreadySo(format!("stream on ({view})")),
            Self::Foreign(view) => Step::LeftAlone(format!(
                "stream: its view type {view} holds no new image and serves someone else; \
                 the table gets backups and exports, and no change feed"
            )),
            Self::Replicated => {
                Step::LeftAlone("stream: the table has replicas (global table)".to_owned())
            }
        }
    }
}

/// The stream's ARN, if the table has or may be given a stream that serves.
async fn ensure_stream(
    clients: &Clients,
    description: &TableDescription,
    steps: &mut Vec<Step>,
) -> Result<Option<String>, Failure> {
    let name = description.table_name().unwrap_or_default();
    match stream_of(description) {
        Stream::Off => {
            table::enable_stream(clients.dynamodb(), name).await?;
            let description = table::wait_until_active(clients.dynamodb(), name).await?;
            steps.push(Step::Done(STREAM_ON.to_owned()));
            stream_arn(&description).map(Some)
        }
        stream @ Stream::Serves(_) => {
            steps.push(stream.step());
            stream_arn(description).map(Some)
        }
        stream @ (Stream::Foreign(_) | Stream::Replicated) => {
            steps.push(stream.step());
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

/// How a stream feeds our function.
enum Fed<'m> {
    /// By a mapping that is as it should be.
    AsSet,
    /// By one that is off, or batches otherwise.
    Otherwise(&'m str),
    /// By one that is being deleted.
    Leaving,
    /// Not, and so many others read it.
    ByOthers(usize),
    /// Not.
    Not,
}

fn fed<'m>(mappings: &'m [EventSourceMappingConfiguration], settings: &MappingSettings) -> Fed<'m> {
    let (ours, foreign): (Vec<_>, Vec<_>) =
        mappings.iter().partition(|mapping| mapping::feeds(mapping, &settings.function));
    match ours.first() {
        Some(mapping) if mapping::is_leaving(mapping) => Fed::Leaving,
        Some(mapping) if mapping::is_as_set(mapping, settings) => Fed::AsSet,
        Some(mapping) => Fed::Otherwise(mapping.uuid().unwrap_or_default()),
        None if foreign.len() >= 2 => Fed::ByOthers(foreign.len()),
        None => Fed::Not,
    }
}

fn by_others(count: usize) -> Step {
    Step::LeftAlone(format!(
        "stream mapping: {count} other functions read the stream, which serves two readers at most"
    ))
}

/// Says whether the stream feeds our function, and what of that failed last.
async fn ensure_mapping(
    clients: &Clients,
    settings: &MappingSettings,
    stream_arn: &str,
    steps: &mut Vec<Step>,
) -> Result<(bool, Option<String>), Failure> {
    let mappings = mapping::of_stream(clients.lambda(), stream_arn).await?;
    let step = match fed(&mappings, settings) {
        Fed::Leaving => {
            let message = "the stream mapping is being deleted; it can be made again after that";
            return Err(Failure::stated(
                "ListEventSourceMappings",
                stream_arn,
                message,
                Class::Retryable,
            ));
        }
        Fed::AsSet => Step::AlreadySo(MAPPING_THERE.to_owned()),
        Fed::Otherwise(uuid) => {
            mapping::repair(clients.lambda(), uuid, settings).await?;
            Step::Done(MAPPING_REPAIRED.to_owned())
        }
        Fed::ByOthers(count) => by_others(count),
        Fed::Not => {
            mapping::create(clients.lambda(), stream_arn, settings).await?;
            Step::Done(MAPPING_MADE.to_owned())
        }
    };
    let feeds = !matches!(step, Step::LeftAlone(_));
    steps.push(step);
    let ours = mappings.iter().find(|mapping| mapping::feeds(mapping, &settings.function));
    Ok((feeds, ours.and_then(mapping::problem)))
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::{ReplicaDescription, StreamSpecification};

    use super::*;

    #[test]
    fn what_serves_others_is_left_as_it_is() {
        let told = |view: Option<StreamViewType>, has_replicas: bool| {
            let replicas = has_replicas.then(|| vec![ReplicaDescription::builder().build()]);
            let stream = view.map(|view| {
                let stream = StreamSpecification::builder().stream_enabled(true);
                stream.stream_view_type(view).build().unwrap()
            });
            let description = TableDescription::builder();
            let description = description.set_stream_specification(stream);
            format!("{:?}", stream_of(&description.set_replicas(replicas).build()).step())
        };
        insta::assert_snapshot!(told(None, false), @r#"AlreadySo("no stream")"#);
        insta::assert_snapshot!(told(Some(StreamViewType::NewAndOldImages), false), @r#"AlreadySo("stream on (NEW_AND_OLD_IMAGES)")"#);
        insta::assert_snapshot!(told(Some(StreamViewType::NewImage), false), @r#"AlreadySo("stream on (NEW_IMAGE)")"#);
        insta::assert_snapshot!(told(Some(StreamViewType::OldImage), false), @r#"LeftAlone("stream: its view type OLD_IMAGE holds no new image and serves someone else; the table gets backups and exports, and no change feed")"#);
        insta::assert_snapshot!(told(Some(StreamViewType::NewAndOldImages), true), @r#"LeftAlone("stream: the table has replicas (global table)")"#);
    }

    #[test]
    fn a_stream_serves_two_readers_at_most() {
        let settings = MappingSettings {
            function: "arn:ours".to_owned(),
            batch_size: 1000,
            batch_window_seconds: 30,
            failure_bucket: "lake".to_owned(),
        };
        let told = |functions: &[(&str, &str)]| {
            let mapping = |&(function, state): &(&str, &str)| {
                let mapping = EventSourceMappingConfiguration::builder().uuid(function);
                mapping.function_arn(function).state(state).build()
            };
            let mappings: Vec<_> = functions.iter().map(mapping).collect();
            match fed(&mappings, &settings) {
                Fed::AsSet => "as set".to_owned(),
                Fed::Otherwise(uuid) => format!("to be set: {uuid}"),
                Fed::Leaving => "being deleted".to_owned(),
                Fed::ByOthers(count) => format!("{:?}", by_others(count)),
                Fed::Not => "to be made".to_owned(),
            }
        };
        insta::assert_snapshot!(told(&[]), @"to be made");
        insta::assert_snapshot!(told(&[("arn:a", "Enabled")]), @"to be made");
        insta::assert_snapshot!(told(&[("arn:a", "Enabled"), ("arn:b", "Enabled")]), @r#"LeftAlone("stream mapping: 2 other functions read the stream, which serves two readers at most")"#);
        insta::assert_snapshot!(told(&[("arn:a", "Enabled"), ("arn:ours", "Disabled")]), @"to be set: arn:ours");
        insta::assert_snapshot!(told(&[("arn:ours:live", "Deleting")]), @"being deleted");
    }
}

//! Full exports: one for each time that is due, one that begins a table's snapshots, one that begins a chain anew, one after a
//! change feed that began later than the newest.
//!
//! ```text
//! asked for ─▶ note: name, time, attempt ─▶ DynamoDB, under a token of just these ─▶ note: ARN
//!                        ▲                                    │ looked at by each run that follows
//!                        │                                    ├─ completed ─▶ note: completed
//!                        └── attempt + 1 ◀── failed, or in progress for a day
//!                                                             └─ for the fifth time ─▶ note: given up, told
//! ```
//!
//! The note is `state/backup/<table>/full-export.json`, of the newest one. It is written before DynamoDB is
//! asked, over what was read: of two runs at once one writes it, and the other finds it and asks for the same, under the same
//! token, which DynamoDB makes one export. A run that breaks off in between is gone on with by the next one in the same way.
//!
//! **As of when.** A scheduled export is as of [`LAG`] before its scheduled time, in whole seconds, so that whoever asks
//! again asks for the same, at whatever time: DynamoDB refuses a token that comes with another request. `ExportTime` has to
//! lie in what recovery reaches, and that ends some five minutes ago (`LatestRestorableDateTime`), so it cannot be the
//! scheduled time itself. Where recovery does not reach back that far, or the change feed does not, as right after they were
//! switched on, the export is as of when it is asked for; DynamoDB tells which time that was. An export as of before the
//! feed would leave out of a view what changed between the two.

mod note;

use aws::{
    Clients, Failure,
    export::{self, Content},
    recovery::Restorable,
    sdk::dynamodb::types::{StreamViewType, TableDescription},
    state::{self, Put},
};
use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};
use lake::path;

pub(crate) use self::note::Standing;
use self::note::{Note, Outcome};
use crate::{Settings, chain::EARLY, naming};

/// How long before its scheduled time an export is as of.
const LAG: SignedDuration = SignedDuration::from_mins(10);
/// Of so many runs that write the note at once each gets its turn.
const MOST_TRIES: u32 = 5;

/// A table whose exports are seen to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FullExports<'a> {
    pub(crate) clients: &'a Clients,
    pub(crate) settings: &'a Settings,
    /// The table's name and ARN.
    pub(crate) table: (&'a str, &'a str),
    /// Tells the table from one that had its name before.
    pub(crate) table_id: &'a str,
    /// See [`fed_since`].
    pub(crate) fed_since: Timestamp,
    pub(crate) now: Timestamp,
}

/// Why an export is made; of one time there is one for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// It is due.
    Due,
    /// The table has no snapshot; another that was asked for does as well.
    First,
    /// A chain of increments has to begin anew.
    Anew,
    /// An audit of that snapshot found the feed to have a hole.
    Audit,
    /// The change feed began after the newest one.
    Feed,
}

/// The newest full export as it was found, and what a write over its note has to name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Newest {
    pub(crate) standing: Standing,
    /// Whether it is as of before the change feed: what changed in between is in neither.
    pub(crate) precedes_feed: bool,
    note: Option<Note>,
    tag: Option<String>,
}

impl FullExports<'_> {
    /// Asks for the export of a time, and gives its ARN; the same again, if it was asked for before.
    pub(crate) async fn ask(&self, scheduled: Timestamp, why: Why) -> Result<String, Failure> {
        let name = name(scheduled, why);
        let time = match why {
            Why::Due | Why::First => self.as_of(scheduled).await?,
            Why::Anew | Why::Audit | Why::Feed => None,
        };
        for _ in 1..MOST_TRIES {
            let (note, tag) = self.read().await?;
            if why == Why::Anew
                && let Some(Note { outcome: Some(Outcome::GivenUp), name, .. }) = &note
            {
                return Err(self.given_up(name));
            }
            let fruitless = note.as_ref().map_or(0, |note| note.fruitless + 1);
            let does = |note: &Note| why == Why::First && !note.is_old(self.now);
            let note = note.filter(|note| note.name == name || does(note));
            let (note, tag) = match note {
                Some(Note { arn: Some(arn), .. }) => return Ok(arn),
                Some(note) => (note, tag),
                None => {
                    let fruitless = if why == Why::First { fruitless } else { 0 };
                    let note = Note { fruitless, ..self.first(name.clone(), time) };
                    match self.write(&note, tag.as_deref()).await? {
                        Put::Written(tag) => (note, Some(tag)),
                        Put::Lost => continue,
                    }
                }
            };
            return self.start(note, tag).await;
        }
        Err(self.contended())
    }

    /// Looks at the newest export. Nothing is asked for, and nothing is written.
    pub(crate) async fn look(&self) -> Result<Newest, Failure> {
        let (note, tag) = self.read().await?;
        let standing = match &note {
            None => Standing::None,
            Some(note) if note.outcome.is_some() => note.standing(None, self.now),
            Some(note) => {
                let told = match &note.arn {
                    Some(arn) => export::describe(self.clients.dynamodb(), arn).await?,
                    None => None,
                };
                note.standing(told.as_ref(), self.now)
            }
        };
        let precedes_feed = note.as_ref().is_some_and(|note| note.precedes(self.fed_since));
        Ok(Newest { standing, precedes_feed, note, tag })
    }

    /// Notes that the newest export completed, so that it is not described again.
    pub(crate) async fn settle(&self, newest: &Newest) -> Result<(), Failure> {
        match (&newest.standing, &newest.note) {
            (Standing::Completed { .. }, Some(note)) if note.outcome.is_none() => {
                self.end(note, newest, Outcome::Completed).await
            }
            _ => Ok(()),
        }
    }

    /// Asks for the newest export again, and gives its ARN; nothing if another run was quicker.
    pub(crate) async fn ask_again(&self, newest: &Newest) -> Result<Option<String>, Failure> {
        let Some(note) = &newest.note else { return Ok(None) };
        if note.arn.is_none() {
            // A run broke off between the note and the request.
            return self.start(note.clone(), newest.tag.clone()).await.map(Some);
        }
        let attempt = note.attempt + 1;
        let next = Note { attempt, asked_at: self.now, arn: None, ..note.clone() };
        match self.write(&next, newest.tag.as_deref()).await? {
            Put::Written(tag) => self.start(next, Some(tag)).await.map(Some),
            Put::Lost => Ok(None),
        }
    }

    /// Notes that the newest export is asked for no more.
    pub(crate) async fn give_up(&self, newest: &Newest) -> Result<(), Failure> {
        let Some(note) = &newest.note else { return Ok(()) };
        self.end(note, newest, Outcome::GivenUp).await
    }

    /// Another run that was quicker has found the same.
    async fn end(&self, note: &Note, newest: &Newest, outcome: Outcome) -> Result<(), Failure> {
        let note = Note { outcome: Some(outcome), ..note.clone() };
        self.write(&note, newest.tag.as_deref()).await.map(|_| ())
    }

    /// As of when an export that is due at a time is.
    async fn as_of(&self, scheduled: Timestamp) -> Result<Option<Timestamp>, Failure> {
        let restorable = aws::recovery::restorable(self.clients.dynamodb(), self.table.0).await?;
        Ok(restorable.and_then(|restorable| as_of(scheduled, restorable, self.fed_since)))
    }

    fn first(&self, name: String, time: Option<Timestamp>) -> Note {
        let table_id = self.table_id.to_owned();
        let asked_at = self.now;
        Note { table_id, name, time, attempt: 1, asked_at, arn: None, outcome: None, fruitless: 0 }
    }

    /// Starts what is noted, and notes its ARN.
    async fn start(&self, note: Note, tag: Option<String>) -> Result<String, Failure> {
        let arn = match self.request(&note).await {
            Ok(arn) => arn,
            Err(failure) => {
                if failure.class == aws::Class::Permanent {
                    self.note_refused(&note, tag.as_deref()).await;
                }
                return Err(failure);
            }
        };
        let note = Note { arn: Some(arn.clone()), ..note };
        if self.write(&note, tag.as_deref()).await? == Put::Lost {
            // Another run noted the same export, or one that is newer.
            tracing::info!(table = self.table.0, export = arn, "export noted by another run");
        }
        Ok(arn)
    }

    /// Should it not be noted, the next run asks for the same and is refused again: what is told is the refusal.
    async fn note_refused(&self, note: &Note, tag: Option<&str>) {
        let table = self.table.0;
        match self.write(&note.refused(self.now), tag).await {
            Ok(Put::Written(_)) => {}
            Ok(Put::Lost) => tracing::info!(table, "export refused, and noted by another run"),
            Err(failure) => tracing::warn!(table, %failure, "refused export not noted"),
        }
    }

    async fn request(&self, note: &Note) -> Result<String, Failure> {
        let (table, table_arn) = self.table;
        let prefix = format!("{table}/full/{}", note.name);
        let to = &self.settings.exports;
        let export = export::Export {
            table_arn,
            prefix: &prefix,
            client_token: &note.token(table_arn, &to.to_string()),
            content: Content::Full { time: note.time },
        };
        export::start(self.clients.dynamodb(), to, export).await
    }

    /// The note, if it is of this table, and what a write over it has to name.
    async fn read(&self) -> Result<(Option<Note>, Option<String>), Failure> {
        let bucket = &self.settings.enrolment.lake_bucket;
        let Some(read) = state::read(self.clients.s3(), bucket, &self.key()).await? else {
            return Ok((None, None));
        };
        let note = serde_json::from_slice(&read.bytes).ok();
        Ok((note.filter(|note: &Note| note.table_id == self.table_id), Some(read.tag)))
    }

    async fn write(&self, note: &Note, over: Option<&str>) -> Result<Put, Failure> {
        let bytes = serde_json::json!(note).to_string().into_bytes();
        let bucket = &self.settings.enrolment.lake_bucket;
        state::write(self.clients.s3(), bucket, &self.key(), bytes, over).await
    }

    fn key(&self) -> String {
        path::state("backup", &format!("{}/full-export.json", path::folder(self.table.0)))
    }

    fn given_up(&self, name: &str) -> Failure {
        let message = format!(
            "full export {name} was given up, and nothing begins anew without one; the next scheduled one is tried again"
        );
        let resource = format!("table {}", self.table.0);
        Failure::stated("ExportTableToPointInTime", resource, message, aws::Class::Permanent)
    }

    fn contended(&self) -> Failure {
        let message = "other runs write it again and again; the next run finds what they did";
        Failure::stated("PutObject", self.key(), message, aws::Class::Retryable)
    }
}

fn name(scheduled: Timestamp, why: Why) -> String {
    let time = naming::compact(scheduled);
    match why {
        Why::Due | Why::First => time,
        Why::Anew => format!("{time}-anew"),
        Why::Audit => format!("{time}-audit"),
        Why::Feed => format!("{time}-feed"),
    }
}

/// As of when the export of a scheduled time is; nothing where recovery or the feed does not reach that.
fn as_of(
    scheduled: Timestamp,
    Restorable { earliest, latest }: Restorable,
    fed_since: Timestamp,
) -> Option<Timestamp> {
    let time = Timestamp::from_second(scheduled.as_second()).ok()?.checked_sub(LAG).ok()?;
    let is_fed = fed_since.checked_add(EARLY).is_ok_and(|since| since <= time);
    (earliest <= time && time <= latest && is_fed).then_some(time)
}

/// Since when the change feed tells of a table's changes, from what the table was like when the run began: from its
/// stream's beginning, from now on (the end of time) if the run began the feed, and where there is none
/// nothing is missed.
pub(crate) fn fed_since(before: &TableDescription, has_feed: bool) -> Timestamp {
    let stream = before.stream_specification().filter(|stream| stream.stream_enabled());
    match stream.and_then(|stream| stream.stream_view_type()) {
        Some(StreamViewType::NewAndOldImages | StreamViewType::NewImage) => {
            before.latest_stream_label().and_then(time_of_label).unwrap_or(Timestamp::MAX)
        }
        _ if has_feed => Timestamp::MAX,
        _ => Timestamp::MIN,
    }
}

/// A stream's label is when it began: `2026-11-22T15:00:00.000`.
fn time_of_label(label: &str) -> Option<Timestamp> {
    let time: civil::DateTime = label.trim_end_matches('Z').parse().ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use aws::sdk::dynamodb::types::StreamSpecification;

    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_scheduled_export_is_as_of_a_time_that_recovery_reaches() {
        let check = |scheduled: &str, earliest: &str, latest: &str| {
            let restorable = Restorable { earliest: time(earliest), latest: time(latest) };
            as_of(time(scheduled), restorable, Timestamp::MIN)
                .map_or("now".to_owned(), |time| time.to_string())
        };
        let (month_ago, latest) = ("2026-10-22T03:00:00Z", "2026-11-22T02:55:03Z");
        let run = check("2026-11-22T03:00:00.7Z", month_ago, latest);
        assert_eq!(run, "2026-11-22T02:50:00Z");
        // Recovery was switched on five minutes before; the run is of a time to come.
        assert_eq!(check("2026-11-22T03:00:00Z", "2026-11-22T02:55:00Z", latest), "now");
        assert_eq!(check("2026-11-22T03:30:00Z", month_ago, latest), "now");
    }

    #[test]
    fn an_export_of_before_the_feed_is_not_the_last() {
        let check = |as_of: Option<&str>, asked_at: &str, fed_since| {
            let (table_id, name) = ("id".to_owned(), "20261122T030000Z".to_owned());
            let (time, asked_at) = (as_of.map(time), time(asked_at));
            let (arn, outcome) = (None, None);
            let note =
                Note { table_id, name, time, attempt: 1, asked_at, arn, outcome, fruitless: 0 };
            note.precedes(fed_since)
        };
        let asked_at = "2026-11-22T03:00:10Z";
        assert!(check(None, asked_at, time("2026-11-22T03:00:11Z")));
        assert!(!check(None, asked_at, time("2026-11-22T03:00:09Z")));
        assert!(check(Some("2026-11-22T02:50:00Z"), asked_at, time("2026-11-22T02:50:01Z")));
        assert!(!check(Some("2026-11-22T02:50:00Z"), asked_at, time("2026-11-22T02:48:00Z")));
        // The run has begun the feed, and the next one knows when; or there is none.
        assert!(!check(None, asked_at, Timestamp::MAX));
        assert!(!check(None, asked_at, Timestamp::MIN));
    }

    #[test]
    fn no_scheduled_export_is_as_of_before_the_feed() {
        let since = |label: Option<&str>, view: Option<StreamViewType>, has_feed: bool| {
            let stream = StreamSpecification::builder().stream_enabled(view.is_some());
            let before = TableDescription::builder()
                .set_latest_stream_label(label.map(str::to_owned))
                .stream_specification(stream.set_stream_view_type(view).build().unwrap());
            let restorable = Restorable {
                earliest: time("2026-10-22T03:00:00Z"),
                latest: time("2026-11-22T02:55:03Z"),
            };
            let fed_since = fed_since(&before.build(), has_feed);
            as_of(time("2026-11-22T03:00:00Z"), restorable, fed_since)
                .map_or("now".to_owned(), |time| time.to_string())
        };
        let (both, keys) = (StreamViewType::NewAndOldImages, StreamViewType::KeysOnly);
        let (old, young) = (Some("2026-11-22T02:48:00.000"), Some("2026-11-22T02:48:00.001"));
        assert_eq!(since(old, Some(both.clone()), true), "2026-11-22T02:50:00Z");
        assert_eq!(since(young, Some(both.clone()), true), "now");
        assert_eq!(since(Some("soon"), Some(both), true), "now");
        // The run switched the stream on, or there is none of ours.
        assert_eq!(since(old, None, true), "now");
        assert_eq!(since(young, Some(keys), false), "2026-11-22T02:50:00Z");
    }
}

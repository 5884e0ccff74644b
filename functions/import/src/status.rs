//! The state of one import, as its object `status/<table>/<import id>.json` holds it: lease, progress
//! and what a later turn needs to go on. Pure; [`crate::lease`] reads and writes it.
//!
//! ```text
//! surveying ─▶ loading ──────────────────────────▶ finished
//!     │   └──▶ staging ─▶ importing (ImportTable) ─▶ finished
//!     └─────────────────────── any ──────────────▶ failed
//! ```
//!
//! An import that fails removes what it staged, unless `ImportTable` may be reading it: [`Stage::reads_staged`].
//!
//! Work that outlasts an invocation goes on in a message of our own; each is a *turn*, counted from 0.
//!
//! | the state says | a message of turn *n* |
//! |---|---|
//! | nothing, there is none | starts |
//! | finished or failed | has nothing to do |
//! | a turn later than *n* | has nothing to do: the message of that turn is in the queue |
//! | a lease that holds | goes back to the queue |
//! | a lease that ran out, or was given back | goes on from the checkpoint |

use std::collections::BTreeMap;

use aws::enrolment::Step;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::report::{Outcome, Report, Source};

/// How long a lease holds unless it is renewed. Who cannot renew it stops before others may start.
pub(crate) const LEASE: SignedDuration = SignedDuration::from_secs(30);
/// How often lease and progress are written.
pub(crate) const HEARTBEAT: std::time::Duration = std::time::Duration::from_secs(5);

/// What an import is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Phase {
    /// Every row is looked at; nothing exists yet.
    Surveying,
    /// Items are written by the direct engine.
    Loading,
    /// The native engine's input is written to `staging/`.
    Staging,
    /// `ImportTable` is at work.
    Importing,
    /// The report is written, and says how it ended.
    Ended,
}

/// The state of an import.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Status {
    /// Names this writing of the source.
    pub(crate) import_id: String,
    /// The table it becomes.
    pub(crate) table: String,
    /// What is imported.
    pub(crate) source: Source,
    /// What is being done.
    pub(crate) phase: Phase,
    /// How far it is.
    pub(crate) progress: Progress,
    /// When the first turn began.
    pub(crate) began_at: Timestamp,
    /// When this was written.
    pub(crate) updated_at: Timestamp,
    /// The message that may go on with it.
    pub(crate) turn: u32,
    /// Who is at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) lease: Option<Lease>,
    /// Where the engine is; from then on the source is not surveyed again, see [`crate::work`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) engine: Option<Engine>,
    /// How far the files are that are staged by a message each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) staging: Option<Staging>,
    /// The table that is loaded, once it is there: DynamoDB's id of it, which no other gets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) table_id: Option<String>,
    /// What the table was given besides its items, once it was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) enrolment: Vec<Step>,
}

/// Who is at an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Lease {
    /// The invocation.
    pub(crate) holder: String,
    /// Until when, unless it is renewed.
    pub(crate) until: Timestamp,
}

/// How far a phase is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Progress {
    /// Rows read.
    pub(crate) rows: u64,
    /// Rows that are items of the table.
    pub(crate) written: u64,
    /// Rows that are rejects.
    pub(crate) rejected: u64,
    /// Bytes of the source read, as stored.
    pub(crate) bytes: u64,
    /// Bytes of the whole source, as stored.
    pub(crate) bytes_total: u64,
    /// Of the bytes, in this phase.
    pub(crate) percent: f64,
    /// Rows per second since the phase began in this turn.
    pub(crate) rows_per_second: f64,
    /// Calls that DynamoDB throttled.
    pub(crate) throttled_calls: u64,
}

/// How far the files are that are staged at the same time. For people: of a file whose message came twice
/// the rows may be counted twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Staging {
    began_at: Timestamp,
    /// Those that are staged.
    done: Amount,
    /// What was read of others, by file.
    under_way: BTreeMap<usize, Amount>,
}

/// What was read of a source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Amount {
    /// Rows.
    pub(crate) rows: u64,
    /// Bytes, as stored.
    pub(crate) bytes: u64,
}

impl Staging {
    /// Nothing is staged yet.
    pub(crate) fn begun(began_at: Timestamp) -> Self {
        Self { began_at, done: Amount::default(), under_way: BTreeMap::new() }
    }

    /// So much was read of a file.
    pub(crate) fn reached(&mut self, file: usize, amount: Amount) {
        self.under_way.insert(file, amount);
    }

    /// A file is staged, and so much was in it.
    pub(crate) fn staged(&mut self, file: usize, amount: Amount) {
        self.under_way.remove(&file);
        self.done.rows += amount.rows;
        self.done.bytes += amount.bytes;
    }

    /// How far all of them are.
    #[expect(clippy::cast_precision_loss, reason = "a percentage and a rate for people")]
    pub(crate) fn progress(&self, bytes_total: u64, now: Timestamp) -> Progress {
        let all = || self.under_way.values().chain([&self.done]);
        let (rows, bytes) = (all().map(|a| a.rows).sum(), all().map(|a| a.bytes).sum::<u64>());
        let share = bytes as f64 / bytes_total.max(1) as f64;
        let seconds = now.duration_since(self.began_at).as_secs_f64().max(1.0);
        Progress {
            rows,
            bytes: bytes.min(bytes_total),
            bytes_total,
            percent: (share.min(1.0) * 1000.0).round() / 10.0,
            rows_per_second: (rows as f64 / seconds).round(),
            ..Progress::default()
        }
    }
}

/// Where an engine is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "name")]
pub(crate) enum Engine {
    /// `BatchWriteItem`.
    Direct(Loaded),
    /// `ImportTable`.
    Native(Native),
}

/// How far the direct engine came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Loaded {
    /// Everything before it is written.
    pub(crate) checkpoint: Checkpoint,
    /// Items DynamoDB took until then.
    pub(crate) written: u64,
    /// Rows that DynamoDB refused until then although they looked right to us.
    pub(crate) refused: u64,
    /// Calls that were throttled until then.
    pub(crate) throttled_calls: u64,
    /// Turns since then in which no checkpoint was reached.
    #[serde(default)]
    pub(crate) stalled: u32,
}

/// How far the native engine is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Native {
    /// Counts the jobs that were started; part of the client token.
    pub(crate) attempt: u32,
    /// What it is doing.
    pub(crate) stage: Stage,
    /// After that the job is not followed any more.
    pub(crate) not_after: Timestamp,
}

/// What the native engine is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "at")]
pub(crate) enum Stage {
    /// Files are being staged.
    Staging,
    /// They are staged, and `ImportTable` is asked for; if the answer was lost, it is at work.
    Starting,
    /// `ImportTable` is at work.
    #[serde(rename_all = "camelCase")]
    Importing {
        /// The job.
        import_arn: String,
        /// When it was started.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        started_at: Option<Timestamp>,
        /// Whether it was seen to have ended, well or not.
        #[serde(default)]
        has_ended: bool,
    },
}

impl Stage {
    /// Whether `ImportTable` may be reading what is staged.
    pub(crate) fn reads_staged(&self) -> bool {
        match self {
            Self::Staging => false,
            Self::Starting => true,
            Self::Importing { has_ended, .. } => !has_ended,
        }
    }
}

/// A place between two rows of the source: everything before it is done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Checkpoint {
    /// The file, counted from 0.
    pub(crate) file: usize,
    /// Rows of all files before it.
    pub(crate) rows: u64,
    /// Rows of this file before it.
    pub(crate) rows_of_file: u64,
    /// The line that comes next, counted from 1.
    pub(crate) line: u64,
    /// The byte that comes next in the decompressed file, counted from 0.
    pub(crate) offset: u64,
    /// How far CSV follows an open quote, see [`item::format::Place`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) patience: Option<usize>,
}

/// What a message of a turn may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum May {
    /// Work.
    Go,
    /// Nothing: the import has ended, or a later message carries it.
    Drop,
    /// Come again later: another invocation is at it.
    Wait,
}

impl Status {
    /// What a message of this turn may do now, at the hand of `holder`.
    pub(crate) fn may(&self, turn: u32, holder: &str, now: Timestamp) -> May {
        if self.phase == Phase::Ended || turn < self.turn {
            return May::Drop;
        }
        match &self.lease {
            Some(lease) if lease.holder != holder && now < lease.until => May::Wait,
            _ => May::Go,
        }
    }

    /// The report of an import of which no more than this is known.
    pub(crate) fn report(&self) -> Report {
        Report {
            import_id: self.import_id.clone(),
            source: self.source.clone(),
            objects: Vec::new(),
            rejected_from: None,
            table: self.table.clone(),
            outcome: Outcome::Finished,
            rows_read: 0,
            rows_written: 0,
            rows_rejected: 0,
            rows_superseded: 0,
            rejects: Vec::new(),
            inferences: Vec::new(),
            plan: None,
            throttled_calls: 0,
            import_table: None,
            enrolment: Vec::new(),
            turns: self.turn + 1,
            seconds: 0.0,
            next: String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(phase: Phase, turn: u32, lease: Option<Lease>) -> Status {
        let began_at: Timestamp = "2026-11-22T03:00:00Z".parse().unwrap();
        Status {
            import_id: "id".into(),
            table: "planes".into(),
            source: Source::default(),
            phase,
            progress: Progress::default(),
            began_at,
            updated_at: began_at,
            turn,
            lease,
            engine: None,
            staging: None,
            table_id: None,
            enrolment: Vec::new(),
        }
    }

    #[test]
    fn who_may_go_on() {
        let now: Timestamp = "2026-11-22T03:00:00Z".parse().unwrap();
        let held = |seconds| {
            let until = now + SignedDuration::from_secs(seconds);
            Some(Lease { holder: "other".into(), until })
        };
        let check = |phase, turn_now, lease, turn, expected| {
            let found = status(phase, turn_now, lease).may(turn, "me", now);
            assert_eq!(found, expected, "{phase:?} turn {turn_now}, message of turn {turn}");
        };
        check(Phase::Surveying, 0, held(1), 0, May::Wait);
        check(Phase::Surveying, 0, held(0), 0, May::Go);
        check(Phase::Surveying, 0, held(-1), 0, May::Go);
        check(Phase::Loading, 1, None, 1, May::Go);
        check(Phase::Loading, 1, None, 0, May::Drop);
        check(Phase::Loading, 1, held(9), 0, May::Drop);
        // The next message may come before the state says that it was sent.
        check(Phase::Loading, 1, held(9), 2, May::Wait);
        check(Phase::Loading, 1, held(0), 2, May::Go);
        check(Phase::Ended, 1, None, 1, May::Drop);
        let own =
            status(Phase::Loading, 0, Some(Lease { holder: "me".into(), until: now + LEASE }));
        assert_eq!(own.may(0, "me", now), May::Go);
    }

    #[test]
    fn what_is_staged_is_read_until_the_job_is_seen_to_have_ended() {
        for (stage, is_read) in [
            (r#"{"at":"staging"}"#, false),
            (r#"{"at":"starting"}"#, true),
            (r#"{"at":"importing","importArn":"arn"}"#, true),
            (r#"{"at":"importing","importArn":"arn","startedAt":"2026-11-22T03:00:00Z"}"#, true),
            (r#"{"at":"importing","importArn":"arn","hasEnded":false}"#, true),
            (r#"{"at":"importing","importArn":"arn","hasEnded":true}"#, false),
        ] {
            let stage: Stage = serde_json::from_str(stage).unwrap();
            assert_eq!(stage.reads_staged(), is_read, "{stage:?}");
            let text = serde_json::json!(stage).to_string();
            assert_eq!(serde_json::from_str::<Stage>(&text).unwrap(), stage);
        }
    }

    #[test]
    fn files_that_are_staged_at_the_same_time_add_up() {
        let began_at: Timestamp = "2026-11-22T03:00:00Z".parse().unwrap();
        let mut staging = Staging::begun(began_at);
        let amount = |rows, bytes| Amount { rows, bytes };
        let mut told = Vec::new();
        let mut tell = |staging: &Staging| {
            let now = began_at + SignedDuration::from_secs(10);
            let Progress { rows, bytes, percent, rows_per_second, .. } =
                staging.progress(1000, now);
            told.push((rows, bytes, percent, rows_per_second));
        };
        staging.reached(0, amount(10, 100));
        staging.reached(1, amount(5, 50));
        tell(&staging);
        // A file that is begun again counts from its beginning.
        staging.reached(0, amount(2, 20));
        tell(&staging);
        staging.staged(0, amount(40, 400));
        tell(&staging);
        staging.staged(1, amount(60, 600));
        tell(&staging);
        assert_eq!(
            told,
            [
                (15, 150, 15.0, 2.0),
                (7, 70, 7.0, 1.0),
                (45, 450, 45.0, 5.0),
                (100, 1000, 100.0, 10.0)
            ]
        );
    }
}

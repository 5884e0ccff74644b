//! The state of one import, as its object `status/<table>/<import id>.json` holds it: lease, progress
//! and what a later turn needs to go on. Pure; [`crate::lease`] reads and writes it.
//!
//! ```text
//! surveying ─▶ loading ──────────────────────────▶ finished
//!     │   └──▶ staging ─▶ importing (ImportTable) ─▶ finished
//!     └─────────────────────── any ──────────────▶ failed
//! ```
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

use aws::enrolment::Step;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::report::Source;

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
    /// Counts the looks at the job.
    pub(crate) looks: u32,
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
    /// `ImportTable` is at work.
    #[serde(rename_all = "camelCase")]
    Importing {
        /// The job.
        import_arn: String,
    },
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
}

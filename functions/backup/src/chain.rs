//! The chain of incremental exports: which windows to start, so that together they have no gap. Pure.
//!
//! ```text
//!  full export        ───────── windows, from inclusive, to exclusive ─────────▶       now
//!       │   completed   │   completed   │    failed     │  in progress  │   to start   │ ·······
//!       └───────────────┴───────────────┴───────────────┴───────────────┴──────────────┘
//!     begins                         proven        again, attempt + 1              latest restorable
//! ```
//!
//! 1. **Begin.** At what an earlier run had proven, else at the known window that a full export falls into, else (there
//!    is none, or each leads to a gap) two minutes before the newest full export from which a window is due: DynamoDB may
//!    take an item as of a minute earlier than the export's time, and what changed since would be in neither. Not so far
//!    before it where recovery does not reach, or another window has it already.
//! 2. **Walk** along the known windows, each where the one before it ends. Up to the first that is not
//!    completed the chain is *proven*.
//! 3. **Start** again what failed, with the same bounds under a new token; what was never started between two known
//!    windows; and, once the wanted length has passed, everything up to the latest restorable time.
//! 4. **Reach.** Where the first of these begins before the earliest restorable time there is a gap that no
//!    increment fills: a full export has to begin the chain anew.
//!
//! | found | done |
//! |---|---|
//! | a window completed, by any of its attempts | it counts |
//! | in progress for less than a day | waited for |
//! | failed, or in progress for longer | started again: same bounds, next attempt, another token |
//! | less than the wanted length since the last window | [`Plan::Wait`] |
//! | the wanted length or more | one window of all of it; of more than 24 hours several, of 24 hours each and the rest |
//! | more than a run may start | the oldest first, the others by the runs to come |
//! | a window to start that recovery does not reach back to | [`Plan::StartAnew`], unless a later full export lies beyond the gap |
//!
//! Windows do not overlap, but in two cases. A chain that begins anew reaches up to two minutes into one that failed, since
//! what changed then may be nowhere else; that one may complete all the same, after more than a day. And where a
//! window of another chain crosses each that can be gone on with, one of them goes on: better twice than never. Every window is
//! right by itself; what it gives to replay two that overlap says `docs/lake-format.md`.
//!
//! Windows are whole quarters of an hour, 1 to 96 of them, counted from where the chain begins: none can be shorter
//! than DynamoDB takes, and runs a minute apart plan the same ones. DynamoDB takes whole seconds, windows of 15
//! minutes to 24 hours ([introduction of incremental exports](https://aws.amazon.com/blogs/database/introducing-incremental-export-from-amazon-dynamodb-to-amazon-s3/)),
//! `ExportFromTime` inclusive and `ExportToTime` exclusive
//! ([IncrementalExportSpecification](https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_IncrementalExportSpecification.html)).
//!
//! What a run plans depends on what it is given and on nothing else, tokens too. Two runs that know the same
//! exports and are told the same restorable times start the same exports, which DynamoDB then makes once.

use std::{collections::BTreeMap, fmt, str::FromStr};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::naming;

pub mod memory;

/// The shortest window that DynamoDB exports, and what all windows are multiples of.
const QUARTER: SignedDuration = SignedDuration::from_mins(15);
/// The longest window that DynamoDB exports.
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// So long before its time a full export may be taken: a minute, and one to spare.
pub(crate) const EARLY: SignedDuration = SignedDuration::from_mins(2);
/// An export that is in progress for longer than this is taken for failed.
pub(crate) const LONGEST_EXPORT: SignedDuration = SignedDuration::from_hours(24);

/// What is known of a table's chain when a run plans.
#[derive(Debug, Clone)]
pub struct Chain<'a> {
    /// What all requests of the chain have in common, such as the table's ARN; a part of every token.
    pub request: &'a str,
    /// Up to where an earlier run had proven the chain, if that is remembered. Full exports before it are
    /// not looked at, and incremental ones that end before it can be left out.
    pub proven: Option<Timestamp>,
    /// The times of full exports of this table (of this `TableId`) that completed or are still in the making: the
    /// points that a chain can begin at, in any order.
    pub fulls: &'a [Timestamp],
    /// The incremental exports of this table that are known, every attempt, in any order.
    pub exports: &'a [Exported],
    /// What point-in-time recovery reaches.
    pub recovery: Recovery,
    /// How long a window is to be at least.
    pub length: WindowLength,
    /// The most exports that one run starts, 1 or more. DynamoDB has 300 at once for an account.
    pub most_starts: usize,
    /// The time of the run.
    pub now: Timestamp,
}

/// A span of time: `from` inclusive, `to` exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Window {
    /// The first instant in it.
    pub from: Timestamp,
    /// The first instant after it.
    pub to: Timestamp,
}

/// An incremental export that was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exported {
    /// Its bounds.
    pub window: Window,
    /// Which attempt at this window it is, from 1.
    pub attempt: u32,
    /// When it was asked for.
    pub started: Timestamp,
    /// What became of it.
    pub state: State,
}

impl Exported {
    /// Whether it is in progress, and not for so long that it will never end.
    pub fn is_underway(&self, now: Timestamp) -> bool {
        is_underway(self.state, self.started, now)
    }
}

fn is_underway(state: State, started: Timestamp, now: Timestamp) -> bool {
    state == State::InProgress && now.duration_since(started) <= LONGEST_EXPORT
}

/// What became of an export; DynamoDB's `ExportStatus`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// `COMPLETED`: all of its files are there.
    Completed,
    /// `IN_PROGRESS`.
    InProgress,
    /// `FAILED`.
    Failed,
}

/// What point-in-time recovery reaches, as `DescribeContinuousBackups` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recovery {
    /// `EarliestRestorableDateTime`: moves on, and leaps to now where recovery is switched off and on.
    pub earliest: Timestamp,
    /// `LatestRestorableDateTime`: about five minutes ago.
    pub latest: Timestamp,
}

/// What a run does for a chain.
///
/// `proven` is where the first window begins that is not completed, counted from the chain's beginning. While no
/// window is, it is the beginning: two minutes before the full export, or, where a chain goes on beyond a gap, up to a day before
/// it, where the window begins that the full export falls into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// Start these exports, the oldest first, one at least.
    Start {
        /// Up to where the chain is proven; the next run may be given it.
        proven: Timestamp,
        /// The exports.
        exports: Vec<Start>,
    },
    /// Nothing is due.
    Wait {
        /// Up to where the chain is proven; the next run may be given it.
        proven: Timestamp,
    },
    /// Ask for a full export: it begins the chain anew.
    StartAnew {
        /// Why there is no chain, or none that can go on.
        reason: Reason,
    },
}

/// An incremental export to start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Start {
    /// Its bounds.
    pub window: Window,
    /// Which attempt at this window it is, from 1.
    pub attempt: u32,
    /// Makes a second request for this attempt the same export; DynamoDB remembers it for 8 hours.
    pub client_token: String,
}

/// Why a chain has to begin anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// There is no full export to begin at.
    NoFullExport,
    /// A window that was started and failed, or was never started, begins before what recovery reaches.
    OutOfReach {
        /// The window.
        window: Window,
        /// How far recovery reaches back.
        earliest: Timestamp,
    },
    /// All that was started ends before what recovery reaches.
    RecoveryBegan {
        /// Where it ends.
        to: Timestamp,
        /// How far recovery reaches back.
        earliest: Timestamp,
    },
}

impl Chain<'_> {
    /// Plans one run.
    pub fn plan(&self) -> Plan {
        let known = self.known();
        let mut fulls = self.fulls.to_vec();
        fulls.retain(|full| self.proven.is_none_or(|proven| proven < *full));
        fulls.sort_unstable();
        // A chain goes on for as long as it can: its oldest beginning proves most. One with a gap
        // goes on at the first full export beyond it. One that another chain crosses comes last: what
        // is exported to go on with it would be in the other too.
        let mut joined: Vec<_> = fulls.iter().filter_map(|full| joined(&known, *full)).collect();
        joined.sort_by_cached_key(|begin| is_crossed(&known, *begin));
        let begun = self.proven.into_iter().chain(joined);
        let mut reason = Reason::NoFullExport;
        for begin in begun {
            match self.walk(&known, begin) {
                Ok(walk) => return self.act(walk),
                Err(gap) => reason = gap,
            }
        }
        fulls.retain(|full| is_free(&known, *full));
        self.begin(&known, &fulls, reason)
    }

    /// Whether what is known leads from a full export to the last known window, without a hole: what is older need
    /// not be known then.
    pub fn is_whole(&self) -> bool {
        let known = self.known();
        let end = known.values().map(|window| window.to).max();
        let mut begun = self.fulls.iter().filter_map(|full| joined(&known, *full));
        begun.any(|begin| {
            let mut to = begin;
            while let Some((from, window)) = next(&known, to)
                && from == to
            {
                to = window.to;
            }
            end == Some(to)
        })
    }

    /// Begins a chain at the newest full export from which a window is due, so that full exports that
    /// come more often than windows do not put it off for ever; if none is due, waits for the newest's.
    fn begin(&self, known: &Known, fulls: &[Timestamp], mut reason: Reason) -> Plan {
        let mut newest = None;
        for full in fulls.iter().rev() {
            match self.walk(known, self.beginning(known, *full)) {
                Ok(walk) if !walk.wanted.is_empty() => return self.act(walk),
                Ok(walk) => newest = newest.or(Some(walk)),
                Err(gap) => {
                    reason = gap;
                    // Recovery reaches back to none of the older ones either.
                    break;
                }
            }
        }
        newest.map_or(Plan::StartAnew { reason }, |walk| self.act(walk))
    }

    /// Where a chain begins that begins at a full export: so long before it as the export may be of an earlier time,
    /// as far as recovery reaches and no window has it already. Recovery that began after the export leaves a gap.
    fn beginning(&self, known: &Known, full: Timestamp) -> Timestamp {
        let full = whole_second(full);
        let begin = full.checked_sub(EARLY).unwrap_or(full);
        let begin = begin.max(next_whole_second(self.recovery.earliest)).min(full);
        let had = known.values().filter(|window| window.standing != Standing::Failed);
        let had = had.map(|window| window.to).filter(|to| *to <= full).max();
        had.map_or(begin, |to| begin.max(to))
    }

    fn act(&self, Walk { proven, wanted }: Walk) -> Plan {
        let starts = wanted.into_iter().take(self.most_starts);
        let exports: Vec<Start> = starts.map(|wanted| self.start(wanted)).collect();
        if exports.is_empty() { Plan::Wait { proven } } else { Plan::Start { proven, exports } }
    }

    fn start(&self, Wanted { window, attempt }: Wanted) -> Start {
        Start { window, attempt, client_token: token(self.request, window, attempt) }
    }

    /// The windows that are known, by where they begin.
    fn known(&self) -> Known {
        let mut windows: BTreeMap<Window, (Standing, u32)> = BTreeMap::new();
        for export in self.exports {
            let Exported { window, attempt, .. } = *export;
            if window.to <= window.from {
                continue;
            }
            let standing = self.standing(export);
            let (best, last) = windows.entry(window).or_insert((standing, attempt));
            *best = standing.max(*best);
            *last = attempt.max(*last);
        }
        let mut known = Known::new();
        for (Window { from, to }, (standing, attempt)) in windows {
            let one = KnownWindow { standing, to, attempt };
            // Should two begin at one time, the one that is furthest counts, of these the longest.
            known.entry(from).and_modify(|best| *best = one.max(*best)).or_insert(one);
        }
        known
    }

    fn standing(&self, export: &Exported) -> Standing {
        match export.state {
            State::Completed => Standing::Completed,
            State::InProgress if export.is_underway(self.now) => Standing::Underway,
            State::InProgress | State::Failed => Standing::Failed,
        }
    }

    /// Walks from `begin` along the known windows, up to what is due now.
    fn walk(&self, known: &Known, begin: Timestamp) -> Result<Walk, Reason> {
        let mut proven = begin;
        let mut to = begin;
        let mut wanted = Vec::new();
        while let Some((from, next)) = next(known, to) {
            wanted.extend(cut(Window { from: to, to: from }).into_iter().map(first_attempt));
            let window = Window { from, to: next.to };
            match next.standing {
                Standing::Failed => {
                    wanted.push(Wanted { window, attempt: next.attempt.saturating_add(1) });
                }
                Standing::Completed if proven == from => proven = next.to,
                Standing::Completed | Standing::Underway => {}
            }
            to = next.to;
        }
        wanted.extend(cut(self.due(to)).into_iter().map(first_attempt));
        // What another run started may end later than this one is told: DynamoDB would refuse it, so it waits.
        wanted.retain(|wanted| wanted.window.to <= self.recovery.latest);
        self.ensure_reach(&wanted, to)?;
        Ok(Walk { proven, wanted })
    }

    /// What is due after all that was started: nothing, or whole quarters of an hour up to the latest
    /// restorable time.
    fn due(&self, from: Timestamp) -> Window {
        let passed = self.recovery.latest.duration_since(from).as_secs();
        let whole = SignedDuration::from_secs(passed - passed.rem_euclid(QUARTER.as_secs()));
        let due = if whole < self.length.0 { SignedDuration::ZERO } else { whole };
        // Not after the latest restorable time, so there is such a time.
        Window { from, to: from.checked_add(due).unwrap_or(from) }
    }

    fn ensure_reach(&self, wanted: &[Wanted], to: Timestamp) -> Result<(), Reason> {
        let earliest = self.recovery.earliest;
        match wanted.first() {
            // Of the windows that were started all may be well, and yet the next one is out of reach.
            _ if to < earliest => Err(Reason::RecoveryBegan { to, earliest }),
            Some(Wanted { window, .. }) if window.from < earliest => {
                Err(Reason::OutOfReach { window: *window, earliest })
            }
            _ => Ok(()),
        }
    }
}

/// Windows by where they begin.
type Known = BTreeMap<Timestamp, KnownWindow>;

/// A window that was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct KnownWindow {
    standing: Standing,
    to: Timestamp,
    /// The last attempt at it.
    attempt: u32,
}

/// How far a window is, by the best of its attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    Failed,
    Underway,
    Completed,
}

/// Where a walk came to.
#[derive(Debug)]
struct Walk {
    proven: Timestamp,
    /// In the order of time.
    wanted: Vec<Wanted>,
}

/// A window to start.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    window: Window,
    attempt: u32,
}

const fn first_attempt(window: Window) -> Wanted {
    Wanted { window, attempt: 1 }
}

/// Where the chain that a full export is part of goes on from it: the beginning of the known window that
/// its time falls into. Just after that beginning the export may be of an earlier time, and what precedes it has to be had.
fn joined(known: &Known, full: Timestamp) -> Option<Timestamp> {
    let (from, _) = window_at(known, full)?;
    let mut before = known.range(..from).map(|(_, window)| window).peekable();
    let is_first = before.peek().is_none();
    let is_had = |window: &KnownWindow| window.to >= from && window.standing != Standing::Failed;
    let is_late = whole_second(full).duration_since(from) >= EARLY;
    (is_late || is_first || before.any(is_had)).then_some(from)
}

/// The known window that a time falls into.
fn window_at(known: &Known, time: Timestamp) -> Option<(Timestamp, KnownWindow)> {
    let time = whole_second(time);
    let (from, window) = known.range(..=time).next_back()?;
    (time < window.to).then_some((*from, *window))
}

/// Whether a chain can begin at a full export: no known window is there, nor so soon after it that no
/// window fits between.
fn is_free(known: &Known, full: Timestamp) -> bool {
    let full = whole_second(full);
    let mut after = known.range(full..);
    let fits = after.next().is_none_or(|(from, _)| from.duration_since(full) >= QUARTER);
    fits && window_at(known, full).is_none()
}

/// The next window of a chain that has come to `to`. One that begins so soon after it that no window
/// fits between is none of this chain's.
fn next(known: &Known, to: Timestamp) -> Option<(Timestamp, KnownWindow)> {
    let mut after = known.range(to..).map(|(from, window)| (*from, *window));
    after.find(|(from, _)| *from == to || from.duration_since(to) >= QUARTER)
}

/// Whether a window of another chain begins within one of the chain from `begin`, or so soon after it that none fits
/// between.
fn is_crossed(known: &Known, begin: Timestamp) -> bool {
    let mut to = begin;
    known.range(begin..).any(|(from, window)| {
        let crosses = *from != to && from.duration_since(to) < QUARTER;
        if !crosses {
            to = window.to;
        }
        crosses
    })
}

/// Cuts a window into such as DynamoDB takes: of a day each and the rest, which is never under a
/// quarter of an hour. One without length into none.
fn cut(Window { from, to }: Window) -> Vec<Window> {
    let mut windows = Vec::new();
    let mut from = from;
    while from < to {
        let left = to.duration_since(from);
        let length = if left <= DAY { left } else { DAY.min(left - QUARTER) };
        // There is such a time, as it is not after `to`.
        let end = from.checked_add(length).unwrap_or(to);
        windows.push(Window { from, to: end });
        from = end;
    }
    windows
}

/// DynamoDB takes whole seconds. Rounded down: that a change is also in the full export does no harm.
fn whole_second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_millisecond().div_euclid(1000)).unwrap_or(time)
}

/// The first whole second that is not before a time.
fn next_whole_second(time: Timestamp) -> Timestamp {
    let whole = whole_second(time);
    if whole < time {
        whole.checked_add(SignedDuration::from_secs(1)).unwrap_or(time)
    } else {
        whole
    }
}

/// The idempotency token of an attempt.
fn token(request: &str, Window { from, to }: Window, attempt: u32) -> String {
    naming::token(&format!("{request} {} {} {attempt}", from.as_second(), to.as_second()))
}

impl Window {
    /// The prefix that a table's export of this window is written below, whichever attempt it is:
    /// `planes/increment/20261122T030000Z_20261122T031500Z`.
    pub fn prefix(&self, table: &str) -> String {
        format!("{table}/increment/{}_{}", naming::compact(self.from), naming::compact(self.to))
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "from {} to {}", self.from, self.to)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFullExport => f.write_str("there is no full export to begin at"),
            Self::OutOfReach { window, earliest } => write!(
                f,
                "the window {window} is not exported, and recovery reaches back to {earliest} only"
            ),
            Self::RecoveryBegan { to, earliest } => write!(
                f,
                "increments end at {to}, and recovery reaches back to {earliest} only: it was switched off and on, \
                 or no run came for longer than it reaches back"
            ),
        }
    }
}

/// How long a window is to be at least: 15 minutes to 24 hours.
///
/// ```
/// use backup::chain::WindowLength;
///
/// assert_eq!("60".parse::<WindowLength>(), WindowLength::from_minutes(60));
/// assert!(WindowLength::from_minutes(5).is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowLength(SignedDuration);

/// A text that is no length of a window.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an export window is of {0:?} minutes, expected a whole number from 15 to 1440")]
pub struct WindowLengthError(String);

impl WindowLength {
    /// So many minutes, 15 to 1440.
    pub fn from_minutes(minutes: u32) -> Result<Self, WindowLengthError> {
        let length = SignedDuration::from_mins(i64::from(minutes));
        let taken = (QUARTER..=DAY).contains(&length);
        taken.then_some(Self(length)).ok_or_else(|| WindowLengthError(minutes.to_string()))
    }
}

impl FromStr for WindowLength {
    type Err = WindowLengthError;

    /// A number of minutes.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let minutes = text.parse().map_err(|_| WindowLengthError(text.to_owned()))?;
        Self::from_minutes(minutes)
    }
}

#[cfg(test)]
mod histories;
#[cfg(test)]
mod tests;

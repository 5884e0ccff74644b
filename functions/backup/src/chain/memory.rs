//! What is known of a table's exports from one run to the next: a cache of what the exports themselves tell. Pure.
//!
//! ```text
//!  ListExports, the newest first        cached up to `listed`                     older: proven, not looked at
//!  ├── page ──┼── page ──┼───────────────────────────┼───────────────────────────────────────────────
//!   described once each   read no further than this
//! ```
//!
//! DynamoDB tells of exports one by one ([`DescribeExport`][describe]) and lists no more of them than their ARNs, 25 at a time,
//! the newest first ([`ListExports`][list]): the ARN ends in the time of the export's start. So a run asks
//!
//! | | how often |
//! |---|---|
//! | a page of the list | one, as the last run's end is on it nearly always; more until it is |
//! | the description of an export | once for each that is new, and again in each run while it is in progress |
//!
//! and never more than [`MOST_DESCRIBED`] descriptions. What is proven is forgotten, so that the cache stays as
//! small as what is under way, whatever the age of the chain.
//!
//! **Where the cache is lost** (no object, one that cannot be read, another table of that name) the list is read back
//! page by page until what is known leads from a full export to the newest window without a hole ([`Chain::is_whole`]):
//! with a full export a day, and windows of a quarter of an hour, about 100 descriptions. Should that be more than one
//! run may ask for, the next run goes on, and nothing is started until all is known. The list holds 90 days: of a quarter
//! of an hour each, and without a full export among them, 44 runs of 346 pages at most.
//!
//! [describe]: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeExport.html
//! [list]: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ListExports.html

use std::collections::{BTreeMap, VecDeque};

use aws::export::{Content, Described, Page, Status};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Chain, EARLY, Exported, Start, State, Window, is_underway, token, whole_second};

/// The most exports that one run has described.
pub const MOST_DESCRIBED: usize = 200;
/// The attempts at a window that are told by their token; there is one for each hour that recovery reaches back.
const MOST_ATTEMPTS: u32 = 1000;

/// What is known of the exports of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Memory {
    /// Tells the table from one that had its name before.
    pub table_id: String,
    /// Up to where the chain is proven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven: Option<Timestamp>,
    /// The newest export of the list; all before it are known, or proven. Nothing while the list is read back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    listed: Option<String>,
    /// Exports that are not proven yet, by ARN.
    #[serde(default)]
    exports: BTreeMap<String, Known>,
    /// What a run is about to start. Whoever finds it starts it again: the token makes it one export.
    #[serde(default)]
    pub pending: Vec<Start>,
}

/// What is known of one export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
enum Known {
    /// A full one.
    Full {
        /// As of when.
        time: Timestamp,
        /// When it was asked for.
        started: Timestamp,
        /// What became of it.
        state: State,
    },
    /// A window of this chain.
    Window(Exported),
    /// Someone else's.
    Other,
}

impl Known {
    const fn state(&self) -> State {
        match self {
            Self::Full { state, .. } => *state,
            Self::Window(exported) => exported.state,
            Self::Other => State::Completed,
        }
    }

    const fn started(&self) -> Timestamp {
        match self {
            Self::Full { started, .. } => *started,
            Self::Window(exported) => exported.started,
            Self::Other => Timestamp::UNIX_EPOCH,
        }
    }
}

/// The table whose exports they are, as its exports name it.
#[derive(Debug, Clone, Copy)]
pub struct Of<'a> {
    /// Its name.
    pub table: &'a str,
    /// What all requests of its chain have in common.
    pub request: &'a str,
    /// The time of the run.
    pub now: Timestamp,
}

impl Memory {
    /// What an object holds; nothing is known of another table, and where there is none or it cannot be read.
    pub fn of(bytes: Option<&[u8]>, table_id: &str) -> Self {
        let read = bytes.and_then(|bytes| serde_json::from_slice::<Self>(bytes).ok());
        let empty = || Self { table_id: table_id.to_owned(), ..Self::default() };
        read.filter(|memory| memory.table_id == table_id).unwrap_or_else(empty)
    }

    /// The full exports that a chain can begin at.
    pub fn fulls(&self, now: Timestamp) -> Vec<Timestamp> {
        let fulls = self.exports.values().filter_map(|known| match *known {
            Known::Full { time, state: State::Completed, .. } => Some(time),
            Known::Full { time, started, state } => {
                is_underway(state, started, now).then_some(time)
            }
            _ => None,
        });
        fulls.collect()
    }

    /// The windows that are known, and those that are about to be started.
    pub fn windows(&self, now: Timestamp) -> Vec<Exported> {
        let started = self.exports.values().filter_map(|known| match known {
            Known::Window(exported) => Some(*exported),
            _ => None,
        });
        let pending = self.pending.iter().map(|start| Exported {
            window: start.window,
            attempt: start.attempt,
            started: now,
            state: State::InProgress,
        });
        started.chain(pending).collect()
    }

    /// Windows and full exports that are in progress for longer than any export that is going to end.
    pub fn stuck(&self, now: Timestamp) -> Vec<String> {
        let stuck = self.exports.iter().filter(|(_, known)| {
            known.state() == State::InProgress && !is_underway(known.state(), known.started(), now)
        });
        stuck.map(|(arn, _)| arn.clone()).collect()
    }

    /// Notes a window that was started.
    pub fn started(&mut self, arn: &str, start: &Start, now: Timestamp) {
        let Start { window, attempt, .. } = *start;
        let exported = Exported { window, attempt, started: now, state: State::InProgress };
        // What is known already is known better.
        self.exports.entry(arn.to_owned()).or_insert(Known::Window(exported));
        self.pending.retain(|pending| pending != start);
    }

    /// Notes what DynamoDB tells of an export; nothing if it knows it no more.
    pub fn told(&mut self, of: Of<'_>, arn: &str, told: Option<&Described>) {
        let before = self.exports.get(arn).copied();
        let known = match (told, before) {
            (Some(told), _) => known(of, told, before),
            // It has long been completed or failed; nobody can say which.
            (None, Some(Known::Window(exported))) => {
                Known::Window(Exported { state: State::Failed, ..exported })
            }
            (None, Some(Known::Full { time, started, .. })) => {
                Known::Full { time, started, state: State::Failed }
            }
            (None, Some(Known::Other) | None) => Known::Other,
        };
        self.exports.insert(arn.to_owned(), known);
    }

    /// Remembers up to where a plan found the chain proven, and forgets what lies before.
    ///
    /// Not while a full export in it is in progress: should that fail, the chain would stand on nothing.
    pub fn prove(&mut self, proven: Timestamp, now: Timestamp) {
        // A chain begins so long before the export that it stands on.
        let begun = proven.checked_add(EARLY).unwrap_or(proven);
        let in_progress = self.exports.values().any(|known| match *known {
            Known::Full { time, started, state } => {
                whole_second(time) <= begun && is_underway(state, started, now)
            }
            _ => false,
        });
        if in_progress || self.proven.is_some_and(|before| proven < before) {
            return;
        }
        self.proven = Some(proven);
        self.exports.retain(|_, known| match known {
            Known::Full { time, .. } => proven < *time,
            Known::Window(exported) => proven < exported.window.to,
            Known::Other => self.listed.is_none(),
        });
    }

    /// Whether an export need not be described: it is known, or older than what the list was read for.
    fn knows(&self, arn: &str) -> bool {
        let is_listed = self.listed.as_deref().is_some_and(|listed| arn <= listed);
        is_listed || self.exports.contains_key(arn)
    }

    /// How many exports are known.
    pub fn count(&self) -> usize {
        self.exports.len()
    }
}

/// What is known of an export that DynamoDB tells of.
fn known(of: Of<'_>, told: &Described, before: Option<Known>) -> Known {
    let started = told.started.unwrap_or(of.now);
    let state = match told.status {
        Status::InProgress => State::InProgress,
        Status::Completed => State::Completed,
        Status::Failed => State::Failed,
    };
    match told.content {
        Some(Content::Full { time: Some(time) }) if is_full_of(&told.prefix, of.table) => {
            Known::Full { time, started, state }
        }
        Some(Content::Incremental { from, to }) => {
            let window = Window { from, to };
            if told.prefix != window.prefix(of.table) {
                return Known::Other;
            }
            let attempt = match before {
                Some(Known::Window(exported)) => exported.attempt,
                _ => attempt(of.request, window, told.client_token.as_deref()),
            };
            Known::Window(Exported { window, attempt, started, state })
        }
        _ => Known::Other,
    }
}

/// Whether an export lies where those of the whole table do.
fn is_full_of(prefix: &str, table: &str) -> bool {
    prefix.strip_prefix(table).is_some_and(|rest| rest.starts_with("/full/"))
}

/// Which attempt at a window a token is of. One that is not ours counts as the first.
fn attempt(request: &str, window: Window, client_token: Option<&str>) -> u32 {
    let mut attempts = 1..=MOST_ATTEMPTS;
    let found = client_token.and_then(|of| attempts.find(|it| token(request, window, *it) == of));
    found.unwrap_or(1)
}

/// What a run has to ask DynamoDB next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// For the description of an export.
    Describe {
        /// Its ARN.
        arn: String,
    },
    /// For a page of the list.
    List {
        /// Where the page before ended; nothing for the first.
        from: Option<String>,
    },
}

/// One run's reading of the list. It says what to ask for, and is told the answers.
#[derive(Debug)]
pub struct Reading<'a> {
    of: Of<'a>,
    memory: Memory,
    /// To be described, in this order.
    queue: VecDeque<String>,
    /// The page that these are of.
    page: Option<Page>,
    /// Whether it has any that was not known.
    is_new: bool,
    /// Descriptions that may still be asked for.
    left: usize,
    /// The newest of the first page.
    newest: Option<String>,
    /// Whether all is known that has to be.
    is_complete: bool,
    /// What failed since the last run, and why.
    failures: Vec<String>,
}

impl<'a> Reading<'a> {
    /// Begins with what is remembered; `full` is an export that the list may not have yet.
    pub fn begin(of: Of<'a>, memory: Memory, full: Option<&str>) -> Self {
        let full = full.filter(|arn| !memory.knows(arn)).map(str::to_owned);
        let known = memory.exports.iter();
        let unsettled = known.filter(|(_, known)| known.state() == State::InProgress);
        let queue = full.into_iter().chain(unsettled.map(|(arn, _)| arn.clone())).collect();
        Self {
            of,
            memory,
            queue,
            page: None,
            is_new: false,
            left: MOST_DESCRIBED,
            newest: None,
            is_complete: false,
            failures: Vec::new(),
        }
    }

    /// What to ask next; nothing once all is known, or no more may be asked.
    pub fn ask(&mut self) -> Option<Ask> {
        if let Some(arn) = self.queue.pop_front_if(|_| self.left > 0) {
            self.left -= 1;
            return Some(Ask::Describe { arn });
        }
        if !self.queue.is_empty() {
            return None;
        }
        let from = self.page.take().and_then(|page| self.end(page));
        (!self.is_complete).then_some(Ask::List { from })
    }

    /// Takes a page of the list.
    pub fn listed(&mut self, page: Page) {
        self.newest = self.newest.take().or_else(|| page.arns.first().cloned());
        let unknown = page.arns.iter().filter(|arn| !self.memory.knows(arn));
        self.queue.extend(unknown.cloned());
        self.is_new = !self.queue.is_empty();
        self.page = Some(page);
    }

    /// Takes a description; nothing if DynamoDB knows the export no more.
    pub fn described(&mut self, arn: &str, told: Option<&Described>) {
        if told.is_some_and(|told| told.table_id != self.memory.table_id) {
            // The table was created anew after this one, and after those before it.
            self.is_complete = true;
            self.queue.clear();
            return;
        }
        self.memory.told(self.of, arn, told);
        if let Some(Described { status: Status::Failed, failure, .. }) = told {
            let why = failure.as_deref().unwrap_or("DynamoDB does not say why");
            self.failures.push(format!("{arn}: {why}"));
        }
    }

    /// Ends a page whose exports are all known, and gives where the next one begins.
    fn end(&mut self, page: Page) -> Option<String> {
        self.is_complete |= page.next.is_none()
            || match &self.memory.listed {
                Some(listed) => page.arns.iter().any(|arn| arn <= listed),
                // A page that an earlier run has read adds nothing to what was not whole then.
                None => self.is_new && self.is_whole(),
            };
        page.next
    }

    fn is_whole(&self) -> bool {
        let now = self.of.now;
        let fulls = self.memory.fulls(now);
        if fulls.is_empty() {
            return false;
        }
        let exports = self.memory.windows(now);
        // Of these nothing but what was exported is looked at.
        let chain = Chain {
            request: self.of.request,
            proven: None,
            fulls: &fulls,
            exports: &exports,
            recovery: super::Recovery { earliest: now, latest: now },
            length: super::WindowLength(super::QUARTER),
            most_starts: 1,
            now,
        };
        chain.is_whole()
    }

    /// What is known now, and what of it.
    pub fn finish(mut self) -> Read {
        if self.is_complete {
            self.memory.listed = self.newest.max(self.memory.listed);
        }
        let Self { memory, failures, is_complete, .. } = self;
        Read { memory, failures, is_complete }
    }
}

/// What a reading came to.
#[derive(Debug)]
pub struct Read {
    /// What is known now.
    pub memory: Memory,
    /// What failed since the last run, and why.
    pub failures: Vec<String>,
    /// Whether all is known that has to be.
    pub is_complete: bool,
}

#[cfg(test)]
mod tests;

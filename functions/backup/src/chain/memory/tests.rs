use std::ops::Bound;

use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::chain::{Plan, Recovery, WindowLength, histories::ensure_no_overlap};

const ARN: &str = "arn:aws:dynamodb:us-east-1:123456789012:table/planes";
const TABLE: &str = "planes";
const REQUEST: &str =
    "arn:aws:dynamodb:us-east-1:123456789012:table/planes bucket - - DYNAMODB_JSON";

fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

/// What DynamoDB knows of a table's exports, and how often it was asked.
struct DynamoDb {
    now: Timestamp,
    /// Recovery is on since then, and reaches back 35 days.
    since: Timestamp,
    table_id: String,
    exports: BTreeMap<String, Described>,
    /// The export of each token.
    tokens: BTreeMap<String, String>,
    in_progress: Vec<String>,
    lists: usize,
    descriptions: usize,
}

/// What one run asked and did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Cost {
    lists: usize,
    descriptions: usize,
    started: usize,
    is_complete: bool,
}

impl DynamoDb {
    fn new() -> Self {
        let now: Timestamp = "2026-01-01T00:00:07Z".parse().unwrap();
        let table_id = "first".to_owned();
        Self {
            now,
            since: now,
            table_id,
            exports: BTreeMap::new(),
            tokens: BTreeMap::new(),
            in_progress: Vec::new(),
            lists: 0,
            descriptions: 0,
        }
    }

    fn list(&mut self, from: Option<&str>) -> Page {
        self.lists += 1;
        let ninety_days = self.now - SignedDuration::from_hours(90 * 24);
        let until = from.map_or(Bound::Unbounded, Bound::Excluded);
        let older = self.exports.range::<str, _>((Bound::Unbounded, until)).rev();
        let listed = older.filter(|(_, told)| told.started.is_some_and(|it| it >= ninety_days));
        let mut arns: Vec<String> = listed.map(|(arn, _)| arn.clone()).take(26).collect();
        let next = (arns.len() == 26).then(|| arns[24].clone());
        arns.truncate(25);
        Page { arns, next }
    }

    fn describe(&mut self, arn: &str) -> Option<Described> {
        self.descriptions += 1;
        self.exports.get(arn).cloned()
    }

    /// Starts an export, once for each token.
    fn start(&mut self, prefix: String, content: Content, client_token: &str) -> String {
        if let Some(arn) = self.tokens.get(client_token) {
            return arn.clone();
        }
        let id =
            self.now.as_millisecond() * 1000 + i64::try_from(self.exports.len() % 1000).unwrap();
        let arn = format!("{ARN}/export/{id:017}-aaaa");
        let told = Described {
            arn: arn.clone(),
            table_id: self.table_id.clone(),
            content: Some(content),
            status: Status::InProgress,
            started: Some(self.now),
            client_token: Some(client_token.to_owned()),
            prefix,
            failure: None,
            manifest: None,
        };
        self.exports.insert(arn.clone(), told);
        self.tokens.insert(client_token.to_owned(), arn.clone());
        self.in_progress.push(arn.clone());
        arn
    }

    fn full(&mut self) -> String {
        let name = self.now.as_second();
        let content = Content::Full { time: Some(self.now) };
        self.start(format!("{TABLE}/full/{name}"), content, &format!("full {name}"))
    }

    /// Ends what is in progress.
    fn settle(&mut self, status: Status) {
        for arn in self.in_progress.drain(..) {
            self.exports.get_mut(&arn).unwrap().status = status;
        }
    }

    fn of(&self) -> Of<'static> {
        Of { table: TABLE, request: REQUEST, now: self.now }
    }

    /// Reads as a run does.
    fn read(&mut self, memory: Memory) -> (Memory, bool) {
        let mut reading = Reading::begin(self.of(), memory, None);
        while let Some(ask) = reading.ask() {
            match ask {
                Ask::Describe { arn } => {
                    let told = self.describe(&arn);
                    reading.described(&arn, told.as_ref());
                }
                Ask::List { from } => {
                    let page = self.list(from.as_deref());
                    reading.listed(page);
                }
            }
        }
        let Read { memory, is_complete, .. } = reading.finish();
        (memory, is_complete)
    }

    fn plan(&self, memory: &Memory) -> Plan {
        let reach = self.now - SignedDuration::from_hours(35 * 24);
        let chain = Chain {
            request: REQUEST,
            proven: memory.proven,
            fulls: &memory.fulls(self.now),
            exports: &memory.windows(self.now),
            recovery: Recovery {
                earliest: self.since.max(reach),
                latest: self.since.max(self.now - minutes(5)),
            },
            length: WindowLength::from_minutes(15).unwrap(),
            most_starts: 10,
            now: self.now,
        };
        chain.plan()
    }

    /// One run from what is remembered to what is remembered.
    fn run(&mut self, memory: &mut Memory) -> Cost {
        (self.lists, self.descriptions) = (0, 0);
        let bytes = serde_json::to_vec(memory).unwrap();
        let (read, is_complete) = self.read(Memory::of(Some(&bytes), &self.table_id));
        *memory = read;
        let started = if is_complete { self.act(memory) } else { 0 };
        Cost { lists: self.lists, descriptions: self.descriptions, started, is_complete }
    }

    fn act(&mut self, memory: &mut Memory) -> usize {
        match self.plan(memory) {
            Plan::Wait { proven } => memory.prove(proven, self.now),
            Plan::Start { proven, exports } => {
                memory.prove(proven, self.now);
                for start in &exports {
                    let Window { from, to } = start.window;
                    let prefix = start.window.prefix(TABLE);
                    let content = Content::Incremental { from, to };
                    let arn = self.start(prefix, content, &start.client_token);
                    memory.started(&arn, start, self.now);
                }
                return exports.len();
            }
            Plan::StartAnew { .. } => {
                self.full();
            }
        }
        0
    }

    /// Every completed window, in order.
    fn windows(&self) -> Vec<Window> {
        let completed = self.exports.values().filter(|told| told.status == Status::Completed);
        let windows = completed.filter_map(|told| match told.content {
            Some(Content::Incremental { from, to }) => Some(Window { from, to }),
            _ => None,
        });
        let mut windows: Vec<Window> = windows.collect();
        windows.sort_unstable();
        // One of which two attempts completed is there once.
        windows.dedup();
        windows
    }

    /// As of when the full exports are that completed.
    fn fulls(&self) -> Vec<Timestamp> {
        let completed = self.exports.values().filter(|told| told.status == Status::Completed);
        let times = completed.filter_map(|told| match told.content {
            Some(Content::Full { time }) => time,
            _ => None,
        });
        times.collect()
    }
}

/// Ninety days of a run every quarter of an hour with a full export a day: 8640 windows.
fn ninety_days() -> (DynamoDb, Memory, Cost, usize) {
    let mut dynamodb = DynamoDb::new();
    let mut memory = Memory::of(None, "first");
    let (mut most, mut most_known) = (Cost::default(), 0);
    for quarter in 0..90 * 96 {
        if quarter % 96 == 0 {
            dynamodb.full();
        }
        let cost = dynamodb.run(&mut memory);
        dynamodb.settle(Status::Completed);
        dynamodb.now += minutes(15);
        most.lists = most.lists.max(cost.lists);
        most.descriptions = most.descriptions.max(cost.descriptions);
        most.started = most.started.max(cost.started);
        most_known = most_known.max(memory.count());
    }
    (dynamodb, memory, most, most_known)
}

#[test]
fn a_run_asks_for_a_page_and_for_what_is_new_whatever_the_age_of_the_chain() {
    let (dynamodb, memory, most, most_known) = ninety_days();
    assert_eq!(dynamodb.windows().len(), 90 * 96 - 2);
    assert_eq!(most, Cost { lists: 1, descriptions: 2, started: 1, is_complete: false });
    assert!(most_known <= 3, "{most_known} exports are remembered");
    assert!(serde_json::to_vec(&memory).unwrap().len() < 2000);
}

#[test]
fn a_lost_cache_is_read_back_to_the_last_full_export_that_the_chain_leads_from() {
    let (mut dynamodb, before, ..) = ninety_days();
    // The last run's window is described, and the windows since the last full export.
    let mut memory = Memory::of(Some(b"{\"damaged"), "first");
    let cost = dynamodb.run(&mut memory);
    assert_eq!(cost, Cost { lists: 4, descriptions: 100, started: 1, is_complete: true });
    dynamodb.settle(Status::Completed);
    dynamodb.now += minutes(15);
    dynamodb.run(&mut memory);
    assert!(before.proven < memory.proven, "{:?} {:?}", before.proven, memory.proven);
    let windows = dynamodb.windows();
    assert!(windows.windows(2).all(|pair| pair[0].to == pair[1].from));
}

/// Of ninety days with no full export but the first: nothing that is asked of one run grows beyond its bound, and nothing
/// is started while the list is read.
#[test]
fn what_is_too_much_for_one_run_the_next_goes_on_with() {
    let mut dynamodb = DynamoDb::new();
    let mut memory = Memory::of(None, "first");
    for _ in 0..90 * 96 {
        dynamodb.run(&mut memory);
        dynamodb.settle(Status::Completed);
        dynamodb.now += minutes(15);
    }
    let exports = dynamodb.exports.len();
    let mut memory = Memory::of(None, "first");
    let mut runs = Vec::new();
    while !runs.last().is_some_and(|cost: &Cost| cost.is_complete) {
        runs.push(dynamodb.run(&mut memory));
    }
    assert_eq!((exports, runs.len()), (90 * 96 - 1, 44));
    for cost in &runs {
        assert!(cost.descriptions <= MOST_DESCRIBED, "{cost:?}");
        assert!(cost.lists <= 346, "{cost:?}");
        assert!(cost.is_complete || cost.started == 0, "{cost:?}");
    }
    // It goes on where it was.
    dynamodb.settle(Status::Completed);
    let after = dynamodb.windows();
    assert_eq!(after.len(), exports);
    assert!(after.windows(2).all(|pair| pair[0].to == pair[1].from));
}

#[test]
fn a_table_created_anew_has_no_chain_and_its_forerunners_exports_are_not_read() {
    let mut dynamodb = DynamoDb::new();
    let mut memory = Memory::of(None, "first");
    for _ in 0..300 {
        dynamodb.run(&mut memory);
        dynamodb.settle(Status::Completed);
        dynamodb.now += minutes(15);
    }
    dynamodb.table_id = "second".to_owned();
    dynamodb.since = dynamodb.now;
    let mut of_second = Memory::of(Some(&serde_json::to_vec(&memory).unwrap()), "second");
    assert_eq!(of_second, Memory { table_id: "second".to_owned(), ..Memory::default() });
    let cost = dynamodb.run(&mut of_second);
    assert_eq!(cost, Cost { lists: 1, descriptions: 1, started: 0, is_complete: true });
    assert!(dynamodb.exports.values().any(|told| told.table_id == "second"));
}

/// A full export and a window of an hour that DynamoDB was asked for and that memory knows.
fn begun() -> (DynamoDb, Memory) {
    let mut dynamodb = DynamoDb::new();
    let mut memory = Memory::of(None, "first");
    dynamodb.full();
    dynamodb.settle(Status::Completed);
    dynamodb.run(&mut memory);
    dynamodb.now += minutes(25);
    assert_eq!(dynamodb.run(&mut memory).started, 1);
    (dynamodb, memory)
}

#[test]
fn a_window_that_failed_is_started_under_another_token_and_its_attempt_is_read_back() {
    let (mut dynamodb, mut memory) = begun();
    dynamodb.settle(Status::Failed);
    assert_eq!(dynamodb.run(&mut memory).started, 1);
    dynamodb.settle(Status::Failed);
    // The tokens tell which attempts there were.
    let mut memory = Memory::of(None, "first");
    dynamodb.run(&mut memory);
    let mut attempts: Vec<u32> = memory.windows(dynamodb.now).iter().map(|it| it.attempt).collect();
    attempts.sort_unstable();
    assert_eq!(attempts, [1, 2, 3]);
}

#[test]
fn an_export_that_is_in_progress_for_a_day_counts_as_failed() {
    let (mut dynamodb, mut memory) = begun();
    dynamodb.now += minutes(24 * 60);
    assert!(memory.stuck(dynamodb.now).is_empty());
    dynamodb.now += minutes(1);
    assert_eq!(memory.stuck(dynamodb.now).len(), 1);
    dynamodb.run(&mut memory);
    let again = memory.windows(dynamodb.now);
    assert!(again.iter().any(|it| it.attempt == 2), "{again:?}");
}

#[test]
fn a_chain_is_not_proven_from_a_full_export_that_may_fail() {
    let mut dynamodb = DynamoDb::new();
    let mut memory = Memory::of(None, "first");
    dynamodb.full();
    dynamodb.run(&mut memory);
    assert_eq!(memory.proven, None);
    dynamodb.settle(Status::Failed);
    // Another is asked for.
    dynamodb.now += minutes(60);
    dynamodb.run(&mut memory);
    dynamodb.settle(Status::Completed);
    dynamodb.now += minutes(1);
    dynamodb.run(&mut memory);
    assert_eq!(memory.proven, Some(dynamodb.now - minutes(1) - EARLY));
}

#[test]
fn exports_of_others_are_no_part_of_the_chain() {
    let (mut dynamodb, mut memory) = begun();
    let from = dynamodb.now - minutes(60);
    let content = Content::Incremental { from, to: from + minutes(15) };
    dynamodb.start("somewhere/else".to_owned(), content, "theirs");
    dynamodb.start("planesfull/1".to_owned(), Content::Full { time: Some(from) }, "theirs too");
    let windows = memory.windows(dynamodb.now);
    dynamodb.run(&mut memory);
    assert_eq!(memory.windows(dynamodb.now), windows);
    assert_eq!(memory.fulls(dynamodb.now), Memory::of(None, "first").fulls(dynamodb.now));
}

#[test]
fn as_many_pages_are_read_as_hold_what_is_new() {
    let (mut dynamodb, mut memory) = begun();
    dynamodb.settle(Status::Completed);
    dynamodb.now += minutes(1);
    dynamodb.full();
    let of_ours = dynamodb.now;
    for other in 0..60 {
        let content = Content::Full { time: Some(dynamodb.now) };
        dynamodb.start("elsewhere".to_owned(), content, &format!("other {other}"));
    }
    let cost = dynamodb.run(&mut memory);
    // The window that was in progress, the full export, and the others.
    assert_eq!(cost, Cost { lists: 3, descriptions: 62, started: 0, is_complete: true });
    assert_eq!(memory.fulls(dynamodb.now), [of_ours]);
}

#[test]
fn what_a_broken_run_was_about_to_start_counts_as_started() {
    let (dynamodb, mut memory) = begun();
    let Plan::Start { exports, .. } =
        dynamodb.plan(&Memory { exports: BTreeMap::new(), ..memory.clone() })
    else {
        panic!("a window is due");
    };
    memory.exports.clear();
    memory.pending = exports;
    assert!(matches!(dynamodb.plan(&memory), Plan::Wait { .. }));
}

#[derive(Debug, Clone)]
enum Event {
    Pass(i64),
    Run,
    /// A run that breaks off after it has written what it is about to start: so many of them are started.
    BrokenRun(usize),
    /// Two runs that read the same: the one that writes last starts nothing.
    TwoRuns,
    Settle(Status),
    Full,
    Lose,
    RecoveryOffAndOn,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let status = prop_oneof![3 => Just(Status::Completed), 1 => Just(Status::Failed)];
    let event = prop_oneof![
        6 => prop::sample::select(vec![-1, 1, 15, 20, 300, 1447, 5000]).prop_map(Event::Pass),
        5 => Just(Event::Run),
        2 => (0..4_usize).prop_map(Event::BrokenRun),
        1 => Just(Event::TwoRuns),
        4 => status.prop_map(Event::Settle),
        1 => Just(Event::Full),
        1 => Just(Event::Lose),
        1 => Just(Event::RecoveryOffAndOn),
    ];
    prop::collection::vec(event, 1..40)
}

/// A memory with what its pending exports became.
fn start_pending(dynamodb: &mut DynamoDb, memory: &mut Memory, most: usize) {
    for start in memory.pending.clone().iter().take(most) {
        let Window { from, to } = start.window;
        let content = Content::Incremental { from, to };
        let prefix = start.window.prefix(TABLE);
        let arn = dynamodb.start(prefix, content, &start.client_token);
        memory.started(&arn, start, dynamodb.now);
    }
}

fn happen(dynamodb: &mut DynamoDb, memory: &mut Memory, event: &Event) {
    match *event {
        Event::Pass(passed) => dynamodb.now += minutes(passed),
        Event::Run => {
            start_pending(dynamodb, memory, usize::MAX);
            dynamodb.run(memory);
        }
        Event::BrokenRun(most) => {
            start_pending(dynamodb, memory, usize::MAX);
            let (read, is_complete) = dynamodb.read(memory.clone());
            *memory = read;
            if is_complete && let Plan::Start { exports, .. } = dynamodb.plan(memory) {
                memory.pending = exports;
                // What was started is written nowhere.
                start_pending(dynamodb, &mut memory.clone(), most);
            }
        }
        Event::TwoRuns => {
            start_pending(dynamodb, memory, usize::MAX);
            let mut other = memory.clone();
            dynamodb.run(memory);
            dynamodb.now += minutes(1);
            let (read, _) = dynamodb.read(other);
            other = read;
            // It plans what it may plan, and has lost.
            let _ = dynamodb.plan(&other);
        }
        Event::Settle(status) => dynamodb.settle(status),
        Event::Full => {
            dynamodb.full();
        }
        Event::Lose => *memory = Memory::of(None, "first"),
        Event::RecoveryOffAndOn => dynamodb.since = dynamodb.now,
    }
}

proptest! {
    /// Whatever runs break off and whatever is lost, windows overlap only where a chain begins anew; and once runs come again all is exported from
    /// a full export on, without a gap.
    #[test]
    fn what_is_started_has_no_gap_and_no_overlap(events in events()) {
        let mut dynamodb = DynamoDb::new();
        let mut memory = Memory::of(None, "first");
        for event in &events {
            happen(&mut dynamodb, &mut memory, event);
        }
        for _ in 0..200 {
            dynamodb.now += minutes(1);
            dynamodb.settle(Status::Completed);
            happen(&mut dynamodb, &mut memory, &Event::Run);
        }
        dynamodb.settle(Status::Completed);
        let windows = dynamodb.windows();
        ensure_no_overlap(&windows, &dynamodb.fulls());
        let latest = dynamodb.now - minutes(5);
        let proven = memory.proven.unwrap();
        let late = latest.duration_since(proven);
        prop_assert!(late < minutes(31), "proven {proven}, could be {latest}");
        // From what is proven completed windows lead back to a full export.
        let mut begin = proven;
        while let Some(window) = windows.iter().find(|window| window.to == begin) {
            begin = window.from;
        }
        let to = windows.iter().find(|it| it.from == begin).map_or(begin + EARLY + minutes(1), |it| it.to);
        let begins = |full: &Timestamp| begin <= whole_second(*full) && *full < to;
        prop_assert!(dynamodb.fulls().iter().any(begins), "no full export from {begin} to {to}");
    }
}

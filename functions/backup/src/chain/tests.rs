use proptest::prelude::*;

use super::*;

const ARN: &str = "arn:aws:dynamodb:us-east-1:123456789012:table/planes";

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Days and hours of November 2026: `22T03` or `22T03:15`.
fn at(text: &str) -> Timestamp {
    let minutes = if text.len() == 5 { ":00" } else { "" };
    time(&format!("2026-11-{text}{minutes}:00Z"))
}

fn short(time: Timestamp) -> String {
    time.to_string().replace("2026-11-", "").replace(":00Z", "").replace(":00", "")
}

/// `from-to attempt state`; what is in progress was started at its end, or, marked `stuck`, long ago.
fn exported(line: &str) -> Exported {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (from, to) = words[0].split_once('-').unwrap();
    let window = Window { from: at(from), to: at(to) };
    let (state, started) = match words[2] {
        "completed" => (State::Completed, window.to),
        "failed" => (State::Failed, window.to),
        "stuck" => (State::InProgress, at("01T00")),
        _ => (State::InProgress, window.to),
    };
    Exported { window, attempt: words[1].parse().unwrap(), started, state }
}

fn shown(plan: &Plan) -> String {
    match plan {
        Plan::Start { proven, exports } => {
            let mut lines = vec![format!("proven {}", short(*proven))];
            lines.extend(exports.iter().map(|start| {
                let Window { from, to } = start.window;
                format!("start {}-{} {}", short(from), short(to), start.attempt)
            }));
            lines.join("\n")
        }
        Plan::Wait { proven } => format!("proven {}\nwait", short(*proven)),
        Plan::StartAnew { reason } => format!("anew: {reason}"),
    }
}

/// Windows of an hour at least, five starts a run; recovery from the 10th to five minutes ago. Among the
/// full exports `=` marks what an earlier run had proven.
fn plan(fulls: &str, now: &str, exports: &str) -> String {
    plan_since("10T00", fulls, now, exports)
}

fn plan_since(earliest: &str, fulls: &str, now: &str, exports: &str) -> String {
    let proven = fulls.split_whitespace().find_map(|word| word.strip_prefix('=')).map(at);
    let fulls: Vec<Timestamp> =
        fulls.split_whitespace().filter(|word| !word.starts_with('=')).map(at).collect();
    let exports: Vec<Exported> =
        exports.lines().filter(|line| !line.trim().is_empty()).map(exported).collect();
    let now = at(now);
    let latest = now - SignedDuration::from_mins(5);
    let chain = Chain {
        request: ARN,
        proven,
        fulls: &fulls,
        exports: &exports,
        recovery: Recovery { earliest: at(earliest), latest },
        length: WindowLength::from_minutes(60).unwrap(),
        most_starts: 5,
        now,
    };
    let plan = chain.plan();
    assert_eq!(chain.plan(), plan);
    shown(&plan)
}

#[test]
fn a_chain_begins_at_a_full_export_and_goes_on_where_it_ended() {
    insta::assert_snapshot!(plan("", "20T03", ""), @"anew: there is no full export to begin at");
    insta::assert_snapshot!(plan("20T03", "20T04", ""), @"
        proven 20T02:58
        wait
        ");
    insta::assert_snapshot!(plan("20T03", "20T04:05", ""), @"
        proven 20T02:58
        start 20T02:58-20T03:58 1
        ");
    insta::assert_snapshot!(plan("20T03", "20T05:30", "20T03-20T04 1 completed"), @r"
    proven 20T04
    start 20T04-20T05:15 1
    ");
    insta::assert_snapshot!(plan("20T03", "20T05:10", "20T03-20T04 1 in progress"), @r"
    proven 20T03
    start 20T04-20T05 1
    ");
    insta::assert_snapshot!(plan("20T03", "20T05:10", "20T03-20T04 1 completed\n20T04-20T05 1 in progress"), @r"
    proven 20T04
    wait
    ");
}

#[test]
fn an_outage_is_caught_up_with_a_day_at_a_time() {
    insta::assert_snapshot!(plan("15T03", "17T07", "15T03-15T04 1 completed"), @r"
    proven 15T04
    start 15T04-16T04 1
    start 16T04-17T04 1
    start 17T04-17T06:45 1
    ");
    // The rest, of a quarter of an hour, is a window too; and a run starts no more than it may.
    insta::assert_snapshot!(plan("15T03", "16T03:20", ""), @"
        proven 15T02:58
        start 15T02:58-16T02:58 1
        start 16T02:58-16T03:13 1
        ");
    insta::assert_snapshot!(plan("11T00", "20T03", ""), @"
        proven 10T23:58
        start 10T23:58-11T23:58 1
        start 11T23:58-12T23:58 1
        start 12T23:58-13T23:58 1
        start 13T23:58-14T23:58 1
        start 14T23:58-15T23:58 1
        ");
}

#[test]
fn what_failed_is_started_again_before_what_is_new() {
    let history = "20T03-20T04 1 failed
                   20T04-20T05 1 completed
                   20T05-20T06 1 stuck
                   20T06-20T07 1 failed
                   20T06-20T07 2 in progress
                   20T07-20T08 2 failed
                   20T07-20T08 1 failed
                   20T08-20T09 2 completed
                   20T08-20T09 1 failed";
    insta::assert_snapshot!(plan("20T03", "20T10:05", history), @r"
    proven 20T03
    start 20T03-20T04 2
    start 20T05-20T06 2
    start 20T07-20T08 3
    start 20T09-20T10 1
    ");
}

#[test]
fn a_window_whose_start_failed_is_filled_in() {
    let history = "20T03-20T04 1 completed
                   21T05-21T06 1 completed";
    insta::assert_snapshot!(plan("20T03", "21T06:30", history), @r"
    proven 20T04
    start 20T04-21T04 1
    start 21T04-21T05 1
    ");
}

#[test]
fn what_an_earlier_run_had_proven_is_where_a_run_begins() {
    insta::assert_snapshot!(plan("18T00 =20T04 20T04:10", "20T05:10", ""), @r"
    proven 20T04
    start 20T04-20T05 1
    ");
    insta::assert_snapshot!(plan_since("20T04:05", "18T00 =20T04", "20T05:10", ""), @"anew: increments end at 2026-11-20T04:00:00Z, and recovery reaches back to 2026-11-20T04:05:00Z only: it was switched off and on, or no run came for longer than it reaches back");
}

/// Nothing of ours makes such windows, but the exports of a table are not only ours.
#[test]
fn windows_that_overlap_do_not_confuse() {
    let history = "20T03-20T04 1 completed\n20T03-20T05 1 failed\n20T04:05-20T05:05 1 completed";
    insta::assert_snapshot!(plan("20T03", "20T05:10", history), @r"
    proven 20T04
    start 20T04-20T05 1
    ");
    // A full export in a window that cannot be had any more, or so soon before one that no window fits between.
    insta::assert_snapshot!(plan_since("15T05:10", "15T05:20", "15T08", "15T05-15T06 1 failed"), @"anew: the window from 2026-11-15T05:00:00Z to 2026-11-15T06:00:00Z is not exported, and recovery reaches back to 2026-11-15T05:10:00Z only");
    insta::assert_snapshot!(plan("15T05:50", "15T08", "15T06-15T07 1 completed"), @"anew: there is no full export to begin at");
}

/// An export that counted as failed after a day completed all the same, when another chain had begun within it, or so soon after
/// it that no window fits between, and what was proven is no longer known.
#[test]
fn a_chain_that_another_crosses_comes_last() {
    let history =
        "20T03-20T04 1 completed\n20T04:10-20T05:10 1 completed\n20T05:10-20T06:10 1 completed";
    insta::assert_snapshot!(plan("20T03 20T04:12", "20T06:20", history), @r"
    proven 20T06:10
    wait
    ");
    let history =
        "20T03-20T04 1 completed\n20T03:59-20T04:59 1 completed\n20T04:59-20T05:59 1 completed";
    insta::assert_snapshot!(plan("20T03 20T04:01", "20T06:20", history), @r"
    proven 20T05:59
    wait
    ");
    let history = history.replace("20T03:59-20T04:59 1 completed", "20T03:59-20T04:59 1 failed");
    insta::assert_snapshot!(plan("20T03 20T04:01", "20T06:20", &history), @r"
    proven 20T03:59
    start 20T03:59-20T04:59 2
    ");
}

/// A window failed and cannot be had any more. The full export may be as of a minute earlier than its time, so what
/// changed just before the failed window's end may be in neither.
#[test]
fn a_chain_that_begins_anew_reaches_into_a_window_that_failed() {
    let history = "15T03-15T04 1 failed";
    insta::assert_snapshot!(plan_since("15T03:30", "15T02:30 15T04:01", "15T05:10", history), @r"
    proven 15T03:59
    start 15T03:59-15T04:59 1
    ");
    // Not into one that can be had.
    let history = "15T03-15T04 1 completed\n15T04-15T05 1 failed\n15T05-15T06 1 completed";
    insta::assert_snapshot!(plan_since("15T04:30", "15T03 15T06:01", "15T07:05", history), @r"
    proven 15T06
    start 15T06-15T07 1
    ");
}

/// A full export just after a gap may be of a time within it.
#[test]
fn a_full_export_just_after_a_gap_heals_nothing() {
    let history = "15T03-15T04 1 completed\n15T04-15T05 1 failed\n15T05-15T06 1 completed";
    insta::assert_snapshot!(plan_since("15T04:30", "15T03 15T05:01", "15T07:05", history), @"anew: the window from 2026-11-15T04:00:00Z to 2026-11-15T05:00:00Z is not exported, and recovery reaches back to 2026-11-15T04:30:00Z only");
    insta::assert_snapshot!(plan_since("15T04:30", "15T03 15T05:02", "15T07:05", history), @r"
    proven 15T06
    start 15T06-15T07 1
    ");
}

/// Another run was told of a later time, and what it started has failed.
#[test]
fn a_window_that_ends_later_than_what_can_be_restored_waits() {
    let history = "20T03-20T04 1 failed";
    insta::assert_snapshot!(plan("20T03", "20T04:04", history), @r"
    proven 20T03
    wait
    ");
    insta::assert_snapshot!(plan("20T03", "20T04:05", history), @r"
    proven 20T03
    start 20T03-20T04 2
    ");
}

#[test]
fn a_gap_that_recovery_left_is_told_and_begins_anew() {
    let history = "15T03-15T04 1 completed\n15T04-15T05 1 failed\n15T05-15T06 1 completed";
    insta::assert_snapshot!(plan_since("15T04:30", "15T03", "15T06:30", history), @"anew: the window from 2026-11-15T04:00:00Z to 2026-11-15T05:00:00Z is not exported, and recovery reaches back to 2026-11-15T04:30:00Z only");
    insta::assert_snapshot!(plan_since("15T06:10", "15T03", "15T06:30", history), @"anew: increments end at 2026-11-15T06:00:00Z, and recovery reaches back to 2026-11-15T06:10:00Z only: it was switched off and on, or no run came for longer than it reaches back");
    // Not due, and yet it is known that it never will be.
    insta::assert_snapshot!(plan_since("15T04:10", "15T03", "15T04:20", "15T03-15T04 1 in progress"), @"anew: increments end at 2026-11-15T04:00:00Z, and recovery reaches back to 2026-11-15T04:10:00Z only: it was switched off and on, or no run came for longer than it reaches back");
    // The full export that was asked for: the chain begins with it.
    insta::assert_snapshot!(plan_since("15T06:10", "15T03 15T06:31", "15T06:45", history), @"
        proven 15T06:29
        wait
        ");
    insta::assert_snapshot!(plan_since("15T06:10", "15T03 15T06:31", "15T07:45", history), @"
        proven 15T06:29
        start 15T06:29-15T07:29 1
        ");
    // One that came by its own schedule, after the failed window, heals the chain as well.
    insta::assert_snapshot!(plan_since("15T04:30", "15T03 15T05:20", "15T07:05", history), @r"
    proven 15T06
    start 15T06-15T07 1
    ");
}

#[test]
fn full_exports_on_their_own_schedule_do_not_break_the_chain() {
    let history = "15T03-15T04 1 completed\n15T04-15T05 1 completed";
    insta::assert_snapshot!(plan("15T03 15T04:30 15T05:50", "15T06:05", history), @r"
    proven 15T05
    start 15T05-15T06 1
    ");
    // Before there is any window: the newest from which one is due, not always the newest.
    insta::assert_snapshot!(plan("12T03 13T03 14T03", "14T03:05", ""), @"
        proven 13T02:58
        start 13T02:58-14T02:58 1
        ");
    insta::assert_snapshot!(plan("14T02:30 14T03", "14T03:05", ""), @"
        proven 14T02:58
        wait
        ");
}

#[test]
fn a_token_names_table_window_and_attempt() {
    let window = Window { from: at("20T03"), to: at("20T04") };
    let other = Window { to: at("20T05"), ..window };
    insta::assert_snapshot!(token(ARN, window, 1), @"hw-e6e2222635f821d0f09c35a5470693eb");
    let tokens = [
        token(ARN, window, 1),
        token(ARN, window, 2),
        token(ARN, other, 1),
        token("arn:aws:dynamodb:us-east-1:123456789012:table/orders", window, 1),
    ];
    let distinct: std::collections::BTreeSet<&String> = tokens.iter().collect();
    assert_eq!(distinct.len(), tokens.len());
    assert_eq!(window.prefix("planes"), "planes/increment/20261120T030000Z_20261120T040000Z");
}

#[test]
fn a_length_is_what_dynamodb_takes() {
    let read = |text: &str| match text.parse::<WindowLength>() {
        Ok(WindowLength(length)) => format!("{length:#}"),
        Err(error) => error.to_string(),
    };
    assert_eq!(read("15"), "15m");
    assert_eq!(read("1440"), "24h");
    insta::assert_snapshot!(read("14"), @r#"an export window is of "14" minutes, expected a whole number from 15 to 1440"#);
    insta::assert_snapshot!(read("1441"), @r#"an export window is of "1441" minutes, expected a whole number from 15 to 1440"#);
    insta::assert_snapshot!(read("1h"), @r#"an export window is of "1h" minutes, expected a whole number from 15 to 1440"#);
}

/// A table, its exports and the passing of time.
#[derive(Debug)]
struct World {
    now: Timestamp,
    recovery_since: Timestamp,
    recovery_days: i64,
    fulls: Vec<Timestamp>,
    exports: Vec<Exported>,
    proven: Option<Timestamp>,
    length: WindowLength,
    most_starts: usize,
    /// Beginnings of chains: every full export that a run asked for.
    asked: Vec<Timestamp>,
}

impl World {
    fn new(length: u32, most_starts: usize, recovery_days: i64) -> Self {
        let now = time("2026-01-01T00:00:07.5Z");
        Self {
            now,
            recovery_since: now - SignedDuration::from_secs(40),
            recovery_days,
            fulls: Vec::new(),
            exports: Vec::new(),
            proven: None,
            length: WindowLength::from_minutes(length).unwrap(),
            most_starts,
            asked: Vec::new(),
        }
    }

    fn chain(&self) -> Chain<'_> {
        let reach = SignedDuration::from_hours(24 * self.recovery_days);
        let recovery = Recovery {
            earliest: self.recovery_since.max(self.now - reach),
            latest: self.recovery_since.max(self.now - SignedDuration::from_secs(290)),
        };
        Chain {
            request: ARN,
            proven: self.proven,
            fulls: &self.fulls,
            exports: &self.exports,
            recovery,
            length: self.length,
            most_starts: self.most_starts,
            now: self.now,
        }
    }

    fn pass(&mut self, minutes: i64) {
        self.now += SignedDuration::from_mins(minutes);
    }

    /// One run; of its starts those fail whose bit is set in `refused`. Gives the number of starts.
    fn run(&mut self, refused: u8) -> usize {
        let plan = self.chain().plan();
        assert_eq!(self.chain().plan(), plan, "the same state, another plan");
        match plan {
            Plan::Start { proven, exports } => {
                self.prove(proven);
                assert!((1..=self.most_starts).contains(&exports.len()), "{exports:?}");
                for (place, start) in exports.iter().enumerate() {
                    if refused & (1 << (place % 8)) == 0 {
                        self.begin(start);
                    }
                }
                exports.len()
            }
            Plan::Wait { proven } => {
                self.prove(proven);
                0
            }
            Plan::StartAnew { .. } => {
                self.fulls.push(self.now);
                self.asked.push(self.now);
                0
            }
        }
    }

    fn prove(&mut self, proven: Timestamp) {
        assert!(self.proven.is_none_or(|before| before <= proven), "{proven} is less than before");
        let chain = self.chain();
        let touches = |Window { from, to }| from == proven || to == proven;
        if self.proven != Some(proven) && !self.exports.iter().any(|export| touches(export.window))
        {
            // A new beginning.
            for export in &self.exports {
                let Window { from, to } = export.window;
                let is_within = from < proven && proven < to;
                let is_failed = chain.standing(export) == Standing::Failed;
                assert!(!is_within || is_failed, "{proven} is within {}", export.window);
            }
        }
        self.proven = Some(proven);
    }

    fn begin(&mut self, start: &Start) {
        let Start { window, attempt, .. } = *start;
        let recovery = self.chain().recovery;
        assert!(recovery.earliest <= window.from && window.to <= recovery.latest, "{window}");
        let before = self.exports.iter().filter(|export| export.window == window);
        assert!(before.clone().all(|export| export.attempt < attempt), "{window} again");
        let started = self.now;
        self.exports.push(Exported { window, attempt, started, state: State::InProgress });
    }

    /// Ends every export in progress, each by the bit of its place.
    fn settle(&mut self, completed: u8, left: u8) {
        let underway = self.exports.iter_mut().filter(|export| export.state == State::InProgress);
        for (place, export) in underway.enumerate() {
            let bit = 1 << (place % 8);
            if left & bit == 0 {
                export.state = if completed & bit == 0 { State::Failed } else { State::Completed };
            }
        }
    }

    /// Whether no window ends later than what can be restored: such a one waits, as time can be told to go back.
    fn is_told_of_all(&self) -> bool {
        let latest = self.chain().recovery.latest;
        self.exports.iter().all(|export| export.window.to <= latest)
    }

    /// What holds at any time, whatever happened.
    fn check(&self) {
        let mut windows: Vec<Window> = self.exports.iter().map(|export| export.window).collect();
        windows.sort_unstable();
        windows.dedup();
        for window in &windows {
            let length = window.to.duration_since(window.from);
            assert!((QUARTER..=DAY).contains(&length), "{window}");
            assert_eq!(window.from.subsec_nanosecond(), 0);
        }
        ensure_no_overlap(&windows, &self.fulls);
        if let Some(proven) = self.proven {
            self.check_proof(proven);
        }
    }

    /// Completed windows lead from a full export to what is proven.
    fn check_proof(&self, proven: Timestamp) {
        let mut completed: Vec<Window> = self.completed();
        completed.retain(|window| window.to <= proven);
        let mut from = proven;
        while let Some(window) = completed.pop() {
            if window.to != from {
                break;
            }
            from = window.from;
        }
        // A chain that goes on beyond a gap begins with the window that the full export falls into.
        let joined = self.exports.iter().map(|export| export.window).find(|w| w.from == proven);
        let to = joined.map_or(proven + EARLY + SignedDuration::from_secs(1), |window| window.to);
        let begins = |full: &Timestamp| from <= *full && *full < to;
        assert!(self.fulls.iter().any(begins), "no full export from {from} to {to}");
    }

    fn completed(&self) -> Vec<Window> {
        let completed = self.exports.iter().filter(|export| export.state == State::Completed);
        let mut completed: Vec<Window> = completed.map(|export| export.window).collect();
        completed.sort_unstable();
        completed.dedup();
        completed
    }
}

/// No windows overlap, but by up to two minutes where a chain begins anew.
pub(super) fn ensure_no_overlap(windows: &[Window], fulls: &[Timestamp]) {
    for pair in windows.windows(2) {
        let overlap = pair[0].to.duration_since(pair[1].from);
        let early = |full: &Timestamp| whole_second(*full).duration_since(pair[1].from);
        let begins = |full: &Timestamp| (SignedDuration::ZERO..=EARLY).contains(&early(full));
        let is_anew = overlap <= EARLY && fulls.iter().any(begins);
        assert!(!overlap.is_positive() || is_anew, "{} overlaps {}", pair[0], pair[1]);
    }
}

#[derive(Debug, Clone)]
enum Event {
    Pass(i64),
    Run { refused: u8 },
    Settle { completed: u8, left: u8 },
    FullExport,
    RecoveryOffAndOn,
    Forget,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let bits = || prop_oneof![3 => Just(0_u8), 1 => Just(0xff_u8), 2 => any::<u8>()];
    let event = prop_oneof![
        6 => prop::sample::select(vec![-1, 1, 7, 15, 20, 60, 300, 1440, 1447, 5000, 20_000]).prop_map(Event::Pass),
        6 => bits().prop_map(|refused| Event::Run { refused }),
        4 => (bits(), bits()).prop_map(|(failed, left)| Event::Settle { completed: !failed, left }),
        1 => Just(Event::FullExport),
        1 => Just(Event::RecoveryOffAndOn),
        1 => Just(Event::Forget),
    ];
    prop::collection::vec(event, 1..60)
}

fn worlds() -> impl Strategy<Value = World> {
    let lengths = prop::sample::select(vec![15, 20, 60, 720, 1440]);
    (lengths, 1..6_usize, prop::sample::select(vec![1, 3, 35]))
        .prop_map(|(length, most, days)| World::new(length, most, days))
}

fn happen(world: &mut World, event: &Event) {
    match *event {
        Event::Pass(minutes) => world.pass(minutes),
        Event::Run { refused } => {
            world.run(refused);
        }
        Event::Settle { completed, left } => world.settle(completed, left),
        Event::FullExport => world.fulls.push(world.now),
        Event::RecoveryOffAndOn => world.recovery_since = world.now,
        Event::Forget => world.proven = None,
    }
    world.check();
}

proptest! {
    /// Whatever has to be exported is cut into windows that DynamoDB takes.
    #[test]
    fn what_is_cut_is_whole(minutes in prop_oneof![15..60_i64, 1430..1470_i64, 2870..2910_i64, 15..99_999_i64]) {
        let from = at("20T03");
        let to = from + SignedDuration::from_mins(minutes);
        let mut cut_to = from;
        for window in cut(Window { from, to }) {
            prop_assert_eq!(window.from, cut_to);
            prop_assert!((QUARTER..=DAY).contains(&window.to.duration_since(window.from)), "{}", window);
            cut_to = window.to;
        }
        prop_assert_eq!(cut_to, to);
    }

    /// Over any history windows overlap only where a chain begins anew, and leave no gap that is taken for proven; and
    /// once runs come and exports complete again, everything is caught up with, soon.
    #[test]
    fn the_chain_has_no_gap_and_no_overlap(mut world in worlds(), events in events()) {
        for event in &events {
            happen(&mut world, event);
        }
        while !world.is_told_of_all() {
            world.pass(1);
        }
        let behind = world.exports.len() + 40;
        let mut runs = 0;
        loop {
            world.settle(0xff, 0);
            world.pass(1);
            let asked = world.asked.len();
            let started = world.run(0);
            world.settle(0xff, 0);
            world.check();
            runs += 1;
            prop_assert!(runs <= behind, "no end of catching up");
            if started == 0 && asked == world.asked.len() {
                break;
            }
        }
        // From the last beginning on there is nothing but completed windows, up to now.
        let proven = world.proven.unwrap();
        let latest = world.chain().recovery.latest;
        let late = latest.duration_since(proven);
        prop_assert!(late < world.length.0 + QUARTER, "proven {proven}, could be {latest}");
    }
}

/// Ninety days of a run every quarter of an hour with windows as long: no run starts more than one,
/// none lists more than what is not yet proven, and every window is the shortest.
#[test]
fn ninety_days_of_the_shortest_windows_start_one_a_run() {
    let mut world = World::new(15, 10, 35);
    let (mut most_started, mut most_known, mut windows) = (0, 0, 0);
    for _ in 0..90 * 96 {
        world.pass(15);
        let proven = world.proven;
        world.exports.retain(|export| proven.is_none_or(|proven| proven < export.window.to));
        most_known = most_known.max(world.exports.len());
        let started = world.run(0);
        most_started = most_started.max(started);
        windows += started;
        world.settle(0xff, 0);
        assert!(
            world
                .exports
                .iter()
                .all(|export| { export.window.to.duration_since(export.window.from) == QUARTER })
        );
    }
    assert_eq!((most_started, most_known, windows), (1, 1, 90 * 96 - 2));
}

/// The same ninety days with no run at all: as recovery reaches back 35 of them, it takes a full export;
/// thirty days are caught up with in as many windows, ten a run.
#[test]
fn thirty_days_are_caught_up_with_in_three_runs() {
    let mut world = World::new(15, 10, 35);
    world.run(0);
    world.pass(30 * 24 * 60);
    let mut starts = Vec::new();
    while starts.last() != Some(&0) {
        starts.push(world.run(0));
        world.settle(0xff, 0);
        world.check();
    }
    assert_eq!(starts, [10, 10, 10, 0]);
    world.pass(40 * 24 * 60);
    assert!(matches!(world.chain().plan(), Plan::StartAnew { .. }));
}

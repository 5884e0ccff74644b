//! Chains over histories of any kind: what holds of all of them, and what ninety days cost.

use proptest::prelude::*;

use super::{
    tests::{ARN, time},
    *,
};

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
        let from = time("2026-11-20T03:00:00Z");
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

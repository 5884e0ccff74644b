//! `MaxWriteRate`: a cap on the write units that an import uses per second.
//!
//! A token bucket that holds one second's worth and is full at the beginning. It is kept as one time,
//! the time at which it will be full again:
//!
//! ```text
//! bucket   full ──┐        ┌─ as much as was taken, later ─┐
//!                 └────────┘                               ▼
//! time ───────── take ──────────────── now ──────────── full_at ──▶
//! ```
//!
//! What is asked for is promised at once, in the order of asking, and the answer is how long to wait
//! for it. A batch that is larger than the bucket waits for a full one, and leaves a debt that those
//! after it wait for.
//!
//! Over any time `t` no more than `rate × t` and one bucket pass, or `rate × t` and the largest batch
//! if that is larger than a bucket.

use std::{num::NonZeroU64, time::Duration};

/// How long an empty bucket takes to fill, which is what it holds.
const BURST: Duration = Duration::from_secs(1);

/// Holds the writes of one import to a rate.
#[derive(Debug)]
pub(crate) struct Pace {
    /// Write units per second.
    rate: NonZeroU64,
    /// When the bucket will be full, counted like `now`.
    full_at: Duration,
}

impl Pace {
    /// A full bucket that fills by `rate` write units per second.
    pub(crate) fn new(rate: NonZeroU64) -> Self {
        Self { rate, full_at: Duration::ZERO }
    }

    /// Takes write units and returns how long to wait before they may be used.
    ///
    /// `now` is counted from any moment that stays the same. A `now` earlier than one before gets no
    /// more than its share: the bucket only knows when it will be full.
    pub(crate) fn take(&mut self, units: u64, now: Duration) -> Duration {
        let filling = self.time_for(units);
        // What is needed is there this long before the bucket is full.
        let spare = BURST.saturating_sub(filling);
        let start = now.max(self.full_at.saturating_sub(spare));
        self.full_at = self.full_at.max(start).saturating_add(filling);
        start.saturating_sub(now)
    }

    /// How long the bucket fills for so many units, rounded up: never faster than the rate.
    fn time_for(&self, units: u64) -> Duration {
        let rate = u128::from(self.rate.get());
        let nanoseconds = (u128::from(units) * 1_000_000_000).div_ceil(rate);
        Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pace(rate: u64) -> Pace {
        Pace::new(NonZeroU64::new(rate).unwrap())
    }

    /// Takes `(at in milliseconds, units)` and compares the waits in milliseconds.
    fn check(rate: u64, taken: &[(u64, u64)], waits: &[u128]) {
        let mut pace = pace(rate);
        let found: Vec<u128> = taken
            .iter()
            .map(|&(at, units)| pace.take(units, Duration::from_millis(at)).as_millis())
            .collect();
        assert_eq!(found, waits, "{taken:?} at {rate}/s");
    }

    #[test]
    fn a_second_s_worth_passes_at_once_and_then_the_rate_holds() {
        check(100, &[(0, 100), (0, 25), (0, 25)], &[0, 250, 500]);
        check(100, &[(0, 25), (0, 25), (0, 25), (0, 25), (0, 25)], &[0, 0, 0, 0, 250]);
        check(100, &[(0, 100), (250, 25), (250, 25)], &[0, 0, 250]);
        check(100, &[(0, 0), (0, 100), (0, 0), (0, 1)], &[0, 0, 0, 10]);
    }

    #[test]
    fn a_pause_fills_one_bucket_and_no_more() {
        check(100, &[(0, 100), (60_000, 100), (60_000, 100)], &[0, 0, 1000]);
        check(100, &[(60_000, 100), (60_000, 100)], &[0, 1000]);
    }

    #[test]
    fn a_batch_larger_than_the_bucket_passes_and_is_paid_for_after() {
        check(100, &[(0, 300), (0, 1)], &[0, 2010]);
        check(100, &[(0, 50), (0, 300), (0, 100)], &[0, 500, 3500]);
        check(1, &[(0, 25), (0, 25)], &[0, 25_000]);
    }

    #[test]
    fn a_rate_that_divides_nothing_is_never_exceeded() {
        let mut pace = pace(3);
        let waits = [3, 1, 1, 1].map(|units| pace.take(units, Duration::ZERO).as_nanos());
        assert_eq!(waits, [0, 333_333_334, 666_666_668, 1_000_000_002]);
    }

    #[test]
    fn what_no_clock_reaches_is_waited_for_and_does_not_overflow() {
        let mut pace = pace(1);
        assert_eq!(pace.take(u64::MAX, Duration::ZERO), Duration::ZERO);
        let waits = [1, u64::MAX, 1].map(|units| pace.take(units, Duration::MAX));
        assert_eq!(waits, [Duration::ZERO; 3]);
        assert!(pace.take(1, Duration::ZERO) > Duration::from_secs(1 << 34));
    }

    proptest! {
        #[test]
        fn over_any_time_no_more_than_rate_and_burst_pass(
            rate in 1..60_u64,
            steps in prop::collection::vec((0..700_u64, 0..90_u64), 1..40),
        ) {
            let mut pace = pace(rate);
            let mut now = Duration::ZERO;
            let mut passed = Vec::new();
            for (after, units) in steps {
                now += Duration::from_millis(after);
                passed.push((now + pace.take(units, now), units));
            }
            prop_assert!(passed.is_sorted_by_key(|&(at, _)| at), "{:?}", passed);
            for first in 0..passed.len() {
                for last in first..passed.len() {
                    let within = &passed[first..=last];
                    let units: u64 = within.iter().map(|&(_, units)| units).sum();
                    let largest = within.iter().map(|&(_, units)| units).max().unwrap_or_default();
                    let time = passed[last].0.saturating_sub(passed[first].0).as_nanos();
                    let burst = u128::from(rate.max(largest)) * 1_000_000_000;
                    let most = u128::from(rate) * time + burst;
                    prop_assert!(u128::from(units) * 1_000_000_000 <= most, "{:?}", within);
                }
            }
        }

        #[test]
        fn no_one_waits_while_the_bucket_holds_enough(
            rate in 1..60_u64,
            steps in prop::collection::vec((0..700_u64, 0..90_u64), 1..40),
        ) {
            let mut pace = pace(rate);
            let mut now = Duration::ZERO;
            // The bucket in billionths of a unit; waiting until it holds what is asked for, or is full.
            let full = i128::from(rate) * 1_000_000_000;
            let (mut held, mut since) = (full, Duration::ZERO);
            for (after, units) in steps {
                now += Duration::from_millis(after);
                let start = now + pace.take(units, now);
                let fill = |time: Duration| i128::try_from(time.as_nanos()).unwrap() * i128::from(rate);
                let asked = i128::from(units) * 1_000_000_000;
                if start > now {
                    let before = held + fill(start.saturating_sub(since));
                    // A nanosecond for each rounding so far.
                    prop_assert!(before <= asked.min(full) + 50 * i128::from(rate), "{before} {asked}");
                }
                held = (held + fill(start.saturating_sub(since))).min(full) - asked;
                since = start.max(since);
            }
        }
    }
}

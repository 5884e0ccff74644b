//! The one place that asks what time it is; everything else is told.

use jiff::Timestamp;

/// The time now.
pub fn now() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    Timestamp::now()
}

/// When an invocation is ended, in milliseconds since 1970, by what its runtime was told.
///
/// Lambda tells that time. `cargo lambda watch` tells how long the invocation has, ten minutes, which would be a time
/// of 1970: then it goes by now.
pub fn end_of_invocation(told: u64) -> i64 {
    end(told, now().as_millisecond())
}

/// Longer than any invocation may take, and shorter than anything that is meant as a time.
const A_DAY: i64 = 24 * 60 * 60 * 1000;

fn end(told: u64, now: i64) -> i64 {
    let told = i64::try_from(told).unwrap_or(i64::MAX);
    if told < A_DAY { now.saturating_add(told) } else { told }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_a_time_or_how_long() {
        const NOW: i64 = 1_795_359_600_000;
        assert_eq!(end(1_795_359_660_000, NOW), NOW + 60_000, "Lambda");
        assert_eq!(end(1_795_359_500_000, NOW), NOW - 100_000, "its time is over");
        assert_eq!(end(600_000, NOW), NOW + 600_000, "cargo lambda watch");
        assert_eq!(end(u64::MAX, NOW), i64::MAX);
    }
}

//! Runs that a schedule asks for: how far ahead they may be due, and in which order tables have their turn.

use jiff::{SignedDuration, Timestamp};
use xxhash_rust::xxh3::xxh3_64;

/// A clock may be a little ahead of the scheduler's; a time beyond this is a mistake, and the retention of backups
/// by it would remove what should be kept.
const MOST_AHEAD: SignedDuration = SignedDuration::from_hours(1);

/// Whether no run can be due at that time yet.
pub fn is_ahead(due: Timestamp, now: Timestamp) -> bool {
    due > now + MOST_AHEAD
}

/// The tables in the order of their turns: each run begins with another, so that none is always the last of very many.
pub fn in_turn<T>(tables: &[T], due: Timestamp) -> impl Iterator<Item = &T> {
    let run = xxh3_64(&due.as_second().to_be_bytes());
    let count = u64::try_from(tables.len()).unwrap_or(u64::MAX).max(1);
    let first = usize::try_from(run % count).unwrap_or_default();
    let (last, first) = tables.split_at(first.min(tables.len()));
    first.iter().chain(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_run_begins_with_another_table() {
        let order = |day: i64| {
            let due = Timestamp::from_second(day * 24 * 60 * 60).unwrap();
            in_turn(&["a", "b", "c"], due).copied().collect::<String>()
        };
        let mut orders: Vec<String> = (0..20).map(order).collect();
        orders.sort_unstable();
        orders.dedup();
        assert_eq!(orders, ["abc", "bca", "cab"]);
        assert_eq!(in_turn(&[0; 0], Timestamp::UNIX_EPOCH).count(), 0);
    }

    #[test]
    fn an_hour_ahead_is_not_too_early() {
        let now = Timestamp::UNIX_EPOCH;
        assert!(!is_ahead(now + SignedDuration::from_hours(1), now));
        assert!(is_ahead(now + SignedDuration::from_secs(3601), now));
    }
}

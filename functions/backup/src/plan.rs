//! What to name, what to keep and what to delete: pure.

use aws::backup::Backup;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

/// Our backups are named `headwater-<scheduled time>`; anything else is someone else's.
const BACKUP_NAME_PREFIX: &str = "headwater-";
/// Times in names, as the lake's paths have them.
const COMPACT_TIME: &str = "%Y%m%dT%H%M%SZ";

/// A time as it stands in names: `20261122T030000Z`.
pub(crate) fn compact(time: Timestamp) -> String {
    time.strftime(COMPACT_TIME).to_string()
}

/// The name of the backup of a scheduled time.
pub(crate) fn backup_name(scheduled: Timestamp) -> String {
    format!("{BACKUP_NAME_PREFIX}{}", compact(scheduled))
}

/// The prefix a table's full export of a scheduled time is written below.
pub(crate) fn export_prefix(table: &str, scheduled: Timestamp) -> String {
    format!("{table}/full/{}", compact(scheduled))
}

/// The idempotency token of that export: the same for the same table and time, 36 characters.
pub(crate) fn export_token(table_arn: &str, scheduled: Timestamp) -> String {
    let hash =
        xxhash_rust::xxh3::xxh3_128(format!("{table_arn} {}", compact(scheduled)).as_bytes());
    format!("hw-{hash:032x}")
}

/// The scheduled time in the name of one of our backups.
fn scheduled_time(name: &str) -> Option<Timestamp> {
    let text = name.strip_prefix(BACKUP_NAME_PREFIX)?;
    let time = jiff::civil::DateTime::strptime(COMPACT_TIME, text).ok()?;
    let time = time.to_zoned(TimeZone::UTC).ok()?.timestamp();
    // Only a name that we would give.
    (compact(time) == text).then_some(time)
}

/// Which backups retention removes.
///
/// Only our own, only those older than `keep_days` at the scheduled time, and never the newest
/// that can be restored from, however old it is.
pub(crate) fn expired(backups: &[Backup], scheduled: Timestamp, keep_days: u32) -> Vec<&Backup> {
    let ours = || backups.iter().filter_map(|b| Some((scheduled_time(&b.name)?, b)));
    let newest_good = ours().filter(|(_, b)| b.available).max_by_key(|(time, _)| *time);
    let keep = SignedDuration::from_hours(i64::from(keep_days) * 24);
    let oldest_kept = scheduled.checked_sub(keep).unwrap_or(Timestamp::MIN);
    ours()
        .filter(|(time, _)| *time < oldest_kept)
        .map(|(_, backup)| backup)
        .filter(|backup| newest_good.is_some_and(|(_, newest)| newest.arn != backup.arn))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn backup(name: &str, available: bool) -> Backup {
        let created = time("2020-01-01T00:00:00Z");
        Backup { arn: format!("arn:{name}"), name: name.to_owned(), created, available }
    }

    #[test]
    fn names() {
        let scheduled = time("2026-11-22T03:00:00Z");
        assert_eq!(backup_name(scheduled), "headwater-20261122T030000Z");
        assert_eq!(export_prefix("planes", scheduled), "planes/full/20261122T030000Z");
        assert_eq!(scheduled_time("headwater-20261122T030000Z"), Some(scheduled));
    }

    /// `kept` and `expired` are names; all are available but those marked `!`.
    fn check(names: &[&str], expected: &[&str]) {
        let backups: Vec<Backup> =
            names.iter().map(|n| backup(n.trim_end_matches('!'), !n.ends_with('!'))).collect();
        let expired = expired(&backups, time("2026-11-22T03:00:00Z"), 7);
        let expired: Vec<&str> = expired.iter().map(|b| b.name.as_str()).collect();
        assert_eq!(expired, expected, "of {names:?}");
    }

    #[test]
    fn removes_only_our_own_past_their_keep() {
        let today = "headwater-20261122T030000Z";
        let week = "headwater-20261115T030000Z";
        let old = "headwater-20261114T030000Z";
        check(&[today, week, old], &[old]);
        check(&["before-migration", "headwater-old", "headwater-2026", today], &[]);
        check(&["headwater-20261114T030000Zx", "xheadwater-20261114T030000Z", today], &[]);
    }

    #[test]
    fn keeps_the_newest_good_one() {
        let old = "headwater-20260101T030000Z";
        let older = "headwater-20250101T030000Z";
        check(&[old, older], &[older]);
        check(&[old], &[]);
        // Today's is not yet available: the old one is still what can be restored from.
        check(&["headwater-20261122T030000Z!", old, older], &[older]);
        // None is available: nothing is proven to be restorable, nothing is removed.
        check(&["headwater-20260101T030000Z!", "headwater-20250101T030000Z!"], &[]);
    }
}

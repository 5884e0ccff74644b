//! What backups and exports are called: pure. What is kept of them says `retention`.

use jiff::{Timestamp, tz::TimeZone};

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

/// The idempotency token of what is asked for in these words, 35 characters.
pub(crate) fn token(asked: &str) -> String {
    format!("hw-{:032x}", xxhash_rust::xxh3::xxh3_128(asked.as_bytes()))
}

/// The scheduled time in the name of one of our backups; of another there is none.
pub(crate) fn scheduled_time(name: &str) -> Option<Timestamp> {
    let text = name.strip_prefix(BACKUP_NAME_PREFIX)?;
    let time = jiff::civil::DateTime::strptime(COMPACT_TIME, text).ok()?;
    let time = time.to_zoned(TimeZone::UTC).ok()?.timestamp();
    // Only a name that we would give.
    (compact(time) == text).then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn names() {
        let scheduled = time("2026-11-22T03:00:00Z");
        assert_eq!(backup_name(scheduled), "headwater-20261122T030000Z");
        assert_eq!(scheduled_time("headwater-20261122T030000Z"), Some(scheduled));
        assert_eq!(token("arn:aws:dynamodb:us-east-1:123456789012:table/planes").len(), 35);
    }
}

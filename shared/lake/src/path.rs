//! Object names in the lake.
//!
//! | what | name |
//! |---|---|
//! | changes | `changes/<table>/dt=2026-11-22/<stream>-<first>-<last>-<count>-<hash>.parquet` |
//! | a snapshot | `snapshots/<table>/snapshot=20261122T150000Z/<data file>.parquet` |
//! | increments | `increments/<table>/window_end=20261122T150000Z/<data file>.parquet` |
//! | what could not be used | `quarantine/<function>/<table>/<name>` |
//! | a function's memory | `state/<function>/<name>` |
//!
//! Names derive from the data alone, so a retry overwrites. DynamoDB's table names are `[a-zA-Z0-9_.-]`
//! and stand as they are, but for those that start with `_` or `.`: see [`folder`]. No object or
//! folder of data starts so, which engines take for hidden, and no name holds a colon, which Hadoop's
//! readers refuse.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::error::WriteError;
use crate::meta::pad_sequence;

/// Milliseconds of a day.
pub(crate) const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// What a table's folders are called: its name, after a `!` where engines would take it for hidden.
///
/// No table's name has a `!`, so no two tables have one folder.
///
/// ```
/// use lake::path;
///
/// assert_eq!(path::folder("planes"), "planes");
/// assert_eq!(path::folder("_internal"), "!_internal");
/// ```
pub fn folder(table: &str) -> Cow<'_, str> {
    if table.starts_with(['_', '.']) { format!("!{table}").into() } else { table.into() }
}

/// The table whose folders are called so: the reverse of [`folder`].
///
/// ```
/// use lake::path;
///
/// assert_eq!(path::table_of("planes"), "planes");
/// assert_eq!(path::table_of("!_internal"), "_internal");
/// ```
pub fn table_of(folder: &str) -> &str {
    folder.strip_prefix('!').unwrap_or(folder)
}

/// The prefix of all tables' change files.
pub const CHANGES: &str = "changes/";

/// The prefix of a table's change files.
pub fn changes(table: &str) -> String {
    format!("{CHANGES}{}/", folder(table))
}

/// The prefix of a table's change files of one day.
pub fn changes_of(table: &str, day: Date) -> String {
    format!("{}dt={day}/", changes(table))
}

/// The day of a change file, from its name.
///
/// ```
/// use lake::path;
///
/// let day = path::day_of("changes/planes/dt=2026-11-22/x.parquet");
/// assert_eq!(day.map(|day| day.to_string()).as_deref(), Some("2026-11-22"));
/// assert_eq!(path::day_of("changes/dt=2026-11-22"), None);
/// ```
pub fn day_of(path: &str) -> Option<Date> {
    let folder = path.rsplit('/').nth(1)?;
    folder.strip_prefix("dt=")?.parse().ok()
}

/// What names a change file: the rows in it, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeObject<'a> {
    /// The table.
    pub table: &'a str,
    /// The day of all the changes, UTC.
    pub day: Date,
    /// The stream's label as digits.
    pub stream: &'a str,
    /// The first change's sequence number.
    pub first: &'a str,
    /// The last change's sequence number.
    pub last: &'a str,
    /// How many changes there are.
    pub count: usize,
    /// XXH64 over their sequence numbers, each zero-padded to 40 digits, in the file's order.
    pub hash: u64,
}

impl ChangeObject<'_> {
    /// The object's name.
    pub fn path(&self) -> String {
        let Self { table, day, stream, first, last, count, hash } = self;
        let prefix = changes_of(table, *day);
        format!("{prefix}{stream}-{first}-{last}-{count}-{hash:016x}.parquet")
    }
}

impl<'a> ChangeObject<'a> {
    /// What the name of a table's change file says; nothing of any other object, however alike.
    pub fn parse(table: &'a str, key: &'a str) -> Option<Self> {
        let (folder, name) = key.strip_prefix(&changes(table))?.split_once('/')?;
        let mut parts = name.strip_suffix(".parquet")?.split('-');
        let mut part = || parts.next();
        let object = Self {
            table,
            day: folder.strip_prefix("dt=")?.parse().ok()?,
            stream: part()?,
            first: part()?,
            last: part()?,
            count: part()?.parse().ok()?,
            hash: u64::from_str_radix(part()?, 16).ok()?,
        };
        let digits = [object.stream, object.first, object.last].map(pad_sequence);
        // What other spelling the parsers above let pass gives another name.
        (digits.iter().all(Result::is_ok) && object.path() == key).then_some(object)
    }
}

/// The prefix of a table's snapshots.
pub fn snapshots(table: &str) -> String {
    format!("snapshots/{}/", folder(table))
}

/// The prefix of the snapshot as of a time, in milliseconds since 1970 UTC.
pub fn snapshot(table: &str, export_time_ms: i64) -> Result<String, WriteError> {
    Ok(format!("{}snapshot={}/", snapshots(table), time_text(export_time_ms)?))
}

/// The prefix of a table's increments.
pub fn increments(table: &str) -> String {
    format!("increments/{}/", folder(table))
}

/// The prefix of the increments of the window that ends at a time, in milliseconds since 1970 UTC.
pub fn increment(table: &str, window_end_ms: i64) -> Result<String, WriteError> {
    Ok(format!("{}window_end={}/", increments(table), time_text(window_end_ms)?))
}

/// The name of a file of a snapshot or increment: the export's data file's, in place of its ending.
///
/// ```
/// use lake::path;
///
/// let prefix = path::snapshot("planes", 1_795_359_600_000)?;
/// assert_eq!(
///     path::data_file(&prefix, "AWSDynamoDB/01/data/zx3k.json.gz"),
///     "snapshots/planes/snapshot=20261122T150000Z/zx3k.parquet",
/// );
/// # Ok::<(), lake::WriteError>(())
/// ```
pub fn data_file(prefix: &str, data_file: &str) -> String {
    let name = data_file.rsplit('/').next().unwrap_or(data_file);
    let stem = name.split('.').next().unwrap_or(name);
    format!("{prefix}{stem}.parquet")
}

/// The name of an object kept because it could not be used.
pub fn quarantine(function: &str, table: &str, name: &str) -> String {
    format!("quarantine/{function}/{}/{name}", folder(table))
}

/// The name of what a function remembers from one run to the next.
pub fn state(function: &str, name: &str) -> String {
    format!("state/{function}/{name}")
}

/// A time in milliseconds since 1970 UTC as paths have it, cut to the second: `20261122T150000Z`.
pub fn time_text(time_ms: i64) -> Result<String, WriteError> {
    Ok(timestamp(time_ms)?.strftime("%Y%m%dT%H%M%SZ").to_string())
}

/// A window of times in milliseconds since 1970 UTC as paths have it: `20261122T150000Z_20261122T151500Z`.
pub fn window_text(from_ms: i64, to_ms: i64) -> Result<String, WriteError> {
    Ok(format!("{}_{}", time_text(from_ms)?, time_text(to_ms)?))
}

/// A time in milliseconds since 1970 UTC, unless no path could name it.
pub(crate) fn checked(time_ms: i64) -> Result<i64, WriteError> {
    timestamp(time_ms).map(|_| time_ms)
}

/// A time in milliseconds since 1970 UTC as digits of a stream's label, cut to the second:
/// `20261122150000000`.
pub(crate) fn label_digits(time_ms: i64) -> Result<String, WriteError> {
    Ok(timestamp(time_ms)?.strftime("%Y%m%d%H%M%S000").to_string())
}

/// A time in milliseconds since 1970 UTC as SQL writes it: `2026-11-22 15:00:00.000`.
pub(crate) fn sql_time(time_ms: i64) -> Result<String, WriteError> {
    Ok(timestamp(time_ms)?.strftime("%Y-%m-%d %H:%M:%S%.3f").to_string())
}

/// The UTC day of a time in milliseconds since 1970 UTC.
pub fn day(time_ms: i64) -> Result<Date, WriteError> {
    Ok(TimeZone::UTC.to_datetime(timestamp(time_ms)?).date())
}

fn timestamp(time_ms: i64) -> Result<Timestamp, WriteError> {
    let time = Timestamp::from_millisecond(time_ms).ok();
    time.filter(|time| *time >= Timestamp::UNIX_EPOCH).ok_or(WriteError::Time(time_ms))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_and_days() {
        for (time_ms, text, day_text) in [
            (0, "19700101T000000Z", "1970-01-01"),
            (1_795_359_600_000, "20261122T150000Z", "2026-11-22"),
            (1_795_391_999_999, "20261122T235959Z", "2026-11-22"),
            (1_795_392_000_000, "20261123T000000Z", "2026-11-23"),
        ] {
            assert_eq!(time_text(time_ms).unwrap(), text);
            assert_eq!(day(time_ms).unwrap().to_string(), day_text);
        }
        assert_eq!(
            window_text(1_795_359_600_000, 1_795_392_000_000).unwrap(),
            "20261122T150000Z_20261123T000000Z"
        );
        assert_eq!(checked(0).unwrap(), 0);
        assert!(matches!(checked(-1), Err(WriteError::Time(-1))));
        assert_eq!(label_digits(1_795_391_999_999).unwrap(), "20261122235959000");
        assert_eq!(sql_time(1_795_391_999_999).unwrap(), "2026-11-22 23:59:59.999");
        assert_eq!(sql_time(1_795_391_999_000).unwrap(), "2026-11-22 23:59:59.000");
        for time_ms in [-1, i64::MIN, i64::MAX] {
            assert!(matches!(time_text(time_ms), Err(WriteError::Time(found)) if found == time_ms));
        }
    }

    #[test]
    fn change_objects() {
        let object = ChangeObject {
            table: "Orders.v2",
            day: day(1_795_359_600_000).unwrap(),
            stream: "20261122150000000",
            first: "100",
            last: "300",
            count: 3,
            hash: 0xab,
        };
        let path = object.path();
        assert_eq!(
            path,
            "changes/Orders.v2/dt=2026-11-22/20261122150000000-100-300-3-00000000000000ab.parquet"
        );
        assert!(path.starts_with(&changes_of(object.table, object.day)));
        assert!(path.starts_with(&changes(object.table)));
    }

    #[test]
    fn a_change_object_is_known_by_its_name() {
        let name = "20261122150000000-100-300-3-00000000000000ab";
        let known = |table, folder: &str, name: &str| {
            let key = format!("{folder}/{name}.parquet");
            ChangeObject::parse(table, &key).map(|object| object.path() == key)
        };
        assert_eq!(known("planes", "changes/planes/dt=2026-11-22", name), Some(true));
        assert_eq!(known("_in", "changes/!_in/dt=2026-11-22", name), Some(true));
        for folder in [
            "changes/planes/dt=2026-11-31",
            "changes/planes/dt=2026-11-22/more",
            "changes/planes/day=2026-11-22",
            "changes/plane/dt=2026-11-22",
            "changes/planes",
            "copies/planes/dt=2026-11-22",
        ] {
            assert_eq!(known("planes", folder, name), None, "{folder}");
        }
        for name in [
            "20261122150000000-100-300-3-00000000000000ab-again",
            "20261122150000000-100-300-3-00000000000000AB",
            "20261122150000000-100-300-3-ab",
            "20261122150000000-100-300-03-00000000000000ab",
            "20261122150000000-100-300-+3-00000000000000ab",
            "20261122150000000-100-x-3-00000000000000ab",
            "20261122150000000--300-3-00000000000000ab",
            "20261122150000000-100-300-3",
            "part-00000",
        ] {
            assert_eq!(known("planes", "changes/planes/dt=2026-11-22", name), None, "{name}");
        }
    }

    #[test]
    fn no_folder_is_hidden() {
        for table in ["_internal", ".tmp", "__a", "-a", "a_b"] {
            let paths = [
                changes(table),
                changes_of(table, Date::constant(2026, 11, 22)),
                snapshots(table),
                snapshot(table, 0).unwrap(),
                increments(table),
                increment(table, 0).unwrap(),
                quarantine("stream", table, "1.json"),
            ];
            for path in paths {
                let hidden = |part: &str| part.starts_with(['_', '.']);
                assert!(!path.split('/').any(hidden), "{path}");
            }
        }
    }

    #[test]
    fn odd_names_are_folders_too() {
        let folders = ["...", "._x", "_x", "__", ".", "..", "a..", "-.-", "a.b"].map(folder);
        insta::assert_snapshot!(folders.join(" "), @"!... !._x !_x !__ !. !.. a.. -.- a.b");
    }

    #[track_caller]
    fn check_apart(one: &str, other: &str) {
        let folder = folder(one);
        assert!(!folder.contains('/') && !folder.starts_with(['_', '.']), "{folder}");
        assert_eq!(table_of(&folder), one);
        let prefixes = |table| [changes(table), snapshots(table), increments(table)];
        for (prefix, others) in prefixes(one).iter().zip(prefixes(other)) {
            assert_eq!(others.starts_with(prefix), one == other, "{prefix} {others}");
        }
    }

    proptest! {
        /// None is, and none lies in, that of another table.
        #[test]
        fn every_table_has_a_folder_of_its_own(
            one in "[aA_.-]{3,5}",
            other in "[aA_.-]{3,5}",
            more in "[aA_.-]{0,2}",
        ) {
            check_apart(&one, &other);
            check_apart(&one, &format!("{one}{more}"));
            check_apart(&format!("{one}{more}"), &one);
            check_apart(&one, &format!("{more}{one}"));
        }
    }
}

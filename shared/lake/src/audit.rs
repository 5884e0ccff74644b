//! The audit of a snapshot: whether the feed told of every change that it shows.
//!
//! ```text
//!  snapshot S1 ─────┐ a key's newest change before T2 instead of its item in S1
//!  (export time T1) ├──▶ expected ──┐
//!  changes from     │               ├──▶ one row for each _key, its two _hash side by side ──▶ totals
//!  T1 - 2 min ──────┘               │                                                     └──▶ differences
//!  snapshot S2 ─────────▶ found ────┘
//!  (export time T2)
//! ```
//!
//! A key on which the two sides disagree is of one kind:
//!
//! | kind | expected | found | what it tells |
//! |---|---|---|---|
//! | `missing` | an item | none | a delete is missing in the feed, or a data file in the snapshot |
//! | `unexpected` | none | an item | a change is missing in the feed |
//! | `different` | an item | another | a change is missing in the feed |
//! | `repeated` | | more than one | the snapshot's folder holds files of two exports |
//! | `unsettled` | | | it changed within two minutes of T2: no difference |
//!
//! **Unsettled** keys are counted apart. DynamoDB takes each item as of some moment within a minute of
//! T2, and times of changes are rounded down to the second, so that whether such a change is in S2 cannot be
//! said. A change that the feed lost within those minutes, of a key that it also told of, is not found: the next
//! audit begins with S2, which is right. What is `repeated` has no such excuse.
//!
//! **When to ask.** Once all changes before T2 + two minutes are in the lake. Before that, a change that is
//! on its way looks as one that is lost. The changes of a repaired hole stay lost: it is closed by a new
//! full export, which is the next audit's S1.
//!
//! **What it costs.** Athena reads the changes once, and of them only the days from T1 to T2; the two
//! snapshots once, and of them only `_key` and `_hash`. Only changes are sorted.
//!
//! The SQL is Athena's (Trino's), without a join: rows of all sides are grouped by `_key`, which also finds
//! keys that one side has twice.
//!
//! ```
//! use lake::audit::{Audit, Totals};
//! use lake::name::TableNames;
//! use lake::view::{Since, Snapshot};
//! use lake::Registry;
//!
//! let registry = Registry::new();
//! let since = Since::of(1_795_186_800_000, None)?;
//! let [previous, current] = [
//!     Snapshot { registry: &registry, partition: "20261121T150000Z", export_time_ms: 1_795_273_200_000 },
//!     Snapshot { registry: &registry, partition: "20261122T150000Z", export_time_ms: 1_795_359_600_000 },
//! ];
//! let audit = Audit::of(&TableNames::of("orders", 1), Some(&previous), &current, &since)?;
//! assert!(audit.totals().contains(r#"count(*) FILTER (WHERE "_kind" = 'missing') AS "missing""#));
//!
//! // What Athena answers.
//! let row = ["3", "2", "1", "0", "0", "0", "0", "30", "20"].map(|text| Some(text.to_owned()));
//! let totals = Totals::of(&row)?;
//! assert_eq!((totals.missing, totals.is_clean()), (1, false));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::str::FromStr;

use crate::error::WriteError;
use crate::meta::{HASH, KEY, SEQ, STREAM, TS};
use crate::name::TableNames;
use crate::view::{self, DAY, OVERLAY_MS, SNAPSHOT, Since, Snapshot, literal, quoted};

/// The most keys that are named.
pub const MAX_DIFFERENCES: usize = 100;

/// The two statements of an audit. Both read the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    totals: String,
    differences: String,
}

impl Audit {
    /// The audit of the snapshot `current`, by the one before and the changes between.
    ///
    /// All three have to be of one table in the sense of `since`: a snapshot of a table that had the name
    /// before is no `previous`.
    ///
    /// `previous: None` expects what the changes alone make of the table, all of them since `since`. That says
    /// something only of a table whose feed has existed since the table was made, such as one that
    /// an import made. Of another, each item that has not changed since its enrolment is `unexpected`: its first
    /// snapshot cannot be audited. All days of changes are read then.
    ///
    /// Fails where `previous` is not older than `current`, or a time is outside of the years 1970 to 9999.
    pub fn of(
        names: &TableNames,
        previous: Option<&Snapshot<'_>>,
        current: &Snapshot<'_>,
        since: &Since,
    ) -> Result<Self, WriteError> {
        check_order(previous, current)?;
        let verdicts = verdicts(names, previous, current, since)?;
        Ok(Self {
            totals: format!("{verdicts}\nSELECT {TOTALS} FROM \"verdict\""),
            differences: format!(
                "{verdicts}\n\
                 SELECT {DIFFERENCES} FROM \"verdict\" WHERE \"_kind\" <> 'unsettled' ORDER BY \"_key\" LIMIT {MAX_DIFFERENCES}"
            ),
        })
    }

    /// The statement whose answer is one row, which [`Totals::of`] takes.
    pub fn totals(&self) -> &str {
        &self.totals
    }

    /// The statement whose answer is a row for each key with a difference, by key, [`MAX_DIFFERENCES`] at most.
    ///
    /// | column | type | what |
    /// |---|---|---|
    /// | `key` | varchar | the key as canonical DynamoDB JSON |
    /// | `kind` | varchar | `missing`, `unexpected`, `different` or `repeated` |
    /// | `expected` | bigint | `_hash` of the item by the changes; null where there should be none |
    /// | `found` | bigint | `_hash` in the snapshot, the largest of repeated ones; null where there is none |
    pub fn differences(&self) -> &str {
        &self.differences
    }
}

/// What the answer to [`Audit::totals`] has, in the order of the fields of [`Totals`].
const TOTALS: &str = r#"count("_expected") AS "expected", coalesce(sum("_times"), 0) AS "found", count(*) FILTER (WHERE "_kind" = 'missing') AS "missing", count(*) FILTER (WHERE "_kind" = 'unexpected') AS "unexpected", count(*) FILTER (WHERE "_kind" = 'different') AS "different", count(*) FILTER (WHERE "_kind" = 'repeated') AS "repeated", count(*) FILTER (WHERE "_kind" = 'unsettled') AS "unsettled", coalesce(sum(CAST("_expected" AS decimal(38, 0))), 0) AS "expected_sum", coalesce(sum(CAST("_found" AS decimal(38, 0))), 0) AS "found_sum""#;

/// What the answer to [`Audit::differences`] has.
const DIFFERENCES: &str =
    r#""_key" AS "key", "_kind" AS "kind", "_expected" AS "expected", "_found" AS "found""#;

/// Of which kind a key is; null where both sides agree, also that there is no item.
const KIND: &str = r#"CASE WHEN "_times" > 1 THEN 'repeated' WHEN "_expected" IS NOT DISTINCT FROM "_found" THEN NULL WHEN "_near" THEN 'unsettled' WHEN "_found" IS NULL THEN 'missing' WHEN "_expected" IS NULL THEN 'unexpected' ELSE 'different' END"#;

/// Between two snapshots of one time no change could tell anything.
fn check_order(previous: Option<&Snapshot<'_>>, current: &Snapshot<'_>) -> Result<(), WriteError> {
    let is_older = |previous: &Snapshot<'_>| {
        previous.export_time_ms < current.export_time_ms && previous.partition != current.partition
    };
    match previous {
        Some(previous) if !is_older(previous) => Err(WriteError::SnapshotOrder {
            previous: previous.partition.to_owned(),
            current: current.partition.to_owned(),
        }),
        _ => Ok(()),
    }
}

/// The queries up to one row for each key, with both hashes and the kind.
fn verdicts(
    names: &TableNames,
    previous: Option<&Snapshot<'_>>,
    current: &Snapshot<'_>,
    since: &Since,
) -> Result<String, WriteError> {
    let change = newest_changes(names, previous, current, since)?;
    let changed = changed(current)?;
    let exported = exported(names, previous, current);
    Ok(format!(
        "WITH \"change\" AS ({change}),\n\
         \"side\" AS ({changed}{exported}),\n\
         \"item\" AS ({ITEM}),\n\
         \"verdict\" AS (SELECT *, {KIND} AS \"_kind\" FROM \"item\")"
    ))
}

/// Both hashes of a key. A change that removed the item has no hash, and takes the place of the item in S1.
const ITEM: &str = r#"SELECT "_key", CASE WHEN bool_or("_overlaid") THEN max("_changed") ELSE max("_previous") END AS "_expected", max("_current") AS "_found", count("_current") AS "_times", bool_or("_near") AS "_near" FROM "side" GROUP BY "_key""#;

/// Numbers each key's changes: those before T2 first, the newest of them with 1.
///
/// What came within two minutes after T2 is read too: it makes a key unsettled.
fn newest_changes(
    names: &TableNames,
    previous: Option<&Snapshot<'_>>,
    current: &Snapshot<'_>,
    since: &Since,
) -> Result<String, WriteError> {
    let until_ms = current.export_time_ms.saturating_add(OVERLAY_MS);
    let (last_day, until) = (view::day(until_ms)?, view::timestamp(until_ms)?);
    let as_of = view::timestamp(current.export_time_ms)?;
    let wanted = view::wanted(since, previous)?;
    let [key, hash, ts, stream, seq] = [KEY, HASH, TS, STREAM, SEQ].map(quoted);
    let (changes, day) = (quoted(&names.changes), quoted(DAY));
    Ok(format!(
        "SELECT {key}, {hash}, {ts}, max({ts}) OVER (PARTITION BY {key}) AS \"_latest\", \
         row_number() OVER (PARTITION BY {key} ORDER BY {ts} >= {as_of}, {stream} DESC, {seq} DESC) AS \"_age\" \
         FROM {changes} WHERE {wanted} AND {day} <= {last_day} AND {ts} < {until}"
    ))
}

/// The side of the changes. A key that changed only after T2 is here for being unsettled.
fn changed(current: &Snapshot<'_>) -> Result<String, WriteError> {
    let as_of_ms = current.export_time_ms;
    let as_of = view::timestamp(as_of_ms)?;
    let near = view::timestamp(as_of_ms.saturating_sub(OVERLAY_MS).max(0))?;
    let [key, hash, ts] = [KEY, HASH, TS].map(quoted);
    Ok(format!(
        "SELECT {key}, {ts} < {as_of} AS \"_overlaid\", \"_latest\" >= {near} AS \"_near\", {hash} AS \"_changed\", \
         CAST(NULL AS bigint) AS \"_previous\", CAST(NULL AS bigint) AS \"_current\" FROM \"change\" WHERE \"_age\" = 1"
    ))
}

/// The sides of the snapshots.
///
/// Each has a query of its own: Athena takes no condition but equality on a partition column whose values
/// only queries name.
///
/// Source: [Dynamic ID partitioning](https://docs.aws.amazon.com/athena/latest/ug/partition-projection-dynamic-id-partitioning.html).
fn exported(names: &TableNames, previous: Option<&Snapshot<'_>>, current: &Snapshot<'_>) -> String {
    let [table, key, hash, partition] = [&names.snapshot, KEY, HASH, SNAPSHOT].map(quoted);
    let side = |hashes: &str, snapshot: &Snapshot<'_>| {
        let value = literal(snapshot.partition);
        format!(
            "\nUNION ALL SELECT {key}, false, false, NULL, {hashes} FROM {table} WHERE {partition} = {value}"
        )
    };
    let previous = previous.map(|previous| side(&format!("{hash}, NULL"), previous));
    previous.unwrap_or_default() + &side(&format!("NULL, {hash}"), current)
}

/// What an audit found, in numbers.
///
/// The sums are of `_hash`: equal where both sides have the same items, and told in the report
/// without holding items against each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Items by the previous snapshot and the changes.
    pub expected: u64,
    /// Items in the snapshot; a repeated one as often as it is there.
    pub found: u64,
    /// Keys that were expected and are not in the snapshot.
    pub missing: u64,
    /// Keys that are in the snapshot and were not expected.
    pub unexpected: u64,
    /// Keys with another item than expected.
    pub different: u64,
    /// Keys that the snapshot has more than once.
    pub repeated: u64,
    /// Keys on which the sides disagree, and that changed within two minutes of the snapshot's time.
    pub unsettled: u64,
    /// The sum of `_hash` of the items expected.
    pub expected_sum: i128,
    /// The sum of `_hash` of the items in the snapshot, of repeated ones the largest.
    pub found_sum: i128,
}

/// Why an answer is not one of [`Audit::totals`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TotalsError {
    /// Another number of columns.
    #[error(
        "an audit's totals have 9 columns and the answer {found}: take the first row after the heads of an \
         answer to the same version's statement"
    )]
    Columns {
        /// How many there are.
        found: usize,
    },
    /// A value that is not a whole number in its range.
    #[error(
        "an audit's {column} is {}, expected {expected}: take the first row after the heads of an answer to \
         the same version's statement",
        .found.as_deref().unwrap_or("null")
    )]
    Value {
        /// The column's name.
        column: &'static str,
        /// What it should hold.
        expected: &'static str,
        /// What it holds; `None` for null.
        found: Option<String>,
    },
}

impl Totals {
    /// The totals in the row that Athena answers [`Audit::totals`] with, as the texts it gives.
    pub fn of(row: &[Option<String>]) -> Result<Self, TotalsError> {
        let [
            expected,
            found,
            missing,
            unexpected,
            different,
            repeated,
            unsettled,
            expected_sum,
            found_sum,
        ] = row
        else {
            return Err(TotalsError::Columns { found: row.len() });
        };
        Ok(Self {
            expected: count("expected", expected.as_deref())?,
            found: count("found", found.as_deref())?,
            missing: count("missing", missing.as_deref())?,
            unexpected: count("unexpected", unexpected.as_deref())?,
            different: count("different", different.as_deref())?,
            repeated: count("repeated", repeated.as_deref())?,
            unsettled: count("unsettled", unsettled.as_deref())?,
            expected_sum: sum("expected_sum", expected_sum.as_deref())?,
            found_sum: sum("found_sum", found_sum.as_deref())?,
        })
    }

    /// Keys with a difference that nothing excuses.
    pub fn differing(&self) -> u64 {
        let Self { missing, unexpected, different, repeated, .. } = *self;
        [missing, unexpected, different, repeated].into_iter().fold(0, u64::saturating_add)
    }

    /// Whether the snapshot is what the feed makes of the table, as far as can be said at its time.
    pub fn is_clean(&self) -> bool {
        self.differing() == 0
    }
}

fn count(column: &'static str, text: Option<&str>) -> Result<u64, TotalsError> {
    number(column, "a whole number from 0 on", text)
}

fn sum(column: &'static str, text: Option<&str>) -> Result<i128, TotalsError> {
    number(column, "a whole number", text)
}

fn number<T: FromStr>(
    column: &'static str,
    expected: &'static str,
    text: Option<&str>,
) -> Result<T, TotalsError> {
    let number = text.and_then(|text| text.parse().ok());
    number.ok_or_else(|| TotalsError::Value { column, expected, found: text.map(str::to_owned) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Registry;

    /// 2026-11-22T00:01:00Z: its two minutes are in two days.
    const AS_OF_MS: i64 = 1_795_305_660_000;

    fn check(previous: Option<(&str, i64)>, current: (&str, i64)) -> Result<Audit, WriteError> {
        let registry = Registry::new();
        let snapshot = |(partition, export_time_ms)| Snapshot {
            registry: &registry,
            partition,
            export_time_ms,
        };
        let since = Since::of(AS_OF_MS - 2 * 86_400_000, None).unwrap();
        let names = TableNames::of("a", 1);
        Audit::of(&names, previous.map(snapshot).as_ref(), &snapshot(current), &since)
    }

    #[test]
    fn a_small_audit() {
        let audit = check(Some(("1", AS_OF_MS - 86_400_000)), ("2", AS_OF_MS)).unwrap();
        insta::assert_snapshot!(audit.totals(), @r#"
        WITH "change" AS (SELECT "_key", "_hash", "_ts", max("_ts") OVER (PARTITION BY "_key") AS "_latest", row_number() OVER (PARTITION BY "_key" ORDER BY "_ts" >= TIMESTAMP '2026-11-22 00:01:00.000', "_stream" DESC, "_seq" DESC) AS "_age" FROM "a__changes" WHERE "_stream" >= '20261120000100000' AND "dt" >= '2026-11-20' AND "_ts" >= TIMESTAMP '2026-11-20 23:59:00.000' AND "dt" <= '2026-11-22' AND "_ts" < TIMESTAMP '2026-11-22 00:03:00.000'),
        "side" AS (SELECT "_key", "_ts" < TIMESTAMP '2026-11-22 00:01:00.000' AS "_overlaid", "_latest" >= TIMESTAMP '2026-11-21 23:59:00.000' AS "_near", "_hash" AS "_changed", CAST(NULL AS bigint) AS "_previous", CAST(NULL AS bigint) AS "_current" FROM "change" WHERE "_age" = 1
        UNION ALL SELECT "_key", false, false, NULL, "_hash", NULL FROM "a__snapshot" WHERE "snapshot" = '1'
        UNION ALL SELECT "_key", false, false, NULL, NULL, "_hash" FROM "a__snapshot" WHERE "snapshot" = '2'),
        "item" AS (SELECT "_key", CASE WHEN bool_or("_overlaid") THEN max("_changed") ELSE max("_previous") END AS "_expected", max("_current") AS "_found", count("_current") AS "_times", bool_or("_near") AS "_near" FROM "side" GROUP BY "_key"),
        "verdict" AS (SELECT *, CASE WHEN "_times" > 1 THEN 'repeated' WHEN "_expected" IS NOT DISTINCT FROM "_found" THEN NULL WHEN "_near" THEN 'unsettled' WHEN "_found" IS NULL THEN 'missing' WHEN "_expected" IS NULL THEN 'unexpected' ELSE 'different' END AS "_kind" FROM "item")
        SELECT count("_expected") AS "expected", coalesce(sum("_times"), 0) AS "found", count(*) FILTER (WHERE "_kind" = 'missing') AS "missing", count(*) FILTER (WHERE "_kind" = 'unexpected') AS "unexpected", count(*) FILTER (WHERE "_kind" = 'different') AS "different", count(*) FILTER (WHERE "_kind" = 'repeated') AS "repeated", count(*) FILTER (WHERE "_kind" = 'unsettled') AS "unsettled", coalesce(sum(CAST("_expected" AS decimal(38, 0))), 0) AS "expected_sum", coalesce(sum(CAST("_found" AS decimal(38, 0))), 0) AS "found_sum" FROM "verdict"
        "#);
        let [totals, differences] =
            [audit.totals(), audit.differences()].map(|text| text.rsplit_once('\n').unwrap());
        assert_eq!(totals.0, differences.0);
        insta::assert_snapshot!(differences.1, @r#"SELECT "_key" AS "key", "_kind" AS "kind", "_expected" AS "expected", "_found" AS "found" FROM "verdict" WHERE "_kind" <> 'unsettled' ORDER BY "_key" LIMIT 100"#);
    }

    #[test]
    fn a_snapshot_is_audited_by_an_older_one() {
        let error = |previous, current| check(Some(previous), current).unwrap_err().to_string();
        insta::assert_snapshot!(error(("2", AS_OF_MS), ("1", AS_OF_MS - 1)), @r#"snapshot "2" is not older than snapshot "1": audit the later of two by the earlier"#);
        insta::assert_snapshot!(error(("1", AS_OF_MS), ("2", AS_OF_MS)), @r#"snapshot "1" is not older than snapshot "2": audit the later of two by the earlier"#);
        // Two times within one second.
        insta::assert_snapshot!(error(("1", AS_OF_MS), ("1", AS_OF_MS + 1)), @r#"snapshot "1" is not older than snapshot "1": audit the later of two by the earlier"#);
        assert!(matches!(check(None, ("1", -1)), Err(WriteError::Time(-1))));
        assert!(matches!(check(None, ("1", i64::MAX)), Err(WriteError::Time(i64::MAX))));
    }

    #[test]
    fn totals_are_whole_numbers_or_refused() {
        let row = |change: &dyn Fn(&mut Vec<Option<String>>)| {
            let texts = ["3", "4", "0", "0", "0", "0", "2", "-170141183460469231731", "0"];
            let mut row = texts.map(|text| Some(text.to_owned())).to_vec();
            change(&mut row);
            Totals::of(&row)
        };
        let totals = row(&|_| ()).unwrap();
        assert!(totals.is_clean());
        insta::assert_debug_snapshot!(totals, @"
        Totals {
            expected: 3,
            found: 4,
            missing: 0,
            unexpected: 0,
            different: 0,
            repeated: 0,
            unsettled: 2,
            expected_sum: -170141183460469231731,
            found_sum: 0,
        }
        ");
        for (place, differing) in [(2, 1), (3, 1), (4, 1), (5, 1), (6, 0)] {
            let totals = row(&|row| row[place] = Some("1".to_owned())).unwrap();
            assert_eq!((totals.differing(), totals.is_clean()), (differing, differing == 0));
        }
        let error =
            |change: &dyn Fn(&mut Vec<Option<String>>)| row(change).unwrap_err().to_string();
        insta::assert_snapshot!(error(&|row| row[0] = None), @"an audit's expected is null, expected a whole number from 0 on: take the first row after the heads of an answer to the same version's statement");
        insta::assert_snapshot!(error(&|row| row[6] = Some("-1".to_owned())), @"an audit's unsettled is -1, expected a whole number from 0 on: take the first row after the heads of an answer to the same version's statement");
        insta::assert_snapshot!(error(&|row| row[8] = Some("1.5".to_owned())), @"an audit's found_sum is 1.5, expected a whole number: take the first row after the heads of an answer to the same version's statement");
        insta::assert_snapshot!(error(&|row| row.truncate(8)), @"an audit's totals have 9 columns and the answer 8: take the first row after the heads of an answer to the same version's statement");
    }
}

//! What a query of the current state reads, day after day, as history grows.
//!
//! ```text
//! cargo run --release -p lake --example thirty_days -- DIRECTORY
//! ```
//!
//! Each day a table `orders` changes, is exported at three o'clock, and is asked for at its end. The lake is written as
//! the functions write it. What the query reads is found as Athena finds it: from the bounds in the view's
//! text, by the templates in the catalog's tables. Prints a line for each day; `DIRECTORY/days.jsonl` has the view
//! and the files of each for someone who runs it.

#[path = "orders/mod.rs"]
mod orders;

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io::{Write, stderr, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use jiff::civil::Date;
use lake::catalog::TableDefinition;
use lake::name::TableNames;
use lake::view::{Since, Snapshot, View};
use lake::{DEFAULT_COLUMN_LIMIT, ExportFile, Registry, Row, path};
use orders::{CREATED_MS, LABEL, Orders, TABLE};
use serde_json::json;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
const BUCKET: &str = "lake";

/// Makes a lake of some days, and tells what a query reads at the end of each.
#[derive(Debug, Clone, Parser)]
struct Arguments {
    /// Where the lake begins
    directory: PathBuf,
    #[command(flatten)]
    size: Size,
}

#[derive(Debug, Clone, Copy, clap::Args)]
struct Size {
    /// How many days
    #[arg(long, default_value_t = 30)]
    days: i64,
    /// How many orders there are
    #[arg(long, default_value_t = 20_000)]
    orders: usize,
    /// How many change files a day has
    #[arg(long, default_value_t = 96)]
    files: i64,
    /// How many changes each has
    #[arg(long, default_value_t = 100)]
    changes: usize,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // There is nobody left to tell if this fails.
            let _ = writeln!(stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(Arguments { directory, size }: &Arguments) -> Result<(), Box<dyn Error>> {
    let mut lines = String::new();
    writeln!(
        stdout(),
        "{:>4} {:>22} {:>22} {:>22}",
        "day",
        "in the lake",
        "read",
        "without a snapshot"
    )?;
    lived(*size, |lake, day| {
        for (name, bytes) in &lake.written {
            let path = directory.join(name);
            fs::create_dir_all(path.parent().unwrap_or(Path::new("")))?;
            fs::write(path, bytes)?;
        }
        lake.written.clear();
        let all = Read::of(lake.files.iter());
        let cells =
            [all, day.on_snapshot.total(), day.on_changes.total()].map(|read| read.to_string());
        let [all, read, alone] = cells;
        writeln!(stdout(), "{:>4} {all:>22} {read:>22} {alone:>22}", day.number)?;
        writeln!(lines, "{}", day.as_json())?;
        Ok(())
    })?;
    fs::write(directory.join("days.jsonl"), lines)?;
    Ok(())
}

/// What there is.
struct Lake {
    /// Every file with its bytes.
    files: BTreeMap<String, u64>,
    /// Those that were made since the last look.
    written: Vec<(String, Vec<u8>)>,
}

impl Lake {
    fn add(&mut self, name: String, bytes: Vec<u8>) {
        self.files.insert(name.clone(), bytes.len() as u64);
        self.written.push((name, bytes));
    }
}

/// The end of a day.
struct Day {
    number: i64,
    on_snapshot: Query,
    on_changes: Query,
}

impl Day {
    fn as_json(&self) -> serde_json::Value {
        json!({
            "day": self.number,
            "onSnapshot": self.on_snapshot.as_json(),
            "onChanges": self.on_changes.as_json(),
        })
    }
}

/// A query of the current state, and what it reads.
struct Query {
    statement: String,
    changes: BTreeMap<String, u64>,
    snapshot: BTreeMap<String, u64>,
}

/// So many files, with so many bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Read {
    files: usize,
    bytes: u64,
}

impl Read {
    fn of<'f>(files: impl Iterator<Item = (&'f String, &'f u64)>) -> Self {
        files.fold(Self { files: 0, bytes: 0 }, |read, (_, bytes)| Self {
            files: read.files + 1,
            bytes: read.bytes + bytes,
        })
    }
}

impl std::fmt::Display for Read {
    #[expect(clippy::cast_precision_loss, reason = "megabytes for people")]
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} files {:.2} MB", self.files, self.bytes as f64 / 1e6)
    }
}

impl Query {
    fn total(&self) -> Read {
        Read::of(self.changes.iter().chain(&self.snapshot))
    }

    fn as_json(&self) -> serde_json::Value {
        let names = |files: &BTreeMap<String, u64>| files.keys().cloned().collect::<Vec<_>>();
        let Read { files, bytes } = self.total();
        json!({
            "statement": self.statement,
            "changes": names(&self.changes),
            "snapshot": names(&self.snapshot),
            "files": files,
            "bytes": bytes,
        })
    }
}

/// Lives through the days and looks at the end of each.
fn lived(
    size: Size,
    mut look: impl FnMut(&mut Lake, &Day) -> Result<(), Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let mut orders = Orders::new(size.orders)?;
    let mut lake = Lake { files: BTreeMap::new(), written: Vec::new() };
    for number in 1..=size.days {
        let midnight = CREATED_MS + (number - 1) * DAY_MS;
        let exported = midnight + DAY_MS / 8;
        // The columns of the snapshot: those that the changes had by then.
        let mut snapshot_columns = None;
        for file in 0..size.files {
            let from_ms = midnight + file * (DAY_MS / size.files);
            if snapshot_columns.is_none() && from_ms >= exported {
                let (name, bytes) = snapshot(&mut orders, exported)?;
                lake.add(name, bytes);
                snapshot_columns = Some(orders.registry.clone());
            }
            for file in orders.change(from_ms, size.changes)? {
                lake.add(file.path, file.bytes);
            }
        }
        let today = path::day(midnight)?;
        let of_snapshot = snapshot_columns.as_ref().map(|columns| (columns, exported));
        let on_snapshot = query(&orders, &lake, today, of_snapshot)?;
        let on_changes = query(&orders, &lake, today, None)?;
        look(&mut lake, &Day { number, on_snapshot, on_changes })?;
    }
    Ok(())
}

/// The table as it is, as the snapshot of an export at a time: its file's name and bytes.
fn snapshot(orders: &mut Orders, time_ms: i64) -> Result<(String, Vec<u8>), Box<dyn Error>> {
    let mut file = ExportFile::new(Vec::new(), TABLE)?;
    for order in 0..orders.versions.len() {
        file.push(&Row::of_snapshot(time_ms, &orders::key(order), &orders.item(order)))?;
    }
    orders.registry.assign(&file.unnamed(&orders.registry), DEFAULT_COLUMN_LIMIT);
    file.write_rows(&orders.registry)?;
    let name = path::data_file(&path::snapshot(TABLE, time_ms)?, "data.json.gz");
    Ok((name, file.finish()?))
}

/// The view as the run makes it, and the files that its bounds leave.
fn query(
    orders: &Orders,
    lake: &Lake,
    today: Date,
    exported: Option<(&Registry, i64)>,
) -> Result<Query, Box<dyn Error>> {
    let names = TableNames::of(TABLE, 1);
    let partition = exported.map(|(_, time_ms)| path::time_text(time_ms)).transpose()?;
    let snapshot = partition.as_deref().zip(exported);
    let snapshot = snapshot.map(|(partition, (registry, export_time_ms))| Snapshot {
        registry,
        partition,
        export_time_ms,
    });
    let since = Since::of(CREATED_MS, Some(LABEL))?;
    let view = View::current(&names, &orders.registry, snapshot.as_ref(), &since)?;
    let changes = TableDefinition::changes(TABLE, &names.changes, BUCKET, CREATED_MS)?;
    let snapshots = TableDefinition::snapshots(TABLE, &names.snapshot, BUCKET);
    let days = days(&changes, view.statement(), today)?;
    let of_snapshots = literals(view.statement(), r#""snapshot" = '"#);
    let below = |table: &TableDefinition, partition: &str, values: &[String]| {
        let prefixes: Vec<String> =
            values.iter().map(|value| location(table, partition, value)).collect();
        let files = lake.files.iter();
        let read = files.filter(|(name, _)| {
            prefixes.iter().any(|prefix| name.strip_prefix(prefix.as_str()).is_some_and(is_name))
        });
        read.map(|(name, bytes)| (name.clone(), *bytes)).collect()
    };
    Ok(Query {
        statement: view.statement().to_owned(),
        changes: below(&changes, "dt", &days),
        snapshot: below(&snapshots, "snapshot", &of_snapshots),
    })
}

fn is_name(rest: &str) -> bool {
    !rest.contains('/')
}

/// The folder of a partition, by the table's own template.
fn location(table: &TableDefinition, partition: &str, value: &str) -> String {
    let template = table.parameters.get("storage.location.template").map_or("", String::as_str);
    let location = template.replace(&format!("${{{partition}}}"), value);
    location.strip_prefix(&format!("s3://{BUCKET}/")).unwrap_or(&location).to_owned()
}

/// The days of the projection that some read of the changes asks for.
fn days(
    table: &TableDefinition,
    statement: &str,
    today: Date,
) -> Result<Vec<String>, Box<dyn Error>> {
    let range = table.parameters.get("projection.dt.range").map_or("", String::as_str);
    let (first, last) = range.split_once(',').ok_or("a range has two ends")?;
    if last != "NOW" {
        return Err(format!("the projection ends at {last}").into());
    }
    // A read without a bound is one of all days.
    let reads = statement.matches(&format!("FROM \"{}\"", table.name)).count();
    let bounds = literals(statement, r#""dt" >= '"#);
    let bound = if bounds.len() < reads { None } else { bounds.into_iter().min() };
    let mut day: Date = bound.as_deref().unwrap_or(first).max(first).parse()?;
    let mut days = Vec::new();
    while day <= today {
        days.push(day.to_string());
        day = day.tomorrow()?;
    }
    Ok(days)
}

/// The texts after each `before` in a statement, up to their ends.
fn literals(statement: &str, before: &str) -> Vec<String> {
    let after = statement.split(before).skip(1);
    after.filter_map(|rest| rest.split_once('\'')).map(|(text, _)| text.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a query reads does not grow with what lies before the snapshot.
    #[test]
    fn after_thirty_days_a_query_reads_as_much_as_after_one() {
        let size = Size { days: 30, orders: 50, files: 24, changes: 5 };
        let mut read = Vec::new();
        let mut alone = Vec::new();
        let mut lake_files = 0;
        lived(size, |lake, day| {
            read.push(day.on_snapshot.total());
            alone.push(day.on_changes.total());
            lake_files = lake.files.len();
            // One snapshot, and only the day of it: its files are the day's, the whole day's.
            assert_eq!((day.on_snapshot.snapshot.len(), day.on_snapshot.changes.len()), (1, 24));
            Ok(())
        })
        .unwrap();
        assert_eq!((read.len(), lake_files), (30, 30 * 25));
        assert!(read.iter().all(|read| read.files == 25), "{read:?}");
        let least = read.iter().map(|read| read.bytes).min().unwrap_or_default();
        let most = read.iter().map(|read| read.bytes).max().unwrap_or_default();
        // Bytes vary with the values, and a column that comes later makes files a little wider.
        assert!(most * 4 < least * 5, "{least} to {most} bytes");
        // Without a snapshot it does grow: the count sees what there is.
        assert_eq!((alone[0].files, alone[29].files), (24, 30 * 24));
        assert!(alone[29].bytes > 20 * alone[0].bytes);
    }

    #[test]
    fn a_snapshot_after_midnight_reads_the_day_before_too() {
        let definition =
            TableDefinition::changes(TABLE, "orders__changes", BUCKET, CREATED_MS).unwrap();
        let statement = |bound: &str| format!(r#"FROM "orders__changes" WHERE {bound}"#);
        let today = "2026-11-03".parse().unwrap();
        let of = |bound| days(&definition, &statement(bound), today).unwrap();
        assert_eq!(of(r#""dt" >= '2026-11-02'"#), ["2026-11-02", "2026-11-03"]);
        assert_eq!(of("TRUE").len(), 35 + 3);
    }
}

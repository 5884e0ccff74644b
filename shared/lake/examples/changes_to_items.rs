//! Rebuilds the current items of one table from its change files alone.
//!
//! ```text
//! cargo run -p lake --example changes_to_items -- [--since STREAM] DIRECTORY|FILE… > items.jsonl
//! ```
//!
//! A table that was deleted and made anew has a new stream: `--since`, with the `_stream` of its first change, leaves
//! out what was told of the one before, whose items would be there again.
//!
//! Takes files, and directories with all `.parquet` files below them, of one table; for example what
//! `aws s3 sync s3://lake/changes/planes/ planes/` fetched. Prints one item a line as canonical
//! DynamoDB JSON, `{"Item":{…}}`, in the order of the keys: what `import` and DynamoDB's `ImportTable`
//! take. Stops at the first file that cannot be read whole, and prints nothing then.

use std::error::Error;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufWriter, Write, stderr, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use lake::{Fold, read};

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&*error);
            ExitCode::FAILURE
        }
    }
}

/// Rebuilds the current items of one table from its change files alone.
#[derive(Debug, Parser)]
struct Arguments {
    /// Leave out changes of the streams before this one: `20261122150000000`
    #[arg(long, value_name = "STREAM", value_parser = stream)]
    since: Option<String>,
    /// Change files of one table, or directories of them
    #[arg(required = true)]
    paths: Vec<PathBuf>,
}

/// A stream's label as digits, as `_stream` has it.
fn stream(text: &str) -> Result<String, String> {
    let is_label = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_label.then(|| text.to_owned()).ok_or_else(|| {
        format!("{text:?} is no stream; expected digits as in _stream: 20261122150000000")
    })
}

fn run(Arguments { since, paths }: &Arguments) -> Result<(), Box<dyn Error>> {
    let mut files = Vec::new();
    for path in paths {
        find(path, &mut files).map_err(|source| within(path, &*source))?;
    }
    if files.is_empty() {
        return Err("no change files; give directories or .parquet files of one table".into());
    }
    let since = since.clone().unwrap_or_default();
    let mut table = Table { since, ..Table::default() };
    for path in &files {
        let added = fs::read(path).map_err(Into::into).and_then(|file| table.add(file));
        added.map_err(|source| within(path, &*source))?;
    }
    print(&table.fold)
}

/// The error with the path it is about, and all its causes.
fn within(path: &Path, error: &dyn Error) -> Box<dyn Error> {
    let mut text = format!("{}: {error}", path.display());
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text.into()
}

/// Tells the user; there is nobody left to tell if that fails.
fn report(error: &dyn Error) {
    let _ = writeln!(stderr(), "{error}");
}

/// Finds the files at and below a path.
fn find(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        if path.is_dir() || path.extension() == Some(OsStr::new("parquet")) {
            find(&path, files)?;
        }
    }
    Ok(())
}

/// The table that the files are of.
#[derive(Default)]
struct Table {
    /// Its name, once a file was read.
    name: Option<String>,
    /// Its first stream; empty if all are its.
    since: String,
    fold: Fold,
}

impl Table {
    /// Adds every row of a file.
    fn add(&mut self, file: Vec<u8>) -> Result<(), Box<dyn Error>> {
        let rows = read::rows(file)?;
        let name = self.name.get_or_insert_with(|| rows.table().to_owned());
        if name != rows.table() {
            let table = rows.table();
            return Err(format!(
                "is of table {table}, the files before it of {name}; give the files of one table"
            )
            .into());
        }
        for row in rows {
            let row = row?;
            if !row.is_intact() {
                let key = item::canonical(&row.key);
                return Err(format!("item {key} is not the one that was hashed").into());
            }
            if row.stream >= self.since {
                self.fold.add(row);
            }
        }
        Ok(())
    }
}

fn print(fold: &Fold) -> Result<(), Box<dyn Error>> {
    let mut out = BufWriter::new(stdout().lock());
    for item in fold.items() {
        writeln!(out, r#"{{"Item":{}}}"#, item::canonical(item))?;
    }
    out.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use lake::{Registry, Row, RowOp, Rows, parquet};

    use super::*;

    fn file(table: &str) -> Vec<u8> {
        parquet::write(table, &Rows::new().finish(&Registry::new()).unwrap()).unwrap()
    }

    #[test]
    fn arguments_are_taken_or_refused() {
        let taken = |arguments: &[&str]| {
            let arguments = std::iter::once("changes_to_items").chain(arguments.iter().copied());
            Arguments::try_parse_from(arguments).map(|it| (it.since, it.paths.len())).ok()
        };
        assert_eq!(taken(&["a", "b"]), Some((None, 2)));
        assert_eq!(taken(&["--since", "2026", "a"]), Some((Some("2026".to_owned()), 1)));
        assert_eq!(taken(&["--since", "2026-11-22", "a"]), None);
        assert_eq!(taken(&[]), None);
    }

    #[test]
    fn streams_before_the_first_are_left_out() {
        let mut table = Table { since: "2".to_owned(), ..Table::default() };
        let mut rows = Rows::new();
        for stream in ["1", "2", "3"] {
            let key = format!(r#"{{"pk":{{"S":"{stream}"}}}}"#);
            let item = item::format::dynamodb_json::parse_item(key.as_bytes()).unwrap();
            let row = Row {
                op: RowOp::Insert,
                ts_ms: 0,
                stream,
                seq: "1",
                by: None,
                event_id: "",
                key: &item,
                item: Some(&item),
                old: None,
            };
            rows.push(&row).unwrap();
        }
        let names = Registry::new();
        table.add(parquet::write("planes", &rows.finish(&names).unwrap()).unwrap()).unwrap();
        let left: Vec<String> = table.fold.items().map(item::canonical).collect();
        assert_eq!(left, [r#"{"pk":{"S":"2"}}"#, r#"{"pk":{"S":"3"}}"#]);
    }

    #[test]
    fn files_of_two_tables_are_refused() {
        let mut table = Table::default();
        table.add(file("planes")).unwrap();
        table.add(file("planes")).unwrap();
        let error = table.add(file("airports")).unwrap_err();
        assert!(error.to_string().contains("is of table airports, the files before it of planes"));
    }
}

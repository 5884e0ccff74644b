//! The exact items of a Parquet file of the lake, as a DynamoDB full export has them.
//!
//! ```text
//! cargo run --release -p lake --example parquet_to_export -- IN.parquet OUT.json
//! ```
//!
//! Writes one `{"Item":{…}}` line for each row that has an item, in the file's order and in canonical
//! text: what `ImportTable` and `imports/` take. Of a change file these are the items after each
//! change; `changes_to_items` makes the current ones of them. Each item is held against its hash; the
//! first that differs stops it, and there is no OUT then.

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufWriter, Write, stderr, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use lake::read;

/// Makes DynamoDB JSON lines of a Parquet file of the lake.
#[derive(Debug, Parser)]
struct Arguments {
    /// A Parquet file of the lake
    input: PathBuf,
    /// The DynamoDB JSON lines to write
    output: PathBuf,
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

fn run(Arguments { input, output }: &Arguments) -> Result<(), Box<dyn Error>> {
    // A file that breaks off must not look like one that is whole.
    let unfinished = output.with_added_extension("unfinished");
    let converted = convert(input, &unfinished).map_err(|error| within(input, &*error));
    let items = converted.inspect_err(|_| {
        let _ = fs::remove_file(&unfinished);
    })?;
    fs::rename(&unfinished, output)?;
    writeln!(stdout(), "{items} items: {}", output.display())?;
    Ok(())
}

/// The error with the path it is about, and all its causes.
fn within(path: &Path, error: &dyn Error) -> String {
    let mut text = format!("{}: {error}", path.display());
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn convert(input: &Path, output: &Path) -> Result<usize, Box<dyn Error>> {
    let mut out = BufWriter::new(File::create(output)?);
    let mut items = 0;
    for (place, row) in read::rows_of_file(File::open(input)?)?.enumerate() {
        let row = row?;
        if !row.is_intact() {
            let key = item::canonical(&row.key);
            return Err(format!("row {place}: item {key} is not the one that was hashed").into());
        }
        if let Some(item) = &row.item {
            writeln!(out, r#"{{"Item":{}}}"#, item::canonical(item))?;
            items += 1;
        }
    }
    out.flush()?;
    Ok(items)
}

//! Merges the small change files of a directory, as `compaction` does those of the lake.
//!
//! ```text
//! cargo run --release -p lake --example compact -- DIRECTORY --table orders
//! ```
//!
//! The directory has the lake's layout, for example as `aws s3 sync s3://lake lake --exclude '*' --include 'changes/*'`
//! fetched it. Merged files are removed once what they became is written.

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufWriter, Write, stderr, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use jiff::Timestamp;
use lake::compaction::{self, Limits, Listing, Merge, Note, Object, Step};

/// Merges the small change files of a directory.
#[derive(Debug, Parser)]
struct Arguments {
    /// Where the lake begins
    directory: PathBuf,
    /// The DynamoDB table
    #[arg(long)]
    table: String,
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

fn run(Arguments { directory, table }: &Arguments) -> Result<(), Box<dyn Error>> {
    let mut listing = Listing::default();
    find(directory, &directory.join(lake::path::changes(table)), &mut listing.objects)?;
    let (mut merged, mut outputs) = (0, 0);
    let now = Timestamp::MAX;
    for step in compaction::steps(table, &listing, &[], now, &Limits::of_run(now)) {
        let Step::Merge(note) = step else { continue };
        merge(directory, table, &note)?;
        merged += note.inputs.len();
        outputs += 1;
    }
    writeln!(stdout(), "{merged} of {} files became {outputs}", listing.objects.len())?;
    Ok(())
}

/// The files below a folder, with their keys.
fn find(directory: &Path, folder: &Path, objects: &mut Vec<Object>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            find(directory, &path, objects)?;
            continue;
        }
        let key = path.strip_prefix(directory)?.to_string_lossy().into_owned();
        let bytes = fs::metadata(&path)?.len();
        objects.push(Object { key, bytes, tag: String::new(), modified: Timestamp::UNIX_EPOCH });
    }
    Ok(())
}

fn merge(directory: &Path, table: &str, note: &Note) -> Result<(), Box<dyn Error>> {
    let output = directory.join(&note.output);
    let part = output.with_extension("part");
    let mut merge = Merge::new(BufWriter::new(File::create(&part)?), table)?;
    for input in &note.inputs {
        let bytes = fs::read(directory.join(&input.key))?;
        merge.push(bytes.into()).map_err(|error| format!("{}: {error}", input.key))?;
    }
    let (mut file, rows) = merge.finish()?;
    file.flush()?;
    if rows != note.rows {
        return Err(format!("{rows} rows, and by the files' names {}", note.rows).into());
    }
    fs::rename(part, output)?;
    for input in &note.inputs {
        fs::remove_file(directory.join(&input.key))?;
    }
    Ok(())
}

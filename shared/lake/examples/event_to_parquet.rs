//! One batch of changes, as a Lambda function gets it from a DynamoDB stream, as Parquet of the lake.
//!
//! ```text
//! cargo run --release -p lake --example event_to_parquet -- EVENT.json OUT.parquet
//! ```
//!
//! What the `stream` function does without AWS: to see what a recorded event becomes, or to replay one
//! that an on-failure destination kept. Columns are named in the order in which the event brings them.
//! The lake has one file for each UTC day; an event of several days becomes OUT.parquet,
//! OUT-2.parquet and so on, and the names the lake would give them are printed.

use std::error::Error;
use std::fs;
use std::io::{Write, stderr, stdout};
use std::iter::successors;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use item::change::Event;
use lake::{ChangeFiles, DEFAULT_COLUMN_LIMIT, Registry};

/// Makes Parquet of a DynamoDB stream event.
#[derive(Debug, Parser)]
struct Arguments {
    /// The event: {"Records":[…]}
    event: PathBuf,
    /// The Parquet file to write
    output: PathBuf,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let causes = successors(Some(&*error as &dyn Error), |&error| error.source());
            let causes: Vec<String> = causes.map(ToString::to_string).collect();
            // There is nobody left to tell if this fails.
            let _ = writeln!(stderr(), "{}", causes.join(": "));
            ExitCode::FAILURE
        }
    }
}

fn run(Arguments { event, output }: &Arguments) -> Result<(), Box<dyn Error>> {
    let within = |error: &dyn Error| format!("{}: {error}", event.display());
    let bytes = fs::read(event).map_err(|error| within(&error))?;
    let mut files = ChangeFiles::new();
    for (place, record) in Event::new(&bytes).enumerate() {
        let of_record = |error: &dyn Error| {
            within(&*Box::<dyn Error>::from(format!("record {place}: {error}")))
        };
        let record = record.map_err(|error| within(&error))?;
        let change = record.change.map_err(|error| of_record(&error))?;
        files.push(&change).map_err(|error| of_record(&error))?;
    }
    let mut registry = Registry::new();
    registry.assign(&files.unnamed(&registry), DEFAULT_COLUMN_LIMIT);
    for (place, file) in files.finish(&registry)?.into_iter().enumerate() {
        let path = numbered(output, place + 1);
        fs::write(&path, &file.bytes)?;
        writeln!(stdout(), "{} changes: {}, in the lake {}", file.rows, path.display(), file.path)?;
    }
    Ok(())
}

/// `OUT.parquet` for the first file, `OUT-2.parquet` for the second.
fn numbered(path: &Path, number: usize) -> PathBuf {
    if number == 1 {
        return path.to_owned();
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let mut name = format!("{stem}-{number}");
    if let Some(extension) = path.extension() {
        name = format!("{name}.{}", extension.to_string_lossy());
    }
    path.with_file_name(name)
}

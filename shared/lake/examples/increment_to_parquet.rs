//! A data file of an incremental export of a DynamoDB table as one Parquet file of the lake.
//!
//! ```text
//! cargo run --release -p lake --example increment_to_parquet -- IN.json OUT.parquet
//! ```
//!
//! Reads the lines `{"Metadata":{…},"Keys":{…},"OldImage":{…},"NewImage":{…}}`, or with `--ion` DynamoDB's Ion, of an
//! export with old and new images, decompressed. A line that is none stops it and is named with its byte; there is no
//! OUT then.

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufReader, Write, stderr, stdout};
use std::iter::successors;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use item::format::{Format, Reader};
use lake::export::View;
use lake::{DEFAULT_COLUMN_LIMIT, ExportFile, Registry, Row};

/// Makes one Parquet file of an incremental DynamoDB export.
#[derive(Debug, Parser)]
struct Arguments {
    /// The changes, one a line
    input: PathBuf,
    /// The Parquet file to write
    output: PathBuf,
    /// The lines are Ion
    #[arg(long)]
    ion: bool,
    /// The table's name, for the file's metadata
    #[arg(long, default_value = "table")]
    table: String,
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

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let Arguments { input, output, ion, table } = arguments;
    let within = |error: &dyn Error| format!("{}: {error}", input.display());
    let format = if *ion { Format::DynamoDbIon } else { Format::DynamoDbJson };
    let lines = File::open(input).map_err(|error| within(&error))?;
    let mut reader = Reader::of_changes(BufReader::new(lines), &format)?;
    let mut file = ExportFile::new(Vec::new(), table)?;
    let mut registry = Registry::new();
    while let Some(line) = reader.next_row()? {
        let change = line.change().map_err(|error| within(&error))?;
        let row = Row::of_increment(&change.keys, &change, View::NewAndOldImages);
        row.and_then(|row| file.push(&row)).map_err(|error| within(&error))?;
        if file.is_full() {
            registry.assign(&file.unnamed(&registry), DEFAULT_COLUMN_LIMIT);
            file.write_rows(&registry)?;
        }
    }
    registry.assign(&file.unnamed(&registry), DEFAULT_COLUMN_LIMIT);
    file.write_rows(&registry)?;
    let changes = file.written();
    fs::write(output, file.finish()?)?;
    writeln!(stdout(), "{changes} changes: {}", output.display())?;
    Ok(())
}

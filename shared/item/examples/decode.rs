//! Reads a file to its end and counts what it holds: how fast a format is read, and how much of it.
//!
//! ```text
//! cargo run --release -p item --example decode -- IN [--format csv|tsv|jsonl|ion|…]
//! ```
//!
//! Without a format it is found out from the file. Prints one line: items and their attributes, rejected
//! rows, and the bytes read. Nothing is decompressed. CSV columns hold strings, unless `--infer` finds
//! types for them from the first MiB.

use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write, stderr, stdout};
use std::iter::successors;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use item::format::csv::{self, Delimiter};
use item::format::detect::{Content, detect};
use item::format::{Format, Reader};

/// Bytes read at a time.
const BUFFER: usize = 256 * 1024;
/// Bytes that the format and the columns' types are found from.
const SAMPLE: usize = 1024 * 1024;

/// Reads a file and counts its items and rejected rows.
#[derive(Debug, Parser)]
struct Arguments {
    /// The file to read, not compressed
    input: PathBuf,
    /// How it is written [default: found out from the file and its name]
    #[arg(long, value_enum)]
    format: Option<Name>,
    /// Find the types of CSV columns, instead of reading strings
    #[arg(long)]
    infer: bool,
    /// Print the first rejected rows, up to so many
    #[arg(long, value_name = "ROWS", default_value_t = 0)]
    rejects: usize,
}

/// The formats, by the name they are asked for with.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Name {
    /// Comma-separated values
    Csv,
    /// Tab-separated values
    Tsv,
    /// Plain JSON, one object a line
    Jsonl,
    /// DynamoDB JSON, one item a line
    DynamodbJson,
    /// One array of plain JSON
    JsonArray,
    /// One array of DynamoDB JSON
    DynamodbJsonArray,
    /// Plain Ion, text or binary
    Ion,
    /// DynamoDB's Ion, text or binary
    DynamodbIon,
}

impl From<Name> for Format {
    fn from(name: Name) -> Self {
        let csv = |delimiter| Self::Csv(csv::Options { delimiter, ..csv::Options::default() });
        match name {
            Name::Csv => csv(Delimiter::Comma),
            Name::Tsv => csv(Delimiter::Tab),
            Name::Jsonl => Self::JsonLines,
            Name::DynamodbJson => Self::DynamoDbJson,
            Name::JsonArray => Self::JsonArray,
            Name::DynamodbJsonArray => Self::DynamoDbJsonArray,
            Name::Ion => Self::Ion,
            Name::DynamodbIon => Self::DynamoDbIon,
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let causes = successors(Some(&*error as &dyn Error), |&error| error.source());
            let causes: Vec<String> = causes.map(ToString::to_string).collect();
            // There is nobody left to tell if this fails.
            let _ = writeln!(stderr(), "{}: {}", arguments.input.display(), causes.join(": "));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let format = format(arguments)?;
    let input = BufReader::with_capacity(BUFFER, File::open(&arguments.input)?);
    let Counted { items, attributes, rejects, bytes } = count(input, &format, arguments.rejects)?;
    writeln!(
        stdout(),
        "{items} items of {attributes} attributes, {rejects} rejected, {bytes} bytes"
    )?;
    Ok(())
}

/// The format given or found, with the types of its columns if those are to be found.
fn format(arguments: &Arguments) -> Result<Format, Box<dyn Error>> {
    let sample = sample(&arguments.input)?;
    let mut format = match arguments.format {
        Some(name) => name.into(),
        None => detected(&sample, &arguments.input)?,
    };
    if let (Format::Csv(options), true) = (&mut format, arguments.infer) {
        let columns = csv::infer(&sample, sample.len() < SAMPLE, options)?;
        options.types =
            columns.into_iter().map(|found| (found.column, found.column_type)).collect();
    }
    Ok(format)
}

fn sample(path: &Path) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut sample = Vec::new();
    File::open(path)?.take(SAMPLE as u64).read_to_end(&mut sample)?;
    Ok(sample)
}

fn detected(sample: &[u8], path: &Path) -> Result<Format, Box<dyn Error>> {
    let detected = detect(sample, &path.to_string_lossy())?;
    writeln!(stderr(), "{}", detected.because)?;
    match detected.content {
        Content::Rows(format) => Ok(format),
        Content::Parquet => Err("Parquet is read by the crate lake".into()),
    }
}

/// What a file holds.
struct Counted {
    items: u64,
    attributes: usize,
    rejects: u64,
    bytes: u64,
}

fn count(
    input: impl BufRead,
    format: &Format,
    mut shown: usize,
) -> Result<Counted, Box<dyn Error>> {
    let mut reader = Reader::new(input, format)?;
    let (mut items, mut attributes, mut rejects) = (0, 0, 0);
    while let Some(row) = reader.next_row()? {
        match row.item() {
            Ok(item) => {
                items += 1;
                attributes += item.len();
            }
            Err(error) => {
                rejects += 1;
                if shown > 0 {
                    shown -= 1;
                    writeln!(stderr(), "{error}")?;
                }
            }
        }
    }
    Ok(Counted { items, attributes, rejects, bytes: reader.place().offset })
}

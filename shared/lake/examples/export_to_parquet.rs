//! A full export of a DynamoDB table, or other DynamoDB JSON lines, as one Parquet file of the lake.
//!
//! ```text
//! cargo run --release -p lake --example export_to_parquet -- IN.json[.gz] OUT.parquet --key pk[,sk]
//! ```
//!
//! Reads `{"Item":{…}}` lines, gzip or not. Columns are inferred from all of them: an attribute may
//! first appear in the last. Memory is that of one row group, 16 MiB of text, whatever the input's
//! size. A line that is no item, or has no key, stops it and is named with its byte; there is no OUT
//! then.

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, IsTerminal, Write, stderr, stdout};
use std::iter::successors;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use flate2::bufread::MultiGzDecoder;
use item::Item;
use item::format::{Format, Reader};
use item::key::{KeyAttribute, KeySchema, KeyType};
use jiff::Timestamp;
use lake::{DEFAULT_COLUMN_LIMIT, ExportFile, Registry, Row};

/// Bytes read at a time.
const BUFFER: usize = 256 * 1024;
/// How every gzip file begins (RFC 1952).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Makes one Parquet file of a DynamoDB export.
#[derive(Debug, Parser)]
struct Arguments {
    /// DynamoDB JSON lines, `{"Item":{…}}`, gzip or not
    input: PathBuf,
    /// The Parquet file to write
    output: PathBuf,
    /// The table's partition key, and its sort key after a comma
    #[arg(long, value_name = "PK[,SK]", value_delimiter = ',', num_args = 1, required = true)]
    key: Vec<String>,
    /// The table's name, for the file's metadata [default: the input's name up to its first dot]
    #[arg(long)]
    table: Option<String>,
    /// When the export was taken, for the column `_ts`
    #[arg(long, default_value = "1970-01-01T00:00:00Z")]
    time: Timestamp,
    /// The most columns; what has none by then goes to `_rest`
    #[arg(long, default_value_t = DEFAULT_COLUMN_LIMIT)]
    column_limit: usize,
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
    let Arguments { input, output, .. } = arguments;
    let lines = open(input).map_err(|error| format!("{}: {error}", input.display()))?;
    // A file that breaks off must not look like one that is whole.
    let unfinished = output.with_added_extension("unfinished");
    let converted = convert(arguments, lines, &unfinished);
    let Done { items, columns } = converted.inspect_err(|_| {
        let _ = fs::remove_file(&unfinished);
    })?;
    fs::rename(&unfinished, output)?;
    let size = fs::metadata(output)?.len();
    writeln!(stdout(), "{items} items, {columns} columns, {size} bytes: {}", output.display())?;
    Ok(())
}

/// What a conversion made.
struct Done {
    items: usize,
    columns: usize,
}

fn convert(
    arguments: &Arguments,
    lines: Box<dyn BufRead>,
    output: &Path,
) -> Result<Done, Box<dyn Error>> {
    let Arguments { input, key, table, time, column_limit, .. } = arguments;
    let name = || input.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let table = table.clone().unwrap_or_else(|| name().split('.').next().unwrap_or("").to_owned());
    let mut file = ExportFile::new(File::create(output)?, &table)?;
    let mut registry = Registry::new();
    let mut schema = None;
    let mut reader = Reader::new(lines, &Format::DynamoDbJson)?;
    while let Some(row) = reader.next_row()? {
        let within = |error: &dyn Error| {
            format!("{}: line {}, byte {}: {error}", input.display(), row.line, row.offset)
        };
        let item = row.item().map_err(|error| format!("{}: {error}", input.display()))?;
        let schema = match &schema {
            Some(schema) => schema,
            None => schema.insert(key_schema(key, &item).map_err(|error| within(&*error))?),
        };
        let key = schema.key_of(&item).map_err(|error| within(&error))?;
        let item = Row::of_snapshot(time.as_millisecond(), &key, &item);
        file.push(&item).map_err(|error| within(&error))?;
        if file.is_full() {
            registry.assign(&file.unnamed(&registry), *column_limit);
            file.write_rows(&registry)?;
            progress(file.written());
        }
    }
    registry.assign(&file.unnamed(&registry), *column_limit);
    file.write_rows(&registry)?;
    let items = file.written();
    file.finish()?;
    Ok(Done { items, columns: registry.columns().len() })
}

fn open(path: &Path) -> Result<Box<dyn BufRead>, Box<dyn Error>> {
    let mut file = BufReader::with_capacity(BUFFER, File::open(path)?);
    Ok(if file.fill_buf()?.starts_with(&GZIP) {
        Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(file)))
    } else {
        Box::new(file)
    })
}

/// The key's attributes, with the types that they have in the first item.
fn key_schema(names: &[String], item: &Item<'_>) -> Result<KeySchema, Box<dyn Error>> {
    let attribute = |name: &String| {
        let value =
            item.get(name).ok_or_else(|| format!("the item has no key attribute {name}"))?;
        let kind = KeyType::of(value).ok_or_else(|| {
            let found = value.type_descriptor();
            format!("the key attribute {name} is of type {found}; a key is of type S, N or B")
        })?;
        Ok::<_, Box<dyn Error>>(KeyAttribute::new(name, kind))
    };
    match names {
        [partition] => Ok(KeySchema::simple(attribute(partition)?)),
        [partition, sort] => Ok(KeySchema::composite(attribute(partition)?, attribute(sort)?)),
        _ => Err(format!("a key has one or two attributes, --key names {}", names.len()).into()),
    }
}

/// Tells someone who is watching how far it is.
fn progress(items: usize) {
    let mut out = stderr().lock();
    if out.is_terminal() {
        let _ = write!(out, "\r{items} items");
    }
}

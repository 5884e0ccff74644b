//! Loads a file of items into a table of a local DynamoDB, as the direct engine of `import` does.
//!
//! ```text
//! cargo run --release -p aws --example load_items -- IN --table NAME --endpoint URL --key pk[,sk]
//!
//! IN ─rows─▶ items ─canonical text─▶ batches ─▶ as many at a time as the endpoint takes
//! ```
//!
//! To see what a load costs its client: `make bench` runs it against an endpoint that takes whatever it
//! is sent. The format is found out from the file; nothing is decompressed, and CSV columns hold strings.
//! A thread decodes and gathers batches, another writes them. A row that is no item, or that has no
//! key, stops the load and is named with its line. Prints one line: the items written, calls throttled
//! and items refused.
//!
//! The credentials are made up, so that AWS itself is never written to.

use std::error::Error;
use std::fs::File;
use std::io::{BufReader, Read, Write, stderr, stdout};
use std::iter::successors;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use aws::Clients;
use aws::batch_write::{self, Bounds, Ended, Load, Step, Written};
use aws::environment::Environment;
use clap::Parser;
use item::batch::Batcher;
use item::format::detect::{Content, detect};
use item::format::{Format, Reader};
use item::{Item, canonical, write_canonical_value};
use tokio::sync::mpsc::{self, Sender};
use tokio::time::Instant;

/// Bytes read at a time.
const BUFFER: usize = 256 * 1024;
/// Bytes that the format is found from.
const SAMPLE: u64 = 1024 * 1024;
/// Batches decoded ahead of what is being written.
const AHEAD: usize = 16;
/// Long enough for any file.
const TIME: Duration = Duration::from_hours(24);

/// Loads a file of items into a table of a local DynamoDB.
#[derive(Debug, Parser)]
struct Arguments {
    /// The file to read, not compressed
    input: PathBuf,
    /// The table to write to, which is there
    #[arg(long)]
    table: String,
    /// Where that DynamoDB listens
    #[arg(long, value_name = "URL")]
    endpoint: String,
    /// The table's partition key, and its sort key after a comma
    #[arg(long, value_delimiter = ',', required = true)]
    key: Vec<String>,
}

type Fault = Box<dyn Error + Send + Sync>;

/// A batch whose items are called by their lines, or the end.
type Batch = Step<u64, ()>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
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

async fn run(arguments: Arguments) -> Result<(), Fault> {
    let Arguments { input, table, endpoint, key } = arguments;
    let clients = clients(&endpoint)?;
    let (steps, receiver) = mpsc::channel(AHEAD);
    let decoding = tokio::task::spawn_blocking(move || decode(&input, &key, &steps));
    let now = Instant::now();
    let bounds = Bounds { max_refused: 0, stop_at: now + TIME, abandon_at: now + TIME };
    let mut loaded = Written::default();
    let reached = |(), written| loaded = written;
    let ended =
        batch_write::write_all(clients.dynamodb(), &table, receiver, bounds, reached).await?;
    decoding.await??;
    if ended == Ended::OutOfTime {
        return Err(format!("not all was written within {} hours", TIME.as_secs() / 3600).into());
    }
    let Written { items, throttled, refused } = loaded;
    writeln!(stdout(), "{items} items, {throttled} throttled calls, {} refused", refused.len())?;
    Ok(())
}

fn clients(endpoint: &str) -> Result<Clients, Fault> {
    let variables = [
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_ENDPOINT_URL", endpoint),
    ];
    Ok(Clients::from_environment(&Environment::from_variables(variables))?)
}

/// Reads the file to its end, or until nobody takes its batches any more: writing has failed then, and
/// says so itself.
fn decode(input: &Path, key: &[String], steps: &Sender<Batch>) -> Result<(), Fault> {
    let within = |error: Fault| -> Fault { format!("{}: {error}", input.display()).into() };
    let mut reader = open(input).map_err(within)?;
    let mut batcher = Batcher::new();
    while let Some(row) = reader.next_row().map_err(|error| within(error.into()))? {
        let item = row.item().map_err(|error| within(error.into()))?;
        let of_line = |error: String| within(format!("line {}: {error}", row.line).into());
        let key = key_of(&item, key).map_err(of_line)?;
        let text = canonical(&item);
        let size = text.len();
        let full = batcher.push(key, size, Load { item: text, origin: row.line });
        if let Some(batch) = full
            && steps.blocking_send(Step::Batch(batch)).is_err()
        {
            return Ok(());
        }
    }
    for step in batcher.finish().map(Step::Batch).into_iter().chain([Step::Checkpoint(())]) {
        if steps.blocking_send(step).is_err() {
            break;
        }
    }
    Ok(())
}

fn open(input: &Path) -> Result<Reader<BufReader<File>>, Fault> {
    let mut sample = Vec::new();
    File::open(input)?.take(SAMPLE).read_to_end(&mut sample)?;
    let format = format(&sample, input)?;
    Ok(Reader::new(BufReader::with_capacity(BUFFER, File::open(input)?), &format)?)
}

fn format(sample: &[u8], input: &Path) -> Result<Format, Fault> {
    match detect(sample, &input.to_string_lossy())?.content {
        Content::Rows(format) => Ok(format),
        Content::Parquet => Err("Parquet is read by the crate lake".into()),
    }
}

/// What tells two keys apart: the canonical text of their values.
fn key_of(item: &Item<'_>, names: &[String]) -> Result<String, String> {
    let mut text = String::new();
    for name in names {
        let value =
            item.get(name).ok_or_else(|| format!("the item has no key attribute {name}"))?;
        write_canonical_value(value, &mut text);
    }
    Ok(text)
}

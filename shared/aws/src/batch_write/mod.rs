//! Loading items with `BatchWriteItem`.
//!
//! ```text
//! steps ─▶ batch ─▶ as many at a time as DynamoDB takes ─▶ written, refused
//!      └─▶ checkpoint ── reached when every batch before it is written
//! ```
//!
//! Batches come in on a channel and are written many at a time. How many is found by additive
//! increase and multiplicative decrease: every batch that goes through whole adds a little, every
//! throttled one halves. What DynamoDB leaves in `UnprocessedItems`, and nothing else, is sent
//! again after a full-jitter pause. A call that is throttled outright is a batch of which nothing was
//! processed.
//!
//! A batch that DynamoDB calls invalid is taken apart and written item by item, so that one item
//! it refuses does not take its neighbours along.

mod concurrency;
mod pause;
mod request;
mod segments;
mod writer;

use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use tokio::{
    sync::mpsc::Receiver,
    task::JoinSet,
    time::{Instant, sleep_until},
};

use self::{segments::Segments, writer::Writer};
use crate::{Class, Failure};

/// An item on its way into a table, and where it came from.
#[derive(Debug)]
pub struct Load<T> {
    /// The item as DynamoDB JSON: `{"pk":{"S":"a"}}`. It is sent as it is.
    pub item: String,
    /// What to call it if DynamoDB refuses it.
    pub origin: T,
}

/// What comes down the channel.
#[derive(Debug)]
pub enum Step<T, C> {
    /// Items to write: at most 25, 16 MB, no key twice.
    Batch(Vec<Load<T>>),
    /// A place the caller wants to be told of once everything before it is written.
    Checkpoint(C),
}

/// What bounds a load.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Items that may be refused; more are taken for a fault of the load, not of the items.
    pub max_refused: usize,
    /// When to take no more batches.
    pub stop_at: Instant,
    /// When to leave batches that are still under way.
    pub abandon_at: Instant,
}

/// An item that DynamoDB refuses whoever asks.
#[derive(Debug)]
pub struct Refused<T> {
    /// Where the item came from.
    pub origin: T,
    /// What DynamoDB said.
    pub failure: Failure,
}

/// What was written.
#[derive(Debug)]
pub struct Written<T> {
    /// Items DynamoDB took.
    pub items: u64,
    /// Calls that came back with unprocessed items or were throttled outright.
    pub throttled: u64,
    /// Items DynamoDB refused.
    pub refused: Vec<Refused<T>>,
}

impl<T> Default for Written<T> {
    fn default() -> Self {
        Self { items: 0, throttled: 0, refused: Vec::new() }
    }
}

impl<T> Written<T> {
    fn add(&mut self, other: Self) {
        self.items += other.items;
        self.throttled += other.throttled;
        self.refused.extend(other.refused);
    }
}

/// How a load ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Every batch is written.
    Complete,
    /// Time was up: what comes after the last checkpoint that was reached may or may not be written.
    OutOfTime,
}

/// Writes every batch that comes down the channel; the last step is a checkpoint.
///
/// `reached` is told of each checkpoint when all before it is written, in order, with what was written
/// between the one before and it. Ends when
/// the channel closes, when time is up (the channel closes then, and what is still under way is left
/// after a while: its items may or may not be written), or at the first failure that is not one item's
/// fault; then some items are written and some are not, and the load can be run again from the last
/// checkpoint.
pub async fn write_all<T: Send + Sync + 'static, C>(
    dynamodb: &Client,
    table: &str,
    mut steps: Receiver<Step<T, C>>,
    bounds: Bounds,
    mut reached: impl FnMut(C, Written<T>),
) -> Result<Ended, Failure> {
    let writer = Arc::new(Writer::new(dynamodb.clone(), table.to_owned()));
    let mut refused = 0;
    let mut segments = Segments::default();
    let mut tasks = JoinSet::new();
    // Whether more may come, and whether everything has.
    let (mut open, mut all) = (true, false);
    while open || !tasks.is_empty() {
        let room = open && tasks.len() < writer.concurrency.limit();
        tokio::select! {
            Some(done) = tasks.join_next() => {
                let (segment, written): (u64, Written<T>) = joined(done)?;
                refused += written.refused.len();
                if refused > bounds.max_refused {
                    return Err(too_many_refused(&writer, &written, bounds.max_refused));
                }
                segments.done(segment, written);
            }
            step = steps.recv(), if room => match step {
                Some(Step::Batch(batch)) => {
                    let (writer, segment) = (Arc::clone(&writer), segments.began());
                    tasks.spawn(async move { Ok((segment, writer.write(batch).await?)) });
                }
                Some(Step::Checkpoint(place)) => segments.mark(place),
                None => (open, all) = (false, true),
            },
            () = sleep_until(bounds.stop_at), if open => {
                open = false;
                steps.close();
            }
            // The set of tasks is dropped, and what is under way with it.
            () = sleep_until(bounds.abandon_at) => break,
        }
        while let Some((place, written)) = segments.reached() {
            reached(place, written);
        }
    }
    Ok(if all && tasks.is_empty() { Ended::Complete } else { Ended::OutOfTime })
}

type Joined<T> = Result<Result<T, Failure>, tokio::task::JoinError>;

fn joined<T>(done: Joined<T>) -> Result<T, Failure> {
    done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

fn too_many_refused<T>(writer: &Writer, written: &Written<T>, most: usize) -> Failure {
    let first = written.refused.first().map(|refused| refused.failure.message.as_str());
    let message =
        format!("more than {most} items were refused, one of them: {}", first.unwrap_or_default());
    writer.stated(message, Class::Permanent)
}

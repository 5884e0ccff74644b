//! Loading items with `BatchWriteItem`.
//!
//! Batches come in on a channel and are written many at a time. How many is found by additive
//! increase and multiplicative decrease: every batch that goes through whole adds a little, every
//! throttled one halves. What DynamoDB leaves in `UnprocessedItems`, and nothing else, is sent
//! again after a full-jitter pause.
//!
//! A batch that DynamoDB calls invalid is taken apart and written item by item, so that one item
//! it refuses does not take its neighbours along.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_sdk_dynamodb::{
    Client,
    types::{PutRequest, WriteRequest},
};
use item::Item;
use tokio::{sync::mpsc::Receiver, task::JoinSet};

use crate::{Class, Failure, item_to_sdk};

/// An item on its way into a table, and where it came from.
#[derive(Debug)]
pub struct Load<T> {
    /// What to write.
    pub item: Item<'static>,
    /// What to call it if DynamoDB refuses it.
    pub origin: T,
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

/// Writes every batch (at most 25 items, no key twice in one) that comes down the channel.
///
/// Ends when the channel closes, or at the first failure that is not one item's fault; then some
/// items are written and some are not, and the whole load can be run again.
pub async fn write_all<T: Send + 'static>(
    dynamodb: &Client,
    table: &str,
    mut batches: Receiver<Vec<Load<T>>>,
) -> Result<Written<T>, Failure> {
    let concurrency = Arc::new(Concurrency::default());
    let mut total = Written::default();
    let mut tasks = JoinSet::new();
    let mut open = true;
    while open || !tasks.is_empty() {
        tokio::select! {
            Some(done) = tasks.join_next() => match done {
                Ok(written) => total.add(written?),
                Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
            },
            batch = batches.recv(), if open && tasks.len() < concurrency.limit() => match batch {
                Some(batch) => {
                    let (dynamodb, table) = (dynamodb.clone(), table.to_owned());
                    let concurrency = Arc::clone(&concurrency);
                    tasks.spawn(async move { write_batch(&dynamodb, &table, batch, &concurrency).await });
                }
                None => open = false,
            },
        }
    }
    Ok(total)
}

async fn write_batch<T>(
    dynamodb: &Client,
    table: &str,
    batch: Vec<Load<T>>,
    concurrency: &Concurrency,
) -> Result<Written<T>, Failure> {
    let requests = batch.iter().map(|load| put_request(&load.item)).collect::<Result<_, _>>()?;
    let mut written = Written::default();
    match write_requests(dynamodb, table, requests, concurrency, &mut written.throttled).await {
        Ok(()) => written.items += batch.len() as u64,
        Err(failure) if failure.class == Class::Permanent => {
            written.add(write_one_by_one(dynamodb, table, batch, concurrency).await?);
        }
        Err(failure) => return Err(failure),
    }
    Ok(written)
}

async fn write_one_by_one<T>(
    dynamodb: &Client,
    table: &str,
    batch: Vec<Load<T>>,
    concurrency: &Concurrency,
) -> Result<Written<T>, Failure> {
    let mut written = Written::default();
    for load in batch {
        let request = vec![put_request(&load.item)?];
        match write_requests(dynamodb, table, request, concurrency, &mut written.throttled).await {
            Ok(()) => written.items += 1,
            // The table itself is gone: no item's fault.
            Err(failure) if failure.has_code("ResourceNotFoundException") => return Err(failure),
            Err(failure) if failure.class == Class::Permanent => {
                written.refused.push(Refused { origin: load.origin, failure });
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(written)
}

/// Sends requests until DynamoDB has processed all of them.
async fn write_requests(
    dynamodb: &Client,
    table: &str,
    mut requests: Vec<WriteRequest>,
    concurrency: &Concurrency,
    throttled: &mut u64,
) -> Result<(), Failure> {
    for attempt in 0..Pause::ATTEMPTS {
        let sent = dynamodb.batch_write_item().request_items(table, requests).send().await;
        let output =
            sent.map_err(|error| Failure::of("BatchWriteItem", format!("table {table}"), error))?;
        let unprocessed = output.unprocessed_items.and_then(|mut left| left.remove(table));
        requests = unprocessed.unwrap_or_default();
        if requests.is_empty() {
            concurrency.succeeded();
            return Ok(());
        }
        *throttled += 1;
        concurrency.throttled();
        tokio::time::sleep(Pause::after(attempt)).await;
    }
    let message = format!(
        "{} items still unprocessed after {} attempts; the table's write capacity is exhausted",
        requests.len(),
        Pause::ATTEMPTS
    );
    Err(Failure::stated("BatchWriteItem", format!("table {table}"), message, Class::Retryable))
}

fn put_request(item: &Item<'_>) -> Result<WriteRequest, Failure> {
    let put = PutRequest::builder().set_item(Some(item_to_sdk(item))).build().map_err(|error| {
        Failure::stated("BatchWriteItem", "an item", error.to_string(), Class::Permanent)
    })?;
    Ok(WriteRequest::builder().put_request(put).build())
}

/// How many batches may be under way: additive increase, multiplicative decrease.
#[derive(Debug)]
struct Concurrency {
    limit: Mutex<f64>,
}

impl Concurrency {
    const START: f64 = 8.0;
    const MOST: f64 = 64.0;

    fn limit(&self) -> usize {
        let limit = *self.limit.lock().unwrap_or_else(PoisonError::into_inner);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "always between 1 and MOST"
        )]
        {
            limit as usize
        }
    }

    fn change(&self, to: impl Fn(f64) -> f64) {
        let mut limit = self.limit.lock().unwrap_or_else(PoisonError::into_inner);
        *limit = to(*limit).clamp(1.0, Self::MOST);
    }

    fn succeeded(&self) {
        self.change(|limit| limit + 1.0 / limit);
    }

    fn throttled(&self) {
        self.change(|limit| limit / 2.0);
    }
}

impl Default for Concurrency {
    fn default() -> Self {
        Self { limit: Mutex::new(Self::START) }
    }
}

/// The pause between attempts: random up to a bound that doubles ("full jitter").
///
/// Source: [Exponential backoff and jitter](https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
struct Pause;

impl Pause {
    /// With the bounds below, about three minutes on average.
    const ATTEMPTS: u32 = 25;
    const FIRST: Duration = Duration::from_millis(50);
    const LONGEST: Duration = Duration::from_secs(20);

    fn after(attempt: u32) -> Duration {
        Self::bound(attempt).mul_f64(fastrand::f64())
    }

    fn bound(attempt: u32) -> Duration {
        Self::FIRST.saturating_mul(2_u32.saturating_pow(attempt)).min(Self::LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn concurrency_rises_slowly_and_falls_fast() {
        let concurrency = Concurrency::default();
        let mut seen = vec![concurrency.limit()];
        (0..40).for_each(|_| concurrency.succeeded());
        seen.push(concurrency.limit());
        concurrency.throttled();
        seen.push(concurrency.limit());
        (0..20).for_each(|_| concurrency.throttled());
        seen.push(concurrency.limit());
        // Forty times one over the limit: the square root of 8² + 2·40 is 12.
        assert_eq!(seen, [8, 12, 6, 1]);
    }

    #[test]
    fn pauses_double_up_to_a_bound() {
        let bounds: Vec<u128> = (0..12).map(|n| Pause::bound(n).as_millis()).collect();
        assert_eq!(bounds, [50, 100, 200, 400, 800, 1600, 3200, 6400, 12800, 20000, 20000, 20000]);
        assert!(Pause::after(3) <= Pause::bound(3));
    }
}

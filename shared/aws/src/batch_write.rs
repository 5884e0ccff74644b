//! Loading items with `BatchWriteItem`.
//!
//! Batches come in on a channel and are written many at a time. How many is found by additive
//! increase and multiplicative decrease: every batch that goes through whole adds a little, every
//! throttled one halves. What DynamoDB leaves in `UnprocessedItems`, and nothing else, is sent
//! again after a full-jitter pause.
//!
//! A call that is throttled outright is a batch of which nothing was processed.
//!
//! A batch that DynamoDB calls invalid is taken apart and written item by item, so that one item
//! it refuses does not take its neighbours along.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_sdk_dynamodb::{
    Client,
    config::{Builder as Config, retry::RetryConfig},
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
/// items are written and some are not, and the whole load can be run again. More than `max_refused`
/// refused items are such a failure: then the fault is hardly theirs.
pub async fn write_all<T: Send + Sync + 'static>(
    dynamodb: &Client,
    table: &str,
    mut batches: Receiver<Vec<Load<T>>>,
    max_refused: usize,
) -> Result<Written<T>, Failure> {
    let writer = Arc::new(Writer {
        dynamodb: dynamodb.clone(),
        table: table.to_owned(),
        concurrency: Concurrency::default(),
    });
    let mut total = Written::default();
    let mut tasks = JoinSet::new();
    let mut open = true;
    while open || !tasks.is_empty() {
        tokio::select! {
            Some(done) = tasks.join_next() => match done {
                Ok(written) => total.add(written?),
                Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
            },
            batch = batches.recv(), if open && tasks.len() < writer.concurrency.limit() => match batch {
                Some(batch) => {
                    let writer = Arc::clone(&writer);
                    tasks.spawn(async move { writer.write(batch).await });
                }
                None => open = false,
            },
        }
        if total.refused.len() > max_refused {
            let first = &total.refused[0].failure;
            let message =
                format!("more than {max_refused} items were refused, the first: {}", first.message);
            return Err(writer.stated(message, Class::Permanent));
        }
    }
    Ok(total)
}

/// Writes the batches of one table.
#[derive(Debug)]
struct Writer {
    dynamodb: Client,
    table: String,
    concurrency: Concurrency,
}

impl Writer {
    async fn write<T>(&self, batch: Vec<Load<T>>) -> Result<Written<T>, Failure> {
        let mut written = Written::default();
        match self.put(&batch, &mut written.throttled).await {
            Ok(()) => written.items += batch.len() as u64,
            Err(failure) if is_items_fault(&failure) => {
                written.add(self.write_one_by_one(batch).await?);
            }
            Err(failure) => return Err(failure),
        }
        Ok(written)
    }

    async fn write_one_by_one<T>(&self, batch: Vec<Load<T>>) -> Result<Written<T>, Failure> {
        let mut written = Written::default();
        for load in batch {
            match self.put(std::slice::from_ref(&load), &mut written.throttled).await {
                Ok(()) => written.items += 1,
                Err(failure) if is_items_fault(&failure) => {
                    written.refused.push(Refused { origin: load.origin, failure });
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(written)
    }

    /// Puts items until DynamoDB has processed all of them.
    ///
    /// A call that fails processed none. The SDK's own retries are off: every throttled call has to
    /// reach [`Concurrency`], or the load would keep pushing.
    async fn put<T>(&self, items: &[Load<T>], throttled: &mut u64) -> Result<(), Failure> {
        let mut unprocessed: Option<Vec<WriteRequest>> = None;
        for attempt in 0.. {
            let requests = match &unprocessed {
                None => {
                    items.iter().map(|load| put_request(&load.item)).collect::<Result<_, _>>()?
                }
                Some(requests) => requests.clone(),
            };
            match self.send(requests).await {
                Ok(left) if left.is_empty() => {
                    self.concurrency.succeeded();
                    return Ok(());
                }
                Ok(left) if attempt >= Pause::ATTEMPTS => {
                    let message = format!(
                        "{} items still unprocessed after {attempt} attempts; the table's write \
                         capacity is exhausted",
                        left.len()
                    );
                    return Err(self.stated(message, Class::Retryable));
                }
                Ok(left) => {
                    *throttled += 1;
                    self.concurrency.throttled();
                    unprocessed = Some(left);
                }
                Err(failure) if failure.is_throttling() && attempt < Pause::ATTEMPTS => {
                    *throttled += 1;
                    self.concurrency.throttled();
                }
                Err(failure) if failure.is_retryable() && attempt < ATTEMPTS_AFTER_FAULTS => {}
                Err(failure) => return Err(failure),
            }
            tokio::time::sleep(Pause::after(attempt)).await;
        }
        Ok(())
    }

    /// Sends requests once and gives back those that DynamoDB did not process.
    async fn send(&self, requests: Vec<WriteRequest>) -> Result<Vec<WriteRequest>, Failure> {
        let call = self.dynamodb.batch_write_item().request_items(&self.table, requests);
        let once = Config::new().retry_config(RetryConfig::disabled());
        let sent = call.customize().config_override(once).send().await;
        let output = sent.map_err(|error| {
            Failure::of("BatchWriteItem", format!("table {}", self.table), error)
        })?;
        let left = output.unprocessed_items.and_then(|mut left| left.remove(&self.table));
        Ok(left.unwrap_or_default())
    }

    fn stated(&self, message: String, class: Class) -> Failure {
        Failure::stated("BatchWriteItem", format!("table {}", self.table), message, class)
    }
}

/// Attempts after which a fault that is no throttling (a time-out, access denied) is the trigger's.
const ATTEMPTS_AFTER_FAULTS: u32 = 5;

/// Whether DynamoDB refused what an item holds, and would take others.
fn is_items_fault(failure: &Failure) -> bool {
    failure.has_code("ValidationException")
        || failure.has_code("ItemCollectionSizeLimitExceededException")
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

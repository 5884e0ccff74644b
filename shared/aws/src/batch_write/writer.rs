//! Writing one batch to its end.

use aws_sdk_dynamodb::{
    Client,
    config::{Builder as Config, retry::RetryConfig},
    types::WriteRequest,
};

use super::{
    Load, Refused, Written,
    concurrency::Concurrency,
    pause,
    request::{body, replace_body},
};
use crate::{Class, Count, Failure};

/// Attempts after which a fault that is no throttling (a time-out, access denied) is the trigger's.
const ATTEMPTS_AFTER_FAULTS: u32 = 5;

/// Writes the batches of one table.
#[derive(Debug)]
pub(super) struct Writer {
    dynamodb: Client,
    table: String,
    pub(super) concurrency: Concurrency,
}

impl Writer {
    pub(super) fn new(dynamodb: Client, table: String) -> Self {
        Self { dynamodb, table, concurrency: Concurrency::default() }
    }

    pub(super) async fn write<T>(&self, batch: Vec<Load<T>>) -> Result<Written<T>, Failure> {
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
        // Since DynamoDB last processed an item.
        let (mut attempt, mut faults) = (0, 0);
        loop {
            let sent = match &unprocessed {
                None => self.send(Vec::new(), Some(body(&self.table, items))).await,
                Some(requests) => self.send(requests.clone(), None).await,
            };
            match sent {
                Ok(left) if left.is_empty() => {
                    self.concurrency.succeeded();
                    return Ok(());
                }
                Ok(left) if left.len() < unprocessed.as_ref().map_or(items.len(), Vec::len) => {
                    *throttled += 1;
                    self.concurrency.throttled();
                    unprocessed = Some(left);
                    (attempt, faults) = (0, 0);
                }
                Ok(left) if attempt >= pause::ATTEMPTS => {
                    let message = format!(
                        "{} items still unprocessed after {attempt} attempts; the table's write \
                         capacity is exhausted",
                        left.len()
                    );
                    return Err(self.stated(message, Class::Retryable));
                }
                Ok(_) => {
                    *throttled += 1;
                    self.concurrency.throttled();
                }
                Err(failure) if failure.is_throttling() && attempt < pause::ATTEMPTS => {
                    *throttled += 1;
                    self.concurrency.throttled();
                }
                Err(failure) if failure.is_retryable() && faults < ATTEMPTS_AFTER_FAULTS => {
                    faults += 1;
                }
                Err(failure) => return Err(failure),
            }
            tokio::time::sleep(pause::after(attempt)).await;
            Count::Retries.add(1);
            attempt += 1;
        }
    }

    /// Sends requests once, or a body in their place, and gives back what DynamoDB did not process.
    async fn send(
        &self,
        requests: Vec<WriteRequest>,
        body: Option<Vec<u8>>,
    ) -> Result<Vec<WriteRequest>, Failure> {
        let call = self.dynamodb.batch_write_item().request_items(&self.table, requests);
        let once = Config::new().retry_config(RetryConfig::disabled());
        let mut call = call.customize().config_override(once);
        if let Some(body) = body {
            call = call.mutate_request(move |request| replace_body(request, body.clone()));
        }
        let output = call.send().await.map_err(|error| {
            Failure::of("BatchWriteItem", format!("table {}", self.table), error)
        })?;
        let left = output.unprocessed_items.and_then(|mut left| left.remove(&self.table));
        Ok(left.unwrap_or_default())
    }

    pub(super) fn stated(&self, message: String, class: Class) -> Failure {
        Failure::stated("BatchWriteItem", format!("table {}", self.table), message, class)
    }
}

/// Whether DynamoDB refused what an item holds, and would take others.
fn is_items_fault(failure: &Failure) -> bool {
    failure.has_code("ValidationException")
        || failure.has_code("ItemCollectionSizeLimitExceededException")
}

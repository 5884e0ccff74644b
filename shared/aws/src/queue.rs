//! Messages of our own.

use std::time::Duration;

use aws_sdk_sqs::{Client, types::SendMessageBatchRequestEntry};

use crate::{Class, Failure};

/// The longest that SQS holds a message back.
///
/// Source: [delay queues](https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-delay-queues.html).
pub const LONGEST_DELAY: Duration = Duration::from_mins(15);

/// Sends a message that is to be received after a while, at most [`LONGEST_DELAY`].
pub async fn send(sqs: &Client, url: &str, body: String, delay: Duration) -> Result<(), Failure> {
    let seconds = i32::try_from(delay.min(LONGEST_DELAY).as_secs()).unwrap_or_default();
    let sent =
        sqs.send_message().queue_url(url).message_body(body).delay_seconds(seconds).send().await;
    sent.map_err(|error| Failure::of("SendMessage", url, error))?;
    Ok(())
}

/// Messages that `SendMessageBatch` takes at once; ten of them may have 1 MiB together.
///
/// Source: [SendMessageBatch](https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html).
const BATCH: usize = 10;

/// Sends messages, small ones, that may be received at once.
///
/// Where it fails, some may have been sent.
pub async fn send_all(sqs: &Client, url: &str, bodies: Vec<String>) -> Result<(), Failure> {
    let mut bodies = bodies.into_iter().peekable();
    while bodies.peek().is_some() {
        let entries = bodies.by_ref().take(BATCH).zip(0..).map(|(body, id)| {
            SendMessageBatchRequestEntry::builder().id(id.to_string()).message_body(body).build()
        });
        let entries = entries.collect::<Result<Vec<_>, _>>().map_err(|error| {
            Failure::stated("SendMessageBatch", url, error.to_string(), Class::Permanent)
        })?;
        let sent = sqs.send_message_batch().queue_url(url).set_entries(Some(entries)).send().await;
        let sent = sent.map_err(|error| Failure::of("SendMessageBatch", url, error))?;
        if let Some(failed) = sent.failed().first() {
            let message = format!("{}: {}", failed.code(), failed.message().unwrap_or_default());
            let class = if failed.sender_fault() { Class::Permanent } else { Class::Retryable };
            return Err(Failure::stated("SendMessageBatch", url, message, class));
        }
    }
    Ok(())
}

//! A batch of messages: ended exports, and data files of theirs.

use aws::{Clients, Failure};
use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use lambda_runtime::Error;

use crate::{
    Settings, begin, file,
    message::{self, Message},
};

/// Handles a batch of queue messages; those that failed go back to the queue.
pub async fn handle(
    clients: &Clients,
    settings: &Settings,
    event: SqsEvent,
) -> Result<SqsBatchResponse, Error> {
    let mut response = SqsBatchResponse::default();
    for message in event.records {
        let body = message.body.unwrap_or_default();
        if let Err(failure) = Box::pin(take(clients, settings, &body)).await {
            tracing::warn!(%failure, "snapshot stopped; the queue tries again");
            let mut again = BatchItemFailure::default();
            again.item_identifier = message.message_id.unwrap_or_default();
            response.batch_item_failures.push(again);
        }
    }
    Ok(response)
}

async fn take(clients: &Clients, settings: &Settings, body: &str) -> Result<(), Failure> {
    match message::read(body) {
        None => {
            tracing::info!("message tells of no export; nothing to do");
            Ok(())
        }
        Some(Message::Ended(summary)) => begin::begin(clients, settings, &summary).await,
        Some(Message::File(task)) => file::take(clients, settings, *task).await,
    }
}

//! The queue that imports wait in.

use anyhow::{Context, Result};
use aws::sdk::sqs::types::QueueAttributeName as Name;

use crate::{Stack, until};

impl Stack {
    /// Lets a message that was not finished come back after so many seconds, and gives how many it
    /// were.
    pub async fn redeliver_after_seconds(&self, seconds: &str) -> Result<String> {
        let get = self.clients.sqs().get_queue_attributes().queue_url(&self.import_queue);
        let got = get.attribute_names(Name::VisibilityTimeout).send().await?;
        let before = got.attributes.unwrap_or_default().remove(&Name::VisibilityTimeout);
        let set = self.clients.sqs().set_queue_attributes().queue_url(&self.import_queue);
        set.attributes(Name::VisibilityTimeout, seconds).send().await?;
        before.context("a queue has a visibility time-out")
    }

    /// Holds every message back for so many seconds before it can be received.
    pub async fn hold_messages_back_seconds(&self, seconds: &str) -> Result<()> {
        let set = self.clients.sqs().set_queue_attributes().queue_url(&self.import_queue);
        set.attributes(Name::DelaySeconds, seconds).send().await?;
        Ok(())
    }

    /// Waits until no import waits or is under way, and none was given up.
    pub async fn until_queue_is_empty(&self) -> Result<()> {
        until("the import queue to be empty", async || {
            let waiting = self.messages(&self.import_queue).await?;
            Ok((waiting == 0).then_some(()))
        })
        .await?;
        let given_up = self.messages(&self.import_dead_letter_queue).await?;
        anyhow::ensure!(given_up == 0, "{given_up} imports were given up");
        Ok(())
    }

    async fn messages(&self, queue: &str) -> Result<u64> {
        let names = [
            Name::ApproximateNumberOfMessages,
            Name::ApproximateNumberOfMessagesDelayed,
            Name::ApproximateNumberOfMessagesNotVisible,
        ];
        let get = self.clients.sqs().get_queue_attributes().queue_url(queue);
        let got = get.set_attribute_names(Some(names.to_vec())).send().await?;
        let attributes = got.attributes.unwrap_or_default();
        names.iter().filter_map(|name| attributes.get(name)).map(|n| Ok(n.parse::<u64>()?)).sum()
    }
}

//! A table in DynamoDB Local.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use aws::{
    Clients, Failure,
    batch_write::{self, Bounds, Ended, Load, Refused, Step, Written},
    environment::Environment,
    item_from_sdk,
    sdk::dynamodb::{
        Client,
        types::{
            AttributeDefinition, BillingMode, KeySchemaElement, KeyType as KeyRole,
            ScalarAttributeType,
        },
    },
};
use item::{
    canonical,
    key::{KeyAttribute, KeySchema, KeyType},
    limits::MAX_BATCH_ITEMS,
};
use tokio::{sync::mpsc, time::Instant};

/// How long a load may take. Generous: it bounds a failure, not a success.
const PATIENCE: Duration = Duration::from_mins(2);
/// What DynamoDB Local answers to what it cannot read at all.
pub(crate) const BROKE: &str = "InternalFailure";

/// A table of one test, whose key is `p`, or `p` and `s`.
#[derive(Debug)]
pub(crate) struct Table {
    name: String,
    schema: KeySchema,
    dynamodb: Client,
}

impl Table {
    /// Creates it in the DynamoDB Local that `local/aws test-second-opinion` has started.
    pub(crate) async fn create(
        name: &str,
        partition: KeyType,
        sort: Option<KeyType>,
    ) -> Result<Self> {
        let schema = KeySchema {
            partition: KeyAttribute::new("p", partition),
            sort: sort.map(|kind| KeyAttribute::new("s", kind)),
        };
        let dynamodb = dynamodb()?;
        let mut request =
            dynamodb.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
        let attributes = std::iter::once(&schema.partition).chain(&schema.sort);
        for (attribute, role) in attributes.zip([KeyRole::Hash, KeyRole::Range]) {
            let kind = ScalarAttributeType::from(attribute.kind.as_str());
            let definition =
                AttributeDefinition::builder().attribute_name(&attribute.name).attribute_type(kind);
            let element =
                KeySchemaElement::builder().attribute_name(&attribute.name).key_type(role);
            request =
                request.attribute_definitions(definition.build()?).key_schema(element.build()?);
        }
        request.send().await.with_context(|| format!("creating the table {name}"))?;
        Ok(Self { name: name.to_owned(), schema, dynamodb })
    }

    /// Its key.
    pub(crate) fn schema(&self) -> &KeySchema {
        &self.schema
    }

    /// Why it refuses a text as an item; nothing if it took it.
    pub(crate) async fn refusal(&self, item: &str) -> Result<Option<String>> {
        let broke = |error: &anyhow::Error| {
            error.downcast_ref::<Failure>().is_some_and(|failure| failure.has_code(BROKE))
        };
        match self.write(&[item.to_owned()]).await {
            Err(error) if broke(&error) => Ok(Some(BROKE.to_owned())),
            refused => Ok(refused?.remove(&0)),
        }
    }

    /// The same for many, in their order.
    pub(crate) async fn refusals(&self, items: &[String]) -> Result<Vec<Option<String>>> {
        let mut refused = self.write(items).await?;
        Ok((0..items.len()).map(|place| refused.remove(&place)).collect())
    }

    /// Writes items and gives what was said about those that were refused, by their places.
    async fn write(&self, items: &[String]) -> Result<BTreeMap<usize, String>> {
        let until = Instant::now() + PATIENCE;
        let bounds = Bounds { max_refused: items.len(), stop_at: until, abandon_at: until };
        let mut written = Written::default();
        let ended = batch_write::write_all(
            &self.dynamodb,
            &self.name,
            steps(items).await?,
            bounds,
            |(), all| written = all,
        )
        .await?;
        ensure!(ended == Ended::Complete, "{} took longer than {PATIENCE:?}", self.name);
        let said = |refused: Refused<usize>| (refused.origin, refused.failure.message);
        let refused: BTreeMap<usize, String> = written.refused.into_iter().map(said).collect();
        ensure!(
            written.items + refused.len() as u64 == items.len() as u64,
            "of {} items {} were written and {} refused",
            items.len(),
            written.items,
            refused.len()
        );
        Ok(refused)
    }

    /// Its items in canonical text, by the canonical text of their keys.
    pub(crate) async fn items(&self) -> Result<BTreeMap<String, String>> {
        let scan = self.dynamodb.scan().table_name(&self.name).consistent_read(true);
        let mut pages = scan.into_paginator().send();
        let mut items = BTreeMap::new();
        while let Some(page) = pages.try_next().await? {
            for item in page.items.unwrap_or_default() {
                let item = item_from_sdk(item)?;
                items.insert(canonical(&self.schema.key_of(&item)?), canonical(&item));
            }
        }
        Ok(items)
    }
}

/// A channel that holds all that is to be written, in batches, and ends.
async fn steps(items: &[String]) -> Result<mpsc::Receiver<Step<usize, ()>>> {
    let (sender, steps) = mpsc::channel(items.len() + 1);
    let mut loads = (0..).zip(items).map(|(origin, item)| Load { item: item.clone(), origin });
    loop {
        let batch: Vec<Load<usize>> = loads.by_ref().take(MAX_BATCH_ITEMS).collect();
        if batch.is_empty() {
            break;
        }
        sender.send(Step::Batch(batch)).await?;
    }
    sender.send(Step::Checkpoint(())).await?;
    Ok(steps)
}

fn dynamodb() -> Result<Client> {
    let process = Environment::of_process();
    let Some(endpoint) = process.optional("HEADWATER_DYNAMODB_LOCAL") else {
        bail!("there is no DynamoDB Local; run this test with: local/aws test-second-opinion");
    };
    let environment = Environment::from_variables([
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_REGION", process.required("AWS_REGION")?),
        ("AWS_ACCESS_KEY_ID", process.required("AWS_ACCESS_KEY_ID")?),
        ("AWS_SECRET_ACCESS_KEY", process.required("AWS_SECRET_ACCESS_KEY")?),
    ]);
    Ok(Clients::from_environment(&environment)?.dynamodb().clone())
}

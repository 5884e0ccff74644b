//! What is in the buckets and tables.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use aws::item_from_sdk;
use item::{Item, canonical};
use lake::StoredRow;
use serde_json::Value;

use crate::{Stack, until};

/// Keys and entity tags below a prefix; equal when nothing was added, removed or rewritten.
pub type Objects = BTreeMap<String, String>;

/// Everything the lake holds of a table's changes.
#[derive(Debug)]
pub struct Changes {
    /// The files' rows, in the order of their keys.
    pub rows: Vec<StoredRow>,
}

impl Changes {
    /// The items these changes leave, in canonical text.
    pub fn items(&self) -> Vec<String> {
        let mut fold = lake::Fold::new();
        for row in &self.rows {
            fold.add(row.clone());
        }
        let mut items: Vec<String> = fold.items().map(canonical).collect();
        items.sort();
        items
    }
}

fn sequences(event: &Value) -> Vec<&str> {
    let records = event["Records"].as_array().into_iter().flatten();
    records.filter_map(|record| record["dynamodb"]["SequenceNumber"].as_str()).collect()
}

impl Stack {
    /// The objects below a prefix.
    pub async fn objects(&self, bucket: &str, prefix: &str) -> Result<Objects> {
        let mut objects = Objects::new();
        let mut pages =
            self.clients.s3.list_objects_v2().bucket(bucket).prefix(prefix).into_paginator().send();
        while let Some(page) = pages.try_next().await? {
            for object in page.contents() {
                let key = object.key().context("an object has a key")?;
                objects.insert(key.to_owned(), object.e_tag().unwrap_or_default().to_owned());
            }
        }
        Ok(objects)
    }

    /// An object's bytes.
    pub async fn read(&self, bucket: &str, key: &str) -> Result<Vec<u8>> {
        let bytes = aws::object::read(&self.clients.s3, bucket, key).await?;
        bytes.with_context(|| format!("s3://{bucket}/{key} is there"))
    }

    /// What the lake holds of a table's changes.
    pub async fn changes(&self, table: &str) -> Result<Changes> {
        let mut rows = Vec::new();
        for key in self.objects(&self.lake, &format!("changes/{table}/")).await?.keys() {
            rows.extend(self.rows(key).await?);
        }
        Ok(Changes { rows })
    }

    /// The change files that hold records of a sample event.
    pub async fn objects_of_event(&self, event: &Value) -> Result<Objects> {
        let mut objects = self.objects(&self.lake, "changes/").await?;
        let sequences = sequences(event);
        objects.retain(|key, _| sequences.iter().any(|sequence| key.contains(sequence)));
        Ok(objects)
    }

    /// The rows of those files.
    pub async fn rows_of_event(&self, event: &Value) -> Result<Vec<StoredRow>> {
        let mut rows = Vec::new();
        for key in self.objects_of_event(event).await?.keys() {
            rows.extend(self.rows(key).await?);
        }
        Ok(rows)
    }

    async fn rows(&self, key: &str) -> Result<Vec<StoredRow>> {
        let bytes = self.read(&self.lake, key).await?;
        Ok(lake::read::rows(bytes)?.collect::<Result<_, _>>()?)
    }

    /// The table's items in canonical text, sorted.
    pub async fn items(&self, table: &str) -> Result<Vec<String>> {
        let mut items = Vec::new();
        let mut pages = self
            .clients
            .dynamodb
            .scan()
            .table_name(table)
            .consistent_read(true)
            .into_paginator()
            .send();
        while let Some(page) = pages.try_next().await? {
            for item in page.items.unwrap_or_default() {
                items.push(canonical(&item_from_sdk(item)?));
            }
        }
        items.sort();
        Ok(items)
    }

    /// Waits until the changes in the lake leave the very items the table holds, and gives them.
    pub async fn until_lake_equals_table(&self, table: &str) -> Result<Changes> {
        until(&format!("the lake to hold every change of {table}"), async || {
            let changes = self.changes(table).await?;
            let equal = changes.items() == self.items(table).await?;
            Ok(equal.then_some(changes))
        })
        .await
    }

    /// Writes one item.
    pub async fn put(&self, table: &str, item: &Item<'_>) -> Result<()> {
        let item = aws::item_to_sdk(item);
        self.clients.dynamodb.put_item().table_name(table).set_item(Some(item)).send().await?;
        Ok(())
    }
}

//! What is in the buckets and tables.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use aws::item_from_sdk;
use item::{Item, canonical};
use lake::StoredRow;
use lake::path;
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

impl Stack {
    /// The objects below a prefix.
    pub async fn objects(&self, bucket: &str, prefix: &str) -> Result<Objects> {
        let mut objects = Objects::new();
        let mut pages = self
            .clients
            .s3()
            .list_objects_v2()
            .bucket(bucket)
            .prefix(prefix)
            .into_paginator()
            .send();
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
        let bytes = aws::object::read(self.clients.s3(), bucket, key).await?;
        bytes.with_context(|| format!("s3://{bucket}/{key} is there"))
    }

    /// What the lake holds of a table's changes.
    pub async fn changes(&self, table: &str) -> Result<Changes> {
        let mut rows = Vec::new();
        for key in self.objects(&self.lake, &path::changes(table)).await?.keys() {
            rows.extend(self.rows(key).await?);
        }
        Ok(Changes { rows })
    }

    async fn rows(&self, key: &str) -> Result<Vec<StoredRow>> {
        let bytes = self.read(&self.lake, key).await?;
        Ok(lake::read::rows(bytes)?.collect::<Result<_, _>>()?)
    }

    /// Waits until the lake holds so many changes of a table.
    pub async fn until_changes(&self, table: &str, count: usize) -> Result<()> {
        until(&format!("{count} changes of {table}"), async || {
            Ok((self.changes(table).await?.rows.len() >= count).then_some(()))
        })
        .await
    }

    /// The items of all snapshots of a table in canonical text, sorted.
    pub async fn snapshot_items(&self, table: &str) -> Result<Vec<String>> {
        let mut items = Vec::new();
        for key in self.objects(&self.lake, &format!("snapshots/{table}/")).await?.keys() {
            items.extend(self.rows(key).await?.into_iter().filter_map(|row| row.item));
        }
        let mut items: Vec<String> = items.iter().map(canonical).collect();
        items.sort();
        Ok(items)
    }

    /// The table's items in canonical text, sorted.
    pub async fn items(&self, table: &str) -> Result<Vec<String>> {
        let mut items = Vec::new();
        let mut pages = self
            .clients
            .dynamodb()
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
        self.clients.dynamodb().put_item().table_name(table).set_item(Some(item)).send().await?;
        Ok(())
    }
}

impl Stack {
    /// Denies everyone to write objects of the lake that match, and gives the policy as it was.
    pub async fn deny_writes(&self, pattern: &str) -> Result<String> {
        let got = self.clients.s3().get_bucket_policy().bucket(&self.lake).send().await?;
        let before = got.policy.context("the template gives the lake a policy")?;
        let mut policy: Value = serde_json::from_str(&before)?;
        let statements = policy["Statement"].as_array_mut().context("a policy has statements")?;
        statements.push(serde_json::json!({
            "Sid": "Denied", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject",
            "Resource": format!("arn:aws:s3:::{}/{pattern}", self.lake),
        }));
        self.set_lake_policy(&policy.to_string()).await?;
        Ok(before)
    }

    /// Sets the lake's policy.
    pub async fn set_lake_policy(&self, policy: &str) -> Result<()> {
        let put = self.clients.s3().put_bucket_policy().bucket(&self.lake).policy(policy);
        put.send().await?;
        Ok(())
    }
}

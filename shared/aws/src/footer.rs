//! The footers of a table's files, from which a lost registry is made anew: of its changes, and of its
//! snapshots and increments, which have their columns' names from the same registry.
//!
//! Of each file only the end is fetched, some at a time, in the order of their names. What is kept of
//! them is one entry for each column, so memory does not grow with the number of files.

use aws_sdk_s3::Client;
use lake::{
    ReadError,
    footer::{self, Footer, Footers, Tail},
    path,
};
use tokio::task::JoinSet;

use crate::{Class, Failure, object};

/// Files whose ends are fetched at a time.
const AT_A_TIME: usize = 32;
/// What is fetched of a file before its footer's length is known: enough for some 300 columns.
const FIRST_TAIL_BYTES: usize = 64 * 1024;
/// No footer of ours is longer; a file that says so is damaged.
const MAX_FOOTER_BYTES: usize = 16 * 1024 * 1024;
/// Files without a readable footer that are named; further ones are counted.
const MAX_NAMED: usize = 20;

/// What a table's files say of its columns.
#[derive(Debug, Clone, Default)]
pub struct TableFooters {
    /// Those that could be read.
    pub footers: Footers,
    /// The first of those that could not, with the reason: no engine reads them either.
    pub unreadable: Vec<String>,
    /// How many could not be read.
    pub unreadable_files: usize,
    /// Whether there are increments: their catalog table is lost as well then.
    pub has_increments: bool,
}

/// Reads the footers of all files of a table; of a table without files that is three requests.
pub async fn of_table(s3: &Client, bucket: &str, table: &str) -> Result<TableFooters, Failure> {
    let mut found = TableFooters::default();
    let increments = path::increments(table);
    for prefix in [path::changes(table), path::snapshots(table), increments.clone()] {
        let mut pages = s3.list_objects_v2().bucket(bucket).prefix(&prefix).into_paginator().send();
        while let Some(page) = pages.next().await {
            let resource = || format!("s3://{bucket}/{prefix}");
            let page = page.map_err(|error| Failure::of("ListObjectsV2", resource(), error))?;
            let keys: Vec<String> = page.contents().iter().filter_map(file).collect();
            found.has_increments |= prefix == increments && !keys.is_empty();
            for keys in keys.chunks(AT_A_TIME) {
                found.add(fetch(s3, bucket, keys).await?);
            }
            tracing::info!(table, files = found.footers.files(), "footers of files read");
        }
    }
    Ok(found)
}

/// Whether the lake has an object of a table's changes.
pub async fn has_changes(s3: &Client, bucket: &str, table: &str) -> Result<bool, Failure> {
    let prefix = path::changes(table);
    let listed = s3.list_objects_v2().bucket(bucket).prefix(&prefix).max_keys(1).send().await;
    let resource = || format!("s3://{bucket}/{prefix}");
    let listed = listed.map_err(|error| Failure::of("ListObjectsV2", resource(), error))?;
    Ok(!listed.contents().is_empty())
}

/// The object's key, if it is a file that engines take for data.
fn file(object: &aws_sdk_s3::types::Object) -> Option<String> {
    object.key().filter(|key| key.ends_with(".parquet")).map(str::to_owned)
}

/// A file, and its footer unless it was removed since it was listed.
type Fetched = (String, Option<Result<Footer, ReadError>>);

/// The footers of some files, in their order.
async fn fetch(s3: &Client, bucket: &str, keys: &[String]) -> Result<Vec<Fetched>, Failure> {
    let mut tasks = JoinSet::new();
    for (place, key) in keys.iter().enumerate() {
        let (s3, bucket, key) = (s3.clone(), bucket.to_owned(), key.clone());
        tasks.spawn(async move { (place, of_file(&s3, &bucket, &key).await, key) });
    }
    let mut fetched = Vec::with_capacity(keys.len());
    while let Some(task) = tasks.join_next().await {
        let (place, footer, key) = task.map_err(|ended| {
            let resource = format!("s3://{bucket}/");
            Failure::stated("GetObject", resource, ended.to_string(), Class::Retryable)
        })?;
        fetched.push((place, (key, footer?)));
    }
    fetched.sort_by_key(|(place, _)| *place);
    Ok(fetched.into_iter().map(|(_, file)| file).collect())
}

async fn of_file(
    s3: &Client,
    bucket: &str,
    key: &str,
) -> Result<Option<Result<Footer, ReadError>>, Failure> {
    let mut length = FIRST_TAIL_BYTES;
    loop {
        let Some(tail) = object::tail(s3, bucket, key, length).await? else {
            return Ok(None);
        };
        match footer::read(&tail) {
            Ok(Tail::Complete(footer)) => return Ok(Some(Ok(footer))),
            Ok(Tail::Longer(needed)) if needed > length && needed <= MAX_FOOTER_BYTES => {
                length = needed;
            }
            Ok(Tail::Longer(_)) => return Ok(Some(Err(ReadError::Damaged))),
            Err(error) => return Ok(Some(Err(error))),
        }
    }
}

impl TableFooters {
    fn add(&mut self, fetched: Vec<Fetched>) {
        for (key, footer) in fetched {
            match footer {
                Some(Ok(footer)) => self.footers.add(&key, footer),
                Some(Err(error)) => {
                    self.unreadable_files += 1;
                    if self.unreadable.len() < MAX_NAMED {
                        self.unreadable.push(format!("{key}: {error}"));
                    }
                }
                None => {}
            }
        }
    }
}

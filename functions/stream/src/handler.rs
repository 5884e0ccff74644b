//! One batch of changes.

use std::time::Instant;

use aws::{Clients, Count, Failure, clock, object, telemetry};
use bytes::Bytes;
use item::privacy::Privacy;
use lake::ChangeFile;
use lambda_runtime::Error;
use serde::Serialize;

use crate::{
    Registries, Settings,
    decode::{self, StreamChanges},
    quarantine::Impossible,
    redrive::{self, Redriven},
    registries::CatalogPlace,
};

/// The answer to a mapping with `ReportBatchItemFailures`: where to go on.
///
/// Source: [reporting batch item failures](https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html).
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    batch_item_failures: Vec<BatchItemFailure>,
}

/// To the mapping, or to who had something redriven.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Response {
    /// Where the mapping goes on.
    Batch(Answer),
    /// What was written.
    Redriven(Redriven),
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct BatchItemFailure {
    item_identifier: String,
}

/// What was done, for who asked.
#[derive(Debug, Default)]
struct Written {
    records: usize,
    files: usize,
    rows: usize,
    quarantined: usize,
}

/// Writes a batch of changes to the lake, or what an event has `redrive`n.
///
/// An event that is not a batch of records is an error: the mapping keeps it in the failure bucket.
pub async fn handle(
    clients: &Clients,
    settings: &Settings,
    registries: &Registries,
    event: Bytes,
) -> Result<Response, Error> {
    let Some(key) = redrive::asked(&event) else {
        let answer = Box::pin(batch(clients, settings, registries, event));
        return answer.await.map(Response::Batch);
    };
    let kept = redrive::read(clients, settings, &key).await?;
    // Rules are not applied to what they were applied to.
    let none = Privacy::default();
    let privacy = if kept.is_redacted { &none } else { &settings.privacy };
    let (written, unwritten) =
        write_all(clients, settings, registries, (kept.event, privacy)).await?;
    // Nobody comes back from a sequence number here: who asked has to ask again.
    if let Some(Unwritten { failure, .. }) = unwritten {
        return Err(failure.into());
    }
    tracing::info!(key, records = written.records, rows = written.rows, "redriven");
    let Written { records, rows, files, quarantined } = written;
    Ok(Response::Redriven(Redriven { key, records, rows, files, quarantined }))
}

async fn batch(
    clients: &Clients,
    settings: &Settings,
    registries: &Registries,
    event: Bytes,
) -> Result<Answer, Error> {
    let event = (event, &settings.privacy);
    let (_, unwritten) = write_all(clients, settings, registries, event).await?;
    if let Some(Unwritten { first, failure }) = unwritten {
        tracing::warn!(%failure, first, "file not written; the mapping comes back from there");
        return Ok(Answer::from_sequence(first));
    }
    Ok(Answer::default())
}

/// Writes what an event holds, up to the first file that cannot be written.
async fn write_all(
    clients: &Clients,
    settings: &Settings,
    registries: &Registries,
    (event, privacy): (Bytes, &Privacy),
) -> Result<(Written, Option<Unwritten>), Error> {
    let decoded = decode::decode(&event, privacy)?;
    drop(event);
    for impossible in &decoded.impossible {
        quarantine(clients, settings, impossible).await?;
    }
    let quarantined = decoded.impossible.len();
    Count::Rejects.add(quarantined as u64);
    let mut written = Written { records: decoded.records, quarantined, ..Written::default() };
    for changes in decoded.streams {
        // Boxed, as it is large.
        let writing = write(clients, settings, registries, changes, &mut written);
        let unwritten = Box::pin(writing).await?;
        if unwritten.is_some() {
            return Ok((written, unwritten));
        }
    }
    Ok((written, None))
}

impl Answer {
    fn from_sequence(sequence: String) -> Self {
        Self { batch_item_failures: vec![BatchItemFailure { item_identifier: sequence }] }
    }
}

/// A file that could not be written, and where the batch goes on.
struct Unwritten {
    first: String,
    failure: Failure,
}

/// Writes the files of one stream, up to the first that cannot be written.
async fn write(
    clients: &Clients,
    settings: &Settings,
    registries: &Registries,
    changes: StreamChanges,
    so_far: &mut Written,
) -> Result<Option<Unwritten>, Error> {
    let StreamChanges { stream, files, oldest_ms, in_vain } = changes;
    if !in_vain.is_empty() && registries.is_first_of(stream.table()) {
        telemetry::rules_in_vain(stream.table(), &in_vain);
    }
    let place = CatalogPlace {
        database: &settings.database,
        table: stream.table(),
        column_limit: settings.column_limit,
    };
    let named = registries.naming(clients.glue(), &place, &files, Instant::now()).await;
    let registry = match named {
        Ok(registry) => registry,
        Err(failure) => {
            tracing::warn!(table = stream.table(), %failure, "no columns from the catalog; new attributes travel in _rest");
            registries.of(stream.table())
        }
    };
    for ChangeFile { path, bytes, rows, rescued, first } in files.finish(&registry)? {
        let size = bytes.len();
        let put = object::put(
            clients.s3(),
            &settings.lake_bucket,
            &path,
            "application/vnd.apache.parquet",
            bytes,
        );
        if let Err(failure) = put.await {
            return Ok(Some(Unwritten { first, failure }));
        }
        so_far.files += 1;
        so_far.rows += rows;
        Count::Files.add(1);
        Count::Records.add(rows as u64);
        Count::Bytes.add(size as u64);
        Count::RescuedValues.add(rescued);
    }
    // Of a batch of nothing but impossible records there is no oldest change.
    if let Ok(lag) = u64::try_from((clock::now().as_millisecond() - oldest_ms) / 1000) {
        telemetry::seconds(stream.table(), &[("FeedLagSeconds", lag)]);
    }
    Ok(None)
}

/// Keeps a record that can never become a row.
///
/// A failure here fails the batch: nothing is passed over before it is kept.
async fn quarantine(
    clients: &Clients,
    settings: &Settings,
    impossible: &Impossible,
) -> Result<(), Failure> {
    // The reason quotes the value at fault, so it stands in the object and not in the log.
    let Impossible { path, json, .. } = impossible;
    tracing::error!(path, "record can never become a row; kept in quarantine");
    let bucket = &settings.lake_bucket;
    object::put(clients.s3(), bucket, path, "application/json", json.clone()).await
}

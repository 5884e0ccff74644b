//! What the survey settled, kept for the turns and the workers that come after it.
//!
//! It is written once, before anything is made, as `status/<table>/<import id>/work.json`: the same work
//! goes on in every later turn, whatever has become of the source's folder or its manifest since.

use aws::{Class, Clients, Failure, object};
use item::key::{KeyAttribute, KeySchema, KeyType};
use serde::{Deserialize, Serialize};

use crate::{
    layout::Layout,
    manifest::{Manifest, TableCreationParameters},
    report::Report,
    source::File,
};

/// What an engine is to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Work {
    /// The source, in the order in which its rows are counted.
    pub(crate) files: Vec<File>,
    /// Rows of each file.
    pub(crate) rows: Vec<u64>,
    /// How to read them.
    pub(crate) layout: Layout,
    /// The table's key.
    pub(crate) key: Key,
    /// Rows that are not written, counted from 0 over all files, in order: the first, and then how many
    /// rows further each next one is.
    pub(crate) skipped: Vec<u64>,
    /// What the user asked for.
    pub(crate) manifest: Manifest,
    /// Rows that may be rejected, those that the survey rejected among them.
    pub(crate) max_rejects: u64,
    /// Whether the table was there before.
    pub(crate) appends: bool,
    /// What `ImportTable` can read as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pass_through: Option<PassThrough>,
    /// The report as far as it is known.
    pub(crate) report: Report,
}

/// A full export of DynamoDB's own, whole and without a bad row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PassThrough {
    /// Its bucket.
    pub(crate) bucket: String,
    /// The prefix of its data files, and of nothing else.
    pub(crate) prefix: String,
    /// Whether they are Ion and not DynamoDB JSON.
    pub(crate) ion: bool,
}

impl Work {
    /// Which files have rows that are written.
    pub(crate) fn files_with_rows(&self) -> Vec<usize> {
        let skipped = self.skipped();
        let mut first = 0;
        let rows = self.rows.iter().map(|&rows| {
            let of_file = first..first + rows;
            first += rows;
            let before = |row: u64| skipped.partition_point(|&skipped| skipped < row);
            (before(of_file.end) - before(of_file.start)) as u64 != rows
        });
        rows.enumerate().filter_map(|(file, has_rows)| has_rows.then_some(file)).collect()
    }

    /// The table's definition.
    pub(crate) fn parameters(&self) -> TableCreationParameters {
        let given = &self.manifest.table_creation_parameters;
        given.completed(&self.report.table, &KeySchema::from(&self.key))
    }

    /// Takes note of the rows not to write, which are in order.
    pub(crate) fn skipping(rows: &[u64]) -> Vec<u64> {
        let steps = rows.iter().scan(0, |before, row| {
            let step = row - *before;
            *before = *row;
            Some(step)
        });
        steps.collect()
    }

    /// Bytes of the source, as stored.
    pub(crate) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }

    /// The rows not to write, in order.
    pub(crate) fn skipped(&self) -> Vec<u64> {
        let rows = self.skipped.iter().scan(0, |row, step| {
            *row += step;
            Some(*row)
        });
        rows.collect()
    }

    /// Writes it, unless it is larger than what [`load`](Self::load) reads: nothing is made yet when that is found.
    pub(crate) async fn save(
        &self,
        clients: &Clients,
        bucket: &str,
        key: &str,
    ) -> Result<(), Failure> {
        // Not by way of a value: that takes 32 bytes for each row that is skipped.
        let failure = |message: String| {
            Failure::stated("PutObject", format!("s3://{bucket}/{key}"), message, Class::Permanent)
        };
        let bytes = serde_json::to_vec(self).map_err(|error| failure(error.to_string()))?;
        if bytes.len() as u64 > object::SMALL_OBJECT_BYTES {
            return Err(failure(format!(
                "what there is to do would take {} bytes, more than {}: the names of the objects are too long together, \
                 or too many rows are left out; split the folder",
                bytes.len(),
                object::SMALL_OBJECT_BYTES
            )));
        }
        object::put(clients.s3(), bucket, key, "application/json", bytes).await
    }

    /// Reads it.
    pub(crate) async fn load(clients: &Clients, bucket: &str, key: &str) -> Result<Self, Failure> {
        let failure = |message: String, class| {
            Failure::stated("GetObject", format!("s3://{bucket}/{key}"), message, class)
        };
        let bytes = object::read(clients.s3(), bucket, key).await?.ok_or_else(|| {
            let message = "what the import had settled is gone; drop its source anew";
            failure(message.to_owned(), Class::Permanent)
        })?;
        serde_json::from_slice(&bytes).map_err(|error| failure(error.to_string(), Class::Permanent))
    }
}

/// Where it is.
pub(crate) fn work_key(table: &str, import_id: &str) -> String {
    format!("status/{table}/{import_id}/work.json")
}

/// A key schema as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Key {
    /// Name and type of the partition key.
    partition: (String, String),
    /// Name and type of the sort key, if there is one.
    sort: Option<(String, String)>,
}

impl From<&KeySchema> for Key {
    fn from(schema: &KeySchema) -> Self {
        let kept = |key: &KeyAttribute| (key.name.clone(), key.kind.as_str().to_owned());
        Self { partition: kept(&schema.partition), sort: schema.sort.as_ref().map(kept) }
    }
}

impl From<&Key> for KeySchema {
    fn from(key: &Key) -> Self {
        let attribute = |(name, kind): &(String, String)| {
            let kinds = [KeyType::S, KeyType::N, KeyType::B].into_iter();
            let kind = kinds.clone().find(|known| known.as_str() == kind).unwrap_or(KeyType::S);
            KeyAttribute::new(name, kind)
        };
        Self { partition: attribute(&key.partition), sort: key.sort.as_ref().map(attribute) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_kept_as_it_was() {
        let schema = KeySchema::composite(
            KeyAttribute::new("pk", KeyType::B),
            KeyAttribute::new("sk", KeyType::N),
        );
        assert_eq!(KeySchema::from(&Key::from(&schema)), schema);
    }
}

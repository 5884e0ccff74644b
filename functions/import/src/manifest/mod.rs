//! The manifest `_import.json`: how a folder becomes a table.
//!
//! It is an
//! [`ImportTable`](https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ImportTable.html)
//! request in DynamoDB's own JSON, every field of it optional, and [`Headwater`] beside it for what
//! that request cannot say. `docs/import-manifest.md` tells people about it.
//!
//! ```text
//! bytes ─ document ─▶ tree        not too large, UTF-8, JSON: else line and column
//!          schema  ─▶ tree        every field known and once, every value of its type, within its limits
//!          serde   ─▶ Manifest
//!          rules   ─▶ Manifest    what DynamoDB or Headwater would refuse about the whole
//! for_table        ─▶             whether it is about this folder
//! ```
//!
//! `schema` and `rules` each tell all they find at once, with the path of each fault. Nothing here
//! asks AWS.
//!
//! **The schema is the source of what is known.** The types below are its only origin: a test makes
//! `docs/import-manifest.schema.json` of them, with the doc comments as descriptions and the limits
//! that stand in their `schemars` attributes, and fails when the file differs. The file is what
//! editors are given, and what [`Manifest::parse`] holds a manifest against, so the two cannot
//! disagree. `serde` alone would stop at the first unknown field and pass over limits.

mod document;
mod error;
mod headwater;
mod nearest;
mod request;
mod rules;
mod schema;
mod table;

use item::limits::TableName;
use serde::{Deserialize, Serialize};

pub use error::{Fault, ManifestError};
pub use headwater::{
    ColumnType, Engine, Headwater, IfExists, LocalSecondaryIndex, OnDuplicate, Tag,
};
pub use request::{
    CsvOptions, Delimiter, InputCompressionType, InputFormat, InputFormatOptions, S3BucketSource,
};
pub use table::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType,
    OnDemandThroughput, Projection, ProjectionType, ProvisionedThroughput, ScalarAttributeType,
    SseSpecification, SseType, TableCreationParameters, WarmThroughput,
};

/// Bytes of a manifest: 1 MiB.
///
/// Ours. One with all the indexes, columns and tags there can be has some 200 KiB.
pub const MAX_MANIFEST_BYTES: usize = 1024 * 1024;

/// A request to DynamoDB's `ImportTable`, of which every field may be left out, with Headwater's
/// options beside it.
///
/// Source: <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ImportTable.html>
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(title = "Headwater import manifest (_import.json)"))]
pub struct Manifest {
    /// Where this schema is, for editors. Headwater does not look at it.
    #[serde(rename = "$schema")]
    pub schema: Option<String>,
    /// Accepted, so that a request can be used as it is, and not used: Headwater names its imports
    /// itself.
    pub client_token: Option<String>,
    /// Where the objects are, if not beside the manifest.
    pub s3_bucket_source: Option<S3BucketSource>,
    /// What the objects hold. If not given, it is known by their first bytes, then by their names.
    pub input_format: Option<InputFormat>,
    /// How the objects are compressed. If not given, it is known by their first bytes.
    pub input_compression_type: Option<InputCompressionType>,
    /// How the objects' format is to be read.
    pub input_format_options: Option<InputFormatOptions>,
    /// The table that is made.
    pub table_creation_parameters: TableCreationParameters,
    /// What an `ImportTable` request cannot say.
    pub headwater: Headwater,
}

impl Manifest {
    /// Reads a manifest and checks all that can be checked without AWS and without the folder's
    /// name.
    ///
    /// Fails with all faults of the first step that finds any. A byte order mark is passed over.
    ///
    /// ```
    /// use import::manifest::Manifest;
    ///
    /// let error = Manifest::parse(br#"{"InputFormat": "CVS", "Headwatre": {}}"#).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "the manifest has 2 faults: \
    ///      (1) InputFormat: one of CSV, DYNAMODB_JSON, ION, JSON, PARQUET was expected, \
    ///      found \"CVS\"; did you mean CSV? \
    ///      (2) Headwatre: no such field; did you mean Headwater?"
    /// );
    /// ```
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        let text = document::text(bytes)?;
        let schema = schema::Schema::load()?;
        ManifestError::unless_empty(schema.faults(&document::tree(text)?))?;
        let manifest: Self =
            serde_json::from_str(text).map_err(|error| ManifestError::not_json(&error))?;
        ManifestError::unless_empty(rules::faults(&manifest))?;
        Ok(manifest)
    }

    /// Checks that the manifest is about this table, which is that of its folder.
    pub fn for_table(&self, table: &TableName) -> Result<(), ManifestError> {
        ManifestError::unless_empty(rules::faults_for_table(self, table))
    }
}

#[cfg(test)]
mod tests;

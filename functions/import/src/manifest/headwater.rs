//! What an `ImportTable` request cannot say.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use item::format::csv;
use serde::{Deserialize, Serialize};

use super::{KeySchemaElement, Manifest, Projection, WarmThroughput};

/// What an `ImportTable` request cannot say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Headwater {
    /// The types of CSV columns by their names. The type of a column that is not named is inferred.
    pub column_types: BTreeMap<String, ColumnType>,
    /// The texts that mean "no value" in CSV columns of numbers and booleans; an empty field always
    /// does. If not given, `NA`.
    #[cfg_attr(test, schemars(length(max = 100), inner(length(max = 255))))]
    pub missing_values: Option<Vec<String>>,
    /// What happens if the table is there already.
    pub if_exists: IfExists,
    /// What happens to a row whose key an earlier row has.
    pub on_duplicate: OnDuplicate,
    /// The import is refused if it rejects more rows than this. If not given, it is the stack's
    /// parameter `MaxRejects`.
    #[cfg_attr(test, schemars(range(max = 1_000_000)))]
    pub max_rejects: Option<u64>,
    /// What writes the table.
    pub engine: Engine,
    /// Whether everything is only checked and reported, and no table made.
    pub dry_run: bool,
    /// The most write units the direct engine uses in a second. If not given, it goes as fast as
    /// the table takes.
    pub max_write_rate: Option<NonZeroU64>,
    /// Local secondary indexes, of which a table has five. Only the direct engine makes them.
    #[cfg_attr(test, schemars(length(max = 5)))]
    pub local_secondary_indexes: Vec<LocalSecondaryIndex>,
    /// What the table takes from the first second on. Only the direct engine makes tables so.
    pub warm_throughput: Option<WarmThroughput>,
    /// The attribute with the time, in seconds since 1970, after which DynamoDB deletes an item.
    #[cfg_attr(test, schemars(length(min = 1, max = 255)))]
    pub time_to_live_attribute: Option<String>,
    /// Whether the table cannot be deleted until this is switched off.
    pub deletion_protection: bool,
    /// The table's tags, beside those of Headwater's own: 50 are DynamoDB's limit, of which
    /// Headwater takes two.
    #[cfg_attr(test, schemars(length(max = 48)))]
    pub tags: Vec<Tag>,
}

/// What the fields of a CSV column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum ColumnType {
    /// Text.
    S,
    /// Numbers.
    N,
    /// `true` and `false`.
    Bool,
}

/// What happens if the table is there already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum IfExists {
    /// The import is refused, and the table is left as it is.
    #[default]
    Fail,
    /// The items are added to it; those with the same key are overwritten.
    Append,
}

/// What happens to a row whose key an earlier row has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum OnDuplicate {
    /// It is rejected, and counts for `MaxRejects`.
    #[default]
    Reject,
    /// The last row of the key becomes the item.
    Last,
    /// The first row of the key becomes the item.
    First,
}

/// What writes the table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Engine {
    /// Whichever suits, by size, price and need; the report says which and why.
    #[default]
    Auto,
    /// Headwater, with `BatchWriteItem`.
    Direct,
    /// DynamoDB, with `ImportTable`.
    Native,
}

/// A local secondary index: another sort key below the table's partition key.
///
/// Source:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_LocalSecondaryIndex.html>
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LocalSecondaryIndex {
    /// Its name: 3 to 255 letters, digits, underscores, hyphens and dots.
    #[cfg_attr(test, schemars(length(min = 3, max = 255)))]
    pub index_name: String,
    /// Its key: the table's partition key, then a sort key.
    #[cfg_attr(test, schemars(length(min = 2, max = 2)))]
    pub key_schema: Vec<KeySchemaElement>,
    /// What it holds of the items.
    pub projection: Projection,
}

/// A tag of a table.
///
/// Source: <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Tag.html>
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Tag {
    /// Its key; one that begins with `aws:` or `headwater` is not the user's to give.
    #[cfg_attr(test, schemars(length(min = 1, max = 128)))]
    pub key: String,
    /// Its value.
    #[cfg_attr(test, schemars(length(max = 256)))]
    pub value: String,
}

impl From<ColumnType> for csv::ColumnType {
    fn from(kind: ColumnType) -> Self {
        match kind {
            ColumnType::S => Self::String,
            ColumnType::N => Self::Number,
            ColumnType::Bool => Self::Boolean,
        }
    }
}

impl Manifest {
    /// What writes the table: as said, or `direct` where something else in the manifest leaves no
    /// choice.
    pub fn engine(&self) -> Engine {
        match self.direct_only().next() {
            Some(_) => Engine::Direct,
            None => self.headwater.engine,
        }
    }

    /// The options that only the direct engine has, with why.
    pub(super) fn direct_only(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let options = &self.headwater;
        let found = [
            (
                !options.local_secondary_indexes.is_empty(),
                "LocalSecondaryIndexes",
                "ImportTable makes none",
            ),
            (
                options.if_exists == IfExists::Append,
                "IfExists append",
                "ImportTable only makes new tables",
            ),
            (options.max_write_rate.is_some(), "MaxWriteRate", "ImportTable's rate cannot be set"),
            (
                options.warm_throughput.is_some(),
                "WarmThroughput",
                "ImportTable's request has none for the table, nor does it write at one",
            ),
        ];
        found.into_iter().filter(|(given, ..)| *given).map(|(_, option, why)| (option, why))
    }
}

//! The catalog's table definitions, and the registry in them.
//!
//! A definition is what the Glue catalog holds of a table, as plain data. The one over the change
//! files is the registry: each column's parameters say which attribute and kind it holds.
//!
//! | column's parameters | what it is |
//! |---|---|
//! | [`ATTRIBUTE`] and [`KIND`] | one of ours |
//! | [`ATTRIBUTE`] alone | a user's: filled where values convert exactly, see [`UserType`] |
//! | neither | a meta column, or none of our business |
//!
//! The table's parameters `headwater.column.<name>` keep the names that were given, should a column be
//! dropped.
//!
//! ```
//! use lake::catalog::TableDefinition;
//! use lake::{ColumnKey, DEFAULT_COLUMN_LIMIT, Kind, Registry};
//!
//! let mut table = TableDefinition::changes("Planes", "planes__changes", "lake-bucket", 1_795_359_600_000)?;
//! let mut registry = Registry::from(&table);
//! let seats = ColumnKey { attribute: "seats".to_owned(), kind: Kind::Bigint };
//! table.add(&registry.assign(&[seats], DEFAULT_COLUMN_LIMIT));
//!
//! assert_eq!(table.parameters["projection.dt.range"], "2026-10-18,NOW");
//! assert_eq!(table.columns.last().map(|column| column.type_text.as_str()), Some("bigint"));
//! assert_eq!(Registry::from(&table), registry);
//! # Ok::<(), lake::WriteError>(())
//! ```

use std::collections::{BTreeMap, HashSet};

use jiff::civil::Date;

use crate::column::user::{Epoch, UserType};
use crate::error::WriteError;
use crate::meta::{self, MetaColumn};
use crate::registry::{ATTRIBUTE, Column, ColumnType, KIND, Registry};
use crate::{Kind, UnknownKind, name, path};

/// The parameter of a catalog table that names the DynamoDB table.
pub const TABLE: &str = "headwater.table";
/// The parameter of a catalog table that names a column of ours, before its name; the value is its
/// kind. It stays when a person drops the column, so that no column of another type gets the name:
/// files still have the old one.
const GIVEN: &str = "headwater.column.";
/// The longest key of a parameter, in bytes.
///
/// Source: [Table](https://docs.aws.amazon.com/glue/latest/webapi/API_Table.html).
const MAX_KEY_BYTES: usize = 255;
/// The parameter of a user's `timestamp` column that says what numbers count: `seconds` or
/// `milliseconds`.
pub const EPOCH: &str = "headwater.epoch";

/// The table type of data that the catalog does not own.
pub const TABLE_TYPE: &str = "EXTERNAL_TABLE";
/// The storage descriptor's input format.
pub const INPUT_FORMAT: &str = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat";
/// The storage descriptor's output format.
pub const OUTPUT_FORMAT: &str = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat";
/// The storage descriptor's serialization library.
pub const SERDE: &str = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe";

/// The longest comment of a column, in bytes.
///
/// Source: [Column](https://docs.aws.amazon.com/glue/latest/webapi/API_Column.html).
const MAX_COMMENT_BYTES: usize = 255;
/// The parameter of a table of changes that says which days are projected: `<first>,NOW`.
const DAYS: &str = "projection.dt.range";
/// How long before enrolment the projection of change files starts. Backups restored and clocks
/// set wrong aside, no change is older: point-in-time recovery goes back 35 days.
const DAYS_BEFORE_ENROLMENT: i64 = 35;

/// A table of the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableDefinition {
    /// The table's name in the catalog.
    pub name: String,
    /// The columns, in order, without the partition's.
    pub columns: Vec<ColumnDefinition>,
    /// The partition's columns.
    pub partition_keys: Vec<ColumnDefinition>,
    /// Where the files are: `s3://bucket/prefix/`.
    pub location: String,
    /// The table's parameters.
    pub parameters: BTreeMap<String, String>,
}

/// A column of a catalog table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnDefinition {
    /// The column's name.
    pub name: String,
    /// Its type, as Athena's DDL spells it.
    pub type_text: String,
    /// A comment for people, of at most 255 bytes.
    pub comment: Option<String>,
    /// Its parameters.
    pub parameters: BTreeMap<String, String>,
}

impl TableDefinition {
    /// The table `name` over the change files of `table`, which is also its registry.
    ///
    /// Its partitions are projected by day from 35 days before `enrolled_ms`, which counts
    /// milliseconds since 1970 UTC.
    pub fn changes(
        table: &str,
        name: &str,
        bucket: &str,
        enrolled_ms: i64,
    ) -> Result<Self, WriteError> {
        let first_ms = enrolled_ms.saturating_sub(DAYS_BEFORE_ENROLMENT * path::DAY_MS).max(0);
        let first_day = path::day(first_ms)?;
        let mut definition = Self::over(table, name, bucket, &path::changes(table), "dt");
        definition.project("dt", "type", "date");
        definition.project("dt", "format", "yyyy-MM-dd");
        definition.parameters.insert(DAYS.to_owned(), format!("{first_day},NOW"));
        definition.project("dt", "interval", "1");
        definition.project("dt", "interval.unit", "DAYS");
        Ok(definition)
    }

    /// The table `name` over the snapshots of `table`. Every query has to name one `snapshot`.
    pub fn snapshots(table: &str, name: &str, bucket: &str) -> Self {
        let mut definition = Self::over(table, name, bucket, &path::snapshots(table), "snapshot");
        definition.project("snapshot", "type", "injected");
        definition
    }

    /// The table `name` over the increments of `table`. Every query has to name one `window_end`.
    pub fn increments(table: &str, name: &str, bucket: &str) -> Self {
        let prefix = path::increments(table);
        let mut definition = Self::over(table, name, bucket, &prefix, "window_end");
        definition.project("window_end", "type", "injected");
        definition
    }

    /// A table of the meta columns over one prefix, with one projected partition column.
    fn over(table: &str, name: &str, bucket: &str, prefix: &str, partition: &str) -> Self {
        let location = format!("s3://{bucket}/{prefix}");
        let parameters = BTreeMap::from(
            [
                ("classification", "parquet"),
                (TABLE, table),
                ("projection.enabled", "true"),
                ("storage.location.template", &format!("{location}{partition}=${{{partition}}}/")),
            ]
            .map(|(key, value)| (key.to_owned(), value.to_owned())),
        );
        Self {
            name: name.to_owned(),
            columns: meta::COLUMNS.iter().map(ColumnDefinition::meta).collect(),
            partition_keys: vec![ColumnDefinition::plain(partition, "string")],
            location,
            parameters,
        }
    }

    fn project(&mut self, partition: &str, key: &str, value: &str) {
        self.parameters.insert(format!("projection.{partition}.{key}"), value.to_owned());
    }

    /// Adds columns at the end, but for those that are there, and keeps the names of ours as
    /// parameters.
    pub fn add(&mut self, columns: &[Column]) {
        for column in columns {
            if self.column(&column.name).is_none() {
                self.columns.push(ColumnDefinition::of(column));
            }
        }
        for column in &self.columns {
            if let Some(Ok(ColumnType::Ours(kind))) = column.holds() {
                let key = format!("{GIVEN}{}", given(&column.name));
                self.parameters.entry(key).or_insert_with(|| kind.to_string());
            }
        }
    }

    /// Keeps names of columns, given with the names of their kinds, from being given again.
    pub(crate) fn reserve(&mut self, names: &BTreeMap<String, String>) {
        for (name, kind) in names {
            if self.column(name).is_none() {
                self.parameters.insert(format!("{GIVEN}{}", given(name)), kind.clone());
            }
        }
    }

    /// Lets the projection of days begin with `day`, unless it begins before.
    pub(crate) fn begin_by(&mut self, day: Date) {
        let Some(range) = self.parameters.get_mut(DAYS) else { return };
        let (start, end) = range.split_once(',').unwrap_or((range, "NOW"));
        if start.parse::<Date>().is_ok_and(|start| day < start) {
            *range = format!("{day},{end}");
        }
    }

    /// The column of that name. Engines do not tell case apart.
    fn column(&self, name: &str) -> Option<&ColumnDefinition> {
        self.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name))
    }

    /// What the column of that name is filled from; nothing if it is none of our business.
    pub(crate) fn meaning_of(&self, name: &str) -> Option<Column> {
        let column = self.column(name)?;
        let attribute = column.parameters.get(ATTRIBUTE)?.clone();
        Some(Column { name: name.to_owned(), attribute, holds: column.holds()?.ok()? })
    }

    /// Whether there was a column of ours of that name, which a person dropped.
    pub(crate) fn is_dropped(&self, name: &str) -> bool {
        let given = given(&name.to_lowercase());
        self.dropped().any(|(dropped, _)| dropped == given)
    }

    /// The DynamoDB table whose files these are, if the definition is one of ours.
    pub fn table(&self) -> Option<&str> {
        self.parameters.get(TABLE).map(String::as_str)
    }

    /// What in the definition is not as we made it: reported, not honoured.
    pub fn drift(&self) -> Vec<Drift> {
        let changed = self.columns.iter().filter_map(ColumnDefinition::drift);
        let dropped = self.dropped().map(|(column, kind)| {
            let (column, kind) = (column.to_owned(), kind.to_owned());
            Drift::Dropped { column, kind }
        });
        changed.chain(dropped).collect()
    }

    /// The columns of ours that are there no more: the names they had, and their kinds.
    fn dropped(&self) -> impl Iterator<Item = (&str, &str)> {
        let there: HashSet<String> =
            self.columns.iter().map(|column| given(&column.name.to_lowercase())).collect();
        self.parameters
            .iter()
            .filter_map(|(key, kind)| Some((key.strip_prefix(GIVEN)?, kind.as_str())))
            .filter(move |(name, _)| !there.contains(*name))
    }
}

impl ColumnDefinition {
    fn plain(name: &str, type_text: &str) -> Self {
        Self {
            name: name.to_owned(),
            type_text: type_text.to_owned(),
            comment: None,
            parameters: BTreeMap::new(),
        }
    }

    fn meta(column: &MetaColumn) -> Self {
        let plain = Self::plain(column.name, column.catalog_type);
        Self { comment: Some(column.comment.to_owned()), ..plain }
    }

    /// The definition of a column: one of ours, or a user's as the user defined it.
    fn of(column: &Column) -> Self {
        let attribute = column.attribute.as_str();
        let (type_text, comment, more) = match &column.holds {
            ColumnType::Ours(kind) => {
                let comment = comment(&format!("{kind} of attribute {attribute}"));
                (kind.catalog_type().to_owned(), Some(comment), Some((KIND, kind.as_str())))
            }
            ColumnType::Added(user_type) => {
                let epoch = user_type.epoch().map(|epoch| (EPOCH, epoch));
                (user_type.to_string(), None, epoch)
            }
        };
        let parameters = [(ATTRIBUTE, attribute)].into_iter().chain(more);
        let parameters = parameters.map(|(key, value)| (key.to_owned(), value.to_owned()));
        Self { comment, parameters: parameters.collect(), ..Self::plain(&column.name, &type_text) }
    }

    /// What the column holds; nothing for columns that are none of our business.
    fn holds(&self) -> Option<Result<ColumnType, UnknownKind>> {
        self.parameters.get(ATTRIBUTE)?;
        let Some(kind) = self.parameters.get(KIND) else {
            let epoch = self.parameters.get(EPOCH).and_then(|epoch| Epoch::of(epoch));
            return Some(Ok(ColumnType::Added(UserType::of(&self.type_text, epoch))));
        };
        Some(kind.parse().map(ColumnType::Ours))
    }

    fn drift(&self) -> Option<Drift> {
        let column = self.name.clone();
        let found = self.type_text.clone();
        match self.holds()? {
            Ok(ColumnType::Ours(kind)) if kind.catalog_type() != self.type_text => {
                Some(Drift::TypeChanged { column, kind, found })
            }
            Ok(ColumnType::Added(UserType::Other(_))) => Some(Drift::NeverFilled { column, found }),
            Ok(ColumnType::Ours(_) | ColumnType::Added(_)) => None,
            Err(UnknownKind(kind)) => Some(Drift::UnknownKind { column, kind }),
        }
    }
}

/// A column's name as the parameter that keeps it has it: cut with a hash where it is too long.
pub(crate) fn given(name: &str) -> String {
    name::shorten_to(name.to_owned(), name, MAX_KEY_BYTES - GIVEN.len())
}

/// Cuts a comment to what the catalog takes: one line of at most 255 bytes, without the two code
/// points that are no characters. The catalog would refuse the whole table for one of them.
fn comment(text: &str) -> String {
    let refused = |c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}');
    let mut comment: String = text.replace(refused, " ");
    comment.truncate(comment.floor_char_boundary(MAX_COMMENT_BYTES));
    comment
}

impl From<&TableDefinition> for Registry {
    /// The registry that a definition over change files holds.
    fn from(definition: &TableDefinition) -> Self {
        let mut registry = Self::new();
        for column in &definition.columns {
            match (column.holds(), column.parameters.get(ATTRIBUTE)) {
                (Some(Ok(holds)), Some(attribute)) => registry.insert(Column {
                    name: column.name.clone(),
                    attribute: attribute.clone(),
                    holds,
                }),
                _ => registry.reserve(&column.name),
            }
        }
        definition.dropped().for_each(|(name, _)| registry.reserve(name));
        registry
    }
}

/// Something in the catalog that is not as we made it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Drift {
    /// A column of ours has another type. Its files keep theirs.
    #[error("column {column:?} holds {kind} and is {} in its files, but {found} in the catalog: change it back and add a column of your own", .kind.catalog_type())]
    TypeChanged {
        /// The column's name.
        column: String,
        /// What it holds.
        kind: Kind,
        /// The catalog's type.
        found: String,
    },
    /// A column of ours is there no more. Its values go to a new column, and its files keep theirs.
    #[error(
        "column {column:?} held {kind} and was dropped: files still have it, so no other column gets its name"
    )]
    Dropped {
        /// The name it had; cut where it is longer than 238 bytes.
        column: String,
        /// The name of the kind it held.
        kind: String,
    },
    /// A user's column has a type that nothing converts to.
    #[error("column {column:?} stays empty: values do not convert to {found}")]
    NeverFilled {
        /// The column's name.
        column: String,
        /// The catalog's type.
        found: String,
    },
    /// A column has a kind that this version does not know. It is left alone.
    #[error("column {column:?} holds {kind:?}, which this version does not know")]
    UnknownKind {
        /// The column's name.
        column: String,
        /// The kind's name.
        kind: String,
    },
}

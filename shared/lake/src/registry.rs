//! Which column holds which attribute.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};

use crate::catalog::EPOCH;
use crate::column::user::{Epoch, UserType};
use crate::meta::{self, MetaColumn};
use crate::{Kind, catalog, name};

/// The metadata of an Arrow field, and the parameter of a catalog column, that names the attribute.
pub const ATTRIBUTE: &str = "headwater.attribute";
/// The metadata of an Arrow field, and the parameter of a catalog column, that names the kind.
pub const KIND: &str = "headwater.kind";
/// The metadata of an Arrow field of a user's column: its type, as the catalog spells it.
pub(crate) const TYPE: &str = "headwater.type";
/// How many of our columns a table gets before further attributes go to `_rest`.
pub const DEFAULT_COLUMN_LIMIT: usize = 500;

/// What a column of ours is for: one kind of one attribute.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ColumnKey {
    /// The attribute's name, as the items have it.
    pub attribute: String,
    /// The kind of its values.
    pub kind: Kind,
}

impl ColumnKey {
    /// What the field of a column of ours says it is for.
    pub(crate) fn of(field: &Field) -> Option<Self> {
        let kind = field.metadata().get(KIND)?.parse().ok()?;
        Some(Self { attribute: field.metadata().get(ATTRIBUTE)?.clone(), kind })
    }
}

/// A named column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The column's name in the catalog and in the files.
    pub name: String,
    /// The attribute it is filled from.
    pub attribute: String,
    /// What it holds.
    pub holds: ColumnType,
}

impl Column {
    /// The column's field in a record batch; nothing for a type that is never filled.
    pub(crate) fn field(&self) -> Option<Field> {
        let mut metadata = HashMap::from([(ATTRIBUTE.to_owned(), self.attribute.clone())]);
        let data_type = match &self.holds {
            ColumnType::Ours(kind) => {
                metadata.insert(KIND.to_owned(), kind.as_str().to_owned());
                kind.data_type()
            }
            ColumnType::Added(user_type) => {
                metadata.insert(TYPE.to_owned(), user_type.to_string());
                metadata.extend(user_type.epoch().map(|epoch| (EPOCH.to_owned(), epoch.into())));
                user_type.data_type()?
            }
        };
        Some(Field::new(&self.name, data_type, true).with_metadata(metadata))
    }
}

/// Who chose a column's type, and which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnType {
    /// We did: it holds every value of one kind, and items are rebuilt from it.
    Ours(Kind),
    /// A user added it to the catalog: it is filled where a value converts exactly, and items are
    /// never rebuilt from it.
    Added(UserType),
}

impl UserType {
    /// What numbers count in a `timestamp` column, as [`Epoch::of`] reads it.
    pub(crate) fn epoch(&self) -> Option<&'static str> {
        let Self::Timestamp { epoch: Some(epoch) } = self else { return None };
        Some(match epoch {
            Epoch::Seconds => "seconds",
            Epoch::Milliseconds => "milliseconds",
        })
    }
}

impl std::fmt::Display for UserType {
    /// The type as the catalog spells it, which [`UserType::of`] reads.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::String => f.write_str("string"),
            Self::Boolean => f.write_str("boolean"),
            Self::Int => f.write_str("int"),
            Self::Bigint => f.write_str("bigint"),
            Self::Double => f.write_str("double"),
            Self::Decimal { precision, scale } => write!(f, "decimal({precision},{scale})"),
            Self::Timestamp { .. } => f.write_str("timestamp"),
            Self::Date => f.write_str("date"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

/// The columns of one table, in the catalog's order. It only ever grows.
///
/// ```
/// use lake::{ColumnKey, DEFAULT_COLUMN_LIMIT, Kind, Registry};
///
/// let key = |attribute: &str, kind| ColumnKey { attribute: attribute.to_owned(), kind };
/// let mut registry = Registry::new();
/// let added = registry.assign(
///     &[
///         key("Price", Kind::Bigint),
///         key("Price", Kind::Double),
///         key("price", Kind::String),
///         key("_op", Kind::String),
///     ],
///     DEFAULT_COLUMN_LIMIT,
/// );
/// let names: Vec<_> = added.iter().map(|column| column.name.as_str()).collect();
/// assert_eq!(names, ["price", "price__double", "price_2", "c_op"]);
/// assert_eq!(registry.name_of("Price", Kind::Double), Some("price__double"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Registry {
    columns: Vec<Column>,
    /// Places in `columns` of our columns, by attribute and [`Kind::index`].
    places: HashMap<String, [Option<usize>; Kind::ALL.len()]>,
    /// Every name that is in use or was, ours or not, in lower case: engines do not tell case apart.
    taken: HashSet<String>,
}

impl Registry {
    /// A registry without columns: everything would go to `_rest`.
    pub fn new() -> Self {
        Self::default()
    }

    /// The columns, in the catalog's order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The schema of a file that has every column: the meta columns, then the registry's.
    ///
    /// Columns of a type that is never filled are left out.
    pub fn schema(&self) -> SchemaRef {
        let meta = meta::COLUMNS.iter().map(MetaColumn::field);
        let columns = self.columns.iter().filter(|column| self.is_filled(column));
        Arc::new(Schema::new(meta.chain(columns.filter_map(Column::field)).collect::<Vec<_>>()))
    }

    /// Whether values go to this column: of two columns of ours for one key, only the first.
    pub(crate) fn is_filled(&self, column: &Column) -> bool {
        match column.holds {
            ColumnType::Ours(kind) => self.name_of(&column.attribute, kind) == Some(&column.name),
            ColumnType::Added(_) => true,
        }
    }

    /// The name of the column that holds `kind` of `attribute`.
    pub fn name_of(&self, attribute: &str, kind: Kind) -> Option<&str> {
        let place = self.places.get(attribute)?[kind.index()]?;
        Some(&self.columns[place].name)
    }

    /// Names columns for those of `keys` that have none, and returns what was added, in order.
    ///
    /// Names that were given stay; the new ones depend on them and on the order of `keys` alone.
    /// When `limit` columns of ours are named, further keys get no column: their values go to
    /// `_rest`. Columns that users added do not count.
    pub fn assign(&mut self, keys: &[ColumnKey], limit: usize) -> Vec<Column> {
        let before = self.columns.len();
        for key in keys {
            if self.is_full(limit) {
                break;
            }
            if self.name_of(&key.attribute, key.kind).is_none() {
                let name = self.free_name(key);
                self.insert(Column {
                    name,
                    attribute: key.attribute.clone(),
                    holds: ColumnType::Ours(key.kind),
                });
            }
        }
        self.columns[before..].to_vec()
    }

    /// Whether the table has as many columns of ours as it may have; a user's do not count.
    pub fn is_full(&self, limit: usize) -> bool {
        let ours = |column: &&Column| matches!(column.holds, ColumnType::Ours(_));
        self.columns.iter().filter(ours).count() >= limit
    }

    /// Takes a column as the catalog has it. Of two columns of ours for one key, the first holds.
    pub(crate) fn insert(&mut self, column: Column) {
        let place = self.columns.len();
        self.reserve(&column.name);
        if let ColumnType::Ours(kind) = column.holds {
            let places = self.places.entry(column.attribute.clone()).or_default();
            places[kind.index()].get_or_insert(place);
        }
        self.columns.push(column);
    }

    /// Keeps a name from being given: the catalog has, or had, a column of that name.
    pub(crate) fn reserve(&mut self, name: &str) {
        self.taken.insert(name.to_lowercase());
    }

    /// A name for a new column, unlike every other.
    fn free_name(&self, key: &ColumnKey) -> String {
        let wanted = match self.first_name(&key.attribute) {
            Some(first) => name::sibling(first, key.kind),
            None => name::column(&key.attribute),
        };
        name::distinct(wanted, |name| self.is_taken(name))
    }

    /// Whether a safe name is not to be given; that of a dropped column may be known only in short.
    fn is_taken(&self, name: &str) -> bool {
        name::RESERVED.contains(&name)
            || self.taken.contains(name)
            || self.taken.contains(&catalog::given(name))
    }

    /// The name of the attribute's oldest column of ours.
    fn first_name(&self, attribute: &str) -> Option<&str> {
        let first = self.places.get(attribute)?.iter().flatten().min()?;
        Some(&self.columns[*first].name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(attribute: &str, kind: Kind) -> ColumnKey {
        ColumnKey { attribute: attribute.to_owned(), kind }
    }

    /// Assigns `keys` to `registry` and compares the names given.
    #[track_caller]
    fn check(registry: &mut Registry, limit: usize, keys: &[(&str, Kind)], expected: &[&str]) {
        let keys: Vec<_> = keys.iter().map(|&(attribute, kind)| key(attribute, kind)).collect();
        let added = registry.assign(&keys, limit);
        let names: Vec<_> = added.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, expected);
    }

    #[test]
    fn names_follow_the_order_of_keys_and_stay() {
        let mut registry = Registry::new();
        let s = Kind::String;
        check(&mut registry, 500, &[("A", s), ("a", s), ("A", s)], &["a", "a_2"]);
        check(
            &mut registry,
            500,
            &[("a", Kind::Json), ("A", Kind::Json)],
            &["a_2__json", "a__json"],
        );
        check(&mut registry, 500, &[("a__json", s)], &["a__json_2"]);
        check(&mut registry, 500, &[("a", s), ("A", Kind::Json)], &[]);
        assert_eq!(registry.name_of("a", Kind::Json), Some("a_2__json"));
        assert_eq!(registry.name_of("b", s), None);
    }

    #[test]
    fn partition_columns_and_foreign_columns_keep_their_names() {
        let mut registry = Registry::new();
        registry.reserve("Note");
        let s = Kind::String;
        check(
            &mut registry,
            500,
            &[("dt", s), ("snapshot", s), ("note", s), ("_rest", s)],
            &["dt_2", "snapshot_2", "note_2", "c_rest"],
        );
    }

    #[test]
    fn the_limit_counts_our_columns_only() {
        let mut registry = Registry::new();
        registry.insert(Column {
            name: "price_eur".to_owned(),
            attribute: "price".to_owned(),
            holds: ColumnType::Added(UserType::Decimal { precision: 12, scale: 2 }),
        });
        let s = Kind::String;
        check(&mut registry, 2, &[("a", s), ("price", Kind::Double), ("c", s)], &["a", "price"]);
        check(&mut registry, 2, &[("d", s)], &[]);
        check(&mut registry, 0, &[("d", s)], &[]);
        assert!(registry.is_full(2));
        assert!(!registry.is_full(3));
        check(&mut registry, 3, &[("d", s)], &["d"]);
    }
}

//! Rows to a record batch, in three steps with the registry between them.
//!
//! 1. [`Rows::push`] takes each row's attributes into columns by (attribute, kind).
//! 2. [`Rows::unnamed`] lists the columns that the registry has no name for.
//! 3. [`Rows::finish`] lays the columns out under their names. What has no name by then goes to
//!    `_rest`.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{Field, Schema};
use item::change::{Actor, NetChange, Operation};
use item::privacy::Redaction;
use item::{Item, Map};

use crate::Kind;
use crate::attributes::Attributes;
use crate::column::{Cell, Column};
use crate::error::WriteError;
use crate::export::View;
use crate::meta::{self, Meta, MetaColumn, RowOp};
use crate::path;
use crate::registry::{ColumnKey, Registry};
use crate::rest::Rest;
use crate::sheet::Sheet;

/// A change of an item, what a window did to it, or an item of a snapshot, as a row takes it.
#[derive(Debug, Clone, Copy)]
pub struct Row<'r> {
    /// What happened.
    pub op: RowOp,
    /// When, in milliseconds since 1970 UTC.
    pub ts_ms: i64,
    /// The label of the stream as digits; empty where the row is from an export.
    pub stream: &'r str,
    /// The sequence number, at most 40 digits; empty where the row is from an export.
    pub seq: &'r str,
    /// Who did it, which exports do not tell.
    pub by: Option<Actor>,
    /// The stream record's id; empty where the row is from an export.
    pub event_id: &'r str,
    /// The key attributes.
    pub key: &'r Item<'r>,
    /// The item as it is now. Every row but a [`RowOp::Remove`] has one, and there it is not looked at.
    pub item: Option<&'r Item<'r>>,
    /// The item as it was before, if the stream gives it.
    pub old: Option<&'r Item<'r>>,
}

impl<'r> Row<'r> {
    /// An item as an export found it, at a time in milliseconds since 1970 UTC.
    pub fn of_snapshot(ts_ms: i64, key: &'r Item<'r>, item: &'r Item<'r>) -> Self {
        Self {
            op: RowOp::Snapshot,
            ts_ms,
            stream: "",
            seq: "",
            by: None,
            event_id: "",
            key,
            item: Some(item),
            old: None,
        }
    }

    /// What became of the item with this key in the window of an incremental export.
    ///
    /// Without old images it is not known whether an item was there before: it is a [`RowOp::Modify`] then.
    pub fn of_increment(
        key: &'r Item<'r>,
        change: &'r NetChange<'_>,
        view: View,
    ) -> Result<Self, WriteError> {
        let op = match (change.operation(), view) {
            (Operation::Insert, View::NewImage) => RowOp::Modify,
            (operation, View::NewImage | View::NewAndOldImages) => operation.into(),
        };
        Ok(Self {
            op,
            ts_ms: path::checked(change.at_ms())?,
            stream: "",
            seq: "",
            by: None,
            event_id: "",
            key,
            item: change.new.as_ref(),
            old: change.old.as_ref(),
        })
    }
}

/// Rows being gathered into columns.
///
/// ```
/// use item::format::dynamodb_json::parse_item;
/// use lake::{DEFAULT_COLUMN_LIMIT, Registry, Row, Rows};
///
/// let key = parse_item(br#"{"id":{"S":"a"}}"#)?;
/// let item = parse_item(br#"{"id":{"S":"a"},"n":{"N":"1"}}"#)?;
/// let mut rows = Rows::new();
/// rows.push(&Row::of_snapshot(0, &key, &item))?;
///
/// let mut registry = Registry::new();
/// registry.assign(&rows.unnamed(&registry), DEFAULT_COLUMN_LIMIT);
/// let batch = rows.finish(&registry)?;
/// assert!(batch.column_by_name("n").is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct Rows {
    len: u32,
    bytes: usize,
    meta: Meta,
    rest: Rest,
    attributes: Attributes,
    /// In first-seen order.
    slots: Vec<Slot>,
    /// Arrays of rows before, for their memory.
    memory: HashMap<ColumnKey, ArrayRef>,
    /// What is not to be written of the rows.
    redaction: Option<Arc<Redaction>>,
}

/// The column of one (attribute, kind).
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) attribute: Arc<str>,
    pub(crate) kind: Kind,
    pub(crate) values: Column,
}

impl Rows {
    /// No rows yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// No rows yet, in the memory of a batch that [`Rows::finish`] made and nobody else holds: rows that follow
    /// others are much like them.
    pub fn in_memory_of(batch: RecordBatch) -> Self {
        let (schema, arrays, _) = batch.into_parts();
        let mut rows = Self::new();
        for (field, array) in schema.fields().iter().zip(arrays) {
            match ColumnKey::of(field) {
                Some(key) => drop(rows.memory.insert(key, array)),
                None => rows.meta.take_memory(field.name(), array),
            }
        }
        rows
    }

    /// The same, of which rows are taken under privacy rules if there are any: every column but `_key`.
    #[must_use]
    pub fn under(mut self, redaction: Option<Arc<Redaction>>) -> Self {
        self.redaction = redaction;
        self
    }

    /// How many rows were taken.
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether no row was taken.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// About how many bytes the rows have as text: what a caller bounds a batch by.
    ///
    /// No column may hold 2 GiB or more; 64 MiB a batch is plenty.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes a row. Where it fails, nothing of the row was taken.
    pub fn push(&mut self, row: &Row<'_>) -> Result<(), WriteError> {
        let Some(redaction) = self.redaction.clone() else {
            return self.take(row, row.key);
        };
        let [item, old] = [row.item, row.old].map(|item| item.map(|item| redaction.redact(item)));
        let row = Row { item: item.as_ref(), old: old.as_ref(), ..*row };
        self.take(&row, &redaction.redact(row.key))
    }

    /// Takes a row as it is to be written; `key` is what columns get of a key without an item.
    fn take(&mut self, row: &Row<'_>, key: &Item<'_>) -> Result<(), WriteError> {
        let at = self.len;
        let next = at.checked_add(1).ok_or(WriteError::TooManyRows)?;
        let item = match (row.op, row.item) {
            (RowOp::Remove, _) => None,
            (RowOp::Insert | RowOp::Modify | RowOp::Snapshot, Some(item)) => Some(item),
            (RowOp::Insert | RowOp::Modify | RowOp::Snapshot, None) => {
                return Err(WriteError::NoItem(row.op));
            }
        };
        self.bytes += self.meta.push(at, row)?;
        if let Some(old) = row.old {
            self.attributes.find(old);
            self.bytes += self.meta.push_old(at, old, self.attributes.by_name());
        }
        self.attributes.find(item.unwrap_or(key));
        if let Some(item) = item {
            self.bytes += self.meta.push_hash(at, item, self.attributes.by_name());
        }
        self.push_attributes(at, item.unwrap_or(key));
        self.len = next;
        Ok(())
    }

    fn push_attributes(&mut self, row: u32, attributes: &Map<'_>) {
        for (place, (attribute, value)) in attributes.iter().enumerate() {
            let Some(cell) = Cell::of(value) else {
                self.rest.push(row, None, attribute, value);
                continue;
            };
            let slot = self.slot(place, cell.kind());
            if !self.slots[slot].values.push(row, cell) {
                self.rest.push(row, Some(slot), attribute, value);
            }
        }
    }

    /// The slot for a kind of the row's attribute at `place`.
    fn slot(&mut self, place: usize, kind: Kind) -> usize {
        let attribute = self.attributes.at_mut(place);
        *attribute.slots[kind.index()].get_or_insert_with(|| {
            let attribute = Arc::clone(&attribute.name);
            let key = ColumnKey { attribute: attribute.to_string(), kind };
            let values = Column::new(kind, self.memory.remove(&key));
            self.slots.push(Slot { attribute, kind, values });
            self.slots.len() - 1
        })
    }

    /// The columns that `registry` has no name for, in first-seen order.
    pub fn unnamed(&self, registry: &Registry) -> Vec<ColumnKey> {
        self.slots
            .iter()
            .filter(|slot| registry.name_of(&slot.attribute, slot.kind).is_none())
            .map(|slot| ColumnKey { attribute: slot.attribute.to_string(), kind: slot.kind })
            .collect()
    }

    /// How many values have no column in `registry`, and so travel in `_rest`.
    pub fn rescued(&self, registry: &Registry) -> u64 {
        let unnamed = |slot: &&Slot| registry.name_of(&slot.attribute, slot.kind).is_none();
        self.slots.iter().filter(unnamed).map(|slot| slot.values.len() as u64).sum()
    }

    /// Lays the rows out as a record batch: the meta columns, then those of the registry's columns
    /// that have values, in the registry's order. What `registry` has no name for goes to `_rest`.
    pub fn finish(self, registry: &Registry) -> Result<RecordBatch, WriteError> {
        let rows = self.len();
        // What nobody asked for is no use later either.
        drop(self.memory);
        let sheet = Sheet::lay_out(self.slots, self.attributes, registry, rows)?;
        let columns = sheet.columns(registry, &self.rest, rows)?;
        let mut rest = self.rest;
        sheet.move_unnamed(&mut rest)?;
        let rest = rest.array(rows).map_err(|overflow| overflow.of(meta::REST))?;
        let meta = meta::COLUMNS.iter().map(MetaColumn::field).zip(self.meta.arrays(rest, rows)?);
        let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = meta.chain(columns).unzip();
        Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?)
    }
}

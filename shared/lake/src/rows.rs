//! Rows to a record batch, in three steps with the registry between them.
//!
//! 1. [`Rows::push`] takes each row's attributes into columns by (attribute, kind). Rows of one
//!    table repeat the order of their attributes, so the column of the next attribute is guessed
//!    from the last row before it is looked up.
//! 2. [`Rows::unnamed`] lists the columns that the registry has no name for.
//! 3. [`Rows::finish`] lays the columns out under their names. What has no name by then goes to
//!    `_rest`.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{Field, Schema};
use item::change::Actor;
use item::{Item, Map};

use crate::Kind;
use crate::column::{Cell, Column};
use crate::error::WriteError;
use crate::meta::{self, Meta, MetaColumn, RowOp};
use crate::registry::{ColumnKey, Registry};
use crate::rest::Rest;
use crate::sheet::Sheet;

/// A change of an item, or an item of a snapshot, as a row takes it.
#[derive(Debug, Clone, Copy)]
pub struct Row<'r> {
    /// What happened.
    pub op: RowOp,
    /// When, in milliseconds since 1970 UTC.
    pub ts_ms: i64,
    /// The label of the stream as digits; empty for a snapshot.
    pub stream: &'r str,
    /// The sequence number, at most 40 digits; empty for a snapshot.
    pub seq: &'r str,
    /// Who did it; nobody for a snapshot.
    pub by: Option<Actor>,
    /// The stream record's id; empty for a snapshot.
    pub event_id: &'r str,
    /// The key attributes.
    pub key: &'r Item<'r>,
    /// The item as it is now. Every row but a [`RowOp::Remove`] has one, and there it is not looked at.
    pub item: Option<&'r Item<'r>>,
    /// The item as it was before, if the stream gives it.
    pub old: Option<&'r Item<'r>>,
}

/// Rows being gathered into columns.
///
/// ```
/// use item::format::dynamodb_json::parse_item;
/// use lake::{DEFAULT_COLUMN_LIMIT, Registry, Row, RowOp, Rows};
///
/// let key = parse_item(br#"{"id":{"S":"a"}}"#)?;
/// let item = parse_item(br#"{"id":{"S":"a"},"n":{"N":"1"}}"#)?;
/// let mut rows = Rows::new();
/// rows.push(&Row {
///     op: RowOp::Snapshot,
///     ts_ms: 0,
///     stream: "",
///     seq: "",
///     by: None,
///     event_id: "",
///     key: &key,
///     item: Some(&item),
///     old: None,
/// })?;
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
    /// In first-seen order.
    slots: Vec<Slot>,
    /// The first slot of each attribute.
    first: HashMap<Arc<str>, usize>,
    /// The slot that the last row's first value went to.
    opening: usize,
}

/// The column of one (attribute, kind).
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) attribute: Arc<str>,
    pub(crate) kind: Kind,
    pub(crate) values: Column,
    /// The attribute's slot of another kind that came after this.
    pub(crate) sibling: Option<usize>,
    /// The slot that came next in the last row.
    next: usize,
}

impl Rows {
    /// No rows yet.
    pub fn new() -> Self {
        Self::default()
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
        let at = self.len;
        let next = at.checked_add(1).ok_or(WriteError::TooManyRows)?;
        let item = match (row.op, row.item) {
            (RowOp::Remove, _) => None,
            (RowOp::Insert | RowOp::Modify | RowOp::Snapshot, Some(item)) => Some(item),
            (RowOp::Insert | RowOp::Modify | RowOp::Snapshot, None) => {
                return Err(WriteError::NoItem(row.op));
            }
        };
        self.bytes += self.meta.push(at, &Row { item, ..*row })?;
        self.push_attributes(at, item.unwrap_or(row.key));
        self.len = next;
        Ok(())
    }

    fn push_attributes(&mut self, row: u32, attributes: &Map<'_>) {
        let mut last = None;
        for (attribute, value) in attributes.iter() {
            let Some(cell) = Cell::of(value) else {
                self.rest.push(row, None, attribute, value);
                continue;
            };
            let slot = self.slot(last, attribute, cell.kind());
            if !self.slots[slot].values.push(row, cell) {
                self.rest.push(row, Some(slot), attribute, value);
            }
            last = Some(slot);
        }
    }

    /// The slot of an attribute that comes after the one in slot `last`, guessed or looked up.
    fn slot(&mut self, last: Option<usize>, attribute: &str, kind: Kind) -> usize {
        let guess = last.map_or(self.opening, |last| self.slots[last].next);
        if let Some(slot) = self.slots.get(guess)
            && slot.kind == kind
            && *slot.attribute == *attribute
        {
            return guess;
        }
        let slot = self.find(attribute, kind).unwrap_or_else(|| self.add(attribute, kind));
        match last {
            Some(last) => self.slots[last].next = slot,
            None => self.opening = slot,
        }
        slot
    }

    fn find(&self, attribute: &str, kind: Kind) -> Option<usize> {
        self.slots_of(attribute).find(|slot| self.slots[*slot].kind == kind)
    }

    /// The slots of an attribute, in first-seen order.
    fn slots_of(&self, attribute: &str) -> impl Iterator<Item = usize> {
        let first = self.first.get(attribute).copied();
        std::iter::successors(first, |slot| self.slots[*slot].sibling)
    }

    fn add(&mut self, attribute: &str, kind: Kind) -> usize {
        let added = self.slots.len();
        let last = self.slots_of(attribute).last();
        let attribute = if let Some(last) = last {
            self.slots[last].sibling = Some(added);
            Arc::clone(&self.slots[last].attribute)
        } else {
            let attribute: Arc<str> = attribute.into();
            self.first.insert(Arc::clone(&attribute), added);
            attribute
        };
        self.slots.push(Slot {
            attribute,
            kind,
            values: Column::new(kind),
            sibling: None,
            next: added + 1,
        });
        added
    }

    /// The columns that `registry` has no name for, in first-seen order.
    pub fn unnamed(&self, registry: &Registry) -> Vec<ColumnKey> {
        self.slots
            .iter()
            .filter(|slot| registry.name_of(&slot.attribute, slot.kind).is_none())
            .map(|slot| ColumnKey { attribute: slot.attribute.to_string(), kind: slot.kind })
            .collect()
    }

    /// Lays the rows out as a record batch: the meta columns, then those of the registry's columns
    /// that have values, in the registry's order. What `registry` has no name for goes to `_rest`.
    pub fn finish(self, registry: &Registry) -> Result<RecordBatch, WriteError> {
        let rows = self.len();
        let sheet = Sheet::lay_out(self.slots, self.first, registry, rows)?;
        let columns = sheet.columns(registry, &self.rest, rows)?;
        let mut rest = self.rest;
        sheet.move_unnamed(&mut rest)?;
        let rest = rest.array(rows).map_err(|overflow| overflow.of(meta::REST))?;
        let meta = meta::COLUMNS.iter().map(MetaColumn::field).zip(self.meta.arrays(rest, rows)?);
        let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = meta.chain(columns).unzip();
        Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?)
    }
}

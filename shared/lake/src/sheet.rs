//! Gathered columns laid out under the registry's names.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::Field;
use item::Value;
use item::format::dynamodb_json::parse_value;

use crate::Kind;
use crate::attributes::Attributes;
use crate::column::RowNumbers;
use crate::column::read::Reader;
use crate::column::user::{self, UserType};
use crate::error::WriteError;
use crate::registry::{Column, ColumnType, Registry};
use crate::rest::Rest;
use crate::rows::Slot;

/// Every gathered column as an array.
#[derive(Debug)]
pub(crate) struct Sheet {
    slots: Vec<Laid>,
    attributes: Attributes,
}

/// One gathered column as an array.
#[derive(Debug)]
struct Laid {
    attribute: Arc<str>,
    kind: Kind,
    array: ArrayRef,
    /// The row of each value, where the column has no name and its array therefore no gaps.
    dense: Option<RowNumbers>,
}

impl Sheet {
    pub(crate) fn lay_out(
        slots: Vec<Slot>,
        attributes: Attributes,
        registry: &Registry,
        rows: usize,
    ) -> Result<Self, WriteError> {
        let slots = slots.into_iter().map(|slot| Laid::out(slot, registry, rows));
        Ok(Self { slots: slots.collect::<Result<_, _>>()?, attributes })
    }

    /// The registry's columns that have values, in the registry's order.
    pub(crate) fn columns(
        &self,
        registry: &Registry,
        rest: &Rest,
        rows: usize,
    ) -> Result<Vec<(Field, ArrayRef)>, WriteError> {
        let mut columns = Vec::new();
        let mut exact = None;
        for column in registry.columns().iter().filter(|column| registry.is_filled(column)) {
            let array = match &column.holds {
                ColumnType::Ours(kind) => self.ours(&column.attribute, *kind),
                ColumnType::Added(user_type) => {
                    let exact = exact.get_or_insert_with(|| rest.exact());
                    self.added(column, user_type, exact, rows)?
                }
            };
            columns.extend(column.field().zip(array));
        }
        Ok(columns)
    }

    /// A column of ours; nothing where no row has a value for it.
    fn ours(&self, attribute: &str, kind: Kind) -> Option<ArrayRef> {
        let slot = self.slots_of(attribute).find(|(_, slot)| slot.kind == kind);
        slot.map(|(_, slot)| Arc::clone(&slot.array))
    }

    /// A column that a user added, filled from every kind of its attribute.
    fn added(
        &self,
        column: &Column,
        user_type: &UserType,
        exact: &HashMap<(u32, usize), &str>,
        rows: usize,
    ) -> Result<Option<ArrayRef>, WriteError> {
        let mut filling = user::Filling::new(user_type, rows);
        for (at, slot) in self.slots_of(&column.attribute) {
            for (row, place) in slot.places() {
                let value = match exact.get(&(row, at)) {
                    Some(text) => {
                        let value = parse_value(text.as_bytes());
                        value.map_err(|_| slot.lost("a value in DynamoDB JSON"))?
                    }
                    None => slot.value(place)?,
                };
                filling.put(row, &value);
            }
        }
        Ok(filling.array()?)
    }

    /// The places and columns of an attribute.
    fn slots_of(&self, attribute: &str) -> impl Iterator<Item = (usize, &Laid)> {
        self.attributes.slots_of(attribute).map(|slot| (slot, &self.slots[slot]))
    }

    /// Puts the values of columns without a name into `rest`, unless they are there already.
    pub(crate) fn move_unnamed(&self, rest: &mut Rest) -> Result<(), WriteError> {
        if self.slots.iter().all(|slot| slot.dense.is_none()) {
            return Ok(());
        }
        let there: HashSet<_> = rest.exact().into_keys().collect();
        for (at, slot) in self.slots.iter().enumerate().filter(|(_, slot)| slot.dense.is_some()) {
            for (row, place) in slot.places().filter(|(row, _)| !there.contains(&(*row, at))) {
                rest.push(row, None, &slot.attribute, &slot.value(place)?);
            }
        }
        Ok(())
    }
}

impl Laid {
    fn out(slot: Slot, registry: &Registry, rows: usize) -> Result<Self, WriteError> {
        let Slot { attribute, kind, values } = slot;
        let laid = match registry.name_of(&attribute, kind) {
            Some(_) => values.array(rows).map(|array| (None, array)),
            None => values.dense_array().map(|(rows, array)| (Some(rows), array)),
        };
        let (dense, array) = laid.map_err(|overflow| overflow.of(&attribute))?;
        Ok(Self { attribute, kind, array, dense })
    }

    /// Each row that has a value, and the value's place in the array.
    fn places(&self) -> impl Iterator<Item = (u32, usize)> {
        let row_at = |place: usize| match &self.dense {
            Some(rows) => Some(rows.at(place)),
            None => u32::try_from(place).ok().filter(|_| self.array.is_valid(place)),
        };
        (0..self.array.len()).filter_map(move |place| Some((row_at(place)?, place)))
    }

    /// The value at a place that has one and is exact.
    fn value(&self, place: usize) -> Result<Value<'_>, WriteError> {
        let reader = Reader::new(self.kind, &self.array).ok_or("an array of the column's kind");
        reader.and_then(|reader| reader.value(place)).map_err(|expected| self.lost(expected))
    }

    /// The error that a value that was taken does not come back.
    fn lost(&self, expected: &'static str) -> WriteError {
        WriteError::Lost { attribute: self.attribute.to_string(), expected }
    }
}

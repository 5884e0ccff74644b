//! Lists, structs and maps.

use std::borrow::Cow;

use arrow::array::{
    Array, ArrayRef, FixedSizeListArray, GenericListArray, MapArray, OffsetSizeTrait, StructArray,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{ArrowNativeType, Fields};
use item::{Item, ItemError, Map, Reason, Value, write_json_string};

use super::column::{self, Column, Fault, Unsupported};
use super::schema::Leaf;
use crate::json;

type Leaves<'l> = &'l mut dyn Iterator<Item = Leaf>;

/// The elements of a list, which stand side by side among those of all rows.
fn list(elements: &dyn Column, range: std::ops::Range<usize>) -> Result<Option<Value<'_>>, Fault> {
    let start = range.start;
    let element = |at: usize| {
        let value = elements.value(at).map_err(|fault| fault.within_index(at - start))?;
        Ok(value.unwrap_or(Value::Null))
    };
    Ok(Some(Value::L(range.map(element).collect::<Result<_, Fault>>()?)))
}

fn write_list(elements: &dyn Column, range: std::ops::Range<usize>, out: &mut String) {
    out.push('[');
    for at in range.clone() {
        if at > range.start {
            out.push(',');
        }
        elements.write_json(at, out);
    }
    out.push(']');
}

pub(super) struct Lists<O: OffsetSizeTrait> {
    lists: GenericListArray<O>,
    elements: Box<dyn Column>,
}

impl<O: OffsetSizeTrait> Lists<O> {
    pub(super) fn new(
        lists: &GenericListArray<O>,
        leaves: Leaves<'_>,
        level: usize,
    ) -> Result<Self, Unsupported> {
        let elements = column::of(lists.values(), leaves, level + 1)?;
        Ok(Self { lists: lists.clone(), elements })
    }

    fn range(&self, row: usize) -> std::ops::Range<usize> {
        let offsets = self.lists.value_offsets();
        offsets[row].as_usize()..offsets[row + 1].as_usize()
    }
}

impl<O: OffsetSizeTrait> Column for Lists<O> {
    fn value(&self, row: usize) -> Result<Option<Value<'_>>, Fault> {
        if self.lists.is_null(row) {
            return Ok(None);
        }
        list(&*self.elements, self.range(row))
    }

    fn write_json(&self, row: usize, out: &mut String) {
        if self.lists.is_null(row) {
            return out.push_str("null");
        }
        write_list(&*self.elements, self.range(row), out);
    }
}

pub(super) struct FixedSizeLists {
    nulls: Option<NullBuffer>,
    length: usize,
    elements: Box<dyn Column>,
}

impl FixedSizeLists {
    pub(super) fn new(
        lists: &FixedSizeListArray,
        leaves: Leaves<'_>,
        level: usize,
    ) -> Result<Self, Unsupported> {
        Ok(Self {
            nulls: lists.nulls().cloned(),
            length: usize::try_from(lists.value_length()).unwrap_or(0),
            elements: column::of(lists.values(), leaves, level + 1)?,
        })
    }

    fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }
}

impl Column for FixedSizeLists {
    fn value(&self, row: usize) -> Result<Option<Value<'_>>, Fault> {
        if self.is_null(row) {
            return Ok(None);
        }
        list(&*self.elements, row * self.length..(row + 1) * self.length)
    }

    fn write_json(&self, row: usize, out: &mut String) {
        if self.is_null(row) {
            return out.push_str("null");
        }
        write_list(&*self.elements, row * self.length..(row + 1) * self.length, out);
    }
}

/// Columns under their names: a struct's fields, and all columns of a batch.
#[derive(Debug)]
pub(super) struct Named {
    fields: Fields,
    columns: Vec<Box<dyn Column>>,
}

impl Named {
    pub(super) fn new(
        fields: &Fields,
        arrays: &[ArrayRef],
        leaves: Leaves<'_>,
        level: usize,
    ) -> Result<Self, Unsupported> {
        let columns = arrays.iter().map(|array| column::of(array, leaves, level));
        Ok(Self { fields: fields.clone(), columns: columns.collect::<Result<_, _>>()? })
    }

    fn entries(&self, row: usize) -> Result<Vec<(Cow<'_, str>, Value<'_>)>, Fault> {
        let mut entries = Vec::with_capacity(self.columns.len());
        for (field, column) in self.fields.iter().zip(&self.columns) {
            let value = column.value(row).map_err(|fault| fault.within_name(field.name()))?;
            if let Some(value) = value {
                entries.push((Cow::Borrowed(field.name().as_str()), value));
            }
        }
        Ok(entries)
    }

    /// The row as an item.
    pub(super) fn item(&self, row: usize) -> Result<Item<'_>, ItemError> {
        Ok(Item::from_distinct(self.entries(row)?))
    }

    /// Appends the row as plain JSON: an object without what is null.
    pub(super) fn write_json(&self, row: usize, out: &mut String) {
        out.push('{');
        let mut first = true;
        for (field, column) in self.fields.iter().zip(&self.columns) {
            if matches!(column.value(row), Ok(None)) {
                continue;
            }
            if !std::mem::take(&mut first) {
                out.push(',');
            }
            write_json_string(field.name(), out);
            out.push(':');
            column.write_json(row, out);
        }
        out.push('}');
    }
}

pub(super) struct Structs {
    nulls: Option<NullBuffer>,
    fields: Named,
}

impl Structs {
    pub(super) fn new(
        structs: &StructArray,
        leaves: Leaves<'_>,
        level: usize,
    ) -> Result<Self, Unsupported> {
        let fields = Named::new(structs.fields(), structs.columns(), leaves, level + 1)?;
        Ok(Self { nulls: structs.nulls().cloned(), fields })
    }

    fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }
}

impl Column for Structs {
    fn value(&self, row: usize) -> Result<Option<Value<'_>>, Fault> {
        if self.is_null(row) {
            return Ok(None);
        }
        Ok(Some(Value::M(Map::from_distinct(self.fields.entries(row)?))))
    }

    fn write_json(&self, row: usize, out: &mut String) {
        if self.is_null(row) {
            return out.push_str("null");
        }
        self.fields.write_json(row, out);
    }
}

pub(super) struct Maps {
    array: MapArray,
    keys: Box<dyn Column>,
    values: Box<dyn Column>,
}

impl Maps {
    pub(super) fn new(
        maps: &MapArray,
        leaves: Leaves<'_>,
        level: usize,
    ) -> Result<Self, Unsupported> {
        let keys = column::of(maps.keys(), leaves, level + 1)?;
        let values = column::of(maps.values(), leaves, level + 1)?;
        Ok(Self { array: maps.clone(), keys, values })
    }

    fn range(&self, row: usize) -> std::ops::Range<usize> {
        let offsets = self.array.value_offsets();
        offsets[row].as_usize()..offsets[row + 1].as_usize()
    }

    fn entry(&self, at: usize) -> Result<(Cow<'_, str>, Value<'_>), Fault> {
        let Some(key) = self.keys.value(at)? else {
            return Err(Fault::new(Reason::NullKey, "null".to_owned()));
        };
        let key = name(key);
        let value = self.values.value(at).map_err(|fault| fault.within_name(&key))?;
        Ok((key, value.unwrap_or(Value::Null)))
    }
}

impl Column for Maps {
    fn value(&self, row: usize) -> Result<Option<Value<'_>>, Fault> {
        if self.array.is_null(row) {
            return Ok(None);
        }
        let entries = self.range(row).map(|at| self.entry(at)).collect::<Result<_, Fault>>()?;
        let map = Map::from_entries(entries);
        Ok(Some(Value::M(map.map_err(|reason| Fault::new(reason, String::new()))?)))
    }

    fn write_json(&self, row: usize, out: &mut String) {
        if self.array.is_null(row) {
            return out.push_str("null");
        }
        out.push('{');
        for at in self.range(row) {
            if !out.ends_with('{') {
                out.push(',');
            }
            let mut key = String::new();
            if let Ok(Some(value)) = self.keys.value(at) {
                key.push_str(&name(value));
            } else {
                self.keys.write_json(at, &mut key);
            }
            write_json_string(&key, out);
            out.push(':');
            self.values.write_json(at, out);
        }
        out.push('}');
    }
}

/// The name of a map's entry: text as it is, anything else as plain JSON, bytes as base64.
fn name(key: Value<'_>) -> Cow<'_, str> {
    match key {
        Value::S(text) => text,
        other @ (Value::N(_)
        | Value::B(_)
        | Value::Bool(_)
        | Value::Null
        | Value::Ss(_)
        | Value::Ns(_)
        | Value::Bs(_)
        | Value::L(_)
        | Value::M(_)) => {
            let mut text = String::new();
            json::write(&other, &mut text);
            Cow::Owned(text.trim_matches('"').to_owned())
        }
    }
}

/// Values below the deepest level that DynamoDB allows.
pub(super) struct TooDeep(pub(super) ArrayRef);

impl Column for TooDeep {
    fn value(&self, row: usize) -> Result<Option<Value<'_>>, Fault> {
        if self.0.is_null(row) {
            return Ok(None);
        }
        Err(Fault::new(Reason::TooDeep, "nested too deep".to_owned()))
    }
}

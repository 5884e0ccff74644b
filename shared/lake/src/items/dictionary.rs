//! Values that are kept once and named by number.

use arrow::array::{AnyDictionaryArray, Array};
use arrow::buffer::NullBuffer;
use item::Value;

use super::column::{self, Column, Fault, Unsupported};
use super::schema::Leaf;

pub(super) struct Dictionary {
    /// The place of each row's value; of no meaning where the row is null.
    places: Vec<usize>,
    nulls: Option<NullBuffer>,
    values: Box<dyn Column>,
}

impl Dictionary {
    pub(super) fn new(
        array: &dyn AnyDictionaryArray,
        leaves: &mut dyn Iterator<Item = Leaf>,
        level: usize,
    ) -> Result<Self, Unsupported> {
        let values = column::of(array.values(), leaves, level)?;
        // Without values every row is null, and Arrow cannot place them.
        let empty = array.values().is_empty();
        let places = if empty { vec![0; array.len()] } else { array.normalized_keys() };
        let nulls = if empty {
            Some(NullBuffer::new_null(array.len()))
        } else {
            array.keys().nulls().cloned()
        };
        Ok(Self { places, nulls, values })
    }
}

impl Column for Dictionary {
    fn value(&self, row: usize) -> Result<Option<Value<'_>>, Fault> {
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            return Ok(None);
        }
        self.values.value(self.places[row])
    }
}

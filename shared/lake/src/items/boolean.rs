//! Truth values, and columns that are null throughout.

use arrow::array::{Array, BooleanArray};
use item::Value;

use super::column::{Column, Fault};

pub(super) struct Booleans(pub(super) BooleanArray);

impl Column for Booleans {
    fn value(&self, row: usize) -> Result<Option<Value<'_>>, Fault> {
        Ok(self.0.is_valid(row).then(|| Value::Bool(self.0.value(row))))
    }
}

pub(super) struct Nulls;

impl Column for Nulls {
    fn value(&self, _row: usize) -> Result<Option<Value<'_>>, Fault> {
        Ok(None)
    }
}

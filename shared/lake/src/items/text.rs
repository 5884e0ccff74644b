//! Text.

use arrow::array::{Array, GenericStringArray, OffsetSizeTrait, StringViewArray};
use item::Value;

use super::column::{Column, Fault};

pub(super) struct Texts<O: OffsetSizeTrait>(pub(super) GenericStringArray<O>);

impl<O: OffsetSizeTrait> Column for Texts<O> {
    fn value(&self, row: usize) -> Result<Option<Value<'_>>, Fault> {
        Ok(self.0.is_valid(row).then(|| Value::S(self.0.value(row).into())))
    }
}

pub(super) struct TextViews(pub(super) StringViewArray);

impl Column for TextViews {
    fn value(&self, row: usize) -> Result<Option<Value<'_>>, Fault> {
        Ok(self.0.is_valid(row).then(|| Value::S(self.0.value(row).into())))
    }
}

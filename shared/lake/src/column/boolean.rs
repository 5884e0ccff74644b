//! Truth values.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::DataType;

use super::{Overflow, Placement, Values};

impl Values for Vec<bool> {
    const TYPE: DataType = DataType::Boolean;

    fn array(self, placement: &Placement<'_>) -> Result<ArrayRef, Overflow> {
        let values = BooleanBuffer::from(placement.spread(self));
        Ok(Arc::new(BooleanArray::new(values, placement.nulls())))
    }

    /// An array has a bit for each: no memory worth keeping.
    fn in_memory_of(_: ArrayRef) -> Self {
        Self::new()
    }
}

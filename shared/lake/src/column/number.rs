//! Whole numbers of 64 bits, and doubles.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array};
use arrow::datatypes::DataType;

use super::{Overflow, Placement, Values};

impl Values for Vec<i64> {
    const TYPE: DataType = DataType::Int64;

    fn array(self, placement: &Placement<'_>) -> Result<ArrayRef, Overflow> {
        let values = placement.spread(self).into();
        Ok(Arc::new(Int64Array::new(values, placement.nulls())))
    }
}

impl Values for Vec<f64> {
    const TYPE: DataType = DataType::Float64;

    fn array(self, placement: &Placement<'_>) -> Result<ArrayRef, Overflow> {
        let values = placement.spread(self).into();
        Ok(Arc::new(Float64Array::new(values, placement.nulls())))
    }
}

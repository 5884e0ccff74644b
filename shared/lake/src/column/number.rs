//! Whole numbers of 64 bits, and doubles.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Float64Type, Int64Type};

use super::{Overflow, Placement, Values};

impl Values for Vec<i64> {
    const TYPE: DataType = DataType::Int64;

    fn array(self, placement: &Placement<'_>) -> Result<ArrayRef, Overflow> {
        let values = placement.spread(self).into();
        Ok(Arc::new(Int64Array::new(values, placement.nulls())))
    }

    fn in_memory_of(array: ArrayRef) -> Self {
        memory_of::<Int64Type>(array)
    }
}

impl Values for Vec<f64> {
    const TYPE: DataType = DataType::Float64;

    fn array(self, placement: &Placement<'_>) -> Result<ArrayRef, Overflow> {
        let values = placement.spread(self).into();
        Ok(Arc::new(Float64Array::new(values, placement.nulls())))
    }

    fn in_memory_of(array: ArrayRef) -> Self {
        memory_of::<Float64Type>(array)
    }
}

fn memory_of<T: ArrowPrimitiveType>(array: ArrayRef) -> Vec<T::Native> {
    let Some(numbers) = array.as_primitive_opt::<T>().cloned() else { return Vec::new() };
    drop(array);
    let (_, numbers, _) = numbers.into_parts();
    let mut numbers: Vec<T::Native> = numbers.into();
    numbers.clear();
    numbers
}

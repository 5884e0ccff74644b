//! Bytes.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BinaryArray};
use arrow::buffer::Buffer;
use arrow::datatypes::DataType;

use super::{Ends, Overflow, Placement, Values};

/// Byte strings, one after the other.
#[derive(Debug, Default)]
pub(super) struct Bytes {
    bytes: Vec<u8>,
    ends: Ends,
}

impl Bytes {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.ends.push(self.bytes.len());
    }
}

impl Values for Bytes {
    const TYPE: DataType = DataType::Binary;

    fn array(self, placement: &Placement<'_>) -> Result<ArrayRef, Overflow> {
        let offsets = placement.offsets(self.ends, self.bytes.len())?;
        let bytes = Buffer::from_vec(self.bytes);
        Ok(Arc::new(BinaryArray::new(offsets, bytes, placement.nulls())))
    }

    fn in_memory_of(array: ArrayRef) -> Self {
        let Some(strings) = array.as_binary_opt::<i32>().cloned() else { return Self::default() };
        drop(array);
        let (offsets, bytes, _) = strings.into_parts();
        let mut bytes: Vec<u8> = bytes.into_vec().unwrap_or_default();
        bytes.clear();
        Self { bytes, ends: Ends::in_memory_of(offsets.into_inner().into()) }
    }
}

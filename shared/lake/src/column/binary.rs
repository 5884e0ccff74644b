//! Bytes.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray};
use arrow::buffer::Buffer;
use arrow::datatypes::DataType;

use super::{Overflow, Placement, Values};

/// Byte strings, one after the other.
#[derive(Debug, Default)]
pub(super) struct Bytes {
    bytes: Vec<u8>,
    ends: Vec<usize>,
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
        let offsets = placement.offsets(&self.ends)?;
        let bytes = Buffer::from_vec(self.bytes);
        Ok(Arc::new(BinaryArray::new(offsets, bytes, placement.nulls())))
    }
}

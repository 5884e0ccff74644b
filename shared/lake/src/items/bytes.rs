//! Bytes, and UUIDs, which are kept in bytes.

use std::fmt::Write as _;

use arrow::array::{
    Array, BinaryViewArray, FixedSizeBinaryArray, GenericBinaryArray, OffsetSizeTrait,
};
use item::Value;

use super::column::{Column, Fault};

pub(super) struct Binaries<O: OffsetSizeTrait>(pub(super) GenericBinaryArray<O>);

impl<O: OffsetSizeTrait> Column for Binaries<O> {
    fn value(&self, row: usize) -> Result<Option<Value<'_>>, Fault> {
        Ok(self.0.is_valid(row).then(|| Value::B(self.0.value(row).into())))
    }
}

pub(super) struct BinaryViews(pub(super) BinaryViewArray);

impl Column for BinaryViews {
    fn value(&self, row: usize) -> Result<Option<Value<'_>>, Fault> {
        Ok(self.0.is_valid(row).then(|| Value::B(self.0.value(row).into())))
    }
}

pub(super) struct FixedBinaries(pub(super) FixedSizeBinaryArray);

impl Column for FixedBinaries {
    fn value(&self, row: usize) -> Result<Option<Value<'_>>, Fault> {
        Ok(self.0.is_valid(row).then(|| Value::B(self.0.value(row).into())))
    }
}

pub(super) struct Uuids(pub(super) FixedSizeBinaryArray);

impl Column for Uuids {
    fn value(&self, row: usize) -> Result<Option<Value<'_>>, Fault> {
        Ok(self.0.is_valid(row).then(|| Value::S(uuid(self.0.value(row)).into())))
    }
}

/// The text of a UUID: `00112233-4455-6677-8899-aabbccddeeff`.
///
/// Source: [RFC 9562](https://www.rfc-editor.org/rfc/rfc9562#section-4).
fn uuid(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

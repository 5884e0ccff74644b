//! Text: strings, and maps and lists as JSON.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringArray};
use arrow::buffer::Buffer;
use arrow::datatypes::DataType;

use super::{Ends, Overflow, Placement, Values};

/// Texts, one after the other.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    text: String,
    ends: Ends,
}

impl Texts {
    pub(crate) fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(self.text.len());
    }

    /// Lets `write` append one text, and returns what it returns.
    pub(crate) fn push_with<T>(&mut self, write: impl FnOnce(&mut String) -> T) -> T {
        let result = write(&mut self.text);
        self.ends.push(self.text.len());
        result
    }

    /// The texts as a column of a batch.
    pub(crate) fn array(self, placement: &Placement<'_>) -> Result<ArrayRef, Overflow> {
        Values::array(self, placement)
    }
}

impl Values for Texts {
    const TYPE: DataType = DataType::Utf8;

    fn array(self, placement: &Placement<'_>) -> Result<ArrayRef, Overflow> {
        let offsets = placement.offsets(self.ends, self.text.len())?;
        let text = Buffer::from_vec(self.text.into_bytes());
        Ok(Arc::new(StringArray::new(offsets, text, placement.nulls())))
    }

    fn in_memory_of(array: ArrayRef) -> Self {
        let Some(texts) = array.as_string_opt::<i32>().cloned() else { return Self::default() };
        drop(array);
        let (offsets, text, _) = texts.into_parts();
        let mut text: Vec<u8> = text.into_vec().unwrap_or_default();
        text.clear();
        Self {
            text: String::from_utf8(text).unwrap_or_default(),
            ends: Ends::in_memory_of(offsets.into_inner().into()),
        }
    }
}

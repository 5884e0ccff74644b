//! Which column type holds which DynamoDB value.

use std::str::FromStr;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use item::Number;

/// What a column holds. A column's kind never changes, because a column's type must not.
///
/// | DynamoDB | kind | catalog type | Parquet |
/// |---|---|---|---|
/// | S | [`String`](Self::String) | `string` | UTF-8 |
/// | N, integral, within 64 bits | [`Bigint`](Self::Bigint) | `bigint` | INT64 |
/// | N otherwise | [`Double`](Self::Double) | `double` | DOUBLE |
/// | BOOL | [`Boolean`](Self::Boolean) | `boolean` | BOOLEAN |
/// | B | [`Binary`](Self::Binary) | `binary` | BYTE_ARRAY |
/// | SS | [`StringSet`](Self::StringSet) | `array<string>` | LIST |
/// | NS, all members integral and within 64 bits | [`BigintSet`](Self::BigintSet) | `array<bigint>` | LIST |
/// | NS otherwise | [`DoubleSet`](Self::DoubleSet) | `array<double>` | LIST |
/// | BS | [`BinarySet`](Self::BinarySet) | `array<binary>` | LIST |
/// | M, L | [`Json`](Self::Json) | `string` | UTF-8 |
/// | NULL | none: `_rest` holds it | | |
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Text.
    String,
    /// Whole numbers of 64 bits.
    Bigint,
    /// Other numbers; where a double is not exact, `_rest` holds the exact text as well.
    Double,
    /// Truth values.
    Boolean,
    /// Bytes.
    Binary,
    /// Sets of text.
    StringSet,
    /// Sets of whole numbers of 64 bits.
    BigintSet,
    /// Other sets of numbers; where a double is not exact, `_rest` holds the exact set as well.
    DoubleSet,
    /// Sets of bytes.
    BinarySet,
    /// Maps and lists as plain JSON; where that is ambiguous, `_rest` holds the exact value as well.
    Json,
}

impl Kind {
    /// Every kind, in the order of the table above.
    pub const ALL: [Self; 10] = [
        Self::String,
        Self::Bigint,
        Self::Double,
        Self::Boolean,
        Self::Binary,
        Self::StringSet,
        Self::BigintSet,
        Self::DoubleSet,
        Self::BinarySet,
        Self::Json,
    ];

    /// The kind's name: in column names after `__`, in catalog parameters and in Parquet metadata.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Bigint => "bigint",
            Self::Double => "double",
            Self::Boolean => "boolean",
            Self::Binary => "binary",
            Self::StringSet => "string_set",
            Self::BigintSet => "bigint_set",
            Self::DoubleSet => "double_set",
            Self::BinarySet => "binary_set",
            Self::Json => "json",
        }
    }

    /// The type as the Glue catalog and Athena's DDL spell it.
    pub fn catalog_type(self) -> &'static str {
        match self {
            Self::String | Self::Json => "string",
            Self::Bigint => "bigint",
            Self::Double => "double",
            Self::Boolean => "boolean",
            Self::Binary => "binary",
            Self::StringSet => "array<string>",
            Self::BigintSet => "array<bigint>",
            Self::DoubleSet => "array<double>",
            Self::BinarySet => "array<binary>",
        }
    }

    /// The Arrow type of the column.
    pub fn data_type(self) -> DataType {
        match self {
            Self::String | Self::Json => DataType::Utf8,
            Self::Bigint => DataType::Int64,
            Self::Double => DataType::Float64,
            Self::Boolean => DataType::Boolean,
            Self::Binary => DataType::Binary,
            Self::StringSet => DataType::List(element(DataType::Utf8)),
            Self::BigintSet => DataType::List(element(DataType::Int64)),
            Self::DoubleSet => DataType::List(element(DataType::Float64)),
            Self::BinarySet => DataType::List(element(DataType::Binary)),
        }
    }

    /// The place of the kind in [`Kind::ALL`].
    pub(crate) fn index(self) -> usize {
        match self {
            Self::String => 0,
            Self::Bigint => 1,
            Self::Double => 2,
            Self::Boolean => 3,
            Self::Binary => 4,
            Self::StringSet => 5,
            Self::BigintSet => 6,
            Self::DoubleSet => 7,
            Self::BinarySet => 8,
            Self::Json => 9,
        }
    }
}

/// The field of a list's members, named as the Parquet specification asks for.
pub(crate) fn element(data_type: DataType) -> FieldRef {
    Arc::new(Field::new("element", data_type, true))
}

/// Whether a set of numbers fits [`Kind::BigintSet`].
pub(crate) fn all_bigint(set: &[Number<'_>]) -> bool {
    set.iter().all(|member| member.to_i64().is_some())
}

/// Text that names no kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no kind of column is called {0:?}")]
pub struct UnknownKind(pub String);

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownKind(text.to_owned()))
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_places_are_distinct_and_come_back() {
        for (place, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind.index(), place);
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert_eq!("text".parse::<Kind>(), Err(UnknownKind("text".to_owned())));
    }
}

//! What a column becomes, told to people: `price: decimal(12,2) -> N`.

use arrow::datatypes::{DataType, Field, FieldRef};

use super::schema::Leaf;
use super::time::symbol;

/// The line of a column; takes its leaves.
pub(super) fn line(field: &Field, leaves: &mut dyn Iterator<Item = Leaf>) -> String {
    let (name, descriptor) = told(field.data_type(), leaves);
    format!("{}: {name} -> {descriptor}", field.name())
}

/// A type's name, and the type descriptor of DynamoDB.
#[expect(clippy::wildcard_enum_match_arm, reason = "types without a counterpart are refused")]
fn told(data_type: &DataType, leaves: &mut dyn Iterator<Item = Leaf>) -> (String, &'static str) {
    let mut name = |field: &FieldRef| told(field.data_type(), leaves).0;
    match data_type {
        DataType::List(field) | DataType::LargeList(field) => {
            (format!("list<{}>", name(field)), "L")
        }
        DataType::FixedSizeList(field, length) => (format!("list<{}, {length}>", name(field)), "L"),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) => {
                let names: Vec<String> = fields.iter().map(name).collect();
                (format!("map<{}>", names.join(", ")), "M")
            }
            _ => (format!("map<{}>", name(entries)), "M"),
        },
        DataType::Struct(fields) => {
            let field = |field: &FieldRef| format!("{}: {}", field.name(), name(field));
            let fields: Vec<String> = fields.iter().map(field).collect();
            (format!("struct<{}>", fields.join(", ")), "M")
        }
        DataType::Dictionary(_, values) => told(values, leaves),
        _ => {
            let leaf = leaves.next().unwrap_or(Leaf::Plain);
            told_leaf(data_type, leaf)
        }
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "types without a counterpart are refused")]
fn told_leaf(data_type: &DataType, leaf: Leaf) -> (String, &'static str) {
    match data_type {
        DataType::Null => ("null".to_owned(), "absent"),
        DataType::Boolean => ("boolean".to_owned(), "BOOL"),
        DataType::Float16 => ("half".to_owned(), "N"),
        DataType::Float32 => ("float".to_owned(), "N"),
        DataType::Float64 => ("double".to_owned(), "N"),
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => (format!("decimal({precision},{scale})"), "N"),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => ("string".to_owned(), "S"),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => {
            ("binary".to_owned(), "B")
        }
        DataType::FixedSizeBinary(length) => match leaf {
            Leaf::Uuid => ("uuid".to_owned(), "S"),
            Leaf::Int96 => ("timestamp(ns), INT96".to_owned(), "S"),
            Leaf::Interval => ("interval".to_owned(), "S"),
            Leaf::Plain => (format!("binary({length})"), "B"),
        },
        DataType::Date32 | DataType::Date64 => ("date".to_owned(), "S"),
        DataType::Time32(unit) | DataType::Time64(unit) => {
            (format!("time({})", symbol(*unit)), "S")
        }
        DataType::Timestamp(unit, None) => (format!("timestamp({})", symbol(*unit)), "S"),
        DataType::Timestamp(unit, Some(_)) => (format!("timestamp({}, UTC)", symbol(*unit)), "S"),
        DataType::Duration(unit) => (format!("duration({})", symbol(*unit)), "S"),
        integer => (integer.to_string().to_lowercase(), "N"),
    }
}

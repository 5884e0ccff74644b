//! The schema that peers are given, as the generator of the data wrote it.

use std::fs;
use std::sync::Arc;

use anyhow::{Context, Result};
use arrow::datatypes::{DataType, Field, Fields, Schema};
use serde::Deserialize;

/// An attribute, and the column it becomes.
#[derive(Debug, Deserialize)]
pub(crate) struct Column {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    /// Of a [`Kind::Struct`].
    #[serde(default)]
    pub(crate) fields: Vec<Column>,
}

/// What an attribute is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    String,
    StringOrNull,
    /// Of mixed type, which peers keep as text.
    StringOrNumber,
    Bigint,
    Double,
    /// A number with two digits after the point.
    Money,
    Boolean,
    Binary,
    /// Of strings.
    List,
    StringSet,
    /// Which peers keep as text.
    NumberSet,
    Struct,
}

pub(crate) const MONEY_PRECISION: u8 = 18;
pub(crate) const MONEY_SCALE: i8 = 2;

pub(crate) fn read(file: &str) -> Result<Vec<Column>> {
    let text = fs::read(file).with_context(|| format!("reading {file}"))?;
    serde_json::from_slice(&text).with_context(|| format!("{file} is no schema"))
}

pub(crate) fn arrow(columns: &[Column]) -> Arc<Schema> {
    Arc::new(Schema::new(fields(columns)))
}

pub(crate) fn fields(columns: &[Column]) -> Fields {
    columns.iter().map(|column| Field::new(&column.name, data_type(column), true)).collect()
}

fn data_type(column: &Column) -> DataType {
    match column.kind {
        Kind::String | Kind::StringOrNull | Kind::StringOrNumber => DataType::Utf8,
        Kind::Bigint => DataType::Int64,
        Kind::Double => DataType::Float64,
        Kind::Money => DataType::Decimal128(MONEY_PRECISION, MONEY_SCALE),
        Kind::Boolean => DataType::Boolean,
        Kind::Binary => DataType::Binary,
        Kind::List | Kind::StringSet | Kind::NumberSet => DataType::new_list(DataType::Utf8, true),
        Kind::Struct => DataType::Struct(fields(&column.fields)),
    }
}

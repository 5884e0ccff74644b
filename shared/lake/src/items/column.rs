//! One column of a batch, whose values become values of DynamoDB.
//!
//! [`of`] is the only place that tells types apart: it looks at a column once for each batch, and every value
//! of the batch goes through the one [`Column`] it chose.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray};
use arrow::datatypes::{
    ArrowTimestampType, DataType, Date32Type, Date64Type, Decimal32Type, Decimal64Type,
    Decimal128Type, Decimal256Type, DurationMicrosecondType, DurationMillisecondType,
    DurationNanosecondType, DurationSecondType, Float16Type, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, Time32MillisecondType, Time32SecondType,
    Time64MicrosecondType, Time64NanosecondType, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use item::limits::MAX_NESTING;
use item::{ItemError, Reason, Value, write_json_string};

use super::boolean::{Booleans, Nulls};
use super::bytes::{Binaries, BinaryViews, FixedBinaries, Uuids};
use super::decimal::Decimals;
use super::dictionary::Dictionary;
use super::nested::{FixedSizeLists, Lists, Maps, Structs, TooDeep};
use super::number::{Doubles, Floats, Halves, Integers};
use super::schema::Leaf;
use super::text::{TextViews, Texts};
use super::time::{DateUnit, Dates, Durations, Int96s, Intervals, Times, Timestamps};
use crate::json;

/// The values of one array.
pub(super) trait Column: Send {
    /// The value of a row; nothing where it is null.
    fn value(&self, row: usize) -> Result<Option<Value<'_>>, Fault>;

    /// Appends the value of a row as plain JSON, whether it can be an item's or not; `null` where it is null.
    fn write_json(&self, row: usize, out: &mut String) {
        match self.value(row) {
            Ok(Some(value)) => {
                json::write(&value, out);
            }
            Ok(None) => out.push_str("null"),
            Err(fault) => write_json_string(&fault.0.text, out),
        }
    }
}

impl fmt::Debug for dyn Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Column")
    }
}

/// A value that no item can hold.
#[derive(Debug)]
pub(super) struct Fault(Box<Refused>);

#[derive(Debug)]
struct Refused {
    error: ItemError,
    /// The value as text.
    text: String,
}

impl Fault {
    pub(super) fn new(reason: Reason, text: String) -> Self {
        Self(Box::new(Refused { error: ItemError::of_item(reason), text }))
    }

    /// The fault as seen from the struct or map that holds the value as `name`.
    pub(super) fn within_name(mut self, name: &str) -> Self {
        self.0.error = self.0.error.within_name(name);
        self
    }

    /// The fault as seen from the list that holds the value at `index`.
    pub(super) fn within_index(mut self, index: usize) -> Self {
        self.0.error = self.0.error.within_index(index);
        self
    }
}

impl From<Fault> for ItemError {
    fn from(fault: Fault) -> Self {
        fault.0.error
    }
}

/// A type that no value of DynamoDB is for.
#[derive(Debug)]
pub(super) struct Unsupported(pub(super) DataType);

type Boxed = Box<dyn Column>;

/// The column that an array is.
///
/// `leaves` are those of the file's schema, from the first of this column on; `level` is how deep the values
/// are nested, from 1.
pub(super) fn of(
    array: &ArrayRef,
    leaves: &mut dyn Iterator<Item = Leaf>,
    level: usize,
) -> Result<Boxed, Unsupported> {
    if level > MAX_NESTING {
        skip_leaves(array.data_type(), leaves);
        return Ok(Box::new(TooDeep(Arc::clone(array))));
    }
    nested(array, leaves, level)
        .unwrap_or_else(|| leaf(array, leaves.next().unwrap_or(Leaf::Plain)))
}

/// The column of a type that has others inside.
fn nested(
    array: &ArrayRef,
    leaves: &mut dyn Iterator<Item = Leaf>,
    level: usize,
) -> Option<Result<Boxed, Unsupported>> {
    if let Some(list) = array.as_list_opt::<i32>() {
        return Some(boxed(Lists::new(list, leaves, level)));
    }
    if let Some(list) = array.as_list_opt::<i64>() {
        return Some(boxed(Lists::new(list, leaves, level)));
    }
    if let Some(list) = array.as_fixed_size_list_opt() {
        return Some(boxed(FixedSizeLists::new(list, leaves, level)));
    }
    if let Some(structs) = array.as_struct_opt() {
        return Some(boxed(Structs::new(structs, leaves, level)));
    }
    if let Some(maps) = array.as_map_opt() {
        return Some(boxed(Maps::new(maps, leaves, level)));
    }
    let dictionary = array.as_any_dictionary_opt()?;
    Some(boxed(Dictionary::new(dictionary, leaves, level)))
}

fn boxed<T: Column + 'static>(column: Result<T, Unsupported>) -> Result<Boxed, Unsupported> {
    Ok(Box::new(column?))
}

/// The column of a type that has no others inside.
#[expect(clippy::wildcard_enum_match_arm, reason = "what is left is a number or refused")]
fn leaf(array: &ArrayRef, leaf: Leaf) -> Result<Boxed, Unsupported> {
    let unsupported = || Unsupported(array.data_type().clone());
    let column = match array.data_type() {
        DataType::Null => Some(Box::new(Nulls) as Boxed),
        DataType::Boolean => array.as_boolean_opt().map(|a| Box::new(Booleans(a.clone())) as _),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => text(array),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => binary(array),
        DataType::FixedSizeBinary(_) => fixed(array, leaf),
        DataType::Decimal32(_, scale) => {
            primitive::<Decimal32Type>(array).map(|a| Box::new(Decimals(a, *scale)) as _)
        }
        DataType::Decimal64(_, scale) => {
            primitive::<Decimal64Type>(array).map(|a| Box::new(Decimals(a, *scale)) as _)
        }
        DataType::Decimal128(_, scale) => {
            primitive::<Decimal128Type>(array).map(|a| Box::new(Decimals(a, *scale)) as _)
        }
        DataType::Decimal256(_, scale) => {
            primitive::<Decimal256Type>(array).map(|a| Box::new(Decimals(a, *scale)) as _)
        }
        DataType::Date32 => {
            primitive::<Date32Type>(array).map(|a| Box::new(Dates(a, DateUnit::Day)) as _)
        }
        DataType::Date64 => {
            primitive::<Date64Type>(array).map(|a| Box::new(Dates(a, DateUnit::Millisecond)) as _)
        }
        DataType::Time32(_) | DataType::Time64(_) => time(array),
        DataType::Timestamp(unit, zone) => timestamp(array, *unit, zone.is_some()),
        DataType::Duration(unit) => duration(array, *unit),
        _ => number(array),
    };
    column.ok_or_else(unsupported)
}

fn primitive<T: ArrowPrimitiveType>(array: &ArrayRef) -> Option<PrimitiveArray<T>> {
    array.as_primitive_opt::<T>().cloned()
}

#[expect(clippy::wildcard_enum_match_arm, reason = "types without a counterpart are refused")]
fn number(array: &ArrayRef) -> Option<Boxed> {
    fn integers<T: ArrowPrimitiveType>(array: &ArrayRef) -> Option<Boxed>
    where
        T::Native: Into<i128>,
    {
        primitive::<T>(array).map(|array| Box::new(Integers(array)) as Boxed)
    }
    match array.data_type() {
        DataType::Int8 => integers::<Int8Type>(array),
        DataType::Int16 => integers::<Int16Type>(array),
        DataType::Int32 => integers::<Int32Type>(array),
        DataType::Int64 => integers::<Int64Type>(array),
        DataType::UInt8 => integers::<UInt8Type>(array),
        DataType::UInt16 => integers::<UInt16Type>(array),
        DataType::UInt32 => integers::<UInt32Type>(array),
        DataType::UInt64 => integers::<UInt64Type>(array),
        DataType::Float16 => primitive::<Float16Type>(array).map(|a| Box::new(Halves(a)) as _),
        DataType::Float32 => primitive::<Float32Type>(array).map(|a| Box::new(Floats(a)) as _),
        DataType::Float64 => primitive::<Float64Type>(array).map(|a| Box::new(Doubles(a)) as _),
        _ => None,
    }
}

fn text(array: &ArrayRef) -> Option<Boxed> {
    if let Some(texts) = array.as_string_view_opt() {
        return Some(Box::new(TextViews(texts.clone())));
    }
    match array.as_string_opt::<i32>() {
        Some(texts) => Some(Box::new(Texts(texts.clone()))),
        None => Some(Box::new(Texts(array.as_string_opt::<i64>()?.clone()))),
    }
}

fn binary(array: &ArrayRef) -> Option<Boxed> {
    if let Some(binaries) = array.as_binary_view_opt() {
        return Some(Box::new(BinaryViews(binaries.clone())));
    }
    match array.as_binary_opt::<i32>() {
        Some(binaries) => Some(Box::new(Binaries(binaries.clone()))),
        None => Some(Box::new(Binaries(array.as_binary_opt::<i64>()?.clone()))),
    }
}

fn fixed(array: &ArrayRef, leaf: Leaf) -> Option<Boxed> {
    let array = array.as_fixed_size_binary_opt()?.clone();
    Some(match leaf {
        Leaf::Uuid => Box::new(Uuids(array)),
        Leaf::Int96 => Box::new(Int96s(array)),
        Leaf::Interval => Box::new(Intervals(array)),
        Leaf::Plain => Box::new(FixedBinaries(array)),
    })
}

fn time(array: &ArrayRef) -> Option<Boxed> {
    if let Some(times) = primitive::<Time32SecondType>(array) {
        return Some(Box::new(Times(times, TimeUnit::Second)));
    }
    if let Some(times) = primitive::<Time32MillisecondType>(array) {
        return Some(Box::new(Times(times, TimeUnit::Millisecond)));
    }
    if let Some(times) = primitive::<Time64MicrosecondType>(array) {
        return Some(Box::new(Times(times, TimeUnit::Microsecond)));
    }
    let times = primitive::<Time64NanosecondType>(array)?;
    Some(Box::new(Times(times, TimeUnit::Nanosecond)))
}

fn timestamp(array: &ArrayRef, unit: TimeUnit, utc: bool) -> Option<Boxed> {
    fn of<T: ArrowTimestampType>(array: &ArrayRef, utc: bool) -> Option<Boxed> {
        primitive::<T>(array).map(|times| Box::new(Timestamps { times, utc }) as Boxed)
    }
    match unit {
        TimeUnit::Second => of::<TimestampSecondType>(array, utc),
        TimeUnit::Millisecond => of::<TimestampMillisecondType>(array, utc),
        TimeUnit::Microsecond => of::<TimestampMicrosecondType>(array, utc),
        TimeUnit::Nanosecond => of::<TimestampNanosecondType>(array, utc),
    }
}

fn duration(array: &ArrayRef, unit: TimeUnit) -> Option<Boxed> {
    fn of<T: ArrowPrimitiveType<Native = i64>>(array: &ArrayRef, unit: TimeUnit) -> Option<Boxed> {
        primitive::<T>(array).map(|spans| Box::new(Durations(spans, unit)) as Boxed)
    }
    match unit {
        TimeUnit::Second => of::<DurationSecondType>(array, unit),
        TimeUnit::Millisecond => of::<DurationMillisecondType>(array, unit),
        TimeUnit::Microsecond => of::<DurationMicrosecondType>(array, unit),
        TimeUnit::Nanosecond => of::<DurationNanosecondType>(array, unit),
    }
}

/// Passes over the leaves of a type.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other type is one leaf")]
fn skip_leaves(data_type: &DataType, leaves: &mut dyn Iterator<Item = Leaf>) {
    match data_type {
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::FixedSizeList(field, _)
        | DataType::Map(field, _) => skip_leaves(field.data_type(), leaves),
        DataType::Struct(fields) => {
            fields.iter().for_each(|field| skip_leaves(field.data_type(), leaves));
        }
        _ => drop(leaves.next()),
    }
}

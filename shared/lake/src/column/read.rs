//! A column's values back from its array.

use std::borrow::Cow;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Float64Array, Int64Array, ListArray,
    StringArray,
};
use arrow::datatypes::{Float64Type, Int64Type};
use item::{Number, Value};

use crate::{Kind, json};

/// The values of one array, read as one kind.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reader<'a> {
    String(&'a StringArray),
    Bigint(&'a Int64Array),
    Double(&'a Float64Array),
    Boolean(&'a BooleanArray),
    Binary(&'a BinaryArray),
    StringSet(&'a ListArray, &'a StringArray),
    BigintSet(&'a ListArray, &'a Int64Array),
    DoubleSet(&'a ListArray, &'a Float64Array),
    BinarySet(&'a ListArray, &'a BinaryArray),
    Json(&'a StringArray),
}

impl<'a> Reader<'a> {
    /// Reads `array` as a column of `kind`; nothing where the array is of another type.
    pub(crate) fn new(kind: Kind, array: &'a ArrayRef) -> Option<Self> {
        Some(match kind {
            Kind::String => Self::String(array.as_string_opt()?),
            Kind::Bigint => Self::Bigint(array.as_primitive_opt::<Int64Type>()?),
            Kind::Double => Self::Double(array.as_primitive_opt::<Float64Type>()?),
            Kind::Boolean => Self::Boolean(array.as_boolean_opt()?),
            Kind::Binary => Self::Binary(array.as_binary_opt()?),
            Kind::StringSet => {
                let list: &ListArray = array.as_list_opt()?;
                Self::StringSet(list, list.values().as_string_opt()?)
            }
            Kind::BigintSet => {
                let list: &ListArray = array.as_list_opt()?;
                Self::BigintSet(list, list.values().as_primitive_opt::<Int64Type>()?)
            }
            Kind::DoubleSet => {
                let list: &ListArray = array.as_list_opt()?;
                Self::DoubleSet(list, list.values().as_primitive_opt::<Float64Type>()?)
            }
            Kind::BinarySet => {
                let list: &ListArray = array.as_list_opt()?;
                Self::BinarySet(list, list.values().as_binary_opt()?)
            }
            Kind::Json => Self::Json(array.as_string_opt()?),
        })
    }

    /// Whether row `row` has a value.
    pub(crate) fn is_valid(&self, row: usize) -> bool {
        match self {
            Self::String(array) | Self::Json(array) => array.is_valid(row),
            Self::Bigint(array) => array.is_valid(row),
            Self::Double(array) => array.is_valid(row),
            Self::Boolean(array) => array.is_valid(row),
            Self::Binary(array) => array.is_valid(row),
            Self::StringSet(list, _)
            | Self::BigintSet(list, _)
            | Self::DoubleSet(list, _)
            | Self::BinarySet(list, _) => list.is_valid(row),
        }
    }

    /// The value of row `row`, which has one; else what was expected there.
    pub(crate) fn value(&self, row: usize) -> Result<Value<'a>, &'static str> {
        Ok(match *self {
            Self::String(array) => Value::S(Cow::Borrowed(array.value(row))),
            Self::Bigint(array) => Value::N(Number::from(array.value(row))),
            Self::Double(array) => Value::N(number(array.value(row))?),
            Self::Boolean(array) => Value::Bool(array.value(row)),
            Self::Binary(array) => Value::B(Cow::Borrowed(array.value(row))),
            Self::StringSet(list, members) => {
                Value::Ss(set(list, row, |at| Ok(Cow::Borrowed(members.value(at))))?)
            }
            Self::BigintSet(list, members) => {
                Value::Ns(set(list, row, |at| Ok(Number::from(members.value(at))))?)
            }
            Self::DoubleSet(list, members) => {
                Value::Ns(set(list, row, |at| number(members.value(at)))?)
            }
            Self::BinarySet(list, members) => {
                Value::Bs(set(list, row, |at| Ok(Cow::Borrowed(members.value(at))))?)
            }
            Self::Json(array) => json::read(array.value(row))?,
        })
    }
}

fn number(double: f64) -> Result<Number<'static>, &'static str> {
    Number::from_f64(double).ok_or("a double within DynamoDB's range")
}

/// The members of row `row`'s set, each read by its place among all members.
fn set<T>(
    list: &ListArray,
    row: usize,
    member: impl Fn(usize) -> Result<T, &'static str>,
) -> Result<Vec<T>, &'static str> {
    let offsets = list.value_offsets();
    let place = |offset: i32| usize::try_from(offset).map_err(|_| "a list");
    let places = place(offsets[row])?..place(offsets[row + 1])?;
    if places.is_empty() {
        return Err("a set with members");
    }
    let valid = |at| list.values().is_valid(at);
    places
        .map(|at| if valid(at) { member(at) } else { Err("a set without nulls among its members") })
        .collect()
}

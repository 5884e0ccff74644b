//! Columns that users add to the catalog, of types of their choice.
//!
//! Such a column is filled from every value of its attribute that converts exactly, and is null for
//! the others. Items are never rebuilt from it.
//!
//! | type | filled from |
//! |---|---|
//! | `string` | S; N as its digits; BOOL as `true`, `false` |
//! | `boolean` | BOOL; S `true`, `false` |
//! | `int`, `bigint` | N, or S that is a number, if integral and in range |
//! | `double` | N, or S that is a number, if a double is exact |
//! | `decimal(p,s)` | N, or S that is a number, if within the digits before and after the point |
//! | `timestamp` | S in RFC 3339 with an offset, to the millisecond; N by the parameter `headwater.epoch` |
//! | `date` | S as `2026-11-22` |

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array,
    StringArray, TimestampMillisecondArray,
};
use arrow::datatypes::{DataType, TimeUnit};
use arrow::error::ArrowError;
use item::{Number, Value};
use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

/// Digits that a decimal can have in Athena, and in 128 bits.
const MAX_PRECISION: u8 = 38;

/// A type that a user gave a column in the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserType {
    /// `string`
    String,
    /// `boolean`
    Boolean,
    /// `int`
    Int,
    /// `bigint`
    Bigint,
    /// `double`
    Double,
    /// `decimal(precision,scale)`
    Decimal {
        /// All digits, 1 to 38.
        precision: u8,
        /// Digits after the point, at most all.
        scale: u8,
    },
    /// `timestamp`
    Timestamp {
        /// What numbers count; without it only text fills the column.
        epoch: Option<Epoch>,
    },
    /// `date`
    Date,
    /// A type that is never filled, as the catalog spells it.
    Other(String),
}

/// What a number that stands for a time counts since 1970 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Epoch {
    /// Seconds, as DynamoDB's time-to-live does.
    Seconds,
    /// Milliseconds.
    Milliseconds,
}

impl Epoch {
    /// The epoch that the parameter `headwater.epoch` names: `seconds` or `milliseconds`.
    pub fn of(text: &str) -> Option<Self> {
        match text {
            "seconds" => Some(Self::Seconds),
            "milliseconds" => Some(Self::Milliseconds),
            _ => None,
        }
    }
}

impl UserType {
    /// The type that the catalog spells so.
    pub fn of(type_text: &str, epoch: Option<Epoch>) -> Self {
        match type_text {
            "string" => Self::String,
            "boolean" => Self::Boolean,
            "int" => Self::Int,
            "bigint" => Self::Bigint,
            "double" => Self::Double,
            "timestamp" => Self::Timestamp { epoch },
            "date" => Self::Date,
            other => decimal(other).unwrap_or_else(|| Self::Other(other.to_owned())),
        }
    }
}

impl UserType {
    /// The Arrow type of the column; nothing for a type that is never filled.
    pub(crate) fn data_type(&self) -> Option<DataType> {
        Some(match self {
            Self::String => DataType::Utf8,
            Self::Boolean => DataType::Boolean,
            Self::Int => DataType::Int32,
            Self::Bigint => DataType::Int64,
            Self::Double => DataType::Float64,
            Self::Decimal { precision, scale } => {
                DataType::Decimal128(*precision, i8::try_from(*scale).ok()?)
            }
            Self::Timestamp { .. } => {
                DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))
            }
            Self::Date => DataType::Date32,
            Self::Other(_) => return None,
        })
    }
}

/// Reads `decimal(12,2)`.
fn decimal(type_text: &str) -> Option<UserType> {
    let digits = type_text.strip_prefix("decimal(")?.strip_suffix(')')?;
    let (precision, scale) = digits.split_once(',')?;
    let (precision, scale) = (precision.trim().parse().ok()?, scale.trim().parse().ok()?);
    let valid = (1..=MAX_PRECISION).contains(&precision) && scale <= precision;
    valid.then_some(UserType::Decimal { precision, scale })
}

/// A column of a user's type on its way to an array.
#[derive(Debug)]
pub(crate) struct Filling {
    cells: Cells,
    any: bool,
}

#[derive(Debug)]
enum Cells {
    String(Vec<Option<String>>),
    Boolean(Vec<Option<bool>>),
    Int(Vec<Option<i32>>),
    Bigint(Vec<Option<i64>>),
    Double(Vec<Option<f64>>),
    Decimal { precision: u8, scale: u8, values: Vec<Option<i128>> },
    Timestamp { epoch: Option<Epoch>, values: Vec<Option<i64>> },
    Date(Vec<Option<i32>>),
    Never,
}

impl Filling {
    pub(crate) fn new(user_type: &UserType, rows: usize) -> Self {
        let cells = match *user_type {
            UserType::String => Cells::String(vec![None; rows]),
            UserType::Boolean => Cells::Boolean(vec![None; rows]),
            UserType::Int => Cells::Int(vec![None; rows]),
            UserType::Bigint => Cells::Bigint(vec![None; rows]),
            UserType::Double => Cells::Double(vec![None; rows]),
            UserType::Decimal { precision, scale } => {
                Cells::Decimal { precision, scale, values: vec![None; rows] }
            }
            UserType::Timestamp { epoch } => Cells::Timestamp { epoch, values: vec![None; rows] },
            UserType::Date => Cells::Date(vec![None; rows]),
            UserType::Other(_) => Cells::Never,
        };
        Self { cells, any: false }
    }

    /// Fills row `row` if the value converts exactly.
    pub(crate) fn put(&mut self, row: u32, value: &Value<'_>) {
        let row = row as usize;
        self.any |= match &mut self.cells {
            Cells::String(rows) => fill(rows, row, text(value)),
            Cells::Boolean(rows) => fill(rows, row, truth(value)),
            Cells::Int(rows) => fill(rows, row, integer(value).and_then(|n| n.try_into().ok())),
            Cells::Bigint(rows) => fill(rows, row, integer(value)),
            Cells::Double(rows) => fill(rows, row, number(value).and_then(|n| n.to_f64())),
            Cells::Decimal { precision, scale, values } => {
                let digits = number(value).and_then(|n| unscaled(&n, *precision, *scale));
                fill(values, row, digits)
            }
            Cells::Timestamp { epoch, values } => fill(values, row, milliseconds(value, *epoch)),
            Cells::Date(rows) => fill(rows, row, days(value)),
            Cells::Never => false,
        };
    }

    /// The column; nothing where no row was filled.
    pub(crate) fn array(self) -> Result<Option<ArrayRef>, ArrowError> {
        if !self.any {
            return Ok(None);
        }
        Ok(Some(match self.cells {
            Cells::String(rows) => Arc::new(StringArray::from(rows)),
            Cells::Boolean(rows) => Arc::new(BooleanArray::from(rows)),
            Cells::Int(rows) => Arc::new(Int32Array::from(rows)),
            Cells::Bigint(rows) => Arc::new(Int64Array::from(rows)),
            Cells::Double(rows) => Arc::new(Float64Array::from(rows)),
            Cells::Decimal { precision, scale, values } => {
                let scale = i8::try_from(scale).unwrap_or(i8::MAX);
                let decimals = Decimal128Array::from(values);
                Arc::new(decimals.with_precision_and_scale(precision, scale)?)
            }
            Cells::Timestamp { values, .. } => {
                Arc::new(TimestampMillisecondArray::from(values).with_timezone("UTC"))
            }
            Cells::Date(rows) => Arc::new(Date32Array::from(rows)),
            Cells::Never => return Ok(None),
        }))
    }
}

/// Fills a row, and returns whether there was something to fill it with.
fn fill<T>(rows: &mut [Option<T>], row: usize, cell: Option<T>) -> bool {
    let any = cell.is_some();
    rows[row] = cell;
    any
}

fn text(value: &Value<'_>) -> Option<String> {
    match value {
        Value::S(text) => Some(text.to_string()),
        Value::N(number) => Some(number.as_str().to_owned()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::B(_)
        | Value::Null
        | Value::Ss(_)
        | Value::Ns(_)
        | Value::Bs(_)
        | Value::L(_)
        | Value::M(_) => None,
    }
}

fn truth(value: &Value<'_>) -> Option<bool> {
    match text(value)?.as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

fn number(value: &Value<'_>) -> Option<Number<'static>> {
    Number::parse(&text(value)?).ok().map(Number::into_owned)
}

fn integer(value: &Value<'_>) -> Option<i64> {
    number(value)?.to_i64()
}

/// The number times `10^scale`, if that is integral and of at most `precision` digits.
fn unscaled(number: &Number<'_>, precision: u8, scale: u8) -> Option<i128> {
    let (whole, fraction) = number.as_str().split_once('.').unwrap_or((number.as_str(), ""));
    let zeros = usize::from(scale).checked_sub(fraction.len())?;
    let digits: i128 = format!("{whole}{fraction}{:0<zeros$}", "").parse().ok()?;
    let beyond = 10_i128.checked_pow(u32::from(precision))?;
    (digits.unsigned_abs() < beyond.unsigned_abs()).then_some(digits)
}

fn milliseconds(value: &Value<'_>, epoch: Option<Epoch>) -> Option<i64> {
    if let Value::S(text) = value {
        let time: Timestamp = text.parse().ok()?;
        return (time.subsec_nanosecond() % 1_000_000 == 0).then(|| time.as_millisecond());
    }
    let count = number(value)?.to_i64()?;
    let time = match epoch? {
        Epoch::Seconds => Timestamp::from_second(count),
        Epoch::Milliseconds => Timestamp::from_millisecond(count),
    };
    time.ok().map(Timestamp::as_millisecond)
}

/// Days since 1970.
fn days(value: &Value<'_>) -> Option<i32> {
    const LENGTH: usize = "2026-11-22".len();
    const SECONDS: i64 = 24 * 60 * 60;

    let Value::S(text) = value else { return None };
    let date: Date = text.parse().ok().filter(|_| text.len() == LENGTH)?;
    let midnight = TimeZone::UTC.to_timestamp(date.to_datetime(Time::midnight())).ok()?;
    i32::try_from(midnight.as_second().div_euclid(SECONDS)).ok()
}

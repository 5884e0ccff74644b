//! Integers and binary floating-point numbers.

use std::fmt;

use arrow::array::{Array, ArrowPrimitiveType, PrimitiveArray};
use arrow::datatypes::{Float16Type, Float32Type, Float64Type};
use item::{Excerpt, Number, NumberError, Reason, Value};

use super::column::{Column, Fault};

/// The number of a text, which is all there is to the value.
pub(super) fn number(text: &str) -> Result<Option<Value<'static>>, Fault> {
    match Number::parse(text) {
        Ok(number) => Ok(Some(Value::N(number.into_owned()))),
        Err(error) => Err(refused(text, error)),
    }
}

fn refused(text: &str, error: NumberError) -> Fault {
    let reason = Reason::Number { text: Excerpt::of(text), error };
    Fault::new(reason, text.to_owned())
}

pub(super) struct Integers<T: ArrowPrimitiveType>(pub(super) PrimitiveArray<T>);

impl<T: ArrowPrimitiveType> Column for Integers<T>
where
    T::Native: Into<i128>,
{
    fn value(&self, row: usize) -> Result<Option<Value<'_>>, Fault> {
        if self.0.is_null(row) {
            return Ok(None);
        }
        let integer: i128 = self.0.value(row).into();
        match i64::try_from(integer) {
            Ok(integer) => Ok(Some(Value::N(Number::from(integer)))),
            Err(_) => number(&integer.to_string()),
        }
    }
}

pub(super) struct Doubles(pub(super) PrimitiveArray<Float64Type>);

impl Column for Doubles {
    fn value(&self, row: usize) -> Result<Option<Value<'_>>, Fault> {
        if self.0.is_null(row) {
            return Ok(None);
        }
        let double = self.0.value(row);
        float(double, double.is_finite())
    }
}

pub(super) struct Floats(pub(super) PrimitiveArray<Float32Type>);

impl Column for Floats {
    fn value(&self, row: usize) -> Result<Option<Value<'_>>, Fault> {
        if self.0.is_null(row) {
            return Ok(None);
        }
        let float32 = self.0.value(row);
        float(float32, float32.is_finite())
    }
}

pub(super) struct Halves(pub(super) PrimitiveArray<Float16Type>);

impl Column for Halves {
    fn value(&self, row: usize) -> Result<Option<Value<'_>>, Fault> {
        if self.0.is_null(row) {
            return Ok(None);
        }
        let float32 = self.0.value(row).to_f32();
        float(float32, float32.is_finite())
    }
}

/// The number with the shortest text that gives the float back.
fn float<T: fmt::Display + fmt::LowerExp>(
    float: T,
    finite: bool,
) -> Result<Option<Value<'static>>, Fault> {
    if !finite {
        let text = match float.to_string().as_str() {
            "inf" => "Infinity",
            "-inf" => "-Infinity",
            _ => "NaN",
        };
        return Err(refused(text, NumberError::NotANumber));
    }
    match Number::parse(&float.to_string()) {
        Ok(number) => Ok(Some(Value::N(number.into_owned()))),
        // Plain notation of what is out of range can have 300 digits.
        Err(error) => Err(refused(&format!("{float:e}"), error)),
    }
}

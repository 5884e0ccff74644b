//! Decimal numbers of any width.

use std::fmt::Display;

use arrow::array::{Array, PrimitiveArray};
use arrow::datatypes::DecimalType;
use item::Value;

use super::column::{Column, Fault};
use super::number::number;

/// Unscaled integers, and how many of their digits stand behind the point.
pub(super) struct Decimals<T: DecimalType>(pub(super) PrimitiveArray<T>, pub(super) i8);

impl<T: DecimalType> Column for Decimals<T>
where
    T::Native: Display,
{
    fn value(&self, row: usize) -> Result<Option<Value<'_>>, Fault> {
        if self.0.is_null(row) {
            return Ok(None);
        }
        number(&plain(self.0.value(row).to_string(), self.1))
    }
}

/// The plain notation of an integer divided by ten to the power of `scale`.
fn plain(mut digits: String, scale: i8) -> String {
    let places = usize::from(scale.unsigned_abs());
    if scale <= 0 {
        digits.extend(std::iter::repeat_n('0', places));
        return digits;
    }
    let sign = usize::from(digits.starts_with('-'));
    let missing = (places + 1).saturating_sub(digits.len() - sign);
    if missing > 0 {
        digits.insert_str(sign, &"0".repeat(missing));
    }
    digits.insert(digits.len() - places, '.');
    digits
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn points_are_placed() {
        for (digits, scale, expected) in [
            ("0", 0, "0"),
            ("0", 2, "0.00"),
            ("5", 2, "0.05"),
            ("-5", 2, "-0.05"),
            ("-12345", 2, "-123.45"),
            ("123", 3, "0.123"),
            ("12", -3, "12000"),
            ("-1", 0, "-1"),
        ] {
            assert_eq!(plain(digits.to_owned(), scale), expected);
        }
    }
}

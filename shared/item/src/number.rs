//! Numbers as exact text.

use std::borrow::Cow;
use std::fmt;

use crate::limits::{MAX_DIGITS, MAX_MAGNITUDE, MIN_MAGNITUDE};

/// A DynamoDB number in canonical text: at most 38 significant digits, never a float.
///
/// Canonical means plain decimal notation without exponent, plus sign, or needless zeros: `0`,
/// `-12.5`, `1000`. DynamoDB itself trims leading and trailing zeros, so two numbers it holds equal
/// have the same text. The order of two numbers is that of their text, not of their magnitude.
///
/// ```
/// let number = item::Number::parse("+1.250E2")?;
/// assert_eq!(number.as_str(), "125");
/// assert_eq!(number.to_i64(), Some(125));
/// # Ok::<(), item::NumberError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number<'a>(Cow<'a, str>);

/// Why a text is not a number DynamoDB can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// The text is not decimal notation.
    #[error("not a decimal number; write it with digits, as in -12.5 or 1E3")]
    NotANumber,
    /// More significant digits than DynamoDB keeps; the count is what was found.
    #[error("{0} significant digits, DynamoDB holds at most {MAX_DIGITS}; keep it as a string")]
    TooManyDigits(usize),
    /// Magnitude of 1E+126 or more.
    #[error("beyond 9.99E+{MAX_MAGNITUDE}, the largest DynamoDB holds; keep it as a string")]
    TooLarge,
    /// Magnitude under 1E-130 and not zero.
    #[error("closer to zero than 1E{MIN_MAGNITUDE}, the least DynamoDB holds; write 0 or a string")]
    TooSmall,
}

impl<'a> Number<'a> {
    /// Reads decimal notation as DynamoDB accepts it: sign, digits, fraction, exponent.
    ///
    /// Borrows when the text is canonical already, but for needless zeros behind the point.
    pub fn parse(text: &'a str) -> Result<Self, NumberError> {
        if let Some(length) = short_canonical(text.as_bytes()) {
            return Ok(Self(Cow::Borrowed(&text[..length])));
        }
        let canonical = Decimal::read(text)?.to_plain();
        Ok(Self(if canonical == text { Cow::Borrowed(text) } else { Cow::Owned(canonical) }))
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the whole text that it was read from is canonical.
    pub(crate) fn was_canonical(&self, text: &str) -> bool {
        matches!(self.0, Cow::Borrowed(canonical) if canonical.len() == text.len())
    }

    /// The same number, borrowing nothing.
    pub fn into_owned(self) -> Number<'static> {
        Number(Cow::Owned(self.0.into_owned()))
    }

    /// The same number, borrowing its text from this one.
    pub fn reborrow(&self) -> Number<'_> {
        Number(Cow::Borrowed(&self.0))
    }

    /// The number as a 64-bit integer, when it is integral and fits.
    pub fn to_i64(&self) -> Option<i64> {
        self.0.parse().ok()
    }

    /// The double that gives this very number back to whoever reads it, when there is one.
    ///
    /// That is the double whose shortest decimal text is this number's text: `0.1` has one,
    /// `0.10000000000000000001` has not. Nor has `1000000000000000.3`: its double is
    /// 1000000000000000.25, of which some write the shortest text with `.2` and others with `.3`.
    pub fn to_f64(&self) -> Option<f64> {
        /// Any two decimals of up to 15 digits are different doubles.
        const ALWAYS_EXACT: usize = 15;
        /// No double's shortest text has more digits.
        const LONGEST_SHORTEST: usize = 17;

        if self.0.len() <= ALWAYS_EXACT {
            return self.0.parse().ok();
        }
        let digits = self.significant_digits();
        if digits > LONGEST_SHORTEST {
            return None;
        }
        let double: f64 = self.0.parse().ok()?;
        let is_shortest = || double.to_string() == self.0 && !self.is_beside_halfway(double);
        (digits <= ALWAYS_EXACT || is_shortest()).then_some(double)
    }

    /// Whether the double stands exactly between two numbers of as many places as this one.
    fn is_beside_halfway(&self, double: f64) -> bool {
        let places = self.0.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        binary_places(double) == places + 1
    }

    /// The shortest decimal text of a double; nothing for infinities, NaN, and magnitudes beyond
    /// DynamoDB's range.
    pub fn from_f64(double: f64) -> Option<Number<'static>> {
        if !double.is_finite() {
            return None;
        }
        let text = double.to_string();
        Number::parse(&text).ok().map(Number::into_owned)
    }

    /// How many digits are left without the zeros before the first and after the last other digit.
    pub(crate) fn significant_digits(&self) -> usize {
        self.magnitudes().map_or(0, |(first, last)| (first - last).unsigned_abs() as usize + 1)
    }

    /// The powers of ten that the first and the last significant digit stand for; nothing for zero.
    pub(crate) fn magnitudes(&self) -> Option<(i32, i32)> {
        let digits = self.0.strip_prefix('-').unwrap_or(&self.0);
        let power = |place: usize| i32::try_from(place).unwrap_or(i32::MAX);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let significant = |digit: u8| digit != b'0';
        let first = match (whole, fraction) {
            ("0", _) => -1 - power(fraction.bytes().position(significant)?),
            _ => power(whole.len()) - 1,
        };
        let last = match fraction {
            "" => power(whole.bytes().rev().position(significant)?),
            _ => -power(fraction.len()),
        };
        Some((first, last))
    }

    /// Whether the number is below zero.
    pub fn is_negative(&self) -> bool {
        self.0.starts_with('-')
    }
}

impl From<i64> for Number<'static> {
    fn from(integer: i64) -> Self {
        Self(Cow::Owned(integer.to_string()))
    }
}

impl fmt::Display for Number<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The binary places of a double after the point, which are as many decimal ones: the last digit of
/// each is a five.
fn binary_places(double: f64) -> usize {
    /// The places of the smallest of all doubles.
    const MOST: u32 = 1074;
    const FRACTION_BITS: u32 = f64::MANTISSA_DIGITS - 1;

    let bits = double.to_bits();
    let fraction = bits & ((1 << FRACTION_BITS) - 1);
    let exponent = u32::try_from((bits >> FRACTION_BITS) & 0x7FF).unwrap_or_default();
    let significand = if exponent == 0 { fraction } else { fraction | (1 << FRACTION_BITS) };
    let places = (MOST + 1).saturating_sub(exponent.max(1) + significand.trailing_zeros());
    places as usize
}

/// How much of a text is canonical, where only zeros after the point follow and it is so short that it
/// is within all limits.
///
/// One pass over the bytes; nearly all numbers in real data end here.
fn short_canonical(text: &[u8]) -> Option<usize> {
    let unsigned = text.strip_prefix(b"-").unwrap_or(text);
    let sign = text.len() - unsigned.len();
    let whole = digits(unsigned);
    let is_below_one = unsigned.first() == Some(&b'0');
    if whole == 0 || (is_below_one && whole > 1) || unsigned.len() > MAX_DIGITS {
        return None;
    }
    let fraction = match &unsigned[whole..] {
        [] => 0,
        [b'.', fraction @ ..] if !fraction.is_empty() && digits(fraction) == fraction.len() => {
            fraction.iter().rposition(|digit| *digit != b'0').map_or(0, |last| last + 1)
        }
        _ => return None,
    };
    if is_below_one && fraction == 0 && sign > 0 {
        return None; // zero, which has no sign
    }
    Some(sign + whole + usize::from(fraction > 0) + fraction)
}

/// How many digits a text begins with.
fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// A number taken apart: its first digit stands for `10^magnitude`.
struct Decimal {
    negative: bool,
    /// Without zeros at either end; empty for zero.
    digits: String,
    magnitude: i64,
}

impl Decimal {
    fn read(text: &str) -> Result<Self, NumberError> {
        let (negative, unsigned) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, read_exponent(exponent)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = [whole, fraction].concat();
        if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NumberError::NotANumber);
        }
        let without_leading = all.trim_start_matches('0');
        let leading_zeros = all.len() - without_leading.len();
        let before_first_digit = i64::try_from(leading_zeros).unwrap_or(i64::MAX);
        let whole_digits = i64::try_from(whole.len()).unwrap_or(i64::MAX);
        if without_leading.is_empty() && !zero_has(exponent, fraction) {
            return Err(NumberError::NotANumber);
        }
        let decimal = Self {
            negative,
            digits: without_leading.trim_end_matches('0').to_owned(),
            magnitude: (whole_digits - before_first_digit - 1).saturating_add(exponent),
        };
        decimal.within_limits()
    }

    fn within_limits(self) -> Result<Self, NumberError> {
        if self.digits.is_empty() {
            Ok(Self { negative: false, magnitude: 0, ..self })
        } else if self.digits.len() > MAX_DIGITS {
            Err(NumberError::TooManyDigits(self.digits.len()))
        } else if self.magnitude > MAX_MAGNITUDE {
            Err(NumberError::TooLarge)
        } else if self.magnitude < MIN_MAGNITUDE {
            Err(NumberError::TooSmall)
        } else {
            Ok(self)
        }
    }

    /// Plain notation. The magnitude is within DynamoDB's, so the zeros are few.
    fn to_plain(&self) -> String {
        let sign = if self.negative { "-" } else { "" };
        let digits = self.digits.as_str();
        if digits.is_empty() {
            return "0".to_owned();
        }
        let Ok(before_point) = usize::try_from(self.magnitude + 1) else {
            let zeros = usize::try_from(-self.magnitude - 1).unwrap_or(0);
            return format!("{sign}0.{:0>zeros$}{digits}", "");
        };
        match digits.split_at_checked(before_point) {
            None => format!("{sign}{digits:0<before_point$}"),
            Some(("", fraction)) => format!("{sign}0.{fraction}"),
            Some((whole, "")) => format!("{sign}{whole}"),
            Some((whole, fraction)) => format!("{sign}{whole}.{fraction}"),
        }
    }
}

/// Whether a zero can be written so: DynamoDB Local calls it no number when its exponent, or the places
/// that exponent and fraction make, do not fit 32 bits. Other numbers leave the range long before.
fn zero_has(exponent: i64, fraction: &str) -> bool {
    const MOST: i64 = i32::MAX as i64;

    let fraction = i64::try_from(fraction.len()).unwrap_or(i64::MAX);
    exponent <= MOST && fraction.saturating_sub(exponent) <= MOST
}

/// The digits after `e`; what does not fit 64 bits is out of DynamoDB's range on either side.
fn read_exponent(text: &str) -> Result<i64, NumberError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NumberError::NotANumber);
    }
    let beyond_range = if text.starts_with('-') { i64::MIN / 2 } else { i64::MAX / 2 };
    Ok(text
        .parse::<i64>()
        .map_or(beyond_range, |exponent| exponent.clamp(i64::MIN / 2, i64::MAX / 2)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: Result<&str, NumberError>) {
        let number = Number::parse(text);
        assert_eq!(number.as_ref().map(Number::as_str), expected.as_ref().copied(), "{text}");
    }

    #[test]
    fn reads_every_notation_into_one() {
        for (text, canonical) in [
            ("0", "0"),
            ("-0", "0"),
            ("0.000", "0"),
            ("00012", "12"),
            ("+12", "12"),
            ("-12.50", "-12.5"),
            ("-0.0", "0"),
            ("-0.10", "-0.1"),
            ("100.00", "100"),
            ("1.000", "1"),
            ("12.500", "12.5"),
            (".5", "0.5"),
            ("5.", "5"),
            ("1E3", "1000"),
            ("1e+3", "1000"),
            ("-1.25e-3", "-0.00125"),
            ("12.5e1", "125"),
            ("120e-1", "12"),
            ("0.0120", "0.012"),
            (
                "100000000000000000000000000000000000000000",
                "100000000000000000000000000000000000000000",
            ),
        ] {
            check(text, Ok(canonical));
        }
    }

    #[test]
    fn holds_the_outermost_numbers_and_no_more() {
        let digits = "9".repeat(38);
        check(&format!("{digits}E88"), Ok(&format!("{digits}{}", "0".repeat(88))));
        check("1E126", Err(NumberError::TooLarge));
        check("1E9999999999999999999", Err(NumberError::TooLarge));
        check("-1E-130", Ok(&format!("-0.{}1", "0".repeat(129))));
        check("9.9E-131", Err(NumberError::TooSmall));
        check("1E-9999999999999999999", Err(NumberError::TooSmall));
        check(&digits, Ok(&digits));
        check(&format!("0.{digits}"), Ok(&format!("0.{digits}")));
        check(&format!("{digits}9"), Err(NumberError::TooManyDigits(39)));
    }

    #[test]
    fn refuses_what_is_no_number() {
        for text in [
            "", "-", "+", ".", "e3", "1e", "1e+", " 1", "1 ", "0x1F", "NaN", "1_000", "--1",
            "1.2.3", "١",
        ] {
            check(text, Err(NumberError::NotANumber));
        }
    }

    #[test]
    fn the_exponent_of_a_zero_ends_too() {
        for (text, valid) in [
            ("0E2147483647", true),
            ("0E2147483648", false),
            ("0E-2147483647", true),
            ("0E-2147483648", false),
            ("-0.0E-2147483646", true),
            ("-0.0E-2147483647", false),
            ("0E-999999999999999999999", false),
        ] {
            check(text, if valid { Ok("0") } else { Err(NumberError::NotANumber) });
        }
    }

    #[test]
    fn knows_which_doubles_are_exact() {
        for (text, double) in [
            ("0.1", Some(0.1)),
            ("0", Some(0.0)),
            ("-2.5", Some(-2.5)),
            ("9007199254740993", None),
            ("9007199254740992", Some(9_007_199_254_740_992.0)),
            ("0.1000000000000000055511151231257827", None),
            ("123456789012345678", None),
            ("5e-324", None),
            ("1000000000000000.2", None),
            ("1000000000000000.3", None),
            ("1000000000000000.25", None),
            ("1000000000000000.5", Some(1_000_000_000_000_000.5)),
            ("70368744177664.12", None),
            ("70368744177664.13", None),
            ("0.12345678901234568", Some(0.123_456_789_012_345_68)),
        ] {
            let found = Number::parse(text).ok().and_then(|number| number.to_f64());
            assert_eq!(found.map(f64::to_bits), double.map(f64::to_bits), "{text}");
        }
    }

    #[test]
    fn counts_significant_digits() {
        for (text, digits) in
            [("0", 0), ("100", 1), ("-0.050", 1), ("10.5", 3), ("1001", 4), ("0.1001", 4)]
        {
            assert_eq!(Number::parse(text).unwrap().significant_digits(), digits, "{text}");
        }
    }

    proptest! {
        #[test]
        fn canonical_text_is_its_own_reading(text in "[-+]?[0-9]{0,20}(\\.[0-9]{0,20})?([eE][-+]?[0-9]{1,3})?") {
            if let Ok(number) = Number::parse(&text) {
                let again = Number::parse(number.as_str()).unwrap();
                prop_assert_eq!(&again, &number);
                prop_assert!(matches!(again.0, Cow::Borrowed(_)));
                let value: f64 = text.parse().unwrap();
                let canonical: f64 = number.as_str().parse().unwrap();
                prop_assert_eq!(value.partial_cmp(&canonical), Some(std::cmp::Ordering::Equal));
            }
        }

        #[test]
        fn integers_come_back(integer: i64) {
            prop_assert_eq!(Number::from(integer).to_i64(), Some(integer));
        }

        #[test]
        fn doubles_come_back(double in prop::num::f64::ANY) {
            if let Some(number) = Number::from_f64(double) {
                let expected = (!number.is_beside_halfway(double)).then_some(double);
                prop_assert_eq!(number.to_f64(), expected);
            }
        }

        #[test]
        fn to_f64_agrees_with_the_shortest_text(text in "-?[1-9][0-9]{0,19}(\\.[0-9]{0,17}[1-9])?(E-?[0-9]{1,2})?") {
            if let Ok(number) = Number::parse(&text) {
                let double: f64 = number.as_str().parse().unwrap();
                let shortest = double.to_string() == number.as_str();
                let expected = shortest && !number.is_beside_halfway(double);
                prop_assert_eq!(number.to_f64().is_some(), expected);
            }
        }
    }
}

//! Dates, times, points in time and spans of it, as ISO 8601 text.
//!
//! Every text of a column has the digits of its unit, so that text order is the order of time.

use arrow::array::{Array, ArrowPrimitiveType, FixedSizeBinaryArray, PrimitiveArray};
use arrow::datatypes::{ArrowTimestampType, TimeUnit};
use item::{Excerpt, Reason, Value};

use super::column::{Column, Fault};

const DAY_SECONDS: i64 = 86_400;
/// 0000-01-01, in days after 1970-01-01.
const FIRST_DAY: i64 = -719_528;
/// 9999-12-31.
const LAST_DAY: i64 = 2_932_896;
/// The Julian day of 1970-01-01.
///
/// Source: [Parquet's INT96](https://github.com/apache/parquet-format/blob/master/LogicalTypes.md).
const JULIAN_1970: i64 = 2_440_588;

/// How many of a unit a second has, and how many digits.
fn per_second(unit: TimeUnit) -> (i64, usize) {
    match unit {
        TimeUnit::Second => (1, 0),
        TimeUnit::Millisecond => (1_000, 3),
        TimeUnit::Microsecond => (1_000_000, 6),
        TimeUnit::Nanosecond => (1_000_000_000, 9),
    }
}

/// The unit's symbol.
pub(super) fn symbol(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Second => "s",
        TimeUnit::Millisecond => "ms",
        TimeUnit::Microsecond => "us",
        TimeUnit::Nanosecond => "ns",
    }
}

/// A value that is nothing but text.
fn text(text: String) -> Value<'static> {
    Value::S(text.into())
}

/// Appends a number with leading zeros.
fn digits(mut number: u64, width: usize, out: &mut String) {
    let mut digits = [b'0'; 20];
    let mut start = digits.len();
    while number > 0 || digits.len() - start < width {
        start -= 1;
        digits[start] = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
    out.extend(digits[start..].iter().copied().map(char::from));
}

/// Appends `.` and the parts of a second, if the unit has any.
fn fraction(parts: i64, width: usize, out: &mut String) {
    if width > 0 {
        out.push('.');
        digits(parts.unsigned_abs(), width, out);
    }
}

/// Appends the date that is so many days after 1970-01-01, within the years of four digits.
///
/// By hand, since jiff's timestamps end two days before the year 9999 does, and 9999-12-31 is what many put
/// for "never".
fn date(days: i64, out: &mut String) -> Option<()> {
    if !(FIRST_DAY..=LAST_DAY).contains(&days) {
        return None;
    }
    // Years from March on end with the leap day. Days are counted from the first March of a cycle of 400 years.
    // Source: https://howardhinnant.github.io/date_algorithms.html#civil_from_days
    let since_march = days + 719_468;
    let cycle = since_march.div_euclid(146_097);
    let day_of_cycle = since_march.rem_euclid(146_097);
    let year_of_cycle = (day_of_cycle - day_of_cycle / 1_460 + day_of_cycle / 36_524
        - day_of_cycle / 146_096)
        / 365;
    let day_of_year =
        day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let months_since_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * months_since_march + 2) / 5 + 1;
    let month =
        if months_since_march < 10 { months_since_march + 3 } else { months_since_march - 9 };
    let year = cycle * 400 + year_of_cycle + i64::from(month <= 2);
    for (part, width) in [(year, 4), (month, 2), (day, 2)] {
        if width == 2 {
            out.push('-');
        }
        digits(part.unsigned_abs(), width, out);
    }
    Some(())
}

/// Appends the hours, minutes and seconds of a second of the day.
fn time_of_day(second: i64, out: &mut String) {
    let second = second.unsigned_abs();
    digits(second / 3600, 2, out);
    out.push(':');
    digits(second / 60 % 60, 2, out);
    out.push(':');
    digits(second % 60, 2, out);
}

/// A date and time, which are so many seconds after 1970 and so many parts of a second.
fn date_time(seconds: i64, parts: i64, width: usize, out: &mut String) -> Option<()> {
    date(seconds.div_euclid(DAY_SECONDS), out)?;
    out.push('T');
    time_of_day(seconds.rem_euclid(DAY_SECONDS), out);
    fraction(parts, width, out);
    Some(())
}

fn out_of_range(found: String, range: &'static str) -> Fault {
    Fault::new(Reason::Time { range, found: Excerpt::of(&found) }, found)
}

const YEARS: &str = "the years 0 to 9999";

/// What a date counts.
#[derive(Debug, Clone, Copy)]
pub(super) enum DateUnit {
    Day,
    Millisecond,
}

/// Days, or milliseconds, since 1970.
pub(super) struct Dates<T: ArrowPrimitiveType>(pub(super) PrimitiveArray<T>, pub(super) DateUnit);

impl<T: ArrowPrimitiveType> Column for Dates<T>
where
    T::Native: Into<i64>,
{
    fn value(&self, row: usize) -> Result<Option<Value<'_>>, Fault> {
        if self.0.is_null(row) {
            return Ok(None);
        }
        let found: i64 = self.0.value(row).into();
        let (days, unit) = match self.1 {
            DateUnit::Day => (found, "days"),
            DateUnit::Millisecond => (found.div_euclid(1000 * DAY_SECONDS), "ms"),
        };
        let mut out = String::with_capacity(10);
        match date(days, &mut out) {
            Some(()) => Ok(Some(text(out))),
            None => Err(out_of_range(format!("{found} {unit} since 1970"), YEARS)),
        }
    }
}

/// Units since midnight.
pub(super) struct Times<T: ArrowPrimitiveType>(pub(super) PrimitiveArray<T>, pub(super) TimeUnit);

impl<T: ArrowPrimitiveType> Column for Times<T>
where
    T::Native: Into<i64>,
{
    fn value(&self, row: usize) -> Result<Option<Value<'_>>, Fault> {
        if self.0.is_null(row) {
            return Ok(None);
        }
        let found: i64 = self.0.value(row).into();
        let (per_second, width) = per_second(self.1);
        let seconds = found.div_euclid(per_second);
        if !(0..DAY_SECONDS).contains(&seconds) {
            return Err(out_of_range(format!("{found} {}", symbol(self.1)), "one day"));
        }
        let mut out = String::with_capacity(18);
        time_of_day(seconds, &mut out);
        fraction(found.rem_euclid(per_second), width, &mut out);
        Ok(Some(text(out)))
    }
}

/// Units since 1970, in UTC or wherever the reader is.
pub(super) struct Timestamps<T: ArrowTimestampType> {
    pub(super) times: PrimitiveArray<T>,
    pub(super) utc: bool,
}

impl<T: ArrowTimestampType> Column for Timestamps<T> {
    fn value(&self, row: usize) -> Result<Option<Value<'_>>, Fault> {
        if self.times.is_null(row) {
            return Ok(None);
        }
        let found = self.times.value(row);
        let (per_second, width) = per_second(T::UNIT);
        let (seconds, parts) = (found.div_euclid(per_second), found.rem_euclid(per_second));
        let mut out = String::with_capacity(30);
        if date_time(seconds, parts, width, &mut out).is_none() {
            let found = format!("{found} {} since 1970", symbol(T::UNIT));
            return Err(out_of_range(found, YEARS));
        }
        if self.utc {
            out.push('Z');
        }
        Ok(Some(text(out)))
    }
}

/// Nanoseconds of the day in 8 bytes, and the Julian day in 4, little-endian.
pub(super) struct Int96s(pub(super) FixedSizeBinaryArray);

impl Column for Int96s {
    fn value(&self, row: usize) -> Result<Option<Value<'_>>, Fault> {
        if self.0.is_null(row) {
            return Ok(None);
        }
        let bytes = self.0.value(row);
        let (nanoseconds, bytes) = number_of(bytes, 8);
        let (day, _) = number_of(bytes, 4);
        let (per_second, width) = per_second(TimeUnit::Nanosecond);
        let day = i64::from(u32::try_from(day).unwrap_or(0).cast_signed());
        let nanoseconds = nanoseconds.cast_signed();
        let seconds = (day - JULIAN_1970) * DAY_SECONDS + nanoseconds.div_euclid(per_second);
        let mut out = String::with_capacity(29);
        if date_time(seconds, nanoseconds.rem_euclid(per_second), width, &mut out).is_none() {
            return Err(out_of_range(format!("{nanoseconds} ns of Julian day {day}"), YEARS));
        }
        Ok(Some(text(out)))
    }
}

/// The little-endian number in the first bytes, and the bytes after them.
fn number_of(bytes: &[u8], width: usize) -> (u64, &[u8]) {
    let (number, rest) = bytes.split_at(width.min(bytes.len()));
    (number.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)), rest)
}

/// Units of time that passed.
pub(super) struct Durations<T: ArrowPrimitiveType>(
    pub(super) PrimitiveArray<T>,
    pub(super) TimeUnit,
);

impl<T: ArrowPrimitiveType<Native = i64>> Column for Durations<T> {
    fn value(&self, row: usize) -> Result<Option<Value<'_>>, Fault> {
        if self.0.is_null(row) {
            return Ok(None);
        }
        let found = self.0.value(row);
        let (per_second, width) = per_second(self.1);
        let mut out = String::with_capacity(24);
        out.push_str(if found < 0 { "-PT" } else { "PT" });
        digits((found / per_second).unsigned_abs(), 1, &mut out);
        fraction(found % per_second, width, &mut out);
        out.push('S');
        Ok(Some(text(out)))
    }
}

/// Months, days and milliseconds in 4 bytes each, little-endian.
pub(super) struct Intervals(pub(super) FixedSizeBinaryArray);

impl Column for Intervals {
    fn value(&self, row: usize) -> Result<Option<Value<'_>>, Fault> {
        if self.0.is_null(row) {
            return Ok(None);
        }
        let (months, rest) = number_of(self.0.value(row), 4);
        let (days, rest) = number_of(rest, 4);
        let (milliseconds, _) = number_of(rest, 4);
        let (seconds, parts) = (milliseconds / 1000, milliseconds % 1000);
        Ok(Some(text(format!("P{months}M{days}DT{seconds}.{parts:03}S"))))
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date as civil;

    use super::*;

    /// Every day of four-digit years, against the library's calendar.
    #[test]
    fn dates_are_those_of_the_calendar() {
        let mut expected = civil(0, 1, 1);
        let mut out = String::new();
        for days in FIRST_DAY..=LAST_DAY {
            out.clear();
            date(days, &mut out).unwrap();
            assert_eq!(out, expected.to_string());
            expected = expected.tomorrow().unwrap_or(expected);
        }
        assert!(date(FIRST_DAY - 1, &mut out).is_none() && date(LAST_DAY + 1, &mut out).is_none());
    }
}

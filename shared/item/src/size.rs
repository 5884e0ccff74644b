//! The bytes DynamoDB counts an item as.
//!
//! | value | bytes |
//! |---|---|
//! | string, binary | its bytes |
//! | number | 1, plus 1 per pair of significant digits, plus 1 below zero, but 21 at most; zero is 1 |
//! | boolean, null | 1 |
//! | set | its members |
//! | list, map | 3, plus 1 per element, plus the elements with their names |
//!
//! Source: [item sizes](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html),
//! which calls the rule for numbers approximate. Pairs are aligned to the decimal point, as in
//! DynamoDB Local: `123` and `12.3` hold two pairs each. The 21 is DynamoDB Local's, too: a negative
//! number of 20 pairs has no byte more than its positive.

use std::borrow::Cow;

use crate::{Item, Map, Number, Value};

/// The size of an item in bytes: the sum of its names and values. DynamoDB allows 409,600.
///
/// ```
/// let item = item::format::dynamodb_json::parse_item(br#"{"name":{"S":"text"},"n":{"N":"-12.5"}}"#)?;
/// assert_eq!(item::size::item_size(&item), "name".len() + "text".len() + "n".len() + 4);
/// # Ok::<(), item::ParseError>(())
/// ```
pub fn item_size(item: &Item<'_>) -> usize {
    entries_size(item)
}

/// Bytes of an item that one write request unit covers.
///
/// Source: [capacity units](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html).
pub const WRITE_UNIT_BYTES: usize = 1024;

/// The write request units that an item of `size` bytes takes, without indexes.
pub fn write_units(size: usize) -> u64 {
    size.div_ceil(WRITE_UNIT_BYTES).max(1) as u64
}

fn entries_size(map: &Map<'_>) -> usize {
    map.iter().map(|(name, value)| name.len() + value_size(value)).sum()
}

fn value_size(value: &Value<'_>) -> usize {
    const CONTAINER: usize = 3;
    const ELEMENT: usize = 1;
    match value {
        Value::S(text) => text.len(),
        Value::N(number) => number_size(number),
        Value::B(bytes) => bytes.len(),
        Value::Bool(_) | Value::Null => 1,
        Value::Ss(set) => set.iter().map(|member| member.len()).sum(),
        Value::Ns(set) => set.iter().map(number_size).sum(),
        Value::Bs(set) => set.iter().map(|member: &Cow<'_, [u8]>| member.len()).sum(),
        Value::L(list) => {
            CONTAINER + list.iter().map(|value| ELEMENT + value_size(value)).sum::<usize>()
        }
        Value::M(map) => CONTAINER + ELEMENT * map.len() + entries_size(map),
    }
}

fn number_size(number: &Number<'_>) -> usize {
    const MOST: usize = 21;
    let pairs = number.magnitudes().map_or(0, |(first, last)| {
        (first.div_euclid(2) - last.div_euclid(2)).unsigned_abs() as usize + 1
    });
    (1 + pairs + usize::from(number.is_negative())).min(MOST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::dynamodb_json::parse_value;

    /// The sizes were measured with DynamoDB Local 1.25.1.
    #[test]
    fn counts_as_dynamodb_does() {
        for (value, size) in [
            (r#"{"S":""}"#, 0),
            (r#"{"S":"日本"}"#, 6),
            (r#"{"N":"0"}"#, 1),
            (r#"{"N":"1"}"#, 2),
            (r#"{"N":"-1"}"#, 3),
            (r#"{"N":"12"}"#, 2),
            (r#"{"N":"123"}"#, 3),
            (r#"{"N":"-1234"}"#, 4),
            (r#"{"N":"12.3"}"#, 3),
            (r#"{"N":"1.23"}"#, 3),
            (r#"{"N":"100"}"#, 2),
            (r#"{"N":"0.01"}"#, 2),
            (r#"{"N":"11111111111111111111111111111111111111"}"#, 20),
            (r#"{"N":"1.1111111111111111111111111111111111111"}"#, 21),
            (r#"{"N":"-111111111111111111111111111111111111"}"#, 20),
            (r#"{"N":"-11111111111111111111111111111111111111"}"#, 21),
            (r#"{"N":"-1.1111111111111111111111111111111111111"}"#, 21),
            (r#"{"B":"YWJj"}"#, 3),
            (r#"{"BOOL":true}"#, 1),
            (r#"{"NULL":true}"#, 1),
            (r#"{"L":[]}"#, 3),
            (r#"{"L":[{"S":"ab"}]}"#, 6),
            (r#"{"L":[{"S":"ab"},{"S":"ab"}]}"#, 9),
            (r#"{"L":[{"L":[]}]}"#, 7),
            (r#"{"M":{}}"#, 3),
            (r#"{"M":{"k":{"S":"ab"}}}"#, 7),
            (r#"{"M":{"k":{"S":"ab"},"j":{"S":"ab"}}}"#, 11),
            (r#"{"SS":["ab","cd"]}"#, 4),
            (r#"{"NS":["1","2"]}"#, 4),
            (r#"{"BS":["YQ==","Yg=="]}"#, 2),
        ] {
            assert_eq!(value_size(&parse_value(value.as_bytes()).unwrap()), size, "{value}");
        }
    }
}

//! JSON lines: one plain JSON object per line.
//!
//! | JSON | value |
//! |---|---|
//! | string | string |
//! | number | number, digit by digit; `1.0` is `1` |
//! | `true`, `false` | boolean |
//! | `null` | null |
//! | array | list |
//! | object | map |
//!
//! Sets and binary have no plain JSON; use [DynamoDB JSON](super::dynamodb_json) for them.

use super::distinct::distinct;
use super::json::{Scanner, within};
use crate::error::{Excerpt, ParseError, Parsed, Reason};
use crate::{Item, Map, Number, Value};

/// Reads an item: `{"name":"text","count":3}`.
pub fn parse_item(line: &[u8]) -> Result<Item<'_>, ParseError> {
    Scanner::whole(line, |scanner| object(scanner, 0).map(Item::from))
}

/// Reads one value of any kind: `[1,{"name":"text"}]`.
///
/// ```
/// use item::Value;
/// use item::format::json_lines::parse_value;
///
/// assert_eq!(parse_value(b"[true, \"x\"]")?, Value::L(vec![Value::Bool(true), Value::S("x".into())]));
/// # Ok::<(), item::ParseError>(())
/// ```
pub fn parse_value(text: &[u8]) -> Result<Value<'_>, ParseError> {
    Scanner::whole(text, |scanner| value(scanner, 0))
}

fn object<'a>(scanner: &mut Scanner<'a>, depth: usize) -> Parsed<Map<'a>> {
    scanner.object()?;
    let mut entries = Vec::new();
    let mut first = true;
    while let Some(name) = scanner.name(&mut first)? {
        match value(scanner, depth) {
            Ok(value) => entries.push((name, value)),
            Err(error) => return Err(error.within_name(&name)),
        }
    }
    distinct(entries, scanner)
}

fn value<'a>(scanner: &mut Scanner<'a>, depth: usize) -> Parsed<Value<'a>> {
    match scanner.peek() {
        Some(b'"') => scanner.string().map(Value::S),
        Some(b'-' | b'0'..=b'9') => number(scanner).map(Value::N),
        Some(b't' | b'f') => scanner.boolean().map(Value::Bool),
        Some(b'n') => scanner.null().map(|()| Value::Null),
        Some(b'[') => list(scanner, depth + 1).map(Value::L),
        Some(b'{') => {
            within(depth + 1, scanner)?;
            object(scanner, depth + 1).map(Value::M)
        }
        _ => Err(scanner.other_kind("a value")),
    }
}

fn number<'a>(scanner: &mut Scanner<'a>) -> Parsed<Number<'a>> {
    let text = scanner.number()?;
    Number::parse(text)
        .map_err(|error| scanner.error(Reason::Number { text: Excerpt::of(text), error }))
}

fn list<'a>(scanner: &mut Scanner<'a>, depth: usize) -> Parsed<Vec<Value<'a>>> {
    within(depth, scanner)?;
    scanner.array()?;
    let mut values = Vec::new();
    let mut first = true;
    while scanner.element(&mut first)? {
        let next = value(scanner, depth).map_err(|error| error.within_index(values.len()))?;
        values.push(next);
    }
    Ok(values)
}

//! DynamoDB JSON: every value names its type.
//!
//! | JSON | value |
//! |---|---|
//! | `{"S":"text"}` | string |
//! | `{"N":"12.5"}` | number, as text |
//! | `{"B":"aGk="}` | binary, as padded standard base64 |
//! | `{"BOOL":true}`, `{"NULL":true}` | boolean, null |
//! | `{"SS":["a"]}`, `{"NS":["1"]}`, `{"BS":["aGk="]}` | sets, never empty, no member twice |
//! | `{"L":[…]}`, `{"M":{"name":…}}` | list, map |
//!
//! Files have one `{"Item":{"name":value,…}}` per line, as DynamoDB's `ImportTable` takes and its full
//! exports give. Source: [DynamoDB JSON format](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataImport.Format.html).

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::distinct::{distinct, repeated_member};
use super::json::{Scanner, within};
use crate::canonical::{Order, write_map};
use crate::error::{Excerpt, ParseError, Parsed, Reason};
use crate::{Item, Map, Number, Value};

/// Reads one line of a file: `{"Item":{"name":{"S":"text"}}}`.
pub fn parse_line(line: &[u8]) -> Result<Item<'_>, ParseError> {
    Scanner::whole(line, |scanner| {
        scanner.object()?;
        let mut first = true;
        let mut item = None;
        while let Some(name) = scanner.name(&mut first)? {
            if name != "Item" {
                return Err(scanner.error(Reason::NotItem(Excerpt::of(&name))));
            }
            if item.is_some() {
                return Err(scanner.error(Reason::DuplicateName(Excerpt::of(&name))));
            }
            item = Some(attributes(scanner, 0)?);
        }
        item.ok_or_else(|| scanner.error(Reason::NoItem))
    })
}

/// Reads the attributes of an item: `{"name":{"S":"text"}}`.
pub fn parse_item(bytes: &[u8]) -> Result<Item<'_>, ParseError> {
    Scanner::whole(bytes, |scanner| attributes(scanner, 0))
}

/// Reads one value: `{"S":"text"}`.
pub fn parse_value(bytes: &[u8]) -> Result<Value<'_>, ParseError> {
    Scanner::whole(bytes, |scanner| value(scanner, 0))
}

/// Appends the attributes of an item in the order they have; [`parse_item`] reads them back.
pub fn write_item(item: &Item<'_>, out: &mut String) {
    write_map(item, Order::AsRead, out);
}

/// Takes an object of names and values that stands within `depth` lists and maps.
pub(crate) fn attributes<'a>(scanner: &mut Scanner<'a>, depth: usize) -> Parsed<Map<'a>> {
    scanner.object()?;
    let mut entries = Vec::with_capacity(if depth == 0 { 24 } else { 4 });
    let mut first = true;
    while let Some(name) = scanner.name(&mut first)? {
        match value(scanner, depth) {
            Ok(value) => entries.push((name, value)),
            Err(error) => return Err(error.within_name(&name)),
        }
    }
    distinct(entries, scanner)
}

/// Takes a value with its type descriptor.
fn value<'a>(scanner: &mut Scanner<'a>, depth: usize) -> Parsed<Value<'a>> {
    scanner.object()?;
    let Some(descriptor) = scanner.name(&mut true)? else {
        return Err(scanner.error(Reason::NoDescriptor));
    };
    let value = match descriptor.as_ref() {
        "S" => Value::S(scanner.string()?),
        "N" => Value::N(number(scanner)?),
        "B" => Value::B(binary(scanner)?),
        "BOOL" => Value::Bool(scanner.boolean()?),
        "NULL" => null(scanner)?,
        "SS" => Value::Ss(set(scanner, "SS", Scanner::string, |member| Excerpt::of(member))?),
        "NS" => Value::Ns(set(scanner, "NS", number, |member| Excerpt::of(member.as_str()))?),
        "BS" => Value::Bs(set(scanner, "BS", binary, |member| Excerpt::of_bytes(member))?),
        "L" => Value::L(list(scanner, depth + 1)?),
        "M" => Value::M(within(depth + 1, scanner).and_then(|()| attributes(scanner, depth + 1))?),
        unknown => return Err(scanner.error(Reason::UnknownDescriptor(Excerpt::of(unknown)))),
    };
    if let Some(second) = scanner.name(&mut false)? {
        let (first, second) = (value.type_descriptor(), Excerpt::of(&second));
        return Err(scanner.error(Reason::TwoDescriptors { first, second }));
    }
    Ok(value)
}

fn number<'a>(scanner: &mut Scanner<'a>) -> Parsed<Number<'a>> {
    let text = scanner.string()?;
    let number = match &text {
        Cow::Borrowed(text) => Number::parse(text),
        Cow::Owned(text) => Number::parse(text).map(Number::into_owned),
    };
    number.map_err(|error| scanner.error(Reason::Number { text: Excerpt::of(&text), error }))
}

fn binary<'a>(scanner: &mut Scanner<'a>) -> Parsed<Cow<'a, [u8]>> {
    let text = scanner.string()?;
    let bytes = STANDARD.decode(text.as_bytes());
    bytes.map(Cow::Owned).map_err(|_| scanner.error(Reason::Base64))
}

fn null<'a>(scanner: &mut Scanner<'a>) -> Parsed<Value<'a>> {
    if scanner.boolean()? { Ok(Value::Null) } else { Err(scanner.error(Reason::NullIsFalse)) }
}

fn set<'a, T: Ord>(
    scanner: &mut Scanner<'a>,
    descriptor: &'static str,
    member: impl Fn(&mut Scanner<'a>) -> Parsed<T>,
    show: impl Fn(&T) -> Excerpt,
) -> Parsed<Vec<T>> {
    scanner.array()?;
    let mut members = Vec::new();
    let mut first = true;
    while scanner.element(&mut first)? {
        let next = member(scanner).map_err(|error| error.within_index(members.len()))?;
        members.push(next);
    }
    if members.is_empty() {
        return Err(scanner.error(Reason::EmptySet(descriptor)));
    }
    match repeated_member(&members) {
        None => Ok(members),
        Some(index) => Err(scanner.error(Reason::DuplicateMember(show(&members[index])))),
    }
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

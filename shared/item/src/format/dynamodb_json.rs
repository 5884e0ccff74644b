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
use crate::error::{Excerpt, Fault, ParseError, Parsed, Reason};
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
            item = Some(attributes(scanner)?);
        }
        item.ok_or_else(|| scanner.error(Reason::NoItem))
    })
}

/// Reads the attributes of an item: `{"name":{"S":"text"}}`.
pub fn parse_item(bytes: &[u8]) -> Result<Item<'_>, ParseError> {
    Scanner::whole(bytes, attributes)
}

/// Reads one value: `{"S":"text"}`.
pub fn parse_value(bytes: &[u8]) -> Result<Value<'_>, ParseError> {
    Scanner::whole(bytes, |scanner| value(scanner, 0))
}

/// Appends the attributes of an item in the order they have; [`parse_item`] reads them back.
pub fn write_item(item: &Item<'_>, out: &mut String) {
    write_map(item, Order::AsRead, out);
}

/// Takes an item's attributes.
pub(crate) fn attributes<'a>(scanner: &mut Scanner<'a>) -> Parsed<Item<'a>> {
    /// Attributes of most items: room for them comes from the allocator's quickest lists.
    const USUAL: usize = 18;

    scanner.object()?;
    let (mut entries, mut texts) = (Vec::with_capacity(USUAL), Vec::with_capacity(USUAL));
    let mut first = true;
    while let Some((name, value, text)) = scanner.entry(&mut first, |scanner| value(scanner, 0))? {
        entries.push((name, value));
        texts.push(text);
    }
    Ok(Item::with_texts(distinct(entries, scanner)?, texts))
}

/// Takes a map that stands within `depth` lists and maps. Its names are put in order, which most
/// sources have them in.
fn map<'a>(scanner: &mut Scanner<'a>, depth: usize) -> Parsed<Map<'a>> {
    within(depth, scanner)?;
    scanner.object()?;
    let mut entries: Vec<(Cow<'a, str>, Value<'a>)> = Vec::with_capacity(4);
    let mut first = true;
    while let Some(name) = scanner.name(&mut first)? {
        match value(scanner, depth) {
            Ok(value) => entries.push((name, value)),
            Err(error) => return Err(error.within_name(&name)),
        }
    }
    if !entries.is_sorted_by(|(a, _), (b, _)| a <= b) {
        scanner.not_canonical();
        entries.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    }
    match entries.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        None => Ok(Map::from_distinct(entries)),
        Some(pair) => Err(scanner.error(Reason::DuplicateName(Excerpt::of(&pair[1].0)))),
    }
}

/// Takes a value with its type descriptor.
pub(crate) fn value<'a>(scanner: &mut Scanner<'a>, depth: usize) -> Parsed<Value<'a>> {
    let value = match descriptor(scanner)? {
        Descriptor::S => Value::S(scanner.string()?),
        Descriptor::N => Value::N(number(scanner)?),
        Descriptor::B => Value::B(binary(scanner)?),
        Descriptor::Bool => Value::Bool(scanner.boolean()?),
        Descriptor::Null => null(scanner)?,
        Descriptor::Ss => {
            Value::Ss(set(scanner, "SS", Scanner::string, |member| Excerpt::of(member))?)
        }
        Descriptor::Ns => {
            Value::Ns(set(scanner, "NS", number, |member| Excerpt::of(member.as_str()))?)
        }
        Descriptor::Bs => {
            Value::Bs(set(scanner, "BS", binary, |member| Excerpt::of_bytes(member))?)
        }
        Descriptor::L => Value::L(list(scanner, depth + 1)?),
        Descriptor::M => Value::M(map(scanner, depth + 1)?),
    };
    if scanner.take(b'}') { Ok(value) } else { Err(second_descriptor(scanner, &value)) }
}

/// The types, named as their descriptors are.
#[derive(Debug, Clone, Copy)]
enum Descriptor {
    S,
    N,
    B,
    Bool,
    Null,
    Ss,
    Ns,
    Bs,
    L,
    M,
}

/// Takes the start of a value up to its descriptor's colon.
#[inline]
fn descriptor(scanner: &mut Scanner<'_>) -> Parsed<Descriptor> {
    let (descriptor, length) = match scanner.rest() {
        [b'{', b'"', b'S', b'"', b':', ..] => (Descriptor::S, 5),
        [b'{', b'"', b'N', b'"', b':', ..] => (Descriptor::N, 5),
        [b'{', b'"', b'B', b'"', b':', ..] => (Descriptor::B, 5),
        [b'{', b'"', b'L', b'"', b':', ..] => (Descriptor::L, 5),
        [b'{', b'"', b'M', b'"', b':', ..] => (Descriptor::M, 5),
        [b'{', b'"', b'B', b'O', b'O', b'L', b'"', b':', ..] => (Descriptor::Bool, 8),
        [b'{', b'"', b'N', b'U', b'L', b'L', b'"', b':', ..] => (Descriptor::Null, 8),
        [b'{', b'"', b'S', b'S', b'"', b':', ..] => (Descriptor::Ss, 6),
        [b'{', b'"', b'N', b'S', b'"', b':', ..] => (Descriptor::Ns, 6),
        [b'{', b'"', b'B', b'S', b'"', b':', ..] => (Descriptor::Bs, 6),
        _ => return any_descriptor(scanner),
    };
    scanner.pass(length);
    Ok(descriptor)
}

/// The same where it is not compact, or none of these.
#[cold]
fn any_descriptor(scanner: &mut Scanner<'_>) -> Parsed<Descriptor> {
    scanner.object()?;
    let name = scanner.name(&mut true)?;
    let name = name.ok_or_else(|| scanner.error(Reason::NoDescriptor))?;
    Ok(match name.as_ref() {
        "S" => Descriptor::S,
        "N" => Descriptor::N,
        "B" => Descriptor::B,
        "BOOL" => Descriptor::Bool,
        "NULL" => Descriptor::Null,
        "SS" => Descriptor::Ss,
        "NS" => Descriptor::Ns,
        "BS" => Descriptor::Bs,
        "L" => Descriptor::L,
        "M" => Descriptor::M,
        unknown => return Err(scanner.error(Reason::UnknownDescriptor(Excerpt::of(unknown)))),
    })
}

/// The error that something follows a value where it should end.
#[cold]
fn second_descriptor(scanner: &mut Scanner<'_>, value: &Value<'_>) -> Fault {
    match scanner.name(&mut false) {
        Ok(second) => {
            let second = Excerpt::of(&second.unwrap_or_default());
            scanner.error(Reason::TwoDescriptors { first: value.type_descriptor(), second })
        }
        Err(fault) => fault,
    }
}

fn number<'a>(scanner: &mut Scanner<'a>) -> Parsed<Number<'a>> {
    let text = scanner.string()?;
    let number = match &text {
        Cow::Borrowed(text) => Number::parse(text),
        Cow::Owned(text) => Number::parse(text).map(Number::into_owned),
    };
    if number.as_ref().is_ok_and(|number| !number.was_canonical(&text)) {
        scanner.not_canonical();
    }
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
    if !members.is_sorted() {
        scanner.not_canonical();
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

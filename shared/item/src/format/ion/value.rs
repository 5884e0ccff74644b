//! What Ion values become.

#![expect(clippy::wildcard_enum_match_arm, reason = "Ion 1.0 has these types and no other")]

use std::borrow::Cow;

use ion_rs::{Decoder, IonError, LazyStruct, LazyValue, Reader, UInt, ValueRef, v1_0};

use super::{Encoding, Shape, guarded};
use crate::error::{Excerpt, Fault, Parsed, Reason};
use crate::format::distinct::{repeated_member, repeated_name};
use crate::limits::MAX_READ_DEPTH;
use crate::{Item, Map, Number, NumberError, Value};

/// The annotations of sets.
const SETS: [(&str, &str); 3] =
    [("$dynamodb_SS", "SS"), ("$dynamodb_NS", "NS"), ("$dynamodb_BS", "BS")];

/// Reads the one value in `bytes` that is a row, whose own bytes begin at `start`.
pub(super) fn item(
    bytes: &[u8],
    encoding: Encoding,
    shape: Shape,
    start: usize,
) -> Parsed<Item<'static>> {
    row(start, || match encoding {
        Encoding::Text => {
            only(Reader::new(v1_0::Text, bytes).map_err(not_ion)?, |fields| shaped(fields, shape))
        }
        Encoding::Binary => {
            only(Reader::new(v1_0::Binary, bytes).map_err(not_ion)?, |fields| shaped(fields, shape))
        }
    })
}

/// What `read` makes of a row whose own bytes begin at `start` of those that it reads.
pub(super) fn row<T>(start: usize, read: impl FnOnce() -> Parsed<T>) -> Parsed<T> {
    let damaged = || Err(fault(Reason::Ion { at: None, fault: "it is damaged".into() }));
    guarded(read).unwrap_or_else(damaged).map_err(|fault| fault.within_row(start))
}

/// What `take` makes of the one value, which is a struct.
pub(super) fn only<E: Decoder, T>(
    mut reader: Reader<E, &[u8]>,
    take: impl FnOnce(LazyStruct<'_, E>) -> Parsed<T>,
) -> Parsed<T> {
    let taken = match reader.next().map_err(not_ion)? {
        Some(value) => take(struct_of(value)?)?,
        None => return Err(other("a struct", "nothing")),
    };
    match reader.next() {
        Ok(None) => Ok(taken),
        Ok(Some(_)) => Err(other("one value", "two")),
        Err(error) => Err(not_ion(error)),
    }
}

pub(super) fn struct_of<E: Decoder>(value: LazyValue<'_, E>) -> Parsed<LazyStruct<'_, E>> {
    match read(value)? {
        ValueRef::Struct(fields) => Ok(fields),
        found => Err(other_type("a struct", &found)),
    }
}

fn shaped<E: Decoder>(fields: LazyStruct<'_, E>, shape: Shape) -> Parsed<Item<'static>> {
    let map = match shape {
        Shape::Plain => map(fields, 0)?,
        Shape::DynamoDb => wrapped(fields)?,
    };
    Ok(map.into())
}

/// Takes `{Item:{…}}`.
fn wrapped<E: Decoder>(fields: LazyStruct<'_, E>) -> Parsed<Map<'static>> {
    let mut item = None;
    each_field(fields, |name, value| {
        if name != "Item" {
            return Err(fault(Reason::NotItem(Excerpt::of(name))));
        }
        if item.is_some() {
            return Err(fault(Reason::DuplicateName(Excerpt::of(name))));
        }
        let fields = struct_of(value).map_err(|fault| fault.within_name(name))?;
        item = Some(map(fields, 0)?);
        Ok(())
    })?;
    item.ok_or_else(|| fault(Reason::NoItem))
}
/// Hands every field of a struct to `take`.
pub(super) fn each_field<'top, E: Decoder>(
    fields: LazyStruct<'top, E>,
    mut take: impl FnMut(&str, LazyValue<'top, E>) -> Parsed<()>,
) -> Parsed<()> {
    for field in &fields {
        let field = field.map_err(not_ion)?;
        let name = field.name().map_err(not_ion)?;
        let name = name.text().ok_or_else(|| fault(Reason::UnknownSymbol))?;
        take(name, field.value())?;
    }
    Ok(())
}

/// Takes a struct that stands within `depth` lists and structs.
pub(super) fn map<E: Decoder>(fields: LazyStruct<'_, E>, depth: usize) -> Parsed<Map<'static>> {
    let mut entries: Vec<(Cow<'static, str>, Value<'static>)> = Vec::new();
    each_field(fields, |name, field| {
        let value = value(field, depth).map_err(|fault| fault.within_name(name))?;
        entries.push((name.to_owned().into(), value));
        Ok(())
    })?;
    match repeated_name(&entries) {
        None => Ok(Map::from_distinct(entries)),
        Some(index) => Err(fault(Reason::DuplicateName(Excerpt::of(&entries[index].0)))),
    }
}

fn value<E: Decoder>(value: LazyValue<'_, E>, depth: usize) -> Parsed<Value<'static>> {
    if value.has_annotations()
        && let Some(descriptor) = set_descriptor(value)?
    {
        return set(value, descriptor);
    }
    Ok(match read(value)? {
        ValueRef::Null(_) => Value::Null,
        ValueRef::Bool(truth) => Value::Bool(truth),
        ValueRef::String(text) => Value::S(text.text().to_owned().into()),
        ValueRef::Blob(bytes) | ValueRef::Clob(bytes) => Value::B(bytes.data().to_vec().into()),
        ValueRef::Symbol(symbol) => {
            let text = symbol.text().ok_or_else(|| fault(Reason::UnknownSymbol))?;
            Value::S(text.to_owned().into())
        }
        ValueRef::Timestamp(time) => Value::S(iso(&time.to_string()).into()),
        ValueRef::List(list) => {
            within(depth + 1)?;
            Value::L(list_of(list.iter(), |element| self::value(element, depth + 1))?)
        }
        ValueRef::SExp(list) => {
            within(depth + 1)?;
            Value::L(list_of(list.iter(), |element| self::value(element, depth + 1))?)
        }
        ValueRef::Struct(fields) => {
            within(depth + 1)?;
            Value::M(map(fields, depth + 1)?)
        }
        number @ (ValueRef::Int(_) | ValueRef::Float(_) | ValueRef::Decimal(_)) => {
            Value::N(self::number(&number)?)
        }
    })
}

pub(super) fn read<E: Decoder>(value: LazyValue<'_, E>) -> Parsed<ValueRef<'_, E>> {
    value.read().map_err(not_ion)
}

/// Which set a value is annotated as.
fn set_descriptor<E: Decoder>(value: LazyValue<'_, E>) -> Parsed<Option<&'static str>> {
    for annotation in value.annotations() {
        let annotation = annotation.map_err(not_ion)?;
        let Some(text) = annotation.text() else {
            continue;
        };
        if let Some((_, descriptor)) = SETS.iter().find(|(name, _)| *name == text) {
            return Ok(Some(descriptor));
        }
        if text.starts_with("$dynamodb_") {
            return Err(fault(Reason::UnknownDescriptor(Excerpt::of(text))));
        }
    }
    Ok(None)
}

/// Takes a list that is annotated as a set.
fn set<E: Decoder>(set: LazyValue<'_, E>, descriptor: &'static str) -> Parsed<Value<'static>> {
    let list = match read(set)? {
        ValueRef::List(list) => list,
        found => return Err(other_type("a list", &found)),
    };
    Ok(match descriptor {
        "SS" => Value::Ss(members(
            list_of(list.iter(), |member| match read(member)? {
                ValueRef::String(text) => Ok(text.text().to_owned().into()),
                found => Err(other_type("a string", &found)),
            })?,
            descriptor,
            |member: &Cow<'static, str>| Excerpt::of(member),
        )?),
        "NS" => Value::Ns(members(
            list_of(list.iter(), |member| number(&read(member)?))?,
            descriptor,
            |member| Excerpt::of(member.as_str()),
        )?),
        _ => Value::Bs(members(
            list_of(list.iter(), |member| match read(member)? {
                ValueRef::Blob(bytes) | ValueRef::Clob(bytes) => Ok(bytes.data().to_vec().into()),
                found => Err(other_type("a blob", &found)),
            })?,
            descriptor,
            |member: &Cow<'static, [u8]>| Excerpt::of_bytes(member),
        )?),
    })
}

/// The members of a set, unless there are none or one repeats.
fn members<T: Ord>(
    members: Vec<T>,
    descriptor: &'static str,
    show: impl Fn(&T) -> Excerpt,
) -> Parsed<Vec<T>> {
    if members.is_empty() {
        return Err(fault(Reason::EmptySet(descriptor)));
    }
    match repeated_member(&members) {
        None => Ok(members),
        Some(index) => Err(fault(Reason::DuplicateMember(show(&members[index])))),
    }
}

/// What the elements of a list or sexp become.
fn list_of<'top, E: Decoder, T>(
    elements: impl Iterator<Item = Result<LazyValue<'top, E>, IonError>>,
    take: impl Fn(LazyValue<'top, E>) -> Parsed<T>,
) -> Parsed<Vec<T>> {
    let taken = elements.enumerate().map(|(index, element)| {
        let taken = element.map_err(not_ion).and_then(&take);
        taken.map_err(|fault| fault.within_index(index))
    });
    taken.collect()
}

pub(super) fn number<E: Decoder>(number: &ValueRef<'_, E>) -> Parsed<Number<'static>> {
    match number {
        ValueRef::Int(integer) => match integer.as_i64() {
            Some(small) => Ok(Number::from(small)),
            None => exact(integer.is_negative(), &integer.unsigned_abs(), 0),
        },
        ValueRef::Decimal(decimal) => {
            let coefficient = decimal.coefficient();
            let negative = coefficient.is_negative();
            exact(negative, &coefficient.magnitude(), decimal.exponent())
        }
        // The shortest digits that read back as this float.
        ValueRef::Float(float) => parse_text(&format!("{float:e}")),
        other => Err(other_type("a number", other)),
    }
}

/// The number that is `magnitude` times ten to the power of `exponent`.
fn exact(negative: bool, magnitude: &UInt, exponent: i64) -> Parsed<Number<'static>> {
    /// No number that DynamoDB holds has a magnitude of more, unless in needless zeros; the time that
    /// its digits take grows with the square of their count.
    const MOST_BYTES: usize = 128;
    /// A byte has 2.4 digits.
    const DIGITS_OF_FIVE_BYTES: usize = 12;

    if magnitude.as_u128().is_none() {
        let bytes = magnitude.to_le_bytes().len();
        if bytes > MOST_BYTES {
            let digits = bytes * DIGITS_OF_FIVE_BYTES / 5;
            return Err(not_a_number("a long number", NumberError::TooManyDigits(digits)));
        }
    }
    let sign = if negative { "-" } else { "" };
    parse_text(&format!("{sign}{magnitude}E{exponent}"))
}

fn parse_text(text: &str) -> Parsed<Number<'static>> {
    let number = Number::parse(text).map(Number::into_owned);
    number.map_err(|error| not_a_number(text, error))
}

/// A timestamp as ISO 8601 has it: without the `T` that Ion puts behind days and more, and with `Z` for
/// UTC, which is how it is mostly written.
fn iso(time: &str) -> String {
    match time.strip_suffix("+00:00") {
        Some(utc) => format!("{utc}Z"),
        None => time.strip_suffix('T').unwrap_or(time).to_owned(),
    }
}

/// Fails when a list or struct starts within others that are too many to read.
fn within(depth: usize) -> Parsed<()> {
    if depth > MAX_READ_DEPTH { Err(fault(Reason::TooDeep)) } else { Ok(()) }
}

#[cold]
pub(super) fn fault(reason: Reason) -> Fault {
    Fault::new(0, reason)
}

fn not_a_number(text: &str, error: NumberError) -> Fault {
    fault(Reason::Number { text: Excerpt::of(text), error })
}

fn other(expected: &'static str, found: &'static str) -> Fault {
    fault(Reason::IonType { expected, found })
}

fn other_type<E: Decoder>(expected: &'static str, found: &ValueRef<'_, E>) -> Fault {
    let found = match found {
        ValueRef::Null(_) => "null",
        ValueRef::Bool(_) => "a boolean",
        ValueRef::Int(_) => "an int",
        ValueRef::Float(_) => "a float",
        ValueRef::Decimal(_) => "a decimal",
        ValueRef::Timestamp(_) => "a timestamp",
        ValueRef::String(_) => "a string",
        ValueRef::Symbol(_) => "a symbol",
        ValueRef::Blob(_) => "a blob",
        ValueRef::Clob(_) => "a clob",
        ValueRef::SExp(_) => "a sexp",
        ValueRef::List(_) => "a list",
        ValueRef::Struct(_) => "a struct",
    };
    other(expected, found)
}

/// The first line of what `ion-rs` says, and the innermost place it names; the rest quotes the row.
#[cold]
#[expect(clippy::needless_pass_by_value, reason = "what map_err takes")]
pub(super) fn not_ion(error: IonError) -> Fault {
    const PLACE: &str = "offset=";

    let text = error.to_string();
    let fault_line = text.lines().next().unwrap_or_default();
    let place = text.lines().find_map(|line| line.trim_start().strip_prefix(PLACE)?.parse().ok());
    let shown: String = fault_line.chars().take(120).collect();
    fault(Reason::Ion { at: place, fault: shown.into() })
}

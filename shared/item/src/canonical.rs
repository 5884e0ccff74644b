//! Items as DynamoDB JSON text, and the one text that all equal items share.
//!
//! Canonical text is compact DynamoDB JSON in which map names and set members are sorted by their
//! bytes, numbers are canonical, bytes are padded standard base64, and strings escape only what
//! JSON demands. Two items have the same canonical text exactly when DynamoDB holds them equal.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use xxhash_rust::xxh64::xxh64;

use crate::format::json::{is_plain, plain_prefix};
use crate::{Item, Map, Number, Value};

/// The canonical text of an item.
///
/// ```
/// let item = item::format::dynamodb_json::parse_item(br#"{"b": {"NS": ["2", "10"]}, "a": {"N": "1.0"}}"#)?;
/// assert_eq!(item::canonical(&item), r#"{"a":{"N":"1"},"b":{"NS":["10","2"]}}"#);
/// # Ok::<(), item::ParseError>(())
/// ```
pub fn canonical(item: &Item<'_>) -> String {
    let mut text = String::new();
    write_canonical(item, &mut text);
    text
}

/// Appends the canonical text of an item.
pub fn write_canonical(item: &Item<'_>, out: &mut String) {
    let attribute = |at, out: &mut String| {
        write_attribute(item, at, out, |name, out| {
            write_json_string(name, out);
            out.push(':');
        });
    };
    if item.iter().is_sorted_by_key(|(name, _)| name) {
        write_all('{', 0..item.len(), '}', out, attribute);
    } else {
        let mut order: Vec<usize> = (0..item.len()).collect();
        order.sort_unstable_by_key(|at| item.entry(*at).0);
        write_all('{', order, '}', out, attribute);
    }
}

/// Appends the canonical text of an item for a caller that knows the order of its names.
///
/// `by_name` gives, in the order of their names' bytes, the place of each attribute in the item and its
/// name as [a JSON string](write_json_string) with a colon: sorting and quoting names is a good part
/// of the work, and items of one table have the same names.
pub fn write_canonical_in_order<'n>(
    item: &Item<'_>,
    by_name: impl Iterator<Item = (usize, &'n str)>,
    out: &mut String,
) {
    write_all('{', by_name, '}', out, |(at, json), out| {
        write_attribute(item, at, out, |_, out| out.push_str(json));
    });
}

/// Appends the canonical text of the attribute at a place, from where the item was read if it is there.
fn write_attribute(
    item: &Item<'_>,
    at: usize,
    out: &mut String,
    write_name: impl FnOnce(&str, &mut String),
) {
    if let Some(text) = item.text(at) {
        out.push_str(text);
    } else {
        let (name, value) = item.entry(at);
        write_name(name, out);
        write_value(value, Order::Sorted, out);
    }
}

/// Appends the canonical text of a value: `{"S":"text"}`.
pub fn write_canonical_value(value: &Value<'_>, out: &mut String) {
    write_value(value, Order::Sorted, out);
}

/// The XXH64 (seed 0) of an item's canonical text.
///
/// Trino and Athena compute the same with `xxhash64(to_utf8(text))`, as big-endian bytes.
pub fn hash(item: &Item<'_>) -> u64 {
    hash_canonical(&canonical(item))
}

/// The hash of an item whose canonical text is at hand; see [`hash`].
pub fn hash_canonical(text: &str) -> u64 {
    xxh64(text.as_bytes(), 0)
}

/// The order in which names and set members are written.
#[derive(Clone, Copy)]
pub(crate) enum Order {
    AsRead,
    Sorted,
}

/// Appends a map of attributes as DynamoDB JSON.
pub(crate) fn write_map(map: &Map<'_>, order: Order, out: &mut String) {
    match order {
        Order::Sorted if !map.iter().is_sorted_by_key(|(name, _)| name) => {
            let mut entries: Vec<(&str, &Value<'_>)> = map.iter().collect();
            entries.sort_unstable_by_key(|(name, _)| *name);
            write_entries(entries, order, out);
        }
        Order::Sorted | Order::AsRead => write_entries(map.iter(), order, out),
    }
}

fn write_entries<'m, 'v: 'm>(
    entries: impl IntoIterator<Item = (&'m str, &'m Value<'v>)>,
    order: Order,
    out: &mut String,
) {
    write_all('{', entries, '}', out, |(name, value), out| {
        write_json_string(name, out);
        out.push(':');
        write_value(value, order, out);
    });
}

fn write_value(value: &Value<'_>, order: Order, out: &mut String) {
    match value {
        Value::S(text) => {
            out.push_str(r#"{"S":"#);
            write_json_string(text, out);
        }
        Value::N(number) => {
            out.push_str(r#"{"N":"#);
            write_number(number, out);
        }
        Value::B(bytes) => {
            out.push_str(r#"{"B":"#);
            write_bytes(bytes, out);
        }
        Value::Bool(true) => out.push_str(r#"{"BOOL":true"#),
        Value::Bool(false) => out.push_str(r#"{"BOOL":false"#),
        Value::Null => out.push_str(r#"{"NULL":true"#),
        Value::Ss(set) => {
            out.push_str(r#"{"SS":"#);
            write_set(set, order, out, |member, out| write_json_string(member, out));
        }
        Value::Ns(set) => {
            out.push_str(r#"{"NS":"#);
            write_set(set, order, out, write_number);
        }
        Value::Bs(set) => {
            out.push_str(r#"{"BS":"#);
            write_set(set, order, out, |member, out| write_bytes(member, out));
        }
        Value::L(list) => {
            out.push_str(r#"{"L":"#);
            write_all('[', list, ']', out, |value, out| write_value(value, order, out));
        }
        Value::M(map) => {
            out.push_str(r#"{"M":"#);
            write_map(map, order, out);
        }
    }
    out.push('}');
}

fn write_set<T: Ord>(set: &[T], order: Order, out: &mut String, write: impl Fn(&T, &mut String)) {
    match order {
        Order::Sorted if !set.is_sorted() => {
            let mut members: Vec<&T> = set.iter().collect();
            members.sort_unstable();
            write_all('[', members, ']', out, write);
        }
        Order::Sorted | Order::AsRead => write_all('[', set, ']', out, write),
    }
}

/// Appends entries between brackets, with commas between them.
fn write_all<T>(
    open: char,
    entries: impl IntoIterator<Item = T>,
    close: char,
    out: &mut String,
    write: impl Fn(T, &mut String),
) {
    out.push(open);
    for (index, entry) in entries.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(entry, out);
    }
    out.push(close);
}

fn write_number(number: &Number<'_>, out: &mut String) {
    out.push('"');
    out.push_str(number.as_str());
    out.push('"');
}

fn write_bytes(bytes: &[u8], out: &mut String) {
    out.push('"');
    STANDARD.encode_string(bytes, out);
    out.push('"');
}

/// Appends a JSON string, quotes and all, that escapes quotes, backslashes and control characters only.
///
/// ```
/// let mut text = String::new();
/// item::write_json_string("a \"b\"\n", &mut text);
/// assert_eq!(text, r#""a \"b\"\n""#);
/// ```
pub fn write_json_string(text: &str, out: &mut String) {
    if is_plain(text.as_bytes()) {
        out.reserve(text.len() + 2);
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        write_escaped(text, out);
    }
}

#[cold]
fn write_escaped(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    while let Some((plain, special, after)) = split_special(rest) {
        out.push_str(plain);
        write_escape(special, out);
        rest = after;
    }
    out.push_str(rest);
    out.push('"');
}

fn split_special(text: &str) -> Option<(&str, u8, &str)> {
    let at = plain_prefix(text.as_bytes());
    let special = *text.as_bytes().get(at)?;
    Some((&text[..at], special, &text[at + 1..]))
}

fn write_escape(special: u8, out: &mut String) {
    match special {
        b'"' => out.push_str("\\\""),
        b'\\' => out.push_str("\\\\"),
        b'\n' => out.push_str("\\n"),
        b'\r' => out.push_str("\\r"),
        b'\t' => out.push_str("\\t"),
        0x08 => out.push_str("\\b"),
        0x0C => out.push_str("\\f"),
        control => {
            let hex = |digit: u8| char::from(b"0123456789abcdef"[usize::from(digit)]);
            out.push_str("\\u00");
            out.push(hex(control >> 4));
            out.push(hex(control & 0xF));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::format::dynamodb_json::parse_item;
    use crate::testing;

    fn check(item: &str, expected: &str) {
        assert_eq!(canonical(&parse_item(item.as_bytes()).unwrap()), expected);
    }

    #[test]
    fn sorts_names_and_members_by_bytes() {
        check(
            r#"{"é":{"NULL":true}, "a":{"M":{"z":{"BOOL":true},"Z":{"BOOL":false}}}, "":{"L":[]}}"#,
            r#"{"":{"L":[]},"a":{"M":{"Z":{"BOOL":false},"z":{"BOOL":true}}},"é":{"NULL":true}}"#,
        );
        check(r#"{"s":{"SS":["b","","B","é","aa"]}}"#, r#"{"s":{"SS":["","B","aa","b","é"]}}"#);
        check(r#"{"s":{"NS":["10","9","-1"]}}"#, r#"{"s":{"NS":["-1","10","9"]}}"#);
        check(r#"{"s":{"BS":["/w==","AA==",""]}}"#, r#"{"s":{"BS":["","AA==","/w=="]}}"#);
    }

    #[test]
    fn escapes_no_more_than_json_demands() {
        check(
            r#"{"\u0022":{"S":"\u005C\/\u000a\u0009\u000D\u0008\u000C\u001F\u007f\u00e9\ud83e\udd80"}}"#,
            "{\"\\\"\":{\"S\":\"\\\\/\\n\\t\\r\\b\\f\\u001f\u{7f}é🦀\"}}",
        );
    }

    #[test]
    fn hashes_the_canonical_text_with_xxh64() {
        assert_eq!(hash_canonical(""), 0xEF46_DB37_51D8_E999);
        assert_eq!(hash(&Item::new()), hash_canonical("{}"));
    }

    proptest! {
        #[test]
        fn equal_items_have_one_text(a in testing::items(), b in testing::items()) {
            prop_assert_eq!(a == b, canonical(&a) == canonical(&b));
        }

        #[test]
        fn order_does_not_matter(item in testing::items()) {
            let mut entries: Vec<_> = item.clone().into_iter().collect();
            entries.reverse();
            let reversed = Item::from_distinct(entries);
            prop_assert_eq!(&reversed, &item);
            prop_assert_eq!(canonical(&reversed), canonical(&item));
        }

        #[test]
        fn the_text_reads_back_as_the_item(item in testing::items()) {
            let text = canonical(&item);
            let again = parse_item(text.as_bytes()).unwrap();
            prop_assert_eq!(&again, &item);
            prop_assert_eq!(canonical(&again), text);
        }
    }
}

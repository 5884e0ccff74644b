//! Maps and lists as plain JSON, and back.
//!
//! | DynamoDB | JSON |
//! |---|---|
//! | S | string |
//! | N | number, with all its digits |
//! | BOOL, NULL | `true`, `false`, `null` |
//! | L, M | array, object with its names sorted |
//! | SS, NS | array of strings, of numbers: ambiguous |
//! | B, BS | base64 string, array of such: ambiguous |
//!
//! Where a set or binary stands inside, the JSON alone does not give the value back, and the exact
//! value goes to `_rest` as well.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use item::format::json_lines::parse_value;
use item::{Map, Value, write_json_string};

/// Reads what [`write`] wrote; else says what was expected.
///
/// It follows lists and maps as deep as every reader of items does, so what was read from a stream or
/// file comes back.
pub(crate) fn read(text: &str) -> Result<Value<'_>, &'static str> {
    match parse_value(text.as_bytes()) {
        Ok(value @ (Value::L(_) | Value::M(_))) => Ok(value),
        _ => Err("a JSON object or array"),
    }
}

/// Appends a value, and returns whether [`read`] would give it back.
pub(crate) fn write(value: &Value<'_>, out: &mut String) -> bool {
    match value {
        Value::S(text) => write_json_string(text, out),
        Value::N(number) => out.push_str(number.as_str()),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Null => out.push_str("null"),
        Value::L(list) => return write_list(list, out),
        Value::M(map) => return write_map(map, out),
        Value::B(bytes) => {
            write_base64(bytes, out);
            return false;
        }
        Value::Ss(set) => {
            write_all(set, out, |text, out| write_json_string(text, out));
            return false;
        }
        Value::Ns(set) => {
            write_all(set, out, |number, out| out.push_str(number.as_str()));
            return false;
        }
        Value::Bs(set) => {
            write_all(set, out, |bytes, out| write_base64(bytes, out));
            return false;
        }
    }
    true
}

fn write_list(list: &[Value<'_>], out: &mut String) -> bool {
    let mut exact = true;
    write_all(list, out, |value, out| exact &= write(value, out));
    exact
}

/// Writes a map with its names sorted, so that equal values are equal text.
fn write_map(map: &Map<'_>, out: &mut String) -> bool {
    let mut exact = true;
    let mut entry = |(name, value): (&str, &Value<'_>), out: &mut String| {
        write_json_string(name, out);
        out.push(':');
        exact &= write(value, out);
    };
    out.push('{');
    if map.iter().is_sorted_by_key(|(name, _)| name) {
        separated(map.iter(), out, &mut entry);
    } else {
        let mut entries: Vec<_> = map.iter().collect();
        entries.sort_unstable_by_key(|(name, _)| *name);
        separated(entries, out, &mut entry);
    }
    out.push('}');
    exact
}

fn write_all<T>(members: &[T], out: &mut String, write: impl FnMut(&T, &mut String)) {
    out.push('[');
    separated(members, out, write);
    out.push(']');
}

fn separated<T>(
    entries: impl IntoIterator<Item = T>,
    out: &mut String,
    mut write: impl FnMut(T, &mut String),
) {
    for (at, entry) in entries.into_iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write(entry, out);
    }
}

fn write_base64(bytes: &[u8], out: &mut String) {
    out.push('"');
    STANDARD.encode_string(bytes, out);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use item::format::dynamodb_json::parse_value;
    use item::limits::MAX_READ_DEPTH;

    use super::{read, write};

    /// Writes a value in DynamoDB JSON as plain JSON, and reads it back where that is exact.
    #[track_caller]
    fn check(value: &str, expected: &str, exact: bool) {
        let value = parse_value(value.as_bytes()).unwrap();
        let mut text = String::new();
        assert_eq!(write(&value, &mut text), exact, "{text}");
        assert_eq!(text, expected);
        let back = read(&text).unwrap();
        assert_eq!(back == value, exact, "{back:?}");
    }

    #[test]
    fn plain_values() {
        check(r#"{"M":{}}"#, "{}", true);
        check(r#"{"L":[]}"#, "[]", true);
        check(r#"{"L":[{"N":"1E3"},{"N":"-0.50"}]}"#, "[1000,-0.5]", true);
        check(
            r#"{"L":[{"N":"12345678901234567890123456789012345678"}]}"#,
            "[12345678901234567890123456789012345678]",
            true,
        );
        check(r#"{"L":[{"BOOL":true},{"BOOL":false},{"NULL":true}]}"#, "[true,false,null]", true);
        check(r#"{"M":{"b":{"S":"2"},"a":{"S":"1"}}}"#, r#"{"a":"1","b":"2"}"#, true);
        check(
            r#"{"L":[{"S":"\"\\/\n\r\t\u0000\u001f\u007f é \ud83e\udd80"}]}"#,
            "[\"\\\"\\\\/\\n\\r\\t\\u0000\\u001f\u{7f} é 🦀\"]",
            true,
        );
    }

    #[test]
    fn ambiguous_values() {
        check(r#"{"L":[{"B":"aGk="}]}"#, r#"["aGk="]"#, false);
        check(r#"{"M":{"s":{"SS":["a"]},"t":{"S":"b"}}}"#, r#"{"s":["a"],"t":"b"}"#, false);
        check(r#"{"L":[{"NS":["1","2.50"]}]}"#, "[[1,2.5]]", false);
        check(r#"{"L":[{"L":[{"BS":["aGk="]}]}]}"#, r#"[[["aGk="]]]"#, false);
    }

    #[test]
    fn blanks_and_surrogates_of_other_writers() {
        let value = read(" { \"a\" : [ 1 , \"\\ud83e\\udd80\" ] }\n").unwrap();
        let mut text = String::new();
        assert!(write(&value, &mut text));
        assert_eq!(text, r#"{"a":[1,"🦀"]}"#);
    }

    #[test]
    fn malformed_text() {
        let deep = "[".repeat(MAX_READ_DEPTH + 1) + &"]".repeat(MAX_READ_DEPTH + 1);
        for text in [
            "",
            "{",
            "[",
            "[1",
            "[1,",
            "[1,]",
            "[,]",
            "{\"a\"}",
            "{\"a\":}",
            "{a:1}",
            "{\"a\":1,}",
            "tru",
            "nulll",
            "[1]]",
            "1",
            "\"a\"",
            "\"",
            "\"\\\"",
            "\"\\x\"",
            "[01x]",
            "[--1]",
            "[1e999]",
            "[\"\\ud83e\"]",
            &deep,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}

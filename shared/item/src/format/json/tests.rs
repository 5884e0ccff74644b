use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::format::json_lines::parse_item;
use crate::{Map, Value};

/// Whether the text is JSON, and if not, where and why.
fn verdict(text: &[u8]) -> Result<(), (usize, Reason)> {
    let skipped = Scanner::whole(text, Scanner::skip);
    skipped.map_err(|error| (error.offset, error.reason))
}

fn check(text: &str, at: usize, fault: JsonFault) {
    assert_eq!(verdict(text.as_bytes()), Err((at, Reason::Json { at, fault })), "{text}");
}

#[test]
fn names_the_place_and_the_fault() {
    for (text, at, fault) in [
        ("", 0, JsonFault::Truncated),
        ("{", 1, JsonFault::Truncated),
        (r#"{"a""#, 4, JsonFault::Truncated),
        (r#"{"a":"#, 5, JsonFault::Truncated),
        (r#""abc"#, 4, JsonFault::Truncated),
        (r#""abc\"#, 4, JsonFault::Truncated),
        ("{} {}", 3, JsonFault::Trailing),
        ("[1,]", 3, JsonFault::Expected("a number")),
        ("[1 2]", 3, JsonFault::Expected("a comma or a closing bracket")),
        (r#"{"a":1 "b":2}"#, 7, JsonFault::Expected("a comma or a closing brace")),
        (r#"{"a" 1}"#, 5, JsonFault::Expected("a colon")),
        ("{a:1}", 1, JsonFault::Expected("a name in double quotes")),
        (r#"{"a":1,}"#, 7, JsonFault::Expected("a name in double quotes")),
        ("[nul]", 1, JsonFault::Expected("null")),
        ("[007]", 1, JsonFault::Number),
        ("[1.]", 1, JsonFault::Number),
        ("[-]", 1, JsonFault::Number),
        ("[1e]", 1, JsonFault::Number),
        ("\"a\nb\"", 2, JsonFault::ControlCharacter),
        ("\"12345678\u{1f}\"", 9, JsonFault::ControlCharacter),
        (r#""\x""#, 1, JsonFault::Escape),
        (r#""\u12g4""#, 1, JsonFault::Escape),
        (r#""\u+123""#, 1, JsonFault::Escape),
        (r#""ab\ud83e""#, 3, JsonFault::LoneSurrogate),
        (r#""\ud83ex""#, 1, JsonFault::LoneSurrogate),
        (r#""\ud83e\u0041""#, 1, JsonFault::LoneSurrogate),
        (r#""\udd80""#, 1, JsonFault::LoneSurrogate),
    ] {
        check(text, at, fault);
    }
}

#[test]
fn names_the_first_byte_that_is_not_utf8() {
    assert_eq!(verdict(b"\"ab\xFF\""), Err((3, Reason::NotUtf8 { at: 3 })));
}

#[test]
fn stops_before_the_stack_does() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(verdict(nested(128).as_bytes()), Ok(()));
    check(&nested(129), 128, JsonFault::TooDeep);
    check(&"[".repeat(1_000_000), 128, JsonFault::TooDeep);
}

#[test]
fn reads_escapes() {
    let text = r#""\"\\\/\b\f\n\r\t\u0000\u00E9\uD83E\uDD80 plain""#;
    let read = Scanner::whole(text.as_bytes(), Scanner::string);
    assert_eq!(read.unwrap(), "\"\\/\u{8}\u{c}\n\r\t\u{0}é🦀 plain");
}

#[test]
fn borrows_plain_strings() {
    let read = Scanner::whole("\"日本 plain\"".as_bytes(), Scanner::string);
    assert!(matches!(read, Ok(Cow::Borrowed("日本 plain"))));
}

/// Pieces of JSON in any order, and whole values with a little damage.
fn texts() -> impl Strategy<Value = String> {
    const PIECES: [&str; 30] = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        "\"a\"",
        "\"b\":",
        "1",
        "-0.5e-3",
        "0",
        "01",
        "1e-5",
        ".5",
        "-",
        "true",
        "false",
        "null",
        "nul",
        " ",
        "\n",
        "\"\\u00e9\"",
        "\"\\ud83e\\udd80\"",
        "\"\\ud83e\"",
        "\"é\"",
        "\u{1}",
        "\u{feff}",
        "\"12345678\"",
    ];
    let pieces =
        prop::collection::vec(select(PIECES.as_slice()), 0..12).prop_map(|pieces| pieces.concat());
    let damaged = (wholes(), any::<prop::sample::Index>(), select(PIECES.as_slice())).prop_map(
        |(whole, at, piece)| {
            let mut characters: Vec<char> = whole.chars().collect();
            characters
                .splice(at.index(characters.len())..=at.index(characters.len()), piece.chars());
            characters.into_iter().collect()
        },
    );
    prop_oneof![pieces, wholes(), damaged]
}

/// A JSON object.
fn wholes() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|truth| truth.to_string()),
        "-?(0|[1-9][0-9]{0,9})(\\.[0-9]{1,4})?(e[-+]?[0-9])?",
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
    ];
    let value = leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4)
                .prop_map(|values| format!("[{}]", values.join(" , "))),
            prop::collection::vec(("[a-f\\PC]{0,3}", inner), 0..4)
                .prop_map(|members| object(&members)),
        ]
    });
    prop::collection::vec(("[a-f]{1,3}", value), 0..4).prop_map(|members| object(&members))
}

fn object(members: &[(String, String)]) -> String {
    let member = |(name, value): &(String, String)| {
        format!("{}:{value}", serde_json::to_string(name).unwrap())
    };
    format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(","))
}

fn same(value: &Value<'_>, other: &serde_json::Value) -> bool {
    match (value, other) {
        (Value::S(text), serde_json::Value::String(other)) => text == other,
        (Value::N(number), serde_json::Value::Number(other)) => {
            same_number(number.as_str().parse().unwrap(), other.as_f64().unwrap())
        }
        (Value::Bool(truth), serde_json::Value::Bool(other)) => truth == other,
        (Value::Null, serde_json::Value::Null) => true,
        (Value::L(list), serde_json::Value::Array(other)) => {
            list.len() == other.len()
                && list.iter().zip(other).all(|(value, other)| same(value, other))
        }
        (Value::M(map), serde_json::Value::Object(other)) => same_members(map, other),
        _ => false,
    }
}

/// `serde_json` reads fractions to within a unit in the last place.
fn same_number(number: f64, other: f64) -> bool {
    (number - other).abs() <= number.abs() * 1e-15
}

fn same_members(map: &Map<'_>, other: &serde_json::Map<String, serde_json::Value>) -> bool {
    let same_member = |(name, value)| other.get(name).is_some_and(|other| same(value, other));
    map.len() == other.len() && map.iter().all(same_member)
}

proptest! {
    #[test]
    fn accepts_what_serde_json_accepts(text in texts()) {
        let other: Result<serde_json::Value, _> = serde_json::from_str(&text);
        prop_assert_eq!(verdict(text.as_bytes()).is_ok(), other.is_ok(), "{:?}", other);
    }

    #[test]
    fn reads_what_serde_json_reads(text in texts()) {
        let other: Result<serde_json::Map<_, _>, _> = serde_json::from_str(&text);
        match (parse_item(text.as_bytes()), other) {
            (Ok(item), Ok(other)) => prop_assert!(same_members(&item, &other), "{:?} {:?}", item, other),
            // A number that is JSON may still be more than DynamoDB holds.
            (Err(error), Ok(_)) => prop_assert!(
                matches!(error.reason, Reason::DuplicateName(_) | Reason::Number { .. }),
                "{}",
                error
            ),
            (Ok(_), Err(error)) => prop_assert!(false, "{}", error),
            (Err(_), Err(_)) => {}
        }
    }

    #[test]
    fn any_bytes_end_in_a_verdict(bytes: Vec<u8>) {
        let other: Result<serde_json::Value, _> = serde_json::from_slice(&bytes);
        prop_assert_eq!(verdict(&bytes).is_ok(), other.is_ok());
    }

    #[test]
    fn finds_the_first_special_byte(bytes in mostly_plain(0..40)) {
        let first = bytes.iter().position(is_special).unwrap_or(bytes.len());
        prop_assert_eq!(plain_prefix(&bytes), first);
        prop_assert_eq!(is_plain(&bytes), first == bytes.len());
    }

    #[test]
    fn a_window_finds_every_special_byte(
        bytes in mostly_plain(0..3000),
        from in prop::collection::vec(any::<prop::sample::Index>(), 1..20),
    ) {
        let mut window = Window::new(&bytes);
        for from in from {
            let from = from.index(bytes.len() + 1);
            let first = bytes[from..].iter().position(is_special);
            let first = first.map_or(bytes.len(), |first| from + first);
            prop_assert_eq!(window.special(&bytes, from), first);
        }
    }
}

/// Bytes of which few end a run of plain text.
fn mostly_plain(length: std::ops::Range<usize>) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop_oneof![99 => b' '..=255, 1 => 0..=255_u8], length)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what iterators of bytes lend")]
fn is_special(byte: &u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..b' ')
}

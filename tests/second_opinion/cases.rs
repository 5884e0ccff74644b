//! Items on both sides of each limit.

use item::{
    Number, Value,
    key::KeyType,
    limits::{MAX_ITEM_BYTES, MAX_NAME_BYTES, MAX_NESTING},
    write_canonical_value,
};

/// A text that is an item, or is not.
#[derive(Debug)]
pub(crate) struct Case {
    /// What it is about.
    pub(crate) name: String,
    /// DynamoDB JSON, or what is not quite that.
    pub(crate) item: String,
    /// A part of what DynamoDB Local says when it refuses the item; nothing if it takes it.
    pub(crate) refused: Option<&'static str>,
}

const TAKEN: Option<&str> = None;
const EMPTY: Option<&str> = Some("Supplied AttributeValue is empty");
const NULL: Option<&str> = Some("contains a null AttributeValue");
const TWO_TYPES: Option<&str> = Some("has more than one datatypes set");
const NULL_IS_FALSE: Option<&str> = Some("Null attribute value types must have the value of true");
const EMPTY_STRING_SET: Option<&str> = Some("An string set  may not be empty");
const EMPTY_NUMBER_SET: Option<&str> = Some("An number set  may not be empty");
const EMPTY_BINARY_SET: Option<&str> = Some("Binary sets should not be empty");
const NULL_MEMBER: Option<&str> = Some("may not have a null string as a member");
const DUPLICATES: Option<&str> = Some("contains duplicates");
const NO_NUMBER: Option<&str> = Some("cannot be converted into a number");
const TOO_MANY_DIGITS: Option<&str> = Some("only supports precision up to 38 digits");
const TOO_LARGE: Option<&str> = Some("magnitude larger than supported range");
const TOO_SMALL: Option<&str> = Some("magnitude smaller than supported range");
const TOO_DEEP: Option<&str> = Some("nested levels beyond supported limit");
const ITEM_TOO_LARGE: Option<&str> = Some("Item size has exceeded the maximum allowed size");
const EMPTY_NAME: Option<&str> = Some("Empty attribute name");
const NAME_TOO_LONG: Option<&str> = Some("Attribute name is too large");
const NO_KEY: Option<&str> = Some("One of the required keys was not given a value");
const OTHER_KEY_TYPE: Option<&str> = Some("Type mismatch for key");
const NO_KEY_TYPE: Option<&str> = Some("Invalid attribute value type");
const EMPTY_STRING_KEY: Option<&str> = Some("cannot contain an empty string value");
const EMPTY_BINARY_KEY: Option<&str> = Some("cannot contain an empty binary value");
const KEY_TOO_LONG: Option<&str> = Some("primary key values must be under");
const BROKE: Option<&str> = Some(crate::table::BROKE);

/// Values, from empty to full.
const VALUES: &[(&str, Option<&str>)] = &[
    (r#"{"S":""}"#, TAKEN),
    (r#"{"B":""}"#, TAKEN),
    (r#"{"BOOL":true}"#, TAKEN),
    (r#"{"BOOL":false}"#, TAKEN),
    (r#"{"BOOL":null}"#, EMPTY),
    (r#"{"NULL":true}"#, TAKEN),
    (r#"{"NULL":false}"#, NULL_IS_FALSE),
    (r#"{"NULL":null}"#, EMPTY),
    (r#"{"L":[]}"#, TAKEN),
    (r#"{"L":[null]}"#, NULL),
    (r#"{"L":[{}]}"#, EMPTY),
    (r#"{"M":{}}"#, TAKEN),
    (r#"{"M":{"a":null}}"#, NULL),
    (r#"{"M":{"a":{}}}"#, EMPTY),
    (r#"{"SS":[]}"#, EMPTY_STRING_SET),
    (r#"{"SS":[""]}"#, TAKEN),
    (r#"{"SS":["","a"]}"#, TAKEN),
    (r#"{"SS":["a","A"]}"#, TAKEN),
    (r#"{"SS":["é","e\u0301"]}"#, TAKEN),
    (r#"{"SS":["a","b","a"]}"#, DUPLICATES),
    (r#"{"SS":["a","\u0061"]}"#, DUPLICATES),
    (r#"{"SS":["a",null]}"#, NULL_MEMBER),
    (r#"{"NS":[]}"#, EMPTY_NUMBER_SET),
    (r#"{"NS":["1","-1"]}"#, TAKEN),
    (r#"{"NS":["1","1"]}"#, DUPLICATES),
    (r#"{"NS":["1","1.0"]}"#, DUPLICATES),
    (r#"{"NS":["100","1E2"]}"#, DUPLICATES),
    (r#"{"NS":["0","-0.0"]}"#, DUPLICATES),
    (r#"{"NS":[""]}"#, NO_NUMBER),
    (r#"{"NS":["1","1E126"]}"#, TOO_LARGE),
    (r#"{"BS":[]}"#, EMPTY_BINARY_SET),
    (r#"{"BS":[""]}"#, TAKEN),
    (r#"{"BS":["YQ==","Yg=="]}"#, TAKEN),
    (r#"{"BS":["YQ==","YQ=="]}"#, DUPLICATES),
    (r#"{"BS":["YQ==","\u0059Q=="]}"#, DUPLICATES),
    (r#"{"S":"\u0000\u001f\u007f\ufeff\uffff"}"#, TAKEN),
    (r#"{"S":"\ud83e\udd80 🦀"}"#, TAKEN),
    (r#" { "S" : "a" } "#, TAKEN),
    (r#"{"\u0053":"a"}"#, TAKEN),
    ("{}", EMPTY),
    ("null", NULL),
    (r#"{"X":"a"}"#, EMPTY),
    (r#"{"s":"a"}"#, EMPTY),
    (r#"{"S":null}"#, EMPTY),
    (r#"{"S":"a","N":"1"}"#, TWO_TYPES),
];

/// What cannot even be read. Headwater never sends it; of what DynamoDB Local answers, which is no better
/// than an internal failure, only that it takes none of it is of interest. Each takes a second,
/// because the writer tries again.
const NO_DYNAMODB_JSON: &[(&str, Option<&str>)] = &[
    (r#"{"B":"YQ"}"#, BROKE),
    (r#"{"B":"_-8="}"#, BROKE),
    (r#"{"BOOL":"yes"}"#, BROKE),
    (r#"{"L":{}}"#, BROKE),
    (r#"{"S":"a",}"#, BROKE),
];

/// Notations of numbers.
const NUMBERS: &[(&str, Option<&str>)] = &[
    ("0", TAKEN),
    ("-0", TAKEN),
    ("-0.0", TAKEN),
    ("007", TAKEN),
    ("+1", TAKEN),
    ("+1E+03", TAKEN),
    ("1e-3", TAKEN),
    (".5", TAKEN),
    ("-5.", TAKEN),
    ("1E125", TAKEN),
    ("-1E125", TAKEN),
    ("1E126", TOO_LARGE),
    ("-1E126", TOO_LARGE),
    ("0.1E126", TAKEN),
    ("10E125", TOO_LARGE),
    ("9.9999999999999999999999999999999999999E125", TAKEN),
    ("-9.9999999999999999999999999999999999999E125", TAKEN),
    ("99999999999999999999999999999999999999E88", TAKEN),
    ("99999999999999999999999999999999999999E89", TOO_LARGE),
    ("1E-130", TAKEN),
    ("-1E-130", TAKEN),
    ("1E-131", TOO_SMALL),
    ("-1E-131", TOO_SMALL),
    ("9.9E-131", TOO_SMALL),
    ("10E-131", TAKEN),
    ("1.1111111111111111111111111111111111111E-130", TAKEN),
    ("12345678901234567890123456789012345678", TAKEN),
    ("123456789012345678901234567890123456789", TOO_MANY_DIGITS),
    ("-123456789012345678901234567890123456789", TOO_MANY_DIGITS),
    ("123456789012345678901234567890123456780", TAKEN),
    ("1.2345678901234567890123456789012345678", TAKEN),
    ("1.23456789012345678901234567890123456789", TOO_MANY_DIGITS),
    ("0.00012345678901234567890123456789012345678", TAKEN),
    ("1.00000000000000000000000000000000000000000000", TAKEN),
    ("0E126", TAKEN),
    ("0E-131", TAKEN),
    ("0E2147483647", TAKEN),
    ("0E2147483648", NO_NUMBER),
    ("0.0E-2147483646", TAKEN),
    ("0.0E-2147483647", NO_NUMBER),
    ("", NO_NUMBER),
    (".", NO_NUMBER),
    ("-", NO_NUMBER),
    ("1e", NO_NUMBER),
    ("e1", NO_NUMBER),
    ("+-1", NO_NUMBER),
    (" 1", NO_NUMBER),
    ("1 ", NO_NUMBER),
    ("1.2.3", NO_NUMBER),
    ("1E1.5", NO_NUMBER),
    ("1_000", NO_NUMBER),
    ("1,000", NO_NUMBER),
    ("0x1F", NO_NUMBER),
    ("1d", NO_NUMBER),
    ("NaN", NO_NUMBER),
    ("Infinity", NO_NUMBER),
];

/// Names that other systems trip over.
const NAMES: &[&str] = &[
    " ", ".", "a.b", "a[0]", "#a", ":a", r"\u0000", r"\n", r#"\""#, "null", "ſ", "İ", "é",
    r"e\u0301", r"\ufeff", r"\uffff", r"\u202e", "日本", "🦀",
];

/// Values that are empty, double, null or not of their type.
pub(crate) fn values() -> Vec<Case> {
    let mut cases: Vec<Case> =
        VALUES.iter().map(|(value, refused)| of_value(value, *refused)).collect();
    let many =
        |members: usize| (0..members).map(|n| format!("\"{n}\"")).collect::<Vec<_>>().join(",");
    for set in ["SS", "NS"] {
        let (distinct, double) = (many(20_000), format!("{},\"7\"", many(20_000)));
        cases.push(case(
            format!("{set} of 20,000 members"),
            with(&format!(r#"{{"{set}":[{distinct}]}}"#)),
            TAKEN,
        ));
        cases.push(case(
            format!("{set} of 20,001 members, one of them twice"),
            with(&format!(r#"{{"{set}":[{double}]}}"#)),
            DUPLICATES,
        ));
    }
    cases
}

/// Texts that are not even values.
pub(crate) fn no_dynamodb_json() -> Vec<Case> {
    NO_DYNAMODB_JSON.iter().map(|(value, refused)| of_value(value, *refused)).collect()
}

/// Numbers at the ends of their range, and texts that are none.
pub(crate) fn numbers() -> Vec<Case> {
    let of_number = |(number, refused): &(&str, Option<&'static str>)| {
        of_value(&format!(r#"{{"N":"{number}"}}"#), *refused)
    };
    NUMBERS.iter().map(of_number).collect()
}

/// Names, levels and whole items at their limits.
pub(crate) fn limits() -> Vec<Case> {
    let mut cases = vec![
        named("no name", "", EMPTY_NAME),
        named("a name of 65,535 bytes", &"n".repeat(MAX_NAME_BYTES), TAKEN),
        named("a name of 65,536 bytes", &"n".repeat(MAX_NAME_BYTES + 1), NAME_TOO_LONG),
        named("a name of 32,768 characters", &"é".repeat(32_768), NAME_TOO_LONG),
    ];
    cases.extend(NAMES.iter().map(|name| named(name, name, TAKEN)));
    let in_map = |name: String| with(&format!(r#"{{"M":{{"{name}":{{"S":"x"}}}}}}"#));
    cases.extend([
        case("no name in a map", in_map(String::new()), EMPTY_NAME),
        case("a long name in a map", in_map("n".repeat(MAX_NAME_BYTES)), TAKEN),
        case("too long a name in a map", in_map("n".repeat(MAX_NAME_BYTES + 1)), NAME_TOO_LONG),
    ]);
    cases.extend(nesting());
    cases.extend(sizes());
    cases
}

/// A leaf, or a list or map without elements, some levels down.
fn nesting() -> Vec<Case> {
    let mut cases = Vec::new();
    for levels in MAX_NESTING - 1..=MAX_NESTING + 1 {
        for innermost in [r#"{"S":""}"#, r#"{"SS":["a"]}"#, r#"{"L":[]}"#, r#"{"M":{}}"#] {
            let is_container = innermost.starts_with(r#"{"L""#) || innermost.starts_with(r#"{"M""#);
            let fits = levels + usize::from(is_container) <= MAX_NESTING;
            let refused = if fits { TAKEN } else { TOO_DEEP };
            for (layer, open, close) in
                [("lists", r#"{"L":["#, "]}"), ("maps", r#"{"M":{"a":"#, "}}")]
            {
                let around = levels - 1;
                let value = format!("{}{innermost}{}", open.repeat(around), close.repeat(around));
                let name = format!("{innermost} on level {levels}, in {layer}");
                cases.push(case(name, with(&value), refused));
            }
        }
    }
    cases
}

/// Items of exactly 400 KB, and of one byte more.
fn sizes() -> Vec<Case> {
    const KEY_AND_NAME: usize = "p".len() + "k".len() + "a".len();
    let mut cases = Vec::new();
    for (bytes, refused) in [(MAX_ITEM_BYTES, TAKEN), (MAX_ITEM_BYTES + 1, ITEM_TOO_LARGE)] {
        let room = bytes - KEY_AND_NAME;
        let accents = "é".repeat(room / 2) + &"x".repeat(room % 2);
        for (what, value) in [
            ("text", Value::S("x".repeat(room).into())),
            ("text of two bytes a character", Value::S(accents.into())),
            ("binary", Value::B(vec![0xFF; room].into())),
            // A list counts three bytes more, and each element one.
            ("a list", Value::L(vec![Value::S("x".repeat(room - 4).into())])),
            ("numbers", numbers_of(room)),
        ] {
            cases.push(case(
                format!("an item of {bytes} bytes: {what}"),
                with(&json(&value)),
                refused,
            ));
        }
    }
    cases
}

/// A list of so many bytes, nearly all of them numbers of 21 bytes, which is the most.
fn numbers_of(bytes: usize) -> Value<'static> {
    const LIST: usize = 3;
    const ELEMENT: usize = 1;
    const LONGEST: usize = 21;
    let longest =
        ["-1.2345678901234567890123456789012345678", "-12345678901234567890123456789012345678"];
    let count = (bytes - LIST - ELEMENT) / (LONGEST + ELEMENT);
    let numbers = longest.iter().cycle().take(count).filter_map(|text| Number::parse(text).ok());
    let rest = bytes - LIST - ELEMENT - count * (LONGEST + ELEMENT);
    let filler = Value::S("x".repeat(rest).into());
    Value::L(numbers.map(Value::N).chain([filler]).collect())
}

/// Keys of a table whose partition key has this type.
pub(crate) fn partition_keys(kind: KeyType) -> Vec<Case> {
    let of_key = |name: &str, key: &Value<'_>, refused| {
        case(name, format!(r#"{{"p":{}}}"#, json(key)), refused)
    };
    let mut cases = vec![
        case("an item without attributes", "{}".to_owned(), NO_KEY),
        case("an item without its key", r#"{"q":{"S":"k"}}"#.to_owned(), NO_KEY),
        of_key("a key that is null", &Value::Null, NO_KEY_TYPE),
        of_key("a key that is a list", &Value::L(Vec::new()), NO_KEY_TYPE),
        of_key("a key that is a set", &Value::Ss(vec!["k".into()]), NO_KEY_TYPE),
    ];
    for (other, value) in samples() {
        let refused = if other == kind { TAKEN } else { OTHER_KEY_TYPE };
        cases.push(of_key("a key of a type", &value, refused));
    }
    for (length, refused) in [(1, TAKEN), (2048, TAKEN), (2049, KEY_TOO_LONG)] {
        for value in of_length(kind, length) {
            cases.push(of_key(&format!("a key of {length} bytes"), &value, refused));
        }
    }
    for value in of_length(kind, 0) {
        cases.push(of_key("an empty key", &value, empty_key(kind)));
    }
    cases
}

/// Keys of a table whose sort key has this type, and its partition key is a string.
pub(crate) fn sort_keys(kind: KeyType) -> Vec<Case> {
    let of_key = |name: &str, key: &Value<'_>, refused| {
        case(name, format!(r#"{{"p":{{"S":"k"}},"s":{}}}"#, json(key)), refused)
    };
    let mut cases = vec![
        case("an item without its sort key", r#"{"p":{"S":"k"}}"#.to_owned(), NO_KEY),
        case(
            "an item without its partition key",
            format!(r#"{{"s":{}}}"#, json(&samples()[0].1)),
            NO_KEY,
        ),
        of_key("a sort key that is null", &Value::Null, NO_KEY_TYPE),
    ];
    for (other, value) in samples() {
        let refused = if other == kind { TAKEN } else { OTHER_KEY_TYPE };
        cases.push(of_key("a sort key of a type", &value, refused));
    }
    for (length, refused) in [(1, TAKEN), (1024, TAKEN), (1025, KEY_TOO_LONG)] {
        for value in of_length(kind, length) {
            cases.push(of_key(&format!("a sort key of {length} bytes"), &value, refused));
        }
    }
    for value in of_length(kind, 0) {
        cases.push(of_key("an empty sort key", &value, empty_key(kind)));
    }
    cases
}

/// A value of each type a key can have.
fn samples() -> [(KeyType, Value<'static>); 3] {
    [
        (KeyType::S, Value::S("k".into())),
        (KeyType::N, Value::N(Number::from(7_i64))),
        (KeyType::B, Value::B(b"k".as_slice().into())),
    ]
}

/// Keys of so many bytes; none of numbers, which have no length.
fn of_length(kind: KeyType, bytes: usize) -> Vec<Value<'static>> {
    match kind {
        KeyType::S => vec![
            Value::S("x".repeat(bytes).into()),
            Value::S(("é".repeat(bytes / 2) + &"x".repeat(bytes % 2)).into()),
        ],
        KeyType::N => Vec::new(),
        KeyType::B => vec![Value::B(vec![0xFF; bytes].into())],
    }
}

fn empty_key(kind: KeyType) -> Option<&'static str> {
    if kind == KeyType::B { EMPTY_BINARY_KEY } else { EMPTY_STRING_KEY }
}

/// An item of a key and this value.
pub(crate) fn with(value: &str) -> String {
    format!(r#"{{"p":{{"S":"k"}},"a":{value}}}"#)
}

fn of_value(value: &str, refused: Option<&'static str>) -> Case {
    case(value, with(value), refused)
}

fn named(about: &str, name: &str, refused: Option<&'static str>) -> Case {
    case(about, format!(r#"{{"p":{{"S":"k"}},"{name}":{{"S":"x"}}}}"#), refused)
}

fn case(name: impl Into<String>, item: String, refused: Option<&'static str>) -> Case {
    Case { name: name.into(), item, refused }
}

fn json(value: &Value<'_>) -> String {
    let mut text = String::new();
    write_canonical_value(value, &mut text);
    text
}

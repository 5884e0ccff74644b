//! Strategies that make items, for property tests here and in the crates built on this one.
//!
//! The space is small on purpose: few letters, short texts, so that values collide and meet every
//! branch. It has all ten types, numbers of one to 38 digits over the whole range, names that differ
//! only in case or in what makes them unsafe in SQL, and nesting down to DynamoDB's limit;
//! [`nested`] goes beyond it.

use std::borrow::Cow;

use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;

use crate::limits::MAX_NESTING;
use crate::{Item, Map, Number, Value};

/// Names that other systems trip over.
const NASTY_NAMES: [&str; 30] = [
    " ",
    "_",
    "-",
    ".",
    "a",
    "A",
    "aa",
    "aA",
    "a.b",
    "a[0]",
    "a b",
    " a",
    "a__double",
    "_op",
    "_rest",
    "_OP",
    "select",
    "ORDER",
    "null",
    "\"",
    "'",
    "`",
    "\\",
    "a\nb",
    "a\u{0}",
    "ä",
    "Ä",
    "ß",
    "日本",
    "🦀",
];

/// An item of up to eight attributes.
pub fn items() -> impl Strategy<Value = Item<'static>> {
    maps(values(), 8).prop_map(Item::from)
}

/// A value of any type, seldom nested to the limit.
pub fn values() -> impl Strategy<Value = Value<'static>> {
    let containers = leaves().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![vec(inner.clone(), 0..4).prop_map(Value::L), maps(inner, 4).prop_map(Value::M),]
    });
    // The leaf is the last level that DynamoDB allows.
    let deepest = nested(MAX_NESTING - 1);
    prop_oneof![30 => leaves(), 10 => containers, 1 => deepest]
}

/// A number of one to 38 digits, an integer of 64 bits, a double, or one at the edge of the range.
pub fn numbers() -> impl Strategy<Value = Number<'static>> {
    let edges = select(vec![
        "0",
        "-1",
        "1E125",
        "-1E-130",
        "9.9999999999999999999999999999999999999E125",
        "0.1",
        "9223372036854775807",
        "-9223372036854775808",
        "9223372036854775808",
        "9007199254740993",
    ]);
    let decimals = ("-?[1-9][0-9]{0,37}", -50..80_i32)
        .prop_map(|(digits, exponent)| format!("{digits}E{exponent}"));
    prop_oneof![
        edges.prop_map(|text| Number::parse(text).ok()),
        decimals.prop_map(|text| Number::parse(&text).ok().map(Number::into_owned)),
        any::<i64>().prop_map(|integer| Some(Number::from(integer))),
        any::<f64>().prop_map(Number::from_f64),
        (-99..99_i64).prop_map(|integer| Some(Number::from(integer))),
    ]
    .prop_filter_map("within DynamoDB's range", |number| number)
}

/// A text that is empty, short, or in need of escapes.
pub fn texts() -> impl Strategy<Value = String> {
    prop_oneof!["[ab]{0,2}", "[a-z\"\\\\\\n\\t\u{0}\u{7f}é日🦀]{0,12}", "[0-9]{1,4}", "\\PC{0,20}"]
}

/// An attribute name, never empty.
pub fn names() -> impl Strategy<Value = String> {
    prop_oneof![4 => select(NASTY_NAMES.as_slice()).prop_map(str::to_owned), 1 => "[a-cA-C_.]{1,3}"]
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..5)
}

fn leaves() -> impl Strategy<Value = Value<'static>> {
    prop_oneof![
        texts().prop_map(|text| Value::S(text.into())),
        numbers().prop_map(Value::N),
        bytes().prop_map(|bytes| Value::B(bytes.into())),
        any::<bool>().prop_map(Value::Bool),
        Just(Value::Null),
        btree_set(texts(), 1..4)
            .prop_map(|set| Value::Ss(set.into_iter().map(Cow::Owned).collect())),
        btree_set(numbers(), 1..4).prop_map(|set| Value::Ns(set.into_iter().collect())),
        btree_set(bytes(), 1..4)
            .prop_map(|set| Value::Bs(set.into_iter().map(Cow::Owned).collect())),
    ]
}

fn maps(
    values: impl Strategy<Value = Value<'static>>,
    most: usize,
) -> impl Strategy<Value = Map<'static>> {
    let shuffled = btree_map(names(), values, 0..=most)
        .prop_map(|map| map.into_iter().collect::<Vec<_>>())
        .prop_shuffle();
    shuffled
        .prop_map(|entries| entries.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

/// A leaf within `depth` lists and maps; reading follows up to [`MAX_READ_DEPTH`] of them.
///
/// [`MAX_READ_DEPTH`]: crate::limits::MAX_READ_DEPTH
pub fn nested(depth: usize) -> impl Strategy<Value = Value<'static>> {
    (leaves(), vec(any::<bool>(), depth)).prop_map(|(leaf, layers)| {
        layers.into_iter().fold(leaf, |value, list| {
            if list {
                Value::L(vec![value])
            } else {
                Value::M(Map::from_iter([("a".into(), value)]))
            }
        })
    })
}

//! Items that are made up, in DynamoDB JSON.

use anyhow::{Result, anyhow};
use item::{
    Item, Number, Value,
    format::dynamodb_json::write_item,
    key::KeyType,
    limits::{MAX_ITEM_BYTES, MAX_NESTING, MAX_PARTITION_KEY_BYTES, MAX_SORT_KEY_BYTES},
    size::item_size,
    testing,
};
use proptest::{
    collection::vec, prelude::*, sample::select, strategy::ValueTree as _, test_runner::TestRunner,
};

/// Some of what a strategy makes; others in each run.
pub(crate) fn some(count: usize, strategy: impl Strategy<Value = String>) -> Result<Vec<String>> {
    let mut runner = TestRunner::default();
    let mut one = || strategy.new_tree(&mut runner).map(|tree| tree.current());
    (0..count).map(|_| one().map_err(|reason| anyhow!("{reason}"))).collect()
}

/// Items of any types, each with a key of its own.
pub(crate) fn items() -> impl Strategy<Value = String> {
    with_keys().prop_map(|item| text(&item))
}

/// The same with one value more, which is beside a limit.
pub(crate) fn beside_limits() -> impl Strategy<Value = String> {
    let value = prop_oneof![numbers(), sets(), nested()];
    (items(), value).prop_map(|(item, value)| {
        let open = item.strip_suffix('}').unwrap_or(&item);
        format!(r#"{open},"z":{value}}}"#)
    })
}

/// Items of as many bytes as DynamoDB takes, or one more; with many numbers, whose bytes are the only
/// ones that are not simply counted.
pub(crate) fn filled_up() -> impl Strategy<Value = String> {
    let numbers = vec(prop_oneof![testing::numbers(), long_numbers()].prop_map(Value::N), 20);
    (with_keys(), numbers, 0..=1_usize).prop_map(|(mut item, numbers, more)| {
        item.insert("s", Value::L(numbers));
        item.insert("z", Value::S("".into()));
        let room = MAX_ITEM_BYTES - item_size(&item);
        item.insert("z", Value::S("x".repeat(room + more).into()));
        text(&item)
    })
}

/// Numbers of 34 to 38 digits, a point anywhere.
fn long_numbers() -> impl Strategy<Value = Number<'static>> {
    let digits = ("-?[1-9][0-9]{33,37}", -60..60_i32);
    digits.prop_filter_map("within DynamoDB's range", |(digits, exponent)| {
        Number::parse(&format!("{digits}E{exponent}")).ok().map(Number::into_owned)
    })
}

/// Items of a partition and a sort key, mostly of this type.
pub(crate) fn keys(kind: KeyType) -> impl Strategy<Value = String> {
    let keys = (key(kind, MAX_PARTITION_KEY_BYTES), key(kind, MAX_SORT_KEY_BYTES));
    keys.prop_map(|(p, s)| text(&Item::from_iter([("p".into(), p), ("s".into(), s)])))
}

/// Names that strategies make are none of `p`, `s` and `z`.
fn with_keys() -> impl Strategy<Value = Item<'static>> {
    (testing::items(), any::<u64>()).prop_map(|(mut item, key)| {
        item.insert("p", Value::S(key.to_string().into()));
        item
    })
}

fn text(item: &Item<'_>) -> String {
    let mut text = String::new();
    write_item(item, &mut text);
    text
}

fn key(kind: KeyType, limit: usize) -> impl Strategy<Value = Value<'static>> {
    let length = || prop_oneof![0..3_usize, limit - 2..limit + 3];
    let letters = (length(), any::<bool>()).prop_map(|(bytes, wide)| {
        let text = if wide { "é".repeat(bytes / 2) } else { "x".repeat(bytes) };
        Value::S(text.into())
    });
    let of_kind = match kind {
        KeyType::S => letters.boxed(),
        KeyType::N => testing::numbers().prop_map(Value::N).boxed(),
        KeyType::B => length().prop_map(|bytes| Value::B(vec![0xFF; bytes].into())).boxed(),
    };
    prop_oneof![5 => of_kind, 1 => testing::values()]
}

/// Numbers whose digits are many, whose exponents are large, or which are none.
fn numbers() -> impl Strategy<Value = String> {
    let exponents = prop_oneof![-136..-124_i32, 118..130_i32];
    let at_the_ends = ("-?[1-9][0-9]{0,3}", exponents)
        .prop_map(|(digits, exponent)| format!("{digits}E{exponent}"));
    let numbers = prop_oneof![
        "-?[1-9][0-9]{34,40}",
        "-?[0-9]{1,20}\\.[0-9]{16,20}",
        "[-+]?[0-9]{0,2}\\.?[0-9]{0,2}([eE][-+]?[0-9]{0,2})?",
        at_the_ends,
    ];
    numbers.prop_map(|number| format!(r#"{{"N":"{number}"}}"#))
}

/// Sets of few members, which may repeat and may be none at all.
fn sets() -> impl Strategy<Value = String> {
    let texts = vec(select(vec!["", "a", "A", "b", "é", "e\u{301}", "🦀"]), 0..4);
    let numbers =
        vec(select(vec!["1", "1.0", "+1", "1E0", "0", "-0", "0E5", "10", "1E1", "-1", ".1"]), 0..4);
    let bytes = vec(select(vec!["", "YQ==", "Yg==", "YWI=", "/+8="]), 0..4);
    let set = |descriptor: &'static str| {
        move |members: Vec<&'static str>| {
            let members: Vec<String> = members.iter().map(|it| format!("\"{it}\"")).collect();
            format!(r#"{{"{descriptor}":[{}]}}"#, members.join(","))
        }
    };
    prop_oneof![texts.prop_map(set("SS")), numbers.prop_map(set("NS")), bytes.prop_map(set("BS"))]
}

/// Lists and maps about as deep as they can be.
fn nested() -> impl Strategy<Value = String> {
    let innermost = select(vec![
        r#"{"S":""}"#,
        r#"{"NULL":true}"#,
        r#"{"NS":["1","2"]}"#,
        r#"{"L":[]}"#,
        r#"{"M":{}}"#,
    ]);
    (innermost, vec(any::<bool>(), MAX_NESTING - 4..MAX_NESTING + 3)).prop_map(|(value, layers)| {
        layers.into_iter().fold(value.to_owned(), |value, list| {
            if list {
                format!(r#"{{"L":[{value}]}}"#)
            } else {
                format!(r#"{{"M":{{"a":{value}}}}}"#)
            }
        })
    })
}

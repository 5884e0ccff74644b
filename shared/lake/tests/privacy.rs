//! What privacy rules are on is in no byte of a file, and what they are not on is as without them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use arrow::array::{Array, ArrayData, RecordBatch};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use item::format::dynamodb_json::parse_item;
use item::privacy::{Privacy, Redaction};
use item::testing::items;
use item::{Item, Map, Value};
use lake::{Registry, Row, RowOp, Rows, StoredRow, parquet, read};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// A text, bytes and a number that nothing else holds.
const TEXT: &str = "planted secret";
const NUMBER: i64 = 7_316_529_480_173_625_914;

fn redaction(rules: &str) -> Option<Arc<Redaction>> {
    let key = Some("0123456789abcdef0123456789abcdef");
    Privacy::new(rules.parse().unwrap(), key).unwrap().of("t")
}

/// A secret of any type that can hold one, alone or within others.
fn secrets() -> impl Strategy<Value = Value<'static>> {
    let bytes = || Value::B(TEXT.as_bytes().into());
    let leaf = select(vec![
        Value::S(TEXT.into()),
        Value::N(NUMBER.into()),
        bytes(),
        Value::Ss(vec!["a".into(), TEXT.into()]),
        Value::Ns(vec![NUMBER.into(), 1.into()]),
        Value::Bs(vec![TEXT.as_bytes().into()]),
    ]);
    leaf.prop_recursive(2, 4, 2, |inner| {
        prop_oneof![
            vec(inner.clone(), 1..3).prop_map(Value::L),
            inner.clone().prop_map(|value| Value::M(Map::from_iter([("x".into(), value)]))),
            // A name may be a secret too, within a value that is one.
            inner.prop_map(|value| Value::M(Map::from_iter([(TEXT.into(), value)]))),
        ]
    })
}

/// Rules on everything that [`with_secrets`] plants.
const RULES: &str = "t:drop=ssn,card.number; t:hash=email,cards.number,a";

/// An item with secrets where [`RULES`] are.
fn with_secrets() -> impl Strategy<Value = Item<'static>> {
    let secrets = vec(proptest::option::of(secrets()), 5);
    (items(), secrets, items()).prop_map(|(mut item, secrets, beside)| {
        let mut secrets = secrets.into_iter();
        for name in ["ssn", "email", "a"] {
            if let Some(secret) = secrets.next().flatten() {
                item.insert(name, secret);
            }
        }
        let mut card = beside.into_map();
        if let Some(secret) = secrets.next().flatten() {
            card.insert("number", secret);
        }
        item.insert("card", Value::M(card));
        if let Some(secret) = secrets.next().flatten() {
            let card = Value::M(Map::from_iter([("number".into(), secret)]));
            item.insert("cards", Value::L(vec![card.clone(), Value::L(vec![card])]));
        }
        item
    })
}

fn operations() -> impl Strategy<Value = RowOp> {
    select(vec![RowOp::Insert, RowOp::Modify, RowOp::Remove, RowOp::Snapshot])
}

/// The rows as a batch of a table with room for so many columns.
fn batch(
    given: &[(RowOp, Item<'static>, Option<Item<'static>>)],
    redaction: Option<Arc<Redaction>>,
    limit: usize,
) -> RecordBatch {
    let mut rows = Rows::new().under(redaction);
    for (seq, (op, item, old)) in (0_i64..).zip(given) {
        let key = Item::from_distinct(vec![("id".into(), Value::N(seq.into()))]);
        let row = Row::of_snapshot(1, &key, item);
        rows.push(&Row { op: *op, seq: &seq.to_string(), old: old.as_ref(), ..row }).unwrap();
    }
    let mut registry = Registry::new();
    registry.assign(&rows.unnamed(&registry), limit);
    rows.finish(&registry).unwrap()
}

#[expect(clippy::cast_precision_loss, reason = "as a column of doubles has it")]
/// Everything in which a secret may stand: as text, as bytes, as base64, as digits, as an integer and a double.
fn shapes() -> [Vec<u8>; 5] {
    [
        TEXT.as_bytes().to_vec(),
        STANDARD.encode(TEXT).into_bytes(),
        NUMBER.to_string().into_bytes(),
        NUMBER.to_le_bytes().to_vec(),
        NUMBER.to_string().parse::<f64>().unwrap().to_le_bytes().to_vec(),
    ]
}

fn holds(bytes: &[u8]) -> bool {
    shapes().iter().any(|shape| bytes.windows(shape.len()).any(|window| window == shape))
}

/// Whether a secret stands in the memory that a column, and what it is made of, holds.
fn data_holds(data: &ArrayData) -> bool {
    data.buffers().iter().any(|buffer| holds(buffer)) || data.child_data().iter().any(data_holds)
}

fn batch_holds(batch: &RecordBatch) -> bool {
    batch.columns().iter().any(|column| data_holds(&column.to_data()))
}

proptest! {
    #[test]
    fn no_byte_of_a_file_holds_what_rules_are_on(
        given in vec((operations(), with_secrets(), proptest::option::of(with_secrets())), 1..4),
        limit in select(vec![0, 2, 500]),
    ) {
        let redacted = batch(&given, redaction(RULES), limit);
        prop_assert!(!batch_holds(&redacted), "{redacted:?}");
        let file = parquet::write("t", &redacted).unwrap();
        prop_assert!(!holds(&file), "in the file's own text, as its statistics are");
        for row in read::rows(file).unwrap() {
            let row = row.unwrap();
            prop_assert!(StoredRow::is_intact(&row));
            prop_assert!(!holds(format!("{row:?}").as_bytes()), "{row:?}");
        }
    }

    #[test]
    fn rules_on_what_is_not_there_change_no_byte(
        given in vec((operations(), items(), proptest::option::of(items())), 1..4),
        limit in select(vec![0, 2, 500]),
    ) {
        let under = |redaction| parquet::write("t", &batch(&given, redaction, limit)).unwrap();
        prop_assert_eq!(under(redaction("t:drop=ssn,card.number;t:hash=email")), under(None));
    }
}

#[test]
fn a_planted_secret_is_found_without_rules() {
    let plant = |value: &str| {
        let item = parse_item(value.as_bytes()).unwrap().into_owned();
        [500, 0].map(|limit| {
            let given = [(RowOp::Insert, item.clone(), None)];
            batch_holds(&batch(&given, redaction("t:drop=other"), limit))
        })
    };
    for value in [
        r#"{"a":{"S":"planted secret"}}"#,
        r#"{"a":{"B":"cGxhbnRlZCBzZWNyZXQ="}}"#,
        r#"{"a":{"N":"7316529480173625914"}}"#,
        r#"{"a":{"BS":["cGxhbnRlZCBzZWNyZXQ="]}}"#,
        r#"{"a":{"L":[{"M":{"x":{"N":"7316529480173625914"}}}]}}"#,
    ] {
        assert_eq!(plant(value), [true, true], "{value}");
    }
}

/// A change and a snapshot of one item have one hash, and its values one hash each, however they were written.
#[test]
fn both_sides_of_an_audit_are_under_the_rules() {
    let column = |batch: &RecordBatch, name: &str| {
        let column = batch.column_by_name(name).unwrap();
        format!("{:?}", column.slice(0, 1))
    };
    let of = |op: RowOp, item: &str| {
        let item = parse_item(item.as_bytes()).unwrap().into_owned();
        batch(&[(op, item, None)], redaction("t:drop=ssn; t:hash=n,s"), 500)
    };
    let change = of(
        RowOp::Modify,
        r#"{"id":{"N":"0"},"ssn":{"S":"1"},"n":{"N":"1.50"},"s":{"SS":["b","a"]}}"#,
    );
    let snapshot = of(
        RowOp::Snapshot,
        r#"{"s":{"SS":["a","b"]},"n":{"N":"15E-1"},"id":{"N":"0"},"ssn":{"S":"2"}}"#,
    );
    for name in ["_hash", "n", "s"] {
        assert_eq!(column(&change, name), column(&snapshot, name), "{name}");
    }
    assert!(change.column_by_name("ssn").is_none());
}

/// The column of a key attribute is under its rule, in rows of removed items too; `_key` is not.
#[test]
fn a_key_is_in_key_alone() {
    for op in [RowOp::Insert, RowOp::Remove] {
        let item = parse_item(br#"{"id":{"N":"0"},"x":{"S":"x"}}"#).unwrap().into_owned();
        let given = [(op, item.clone(), Some(item))];
        let dropped = batch(&given, redaction("t:drop=id"), 500);
        assert!(dropped.column_by_name("id").is_none());
        let file = parquet::write("t", &dropped).unwrap();
        let row = read::rows(file).unwrap().next().unwrap().unwrap();
        assert_eq!(item::canonical(&row.key), r#"{"id":{"N":"0"}}"#);
        assert_eq!(row.old.as_ref().map(item::canonical).as_deref(), Some(r#"{"x":{"S":"x"}}"#));
        let hashed = batch(&given, redaction("t:hash=id"), 500);
        let id = format!("{:?}", hashed.column_by_name("id").unwrap());
        assert!(id.contains("StringArray"), "{id}");
    }
}

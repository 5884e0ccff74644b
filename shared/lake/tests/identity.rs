//! No value is lost: item -> Parquet -> item is the identity, whatever the registry knows.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use arrow::array::{AsArray, RecordBatch, StringArray};
use item::change::Actor;
use item::limits::{MAX_NESTING, MAX_READ_DEPTH};
use item::testing::items;
use item::{Item, Map, Number, Value};
use lake::{DEFAULT_COLUMN_LIMIT, Registry, Row, RowOp, Rows, StoredRow, parquet, read};
use proptest::collection::vec;
use proptest::prelude::*;

/// What a row is made of, as owned values.
#[derive(Debug, Clone)]
struct Given {
    op: RowOp,
    ts_ms: i64,
    seq: u64,
    by: Actor,
    key: Item<'static>,
    item: Item<'static>,
    old: Option<Item<'static>>,
}

impl Given {
    fn row<'r>(&'r self, seq: &'r str) -> Row<'r> {
        Row {
            op: self.op,
            ts_ms: self.ts_ms,
            stream: "20261122150000000",
            seq,
            by: Some(self.by),
            event_id: "an event",
            key: &self.key,
            item: Some(&self.item),
            old: self.old.as_ref(),
        }
    }
}

fn given() -> impl Strategy<Value = Given> {
    let op = prop_oneof![Just(RowOp::Insert), Just(RowOp::Modify), Just(RowOp::Remove)];
    let by = prop_oneof![Just(Actor::User), Just(Actor::TimeToLive)];
    let key =
        "[a-c]{1,2}".prop_map(|id| Item::from_distinct(vec![("id".into(), Value::S(id.into()))]));
    (op, 0..4_000_000_000_000_i64, any::<u64>(), by, key, items(), proptest::option::of(items()))
        .prop_map(|(op, ts_ms, seq, by, key, item, old)| Given {
            op,
            ts_ms,
            seq,
            by,
            key,
            item,
            old,
        })
}

/// What `given` becomes.
fn batch(given: &[Given], registry: Registry, limit: usize) -> RecordBatch {
    gathered(Rows::new(), given, registry, limit)
}

/// What `given` becomes of `rows`, which has none yet.
fn gathered(mut rows: Rows, given: &[Given], mut registry: Registry, limit: usize) -> RecordBatch {
    for row in given {
        rows.push(&row.row(&row.seq.to_string())).unwrap();
    }
    registry.assign(&rows.unnamed(&registry), limit);
    rows.finish(&registry).unwrap()
}

/// The items before, written anew.
fn old_texts(given: &[Given]) -> Vec<Option<String>> {
    given.iter().map(|row| row.old.as_ref().map(item::canonical)).collect()
}

fn stored(row: &Given) -> StoredRow {
    let item = Some(row.item.clone()).filter(|_| row.op != RowOp::Remove);
    StoredRow {
        op: row.op,
        ts_ms: row.ts_ms,
        stream: "20261122150000000".to_owned(),
        seq: format!("{:040}", row.seq),
        key: row.key.clone(),
        hash: item.as_ref().map(item::hash),
        item,
        old: row.old.clone(),
        by: Some(row.by),
        event_id: "an event".to_owned(),
    }
}

#[track_caller]
fn check(given: &[Given], registry: Registry, limit: usize) {
    let once = batch(given, registry.clone(), limit);
    let old: &StringArray = once.column_by_name("_old").unwrap().as_string();
    assert!(old.iter().eq(old_texts(given).iter().map(Option::as_deref)), "{old:?}");
    let bytes = parquet::write("planes", &once).unwrap();
    let again = parquet::write("planes", &batch(given, registry, limit)).unwrap();
    assert_eq!(bytes, again, "the same rows give the same bytes");
    let found: Vec<_> = read::rows(bytes).unwrap().collect::<Result<_, _>>().unwrap();
    let expected: Vec<_> = given.iter().map(stored).collect();
    assert_eq!(found, expected);
    assert!(found.iter().all(StoredRow::is_intact));
}

proptest! {
    #[test]
    fn the_memory_of_other_rows_changes_nothing(
        before in vec(given(), 0..8),
        given in vec(given(), 0..8),
        limit in 0..6_usize,
    ) {
        let memory = batch(&before, Registry::new(), DEFAULT_COLUMN_LIMIT);
        let rows = Rows::in_memory_of(memory);
        prop_assert!(rows.is_empty());
        let found = gathered(rows, &given, Registry::new(), limit);
        prop_assert_eq!(found, batch(&given, Registry::new(), limit));
    }

    #[test]
    fn with_a_column_for_everything(given in vec(given(), 0..6)) {
        check(&given, Registry::new(), DEFAULT_COLUMN_LIMIT);
    }

    #[test]
    fn with_everything_in_rest(given in vec(given(), 0..6)) {
        check(&given, Registry::new(), 0);
    }

    #[test]
    fn with_two_columns(given in vec(given(), 0..6)) {
        check(&given, Registry::new(), 2);
    }

    #[test]
    fn with_a_registry_of_other_rows(before in vec(given(), 0..3), given in vec(given(), 0..6)) {
        let mut rows = Rows::new();
        for row in &before {
            rows.push(&Row::of_snapshot(0, &row.key, &row.item)).unwrap();
        }
        let mut registry = Registry::new();
        registry.assign(&rows.unnamed(&registry), 5);
        check(&given, registry.clone(), DEFAULT_COLUMN_LIMIT);
        check(&given, registry, 0);
    }
}

/// One row with one attribute.
fn one(value: Value<'static>) -> Vec<Given> {
    let key = Item::from_distinct(vec![("id".into(), Value::S("a".into()))]);
    let item = Item::from_distinct(vec![("v".into(), value)]);
    vec![Given { op: RowOp::Insert, ts_ms: 0, seq: 1, by: Actor::User, key, item, old: None }]
}

#[test]
fn numbers_at_the_edges() {
    let digits = "9".repeat(38);
    for text in [
        "0",
        "-0.1",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775809",
        "9007199254740993.5",
        "0.1000000000000000055511151231257827",
        "1E125",
        "-1E-130",
        &digits,
        &format!("0.{digits}"),
        &format!("{digits}E88"),
    ] {
        let number = Number::parse(text).unwrap().into_owned();
        let set = vec![number.clone(), Number::from(7)];
        check(&one(Value::N(number.clone())), Registry::new(), 1);
        check(&one(Value::Ns(set)), Registry::new(), 1);
        check(&one(Value::L(vec![Value::N(number)])), Registry::new(), 1);
    }
}

#[test]
fn empty_values() {
    for value in [
        Value::S("".into()),
        Value::B(Vec::new().into()),
        Value::L(Vec::new()),
        Value::M(Map::new()),
        Value::Ss(vec!["".into()]),
        Value::Bs(vec![Vec::new().into()]),
    ] {
        check(&one(value.clone()), Registry::new(), 1);
        check(&one(value), Registry::new(), 0);
    }
}

#[test]
fn nesting_to_the_limit() {
    for depth in [MAX_NESTING, MAX_NESTING + 1, MAX_READ_DEPTH] {
        for inner in [Value::Null, Value::Ss(vec!["a".into()])] {
            let list = (0..depth).fold(inner.clone(), |value, _| Value::L(vec![value]));
            let map = (0..depth)
                .fold(inner, |value, _| Value::M(Map::from_distinct(vec![("m".into(), value)])));
            for value in [list, map] {
                check(&one(value.clone()), Registry::new(), 1);
                check(&one(value), Registry::new(), 0);
            }
        }
    }
}

#[test]
fn what_would_not_come_back_is_refused() {
    let deep = (0..=MAX_READ_DEPTH).fold(Value::Null, |value, _| Value::L(vec![value]));
    let given = one(deep);
    let mut rows = Rows::new();
    rows.push(&given[0].row("1")).unwrap();
    let error = rows.finish(&Registry::new()).unwrap_err().to_string();
    assert_eq!(error, "attribute \"v\" would not come back: expected a JSON object or array");
}

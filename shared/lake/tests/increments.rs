//! Incremental exports as the lake has them: replayed over the table as it stood when their first window began,
//! they give the table as it stood when their last one ended, whatever the history and wherever it is cut.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use item::format::dynamodb_json::write_item;
use item::format::{Format, Reader};
use item::key::{KeyAttribute, KeySchema, KeyType};
use item::{Item, Number, Value};
use lake::export::View;
use lake::{DEFAULT_COLUMN_LIMIT, ExportFile, Registry, Row, RowOp, StoredRow, read};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;

/// When, in microseconds since the first; which item; what it holds then, or nothing if it is deleted.
#[derive(Debug, Clone)]
struct Write {
    at_us: i64,
    key: u8,
    value: Option<Value<'static>>,
}

/// A table's items by key.
type Table = BTreeMap<u8, Item<'static>>;

const BEGINNING_US: i64 = 1_795_359_600_000_000;
/// The end of every history.
const END_US: i64 = 40_000_000;

fn values() -> impl Strategy<Value = Value<'static>> {
    // Of several kinds, and one that no column holds.
    prop_oneof![
        (0..3_i64).prop_map(|n| Value::N(n.into())),
        Just(Value::S("text".into())),
        Just(Value::Null),
    ]
}

fn histories() -> impl Strategy<Value = Vec<Write>> {
    let write = (0..END_US, 0..4_u8, proptest::option::weighted(0.6, values()));
    vec(write, 0..20).prop_map(|writes| {
        let mut writes: Vec<Write> =
            writes.into_iter().map(|(at_us, key, value)| Write { at_us, key, value }).collect();
        writes.sort_by_key(|write| write.at_us);
        writes
    })
}

fn key(key: u8) -> Item<'static> {
    Item::from_distinct(vec![("id".into(), Value::N(Number::from(i64::from(key))))])
}

/// The table when every write before a time is made.
fn table_at(history: &[Write], time_us: i64) -> Table {
    let mut table = Table::new();
    for write in history.iter().filter(|write| write.at_us < time_us) {
        match &write.value {
            Some(value) => {
                let id = Value::N(Number::from(i64::from(write.key)));
                let entries = vec![("id".into(), id), ("v".into(), value.clone())];
                table.insert(write.key, Item::from_distinct(entries));
            }
            None => drop(table.remove(&write.key)),
        }
    }
    table
}

/// The lines of the export of a window, as DynamoDB writes them.
fn lines(history: &[Write], (from, to): (i64, i64), view: View) -> String {
    let (before, after) = (table_at(history, from), table_at(history, to));
    let mut written = BTreeMap::new();
    for write in history.iter().filter(|write| (from..to).contains(&write.at_us)) {
        written.insert(write.key, write.at_us);
    }
    let mut lines = String::new();
    for (id, at_us) in written {
        let (old, new) = (before.get(&id), after.get(&id));
        if old.is_none() && new.is_none() {
            continue;
        }
        let at_us = BEGINNING_US + at_us;
        write!(lines, r#"{{"Metadata":{{"WriteTimestampMicros":{{"N":"{at_us}"}}}},"Keys":"#)
            .unwrap();
        write_item(&key(id), &mut lines);
        let old = old.filter(|_| view == View::NewAndOldImages);
        for (name, image) in [("OldImage", old), ("NewImage", new)] {
            if let Some(image) = image {
                write!(lines, r#","{name}":"#).unwrap();
                write_item(image, &mut lines);
            }
        }
        lines.push_str("}\n");
    }
    lines
}

/// The rows of the file that these lines become.
fn rows(lines: &str, view: View) -> Vec<StoredRow> {
    let schema = KeySchema::simple(KeyAttribute::new("id", KeyType::N));
    let mut file = ExportFile::new(Vec::new(), "orders").unwrap();
    let mut reader = Reader::of_changes(lines.as_bytes(), &Format::DynamoDbJson).unwrap();
    while let Some(line) = reader.next_row().unwrap() {
        let change = line.change().unwrap();
        let key = schema.key_of(&change.keys).unwrap();
        file.push(&Row::of_increment(&key, &change, view).unwrap()).unwrap();
    }
    let mut registry = Registry::new();
    registry.assign(&file.unnamed(&registry), DEFAULT_COLUMN_LIMIT);
    file.write_rows(&registry).unwrap();
    read::rows(file.finish().unwrap()).unwrap().collect::<Result<_, _>>().unwrap()
}

fn replay(items: &mut BTreeMap<String, Item<'static>>, rows: Vec<StoredRow>) {
    for row in rows {
        let key = item::canonical(&row.key);
        match row.item {
            Some(item) => drop(items.insert(key, item)),
            None => drop(items.remove(&key)),
        }
    }
}

fn by_key(table: Table) -> BTreeMap<String, Item<'static>> {
    table.into_iter().map(|(id, item)| (item::canonical(&key(id)), item)).collect()
}

proptest! {
    #[test]
    fn windows_over_the_table_at_their_beginning_give_the_table_at_their_end(
        history in histories(),
        cuts in btree_set(0..=END_US, 2..8),
        view in select(vec![View::NewImage, View::NewAndOldImages]),
    ) {
        let cuts: Vec<i64> = cuts.into_iter().collect();
        let mut items = by_key(table_at(&history, cuts[0]));
        for window in cuts.windows(2) {
            let (from, to) = (window[0], window[1]);
            let rows = rows(&lines(&history, (from, to), view), view);
            replay(&mut items, rows.clone());
            prop_assert_eq!(&items, &by_key(table_at(&history, to)));
            // Delivered twice, it changes nothing.
            replay(&mut items, rows);
            prop_assert_eq!(&items, &by_key(table_at(&history, to)));
        }
    }

    #[test]
    fn a_row_tells_what_it_was_and_what_it_is(history in histories(), from in 0..END_US) {
        let view = View::NewAndOldImages;
        let before = by_key(table_at(&history, from));
        let after = by_key(table_at(&history, END_US));
        for row in rows(&lines(&history, (from, END_US), view), view) {
            let key = item::canonical(&row.key);
            let (old, new) = (before.get(&key), after.get(&key));
            prop_assert_eq!((row.old.as_ref(), row.item.as_ref()), (old, new));
            let op = match (old, new) {
                (None, Some(_)) => RowOp::Insert,
                (Some(_), Some(_)) => RowOp::Modify,
                (_, None) => RowOp::Remove,
            };
            prop_assert_eq!(row.op, op);
            prop_assert!(row.is_intact());
            prop_assert!(row.ts_ms >= (BEGINNING_US + from).div_euclid(1000));
            prop_assert_eq!((row.stream, row.seq, row.by, row.event_id), Default::default());
        }
    }
}

#[test]
fn without_old_images_what_is_there_was_changed() {
    let change = |view| {
        let line = r#"{"Metadata":{"WriteTimestampMicros":{"N":"1999"}},"Keys":{"id":{"N":"1"}},"NewImage":{"id":{"N":"1"}}}"#;
        let row = rows(line, view).remove(0);
        (row.op, row.ts_ms)
    };
    assert_eq!(change(View::NewImage), (RowOp::Modify, 1));
    assert_eq!(change(View::NewAndOldImages), (RowOp::Insert, 1));
}

#[test]
fn a_time_before_1970_is_no_row() {
    let line =
        br#"{"Metadata":{"WriteTimestampMicros":{"N":"-1"}},"Keys":{},"NewImage":{"id":{"N":"1"}}}"#;
    let mut reader = Reader::of_changes(line.as_slice(), &Format::DynamoDbJson).unwrap();
    let row = reader.next_row().unwrap().unwrap();
    let change = row.change().unwrap();
    let refused = Row::of_increment(&change.keys, &change, View::NewImage).unwrap_err();
    insta::assert_snapshot!(refused, @"time -1 ms is not within the years 1970 to 9999");
}

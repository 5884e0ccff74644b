//! Many change files to one: the same rows and the same columns, wherever a column began.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use ::parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use ::parquet::file::metadata::RowGroupMetaData;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{FieldRef, TimestampMillisecondType};
use arrow::util::display::array_value_to_string;
use bytes::Bytes;
use item::change::Actor;
use item::format::dynamodb_json::parse_item;
use item::{Item, Value, testing};
use lake::catalog::{ColumnDefinition, TableDefinition};
use lake::compaction::{Merge, MergeError};
use lake::footer::{self, Footers, Tail};
use lake::{
    ATTRIBUTE, DEFAULT_COLUMN_LIMIT, Fold, Registry, Row, RowOp, Rows, StoredRow, parquet, read,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// A table, its catalog table and the files that were written of it.
struct Life {
    definition: TableDefinition,
    files: Vec<Vec<u8>>,
}

/// A change: a stream, a sequence number, a key, and the item unless it is a remove.
type Change = (u8, u8, u8, Option<Item<'static>>);

impl Life {
    fn new() -> Self {
        let definition = TableDefinition::changes("t", "t__changes", "b", 0).unwrap();
        Self { definition, files: Vec::new() }
    }

    /// A person adds a column for the attribute `a`.
    fn add(&mut self, name: &str, type_text: &str) {
        self.definition.columns.push(ColumnDefinition {
            name: name.to_owned(),
            type_text: type_text.to_owned(),
            comment: None,
            parameters: [(ATTRIBUTE.to_owned(), "a".to_owned())].into(),
        });
    }

    /// Writes a file of changes; without the catalog, all that has no column yet goes to `_rest`.
    fn write(&mut self, changes: &[Change], has_catalog: bool) {
        let mut rows = Rows::new();
        for (stream, seq, key, item) in changes {
            let key = Item::from_distinct(vec![("id".into(), Value::S(key.to_string().into()))]);
            rows.push(&Row {
                op: if item.is_some() { RowOp::Modify } else { RowOp::Remove },
                ts_ms: i64::from(*seq) * 1000,
                stream: &format!("2026112215000000{stream}"),
                seq: &seq.to_string(),
                by: Some(if seq % 5 == 0 { Actor::TimeToLive } else { Actor::User }),
                event_id: &format!("e{seq}"),
                key: &key,
                item: item.as_ref(),
                old: item.as_ref().filter(|_| seq % 2 == 0),
            })
            .unwrap();
        }
        let mut registry = Registry::from(&self.definition);
        if has_catalog {
            let added = registry.assign(&rows.unnamed(&registry), DEFAULT_COLUMN_LIMIT);
            self.definition.add(&added);
        }
        self.files.push(parquet::write("t", &rows.finish(&registry).unwrap()).unwrap());
    }
}

fn merged(files: &[Vec<u8>]) -> Result<Vec<u8>, MergeError> {
    let mut merge = Merge::new(Vec::new(), "t")?;
    let mut rows = 0;
    for file in files {
        rows += merge.push(Bytes::copy_from_slice(file))?;
    }
    let (file, written) = merge.finish()?;
    assert_eq!(written, rows);
    Ok(file)
}

fn rows(file: &[u8]) -> Vec<StoredRow> {
    read::rows(file.to_vec()).unwrap().collect::<Result<_, _>>().unwrap()
}

/// Every value that is not null as text, row by row and by column.
fn cells(file: &[u8]) -> Vec<BTreeMap<String, String>> {
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let file = Bytes::copy_from_slice(file);
    let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options).unwrap();
    let of_row = |batch: &RecordBatch, row: usize| {
        let columns = batch.schema_ref().fields().iter().zip(batch.columns());
        let there = columns.filter(|(_, array)| array.is_valid(row));
        let text = |(field, array): (&FieldRef, &ArrayRef)| {
            (field.name().clone(), format!("{} {}", field.data_type(), cell(array, row)))
        };
        there.map(text).collect()
    };
    let of_batch = |batch: RecordBatch| {
        (0..batch.num_rows()).map(|row| of_row(&batch, row)).collect::<Vec<_>>()
    };
    reader.build().unwrap().flat_map(|batch| of_batch(batch.unwrap())).collect()
}

/// A cell as text; a time as milliseconds since 1970.
fn cell(array: &ArrayRef, row: usize) -> String {
    match array.as_primitive_opt::<TimestampMillisecondType>() {
        Some(times) => times.value(row).to_string(),
        None => array_value_to_string(array, row).unwrap(),
    }
}

/// What the footers say of the table's columns.
fn restored(files: &[Vec<u8>]) -> BTreeMap<String, ColumnDefinition> {
    let mut footers = Footers::new();
    for (number, file) in files.iter().enumerate() {
        let Tail::Complete(footer) = footer::read(file).unwrap() else {
            panic!("a whole file is tail enough")
        };
        footers.add(&format!("changes/t/dt=1970-01-01/{number}.parquet"), footer);
    }
    let mut definition = TableDefinition::changes("t", "t__changes", "b", 0).unwrap();
    assert_eq!(footers.restore(&mut definition), []);
    definition.columns.into_iter().map(|column| (column.name.clone(), column)).collect()
}

#[track_caller]
fn check(files: &[Vec<u8>]) -> Vec<u8> {
    let merged = merged(files).unwrap();
    let before: Vec<_> = files.iter().flat_map(|file| rows(file)).collect();
    let after = rows(&merged);
    assert_eq!(after, before);
    assert!(after.iter().all(StoredRow::is_intact));
    let before: Vec<_> = files.iter().flat_map(|file| cells(file)).collect();
    assert_eq!(cells(&merged), before);
    assert_eq!(restored(std::slice::from_ref(&merged)), restored(files));
    merged
}

fn state(files: &[Vec<u8>]) -> Vec<String> {
    let mut fold = Fold::new();
    fold.extend(files.iter().flat_map(|file| rows(file)));
    fold.items().map(item::canonical).collect()
}

fn change() -> impl Strategy<Value = Change> {
    (0..2_u8, 0..30_u8, 0..3_u8, prop::option::weighted(0.8, testing::items()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The same rows, cells and columns; so the same history and the same state, also beside the inputs.
    #[test]
    fn a_merged_file_is_its_inputs(
        batches in vec((vec(change(), 1..5), prop::bool::weighted(0.8)), 1..6),
        again in vec(any::<prop::sample::Index>(), 0..3),
    ) {
        let mut life = Life::new();
        life.add("mine", "decimal(12,2)");
        life.add("day", "date");
        for (changes, has_catalog) in &batches {
            life.write(changes, *has_catalog);
        }
        // Retries: the same changes, with the columns of now.
        for index in again {
            life.write(&index.get(&batches).0, true);
        }
        let merged = check(&life.files);
        let expected = state(&life.files);
        prop_assert_eq!(state(std::slice::from_ref(&merged)), expected.clone());
        life.files.push(merged);
        prop_assert_eq!(state(&life.files), expected);
        // And a merged file can be merged again.
        check(&life.files);
    }
}

fn item(text: &str) -> Item<'static> {
    parse_item(text.as_bytes()).unwrap().into_owned()
}

/// A change of the only key to an item.
fn to(seq: u8, text: &str) -> Change {
    (0, seq, 0, Some(item(text)))
}

#[test]
fn columns_of_every_kind_and_of_users_stay_what_they_are() {
    let mut life = Life::new();
    life.write(&[to(1, r#"{"id":{"S":"0"},"n":{"N":"1"}}"#)], true);
    for (name, type_text) in [
        ("as_text", "string"),
        ("as_int", "int"),
        ("as_long", "bigint"),
        ("as_double", "double"),
        ("small", "decimal(5,2)"),
        ("middle", "decimal(18,2)"),
        ("large", "decimal(38,2)"),
        ("flag", "boolean"),
        ("day", "date"),
        ("at", "timestamp"),
    ] {
        life.add(name, type_text);
    }
    for (seq, value) in [
        r#"{"N":"12"}"#,
        r#"{"S":"2026-11-22"}"#,
        r#"{"S":"2026-11-22T15:00:00.5Z"}"#,
        r#"{"BOOL":true}"#,
        r#"{"B":"AP8="}"#,
        r#"{"SS":["a","b"]}"#,
        r#"{"NS":["1","2"]}"#,
        r#"{"NS":["1","2.5"]}"#,
        r#"{"BS":["AP8="]}"#,
        r#"{"M":{"x":{"NULL":true}}}"#,
        r#"{"N":"0.1"}"#,
        r#"{"N":"12345678901234567890123456789012345678"}"#,
        r#"{"NULL":true}"#,
    ]
    .into_iter()
    .enumerate()
    {
        let seq = u8::try_from(seq).unwrap() + 2;
        life.write(&[to(seq, &format!(r#"{{"id":{{"S":"0"}},"a":{value}}}"#))], true);
    }
    let merged = check(&life.files);
    let filled: std::collections::BTreeSet<_> =
        cells(&merged).into_iter().flat_map(BTreeMap::into_keys).collect();
    let never: Vec<_> = life
        .definition
        .columns
        .iter()
        .filter(|column| !filled.contains(&column.name))
        .map(|column| column.name.as_str())
        .collect();
    assert_eq!(never, Vec::<&str>::new());
}

#[test]
fn many_files_make_few_row_groups_and_large_rows_small_ones() {
    let mut life = Life::new();
    for n in 0..300_u32 {
        let attributes = (0..20).map(|at| format!(r#","a{at}":{{"N":"{}"}}"#, n * 7 + at));
        let text = format!(r#"{{"id":{{"S":"{n}"}}{}}}"#, attributes.collect::<String>());
        life.write(&[to(u8::try_from(n % 200).unwrap(), &text)], true);
    }
    let groups = |file: Vec<u8>| {
        let reader = SerializedFileReader::new(Bytes::from(file)).unwrap();
        let groups = reader.metadata().row_groups();
        groups.iter().map(RowGroupMetaData::num_rows).collect::<Vec<_>>()
    };
    let merged = check(&life.files);
    let bytes: usize = life.files.iter().map(Vec::len).sum();
    assert!(merged.len() * 10 < bytes, "{} of {bytes} bytes", merged.len());
    assert_eq!(groups(merged), [300]);

    // Values that repeat take little in a file and much in memory.
    let mut life = Life::new();
    let large = format!(r#"{{"id":{{"S":"0"}},"a":{{"S":"{}"}}}}"#, "x".repeat(100_000));
    let changes: Vec<_> = (0..100).map(|seq| to(seq, &large)).collect();
    for _ in 0..3 {
        life.write(&changes, true);
    }
    let groups = groups(check(&life.files));
    assert!(groups.len() > 1, "{groups:?}");
}

#[test]
fn what_does_not_go_together_is_refused() {
    let of = |table: &str, attribute: &str| {
        let mut rows = Rows::new();
        let key = item(r#"{"id":{"S":"0"}}"#);
        let item = item(&format!(r#"{{"id":{{"S":"0"}},{attribute}}}"#));
        rows.push(&Row::of_snapshot(0, &key, &item)).unwrap();
        let mut registry = Registry::new();
        registry.assign(&rows.unnamed(&registry), DEFAULT_COLUMN_LIMIT);
        parquet::write(table, &rows.finish(&registry).unwrap()).unwrap()
    };
    let refused = |files: &[Vec<u8>]| merged(files).unwrap_err().to_string();
    let text = of("t", r#""a":{"S":"x"}"#);
    let number = of("t", r#""a":{"N":"1"}"#);
    let other_attribute = of("t", r#""A":{"S":"x"}"#);
    insta::assert_snapshot!(refused(&[text.clone(), number]), @r#"column "a" is another than in the files before it, in type or attribute: merge neither, both can be read as they are"#);
    insta::assert_snapshot!(refused(&[text.clone(), other_attribute]), @r#"column "a" is another than in the files before it, in type or attribute: merge neither, both can be read as they are"#);
    insta::assert_snapshot!(refused(&[text.clone(), of("u", r#""a":{"S":"x"}"#)]), @r#"is of table "u", expected "t""#);
    insta::assert_snapshot!(refused(&[text.clone(), text[..text.len() - 9].to_vec()]), @"not a readable parquet file");
    insta::assert_snapshot!(refused(&[text, Vec::new()]), @"not a readable parquet file");
}

#[test]
fn the_same_files_give_the_same_bytes() {
    let mut life = Life::new();
    life.write(&[to(1, r#"{"id":{"S":"0"},"n":{"N":"1"}}"#)], true);
    life.write(&[to(2, r#"{"id":{"S":"0"},"n":{"S":"x"}}"#), (0, 3, 1, None)], true);
    assert_eq!(check(&life.files), check(&life.files));
}

//! Files that are none of the lake's, or were damaged, are told from empty ones.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::WriterProperties;
use arrow::array::{
    ArrayRef, Int64Array, ListArray, ListBuilder, RecordBatch, StringArray, StringBuilder,
    new_null_array,
};
use arrow::datatypes::Int64Type;
use item::Item;
use item::format::dynamodb_json::parse_item;
use lake::{ColumnKey, Kind, ReadError, Registry, Row, Rows, parquet, read};

/// An item of a snapshot that is its own key.
fn snapshot<'r>(item: &'r Item<'r>) -> Row<'r> {
    Row::of_snapshot(0, item, item)
}

/// One row with one string attribute, as a record batch.
fn batch() -> RecordBatch {
    let item = parse_item(br#"{"id":{"S":"a"}}"#).unwrap();
    let mut rows = Rows::new();
    rows.push(&snapshot(&item)).unwrap();
    let mut registry = Registry::new();
    let key = ColumnKey { attribute: "id".to_owned(), kind: Kind::String };
    registry.assign(&[key], 1);
    rows.finish(&registry).unwrap()
}

/// The batch with one column replaced.
fn with(name: &str, array: &ArrayRef) -> RecordBatch {
    let batch = batch();
    let columns = batch.schema_ref().fields().iter().zip(batch.columns());
    RecordBatch::try_from_iter_with_nullable(columns.map(|(field, old)| {
        let replaced = field.name() == name;
        (field.name().as_str(), if replaced { Arc::clone(array) } else { Arc::clone(old) }, true)
    }))
    .unwrap()
}

/// A Parquet file whose metadata maps columns to attributes by `columns`, if that is given.
fn file(batch: &RecordBatch, columns: Option<&str>) -> Vec<u8> {
    let entry = |key: &str, text: &str| KeyValue::new(key.to_owned(), text.to_owned());
    let mut entries = vec![entry("headwater.table", "planes")];
    entries.extend(columns.map(|columns| entry("headwater.columns", columns)));
    let properties = WriterProperties::builder().set_key_value_metadata(Some(entries)).build();
    let mut file = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut file, batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    file
}

#[track_caller]
fn check(file: Vec<u8>, expected: &str) {
    let rows = read::rows(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let error = rows.unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
}

fn texts(text: &str) -> ArrayRef {
    Arc::new(StringArray::from(vec![text]))
}

const ID: Option<&str> = Some(r#"{"id":{"attribute":"id","kind":"string"}}"#);

#[test]
fn not_parquet() {
    let whole = parquet::write("planes", &batch()).unwrap();
    check(Vec::new(), "not a readable parquet file");
    check(b"{\"id\":1}".to_vec(), "not a readable parquet file");
    check(whole[..whole.len() - 1].to_vec(), "not a readable parquet file");
}

#[test]
fn not_of_the_lake() {
    check(file(&batch(), None), "\"headwater.columns\" is missing");
    check(file(&batch(), Some("{")), "\"headwater.columns\" is malformed");
    let later = Some(r#"{"id":{"attribute":"id","kind":"uuid"}}"#);
    check(file(&batch(), later), "no kind of column is called \"uuid\"");
    let alone = RecordBatch::try_from_iter([("id", texts("a"))]).unwrap();
    check(file(&alone, ID), "column \"_op\" is missing");
}

#[test]
fn columns_of_another_type() {
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    check(file(&with("id", &numbers), ID), "column \"id\": expected Utf8, found Int64");
    check(file(&with("_key", &numbers), ID), "column \"_key\": expected Utf8, found Int64");
}

#[test]
fn values_that_should_not_be_there() {
    for (column, text, expected) in [
        ("_op", "UPSERT", "row 0, column \"_op\": expected an operation"),
        ("_op", "REMOVE", "row 0, column \"_hash\": expected a hash, but for REMOVE"),
        ("_key", "{", "row 0, column \"_key\": expected an object in DynamoDB JSON"),
        ("_rest", "[]", "row 0, column \"_rest\": expected an object in DynamoDB JSON"),
        ("_by", "root", "row 0, column \"_by\": expected user or ttl"),
    ] {
        check(file(&with(column, &texts(text)), ID), expected);
    }
    let json = Some(r#"{"id":{"attribute":"id","kind":"json"}}"#);
    check(file(&batch(), json), "row 0, column \"id\": expected a JSON object or array");
}

#[test]
fn nulls_where_there_should_be_a_value() {
    for (column, expected) in [
        ("_op", "expected an operation"),
        ("_ts", "expected a time"),
        ("_key", "expected a key"),
        ("_hash", "expected a hash, but for REMOVE"),
    ] {
        let whole = batch();
        let null = new_null_array(whole.column_by_name(column).unwrap().data_type(), 1);
        check(file(&with(column, &null), ID), &format!("column \"{column}\": {expected}"));
    }
}

#[test]
fn sets_that_are_none() {
    let texts = |members: &[Option<&str>]| -> ArrayRef {
        let mut list = ListBuilder::new(StringBuilder::new());
        list.append_value(members.iter().copied());
        Arc::new(list.finish())
    };
    let numbers = |members: &[Option<i64>]| -> ArrayRef {
        Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>([Some(members.to_vec())]))
    };
    for (kind, set, expected) in [
        ("string_set", texts(&[Some("a"), None]), "a set without nulls among its members"),
        ("string_set", texts(&[]), "a set with members"),
        ("bigint_set", numbers(&[None]), "a set without nulls among its members"),
        ("bigint_set", numbers(&[]), "a set with members"),
    ] {
        let columns = format!(r#"{{"id":{{"attribute":"id","kind":"{kind}"}}}}"#);
        let expected = format!("row 0, column \"id\": expected {expected}");
        check(file(&with("id", &set), Some(&columns)), &expected);
    }
}

/// A column of every kind, and rows that are told apart.
fn batch_of_every_kind() -> RecordBatch {
    let mut rows = Rows::new();
    for n in 0..40 {
        let text = format!(
            r#"{{"id":{{"S":"{n}"}},"n":{{"N":"{n}"}},"d":{{"N":"{n}.5"}},"b":{{"BOOL":true}},
            "raw":{{"B":"aGk="}},"ss":{{"SS":["a","{n}"]}},"ns":{{"NS":["{n}"]}},
            "ds":{{"NS":["{n}.5"]}},"bs":{{"BS":["aGk="]}},"m":{{"L":[{{"N":"{n}"}}]}},
            "gone":{{"NULL":true}}}}"#
        );
        let item = parse_item(text.as_bytes()).unwrap();
        rows.push(&snapshot(&item)).unwrap();
    }
    let mut registry = Registry::new();
    registry.assign(&rows.unnamed(&registry), 500);
    rows.finish(&registry).unwrap()
}

/// Whatever is damaged, reading ends, with an error or rows; and after an error that is not about one
/// batch of rows there is no more.
#[test]
fn flipped_bytes_do_not_panic() {
    let whole = parquet::write("planes", &batch_of_every_kind()).unwrap();
    let (mut damaged, mut failed) = (0, 0);
    for at in (0..whole.len()).step_by(7) {
        for flip in [0xFF, 0x01, 0x80] {
            let mut file = whole.clone();
            file[at] ^= flip;
            let Ok(mut rows) = read::rows(file).inspect_err(|error| {
                damaged += usize::from(matches!(error, ReadError::Damaged));
            }) else {
                failed += 1;
                continue;
            };
            if let Some(Err(error)) = rows.find(Result::is_err) {
                failed += 1;
                if matches!(error, ReadError::Damaged) {
                    damaged += 1;
                    assert!(rows.next().is_none());
                }
            }
        }
    }
    assert!(failed > damaged, "{damaged} of {failed}");
    assert!(damaged > 0, "nothing panicked: the guard can go");
}

#[test]
fn a_changed_value_is_not_intact() {
    let intact = |file| read::rows(file).unwrap().all(|row| row.unwrap().is_intact());
    assert!(intact(file(&batch(), ID)));
    assert!(!intact(file(&with("id", &texts("b")), ID)));
}

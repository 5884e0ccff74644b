//! Lists, structs and maps.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, FixedSizeListArray, Float64Array, Int32Array, Int32Builder, Int64Builder,
    LargeListArray, ListArray, MapArray, MapBuilder, StringBuilder, StructArray, new_null_array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Fields};

use crate::{embedded, file_of, read, rows, same};

fn lists(values: impl Array + 'static, lengths: &[usize], nulls: &[bool]) -> ListArray {
    let field = Arc::new(Field::new_list_field(values.data_type().clone(), true));
    let offsets = OffsetBuffer::from_lengths(lengths.iter().copied());
    ListArray::new(field, offsets, Arc::new(values), Some(NullBuffer::from(nulls)))
}

#[test]
fn nested_lists() {
    let numbers = || Float64Array::from(vec![Some(1.5), None, Some(f64::NAN)]);
    let inner = lists(numbers(), &[2, 0, 1], &[true, false, true]);
    let field = Arc::new(Field::new_list_field(DataType::Int32, true));
    let large = LargeListArray::new(
        Arc::clone(&field),
        OffsetBuffer::from_lengths([1, 1]),
        Arc::new(Int32Array::from(vec![1, 2])),
        None,
    );
    let pairs = FixedSizeListArray::new(
        field,
        2,
        Arc::new(Int32Array::from(vec![Some(1), None, Some(3), Some(4)])),
        Some(NullBuffer::from(vec![true, false])),
    );
    let all = [
        same(lists(numbers(), &[2, 0, 0, 1], &[true, true, false, true])),
        same(lists(inner, &[2, 1], &[true, true])),
        same(large),
        embedded(pairs),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    v: list<double> -> L
    {"L":[{"N":"1.5"},{"NULL":true}]}
    {"L":[]}
    -
    row 3, attribute v[0]: "NaN" is not a DynamoDB number: not a decimal number; write it with digits, as in -12.5 or 1E3 | {"v":["NaN"]}
    v: list<list<double>> -> L
    {"L":[{"L":[{"N":"1.5"},{"NULL":true}]},{"NULL":true}]}
    row 1, attribute v[0][0]: "NaN" is not a DynamoDB number: not a decimal number; write it with digits, as in -12.5 or 1E3 | {"v":[["NaN"]]}
    v: list<int32> -> L
    {"L":[{"N":"1"}]}
    {"L":[{"N":"2"}]}
    v: list<int32, 2> -> L
    {"L":[{"N":"1"},{"NULL":true}]}
    -
    "#);
}

#[test]
fn structs() {
    let fields: Fields =
        vec![Field::new("a b", DataType::Int32, true), Field::new("t", DataType::Float64, true)]
            .into();
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(Int32Array::from(vec![Some(1), None, Some(3)])),
        Arc::new(Float64Array::from(vec![Some(0.5), None, Some(f64::INFINITY)])),
    ];
    let nulls = Some(NullBuffer::from(vec![true, true, true]));
    let structs = StructArray::new(fields, arrays, nulls);
    let one = StructArray::from(vec![(
        Arc::new(Field::new("s", structs.data_type().clone(), true)),
        Arc::new(structs.clone()) as ArrayRef,
    )]);
    let none = new_null_array(structs.data_type(), 1);
    let all = [same(structs), same(one), read(file_of(&none, true))];
    insta::assert_snapshot!(all.join("\n"), @r#"
    v: struct<a b: int32, t: double> -> M
    {"M":{"a b":{"N":"1"},"t":{"N":"0.5"}}}
    {"M":{}}
    row 2, attribute v.t: "Infinity" is not a DynamoDB number: not a decimal number; write it with digits, as in -12.5 or 1E3 | {"v":{"a b":3,"t":"Infinity"}}
    v: struct<s: struct<a b: int32, t: double>> -> M
    {"M":{"s":{"M":{"a b":{"N":"1"},"t":{"N":"0.5"}}}}}
    {"M":{"s":{"M":{}}}}
    row 2, attribute v.s.t: "Infinity" is not a DynamoDB number: not a decimal number; write it with digits, as in -12.5 or 1E3 | {"v":{"s":{"a b":3,"t":"Infinity"}}}
    v: struct<a b: int32, t: double> -> M
    -
    "#);
}

fn map_of_texts(entries: &[(&str, Option<i64>)]) -> MapArray {
    let mut builder = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
    for (key, value) in entries {
        builder.keys().append_value(key);
        builder.values().append_option(*value);
    }
    builder.append(true).unwrap();
    builder.append(false).unwrap();
    builder.append(true).unwrap();
    builder.finish()
}

#[test]
fn maps() {
    let mut numbers = MapBuilder::new(None, Int32Builder::new(), StringBuilder::new());
    numbers.keys().append_value(7);
    numbers.values().append_value("x");
    numbers.append(true).unwrap();
    let all = [
        same(map_of_texts(&[("a", Some(1)), ("b", None), ("", Some(2))])),
        same(map_of_texts(&[("a", Some(1)), ("a", Some(2))])),
        same(numbers.finish()),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    v: map<string, int64> -> M
    {"M":{"":{"N":"2"},"a":{"N":"1"},"b":{"NULL":true}}}
    -
    {"M":{}}
    v: map<string, int64> -> M
    row 0, attribute v: the name "a" occurs twice; DynamoDB holds a name once, rename or remove one | {"v":{"a":1,"a":2}}
    -
    {"M":{}}
    v: map<int32, string> -> M
    {"M":{"7":{"S":"x"}}}
    "#);
}

fn deep(levels: usize) -> ArrayRef {
    let leaf: ArrayRef = Arc::new(Int32Array::from(vec![1]));
    (1..levels).fold(leaf, |values, _| {
        let field = Arc::new(Field::new_list_field(values.data_type().clone(), true));
        Arc::new(ListArray::new(field, OffsetBuffer::from_lengths([1]), values, None))
    })
}

#[test]
fn nesting_ends_at_32_levels() {
    assert!(rows(file_of(&deep(32), true))[0].starts_with(r#"{"L":[{"L":["#));
    let found = &rows(file_of(&deep(33), true))[0];
    let path = format!("v{}", "[0]".repeat(32));
    let reason = "lists and maps are nested deeper than 32 levels, DynamoDB's limit";
    let text = format!("{{\"v\":{}\"nested too deep\"{}}}", "[".repeat(32), "]".repeat(32));
    assert_eq!(*found, format!("row 0, attribute {path}: {reason} | {text}"));
}

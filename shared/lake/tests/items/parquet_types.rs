//! Types that Parquet has and Arrow has not.

use std::sync::Arc;

use ::parquet::data_type::{
    ByteArray, ByteArrayType, FixedLenByteArray, FixedLenByteArrayType, Int96, Int96Type,
};
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use ::parquet::schema::parser::parse_message_type;
use bytes::Bytes;

use crate::read;

/// A file of one row group, by the Parquet schema.
fn by_schema(
    schema: &str,
    column: impl Fn(&mut SerializedRowGroupWriter<'_, &mut Vec<u8>>),
) -> Bytes {
    let schema = Arc::new(parse_message_type(&format!("message m {{ {schema} }}")).unwrap());
    let mut file = Vec::new();
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(&mut file, schema, properties).unwrap();
    let mut row_group = writer.next_row_group().unwrap();
    column(&mut row_group);
    row_group.close().unwrap();
    writer.close().unwrap();
    file.into()
}

fn fixed(schema: &str, values: &[&[u8]]) -> String {
    let values: Vec<FixedLenByteArray> =
        values.iter().map(|value| ByteArray::from(value.to_vec()).into()).collect();
    read(by_schema(schema, |row_group| {
        let mut column = row_group.next_column().unwrap().unwrap();
        column.typed::<FixedLenByteArrayType>().write_batch(&values, None, None).unwrap();
        column.close().unwrap();
    }))
}

fn byte_arrays(schema: &str, values: &[&str]) -> String {
    let values: Vec<ByteArray> = values.iter().map(|value| ByteArray::from(*value)).collect();
    read(by_schema(schema, |row_group| {
        let mut column = row_group.next_column().unwrap().unwrap();
        column.typed::<ByteArrayType>().write_batch(&values, None, None).unwrap();
        column.close().unwrap();
    }))
}

/// A time as INT96: the Julian day, and the nanoseconds of it.
fn int96(day: u32, nanoseconds: u64) -> Int96 {
    let mut value = Int96::new();
    let low = u32::try_from(nanoseconds & 0xFFFF_FFFF).unwrap();
    value.set_data(low, u32::try_from(nanoseconds >> 32).unwrap(), day);
    value
}

#[test]
fn int96_beyond_64_bits_of_nanoseconds() {
    let times = [
        int96(2_461_370, 54_000_123_456_789),
        int96(1_721_426, 0),
        int96(5_373_484, 86_399_999_999_999),
        int96(5_373_485, 0),
    ];
    let found = read(by_schema("REQUIRED INT96 v;", |row_group| {
        let mut column = row_group.next_column().unwrap().unwrap();
        column.typed::<Int96Type>().write_batch(&times, None, None).unwrap();
        column.close().unwrap();
    }));
    insta::assert_snapshot!(found, @r#"
    v: timestamp(ns), INT96 -> S
    {"S":"2026-11-25T15:00:00.123456789"}
    {"S":"0001-01-01T00:00:00.000000000"}
    {"S":"9999-12-31T23:59:59.999999999"}
    row 3, attribute v: "0 ns of Julian day 5373485" is not within the years 0 to 9999; make the column a number or a string | {"v":"0 ns of Julian day 5373485"}
    "#);
}

#[test]
fn types_that_arrow_has_not() {
    let interval = [[1, 0, 0, 0], [2, 0, 0, 0], [0xBC, 0x0B, 0, 0]].concat();
    let uuid: Vec<u8> = (0..16).map(|n| n * 17).collect();
    let all = [
        fixed("REQUIRED FIXED_LEN_BYTE_ARRAY(12) v (INTERVAL);", &[&interval]),
        fixed("REQUIRED FIXED_LEN_BYTE_ARRAY(16) v (UUID);", &[&uuid]),
        fixed("REQUIRED FIXED_LEN_BYTE_ARRAY(3) v;", &[b"abc"]),
        fixed(
            "REQUIRED FIXED_LEN_BYTE_ARRAY(5) v (DECIMAL(10, 3));",
            &[&[0xFF; 5], &[0, 0, 0, 4, 0]],
        ),
        byte_arrays("REQUIRED BYTE_ARRAY v (ENUM);", &["RED"]),
        byte_arrays("REQUIRED BYTE_ARRAY v (JSON);", &[r#"{"a":1}"#]),
        byte_arrays("REQUIRED BYTE_ARRAY v (STRING);", &["text"]),
        byte_arrays("REQUIRED BYTE_ARRAY v (DECIMAL(5, 2));", &["\0\u{1}\u{2}"]),
        byte_arrays("REQUIRED BYTE_ARRAY v;", &["hi"]),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    v: interval -> S
    {"S":"P1M2DT3.004S"}
    v: uuid -> S
    {"S":"00112233-4455-6677-8899-aabbccddeeff"}
    v: binary(3) -> B
    {"B":"YWJj"}
    v: decimal(10,3) -> N
    {"N":"-0.001"}
    {"N":"1.024"}
    v: string -> S
    {"S":"RED"}
    v: string -> S
    {"S":"{\"a\":1}"}
    v: string -> S
    {"S":"text"}
    v: decimal(5,2) -> N
    {"N":"2.58"}
    v: binary -> B
    {"B":"aGk="}
    "#);
}

#[test]
fn lists_of_uuids_after_other_columns() {
    let schema = "REQUIRED BYTE_ARRAY a (STRING); REPEATED FIXED_LEN_BYTE_ARRAY(16) v (UUID);";
    let uuid = FixedLenByteArray::from(ByteArray::from(vec![0xAB; 16]));
    let file = by_schema(schema, |row_group| {
        let mut column = row_group.next_column().unwrap().unwrap();
        let texts = ["x", "y"].map(ByteArray::from);
        column.typed::<ByteArrayType>().write_batch(&texts, None, None).unwrap();
        column.close().unwrap();
        let mut column = row_group.next_column().unwrap().unwrap();
        let values = [uuid.clone(), uuid.clone()];
        let levels = (Some(&[1, 1, 0][..]), Some(&[0, 1, 0][..]));
        column.typed::<FixedLenByteArrayType>().write_batch(&values, levels.0, levels.1).unwrap();
        column.close().unwrap();
    });
    insta::assert_snapshot!(read(file), @r#"
    a: string -> S
    v: list<uuid> -> L
    {"L":[{"S":"abababab-abab-abab-abab-abababababab"},{"S":"abababab-abab-abab-abab-abababababab"}]}
    {"L":[]}
    "#);
}

//! Values that have no others inside.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BinaryViewArray, BooleanArray, Date32Array, Date64Array, Decimal32Array,
    Decimal64Array, Decimal128Array, Decimal256Array, DictionaryArray, DurationMillisecondArray,
    DurationSecondArray, FixedSizeBinaryArray, Float16Array, Float32Array, Float64Array, Int8Array,
    Int16Array, Int32Array, Int64Array, LargeBinaryArray, LargeStringArray, NullArray, StringArray,
    StringViewArray, Time32MillisecondArray, Time32SecondArray, Time64MicrosecondArray,
    Time64NanosecondArray, TimestampMicrosecondArray, TimestampMillisecondArray,
    TimestampNanosecondArray, TimestampSecondArray, UInt8Array, UInt16Array, UInt32Array,
    UInt64Array,
};
use arrow::datatypes::{ArrowPrimitiveType, Float16Type, Int8Type, i256};

use crate::{embedded, same};

#[test]
fn integers() {
    let all = [
        same(Int8Array::from(vec![Some(-128), None, Some(127)])),
        same(Int16Array::from(vec![i16::MIN])),
        same(Int32Array::from(vec![i32::MIN])),
        same(Int64Array::from(vec![i64::MIN, 0])),
        same(UInt8Array::from(vec![u8::MAX])),
        same(UInt16Array::from(vec![u16::MAX])),
        same(UInt32Array::from(vec![u32::MAX])),
        same(UInt64Array::from(vec![u64::MAX, 1])),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    v: int8 -> N
    {"N":"-128"}
    -
    {"N":"127"}
    v: int16 -> N
    {"N":"-32768"}
    v: int32 -> N
    {"N":"-2147483648"}
    v: int64 -> N
    {"N":"-9223372036854775808"}
    {"N":"0"}
    v: uint8 -> N
    {"N":"255"}
    v: uint16 -> N
    {"N":"65535"}
    v: uint32 -> N
    {"N":"4294967295"}
    v: uint64 -> N
    {"N":"18446744073709551615"}
    {"N":"1"}
    "#);
}

#[test]
fn floats() {
    let doubles = vec![0.1, -0.0, 1e125, 1e126, 1e-131, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    let halves = [0.5, 65504.0, f32::NAN].map(half);
    let all = [
        same(Float64Array::from(doubles)),
        same(Float32Array::from(vec![0.1, f32::MAX, f32::NAN])),
        same(Float16Array::from_iter_values(halves)),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    v: double -> N
    {"N":"0.1"}
    {"N":"0"}
    {"N":"100000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"}
    row 3, attribute v: "1e126" is not a DynamoDB number: beyond 9.99E+125, the largest DynamoDB holds; keep it as a string | {"v":"1e126"}
    row 4, attribute v: "1e-131" is not a DynamoDB number: closer to zero than 1E-130, the least DynamoDB holds; write 0 or a string | {"v":"1e-131"}
    row 5, attribute v: "NaN" is not a DynamoDB number: not a decimal number; write it with digits, as in -12.5 or 1E3 | {"v":"NaN"}
    row 6, attribute v: "Infinity" is not a DynamoDB number: not a decimal number; write it with digits, as in -12.5 or 1E3 | {"v":"Infinity"}
    row 7, attribute v: "-Infinity" is not a DynamoDB number: not a decimal number; write it with digits, as in -12.5 or 1E3 | {"v":"-Infinity"}
    v: float -> N
    {"N":"0.1"}
    {"N":"340282350000000000000000000000000000000"}
    row 2, attribute v: "NaN" is not a DynamoDB number: not a decimal number; write it with digits, as in -12.5 or 1E3 | {"v":"NaN"}
    v: half -> N
    {"N":"0.5"}
    {"N":"65504"}
    row 2, attribute v: "NaN" is not a DynamoDB number: not a decimal number; write it with digits, as in -12.5 or 1E3 | {"v":"NaN"}
    "#);
}

/// Arrow names the type of 16 bits only like this.
fn half(float: f32) -> <Float16Type as ArrowPrimitiveType>::Native {
    <Float16Type as ArrowPrimitiveType>::Native::from_f32(float)
}

#[test]
fn decimals() {
    let wide = |text: &str| i256::from_string(text).unwrap();
    let nines = "9".repeat(39);
    let all = [
        same(
            Decimal128Array::from(vec![Some(1250), None, Some(-5), Some(0)])
                .with_precision_and_scale(12, 2)
                .unwrap(),
        ),
        embedded(Decimal32Array::from(vec![-1]).with_precision_and_scale(9, 9).unwrap()),
        embedded(
            Decimal64Array::from(vec![i64::MAX / 10]).with_precision_and_scale(18, 0).unwrap(),
        ),
        same(
            Decimal256Array::from(vec![
                wide(&nines),
                wide(&format!("{}0", "9".repeat(38))),
                wide("1"),
            ])
            .with_precision_and_scale(76, 38)
            .unwrap(),
        ),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    v: decimal(12,2) -> N
    {"N":"12.5"}
    -
    {"N":"-0.05"}
    {"N":"0"}
    v: decimal(9,9) -> N
    {"N":"-0.000000001"}
    v: decimal(18,0) -> N
    {"N":"922337203685477580"}
    v: decimal(76,38) -> N
    row 0, attribute v: "9.99999999999999999999999999999999999999" is not a DynamoDB number: 39 significant digits, DynamoDB holds at most 38; keep it as a string | {"v":"9.99999999999999999999999999999999999999"}
    {"N":"9.9999999999999999999999999999999999999"}
    {"N":"0.00000000000000000000000000000000000001"}
    "#);
}

#[test]
fn texts_and_bytes() {
    let dictionary: DictionaryArray<Int8Type> =
        vec![Some("b"), None, Some("b")].into_iter().collect();
    let all = [
        same(StringArray::from(vec![Some("a \"é\""), None, Some("")])),
        same(LargeStringArray::from(vec!["a"])),
        same(StringViewArray::from(vec![Some("a text too long to be held inline"), None])),
        same(BinaryArray::from_opt_vec(vec![Some(b"\xFF\x00"), None, Some(b"")])),
        same(LargeBinaryArray::from_vec(vec![b"hi"])),
        same(BinaryViewArray::from(vec![Some(b"hi".as_slice()), None])),
        same(FixedSizeBinaryArray::try_from_iter([[1_u8, 2], [3, 4]].into_iter()).unwrap()),
        same(dictionary),
        same(BooleanArray::from(vec![Some(true), None, Some(false)])),
        same(NullArray::new(2)),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    v: string -> S
    {"S":"a \"é\""}
    -
    {"S":""}
    v: string -> S
    {"S":"a"}
    v: string -> S
    {"S":"a text too long to be held inline"}
    -
    v: binary -> B
    {"B":"/wA="}
    -
    {"B":""}
    v: binary -> B
    {"B":"aGk="}
    v: binary -> B
    {"B":"aGk="}
    -
    v: binary(2) -> B
    {"B":"AQI="}
    {"B":"AwQ="}
    v: string -> S
    {"S":"b"}
    -
    {"S":"b"}
    v: boolean -> BOOL
    {"BOOL":true}
    -
    {"BOOL":false}
    v: null -> absent
    -
    -
    "#);
}

#[test]
fn dictionaries_of_other_values() {
    let keys = Int8Array::from(vec![Some(1), None, Some(0)]);
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![7, 8]));
    let empty: ArrayRef = Arc::new(StringArray::from(Vec::<&str>::new()));
    let nulls = Int8Array::from(vec![None, None]);
    let all = [same(DictionaryArray::new(keys, numbers)), same(DictionaryArray::new(nulls, empty))];
    insta::assert_snapshot!(all.join("\n"), @r#"
    v: int64 -> N
    {"N":"8"}
    -
    {"N":"7"}
    v: string -> S
    -
    -
    "#);
}

#[test]
fn dates_and_times() {
    let all = [
        same(Date32Array::from(vec![
            Some(20_782),
            None,
            Some(-719_529),
            Some(-719_528),
            Some(2_932_896),
            Some(2_932_897),
            Some(i32::MAX),
        ])),
        embedded(Date64Array::from(vec![1_795_564_800_000])),
        embedded(Time32SecondArray::from(vec![54_001])),
        same(Time32MillisecondArray::from(vec![54_000_123, 0, 86_399_999, 86_400_000, -1])),
        same(Time64MicrosecondArray::from(vec![54_000_000_001])),
        same(Time64NanosecondArray::from(vec![54_000_000_000_001])),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    v: date -> S
    {"S":"2026-11-25"}
    -
    row 2, attribute v: "-719529 days since 1970" is not within the years 0 to 9999; make the column a number or a string | {"v":"-719529 days since 1970"}
    {"S":"0000-01-01"}
    {"S":"9999-12-31"}
    row 5, attribute v: "2932897 days since 1970" is not within the years 0 to 9999; make the column a number or a string | {"v":"2932897 days since 1970"}
    row 6, attribute v: "2147483647 days since 1970" is not within the years 0 to 9999; make the column a number or a string | {"v":"2147483647 days since 1970"}
    v: date -> S
    {"S":"2026-11-25"}
    v: time(s) -> S
    {"S":"15:00:01"}
    v: time(ms) -> S
    {"S":"15:00:00.123"}
    {"S":"00:00:00.000"}
    {"S":"23:59:59.999"}
    row 3, attribute v: "86400000 ms" is not within one day; make the column a number or a string | {"v":"86400000 ms"}
    row 4, attribute v: "-1 ms" is not within one day; make the column a number or a string | {"v":"-1 ms"}
    v: time(us) -> S
    {"S":"15:00:00.000001"}
    v: time(ns) -> S
    {"S":"15:00:00.000000001"}
    "#);
}

#[test]
fn timestamps() {
    let all = [
        embedded(TimestampSecondArray::from(vec![1_795_618_800])),
        same(TimestampMillisecondArray::from(vec![
            Some(1_795_618_800_123),
            None,
            Some(-1),
            Some(i64::MIN),
        ])),
        same(TimestampMicrosecondArray::from(vec![1_795_618_800_000_001]).with_timezone("UTC")),
        embedded(TimestampMicrosecondArray::from(vec![1]).with_timezone("Europe/Berlin")),
        same(TimestampNanosecondArray::from(vec![i64::MAX, i64::MIN]).with_timezone("UTC")),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    v: timestamp(s) -> S
    {"S":"2026-11-25T15:00:00"}
    v: timestamp(ms) -> S
    {"S":"2026-11-25T15:00:00.123"}
    -
    {"S":"1969-12-31T23:59:59.999"}
    row 3, attribute v: "-9223372036854775808 ms since 1970" is not within the years 0 to 9999; make the column a number or a string | {"v":"-9223372036854775808 ms since 1970"}
    v: timestamp(us, UTC) -> S
    {"S":"2026-11-25T15:00:00.000001Z"}
    v: timestamp(us, UTC) -> S
    {"S":"1970-01-01T00:00:00.000001Z"}
    v: timestamp(ns, UTC) -> S
    {"S":"2262-04-11T23:47:16.854775807Z"}
    {"S":"1677-09-21T00:12:43.145224192Z"}
    "#);
}

#[test]
fn durations() {
    let all = [
        embedded(DurationSecondArray::from(vec![90, -1, i64::MIN])),
        embedded(DurationMillisecondArray::from(vec![90_500, -5])),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    v: duration(s) -> S
    {"S":"PT90S"}
    {"S":"-PT1S"}
    {"S":"-PT9223372036854775808S"}
    v: duration(ms) -> S
    {"S":"PT90.500S"}
    {"S":"-PT0.005S"}
    "#);
}

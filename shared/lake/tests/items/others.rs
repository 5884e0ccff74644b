//! Files that others wrote: see `tests/data/README.md`.

use bytes::Bytes;
use lake::items::Items;

/// The columns' lines, then every row as canonical DynamoDB JSON or its error.
fn read(file: &'static [u8]) -> String {
    let mut items = Items::open(Bytes::from_static(file)).unwrap();
    let mut found = items.columns();
    while let Some(row) = items.next_row().unwrap() {
        found.push(match row.item() {
            Ok(item) => item::canonical(&item),
            Err(error) => format!("{error} | {}", error.text),
        });
    }
    found.join("\n")
}

#[test]
fn pyarrow() {
    insta::assert_snapshot!(read(include_bytes!("../data/pyarrow.parquet")), @r#"
    id: string -> S
    price: decimal(12,2) -> N
    word: string -> S
    sold: timestamp(ns), INT96 -> S
    took: duration(ms) -> S
    day: date -> S
    ratio: double -> N
    views: list<int16> -> L
    lines: list<struct<n: int64, tags: list<string>>> -> L
    stock: map<string, int32> -> M
    {"day":{"S":"2026-11-25"},"id":{"S":"a"},"lines":{"L":[{"M":{"n":{"N":"1"},"tags":{"L":[{"S":"a"},{"NULL":true}]}}}]},"price":{"N":"1.5"},"ratio":{"N":"0.1"},"sold":{"S":"2026-11-25T15:00:00.000000000"},"stock":{"M":{"de":{"N":"7"},"fr":{"NULL":true}}},"took":{"S":"PT90.500S"},"views":{"L":[{"N":"1"},{"N":"2"}]},"word":{"S":"x"}}
    row 1, attribute ratio: "NaN" is not a DynamoDB number: not a decimal number; write it with digits, as in -12.5 or 1E3 | {"id":"b","price":-99999999.99,"day":"9999-12-31","ratio":"NaN","lines":[]}
    "#);
}

#[test]
fn duckdb() {
    insta::assert_snapshot!(read(include_bytes!("../data/duckdb.parquet")), @r#"
    u: uint8 -> N
    d: decimal(18,3) -> N
    id: uuid -> S
    e: string -> S
    took: interval -> S
    tz: timestamp(us, UTC) -> S
    t: time(us) -> S
    l: list<int32> -> L
    s: struct<a: int32, b: null> -> M
    m: map<int32, string> -> M
    b: binary -> B
    j: string -> S
    f: float -> N
    {"b":{"B":"eA=="},"d":{"N":"1.5"},"e":{"S":"ab"},"f":{"N":"3.5"},"id":{"S":"00112233-4455-6677-8899-aabbccddeeff"},"j":{"S":"{\"a\":1}"},"l":{"L":[{"N":"1"},{"NULL":true}]},"m":{"M":{"7":{"S":"k"}}},"s":{"M":{"a":{"N":"1"}}},"t":{"S":"15:00:00.000000"},"took":{"S":"P1M2DT3.500S"},"tz":{"S":"2026-11-25T15:00:00.500000Z"},"u":{"N":"1"}}
    "#);
}

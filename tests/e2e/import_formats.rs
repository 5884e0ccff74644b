//! Every format, and every compression, carries its values.

use std::io::Write;

use anyhow::Result;
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use end_to_end::Stack;
use flate2::{Compression, write::GzEncoder};
use item::key::{KeyAttribute, KeySchema, KeyType};
use md5::{Digest, Md5};
use serde_json::{Value, json};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Imports an object, and looks at the table and at the lake.
async fn check(name: &str, bytes: Vec<u8>, expected: &[&str]) -> Result<()> {
    let stack = Stack::of_environment();
    let report = stack.import(name, bytes, &[]).await?;
    assert_eq!(report["status"], "finished", "{name}: {report}");
    let table = report["table"].as_str().unwrap_or_default();
    assert_eq!(stack.items(table).await?, expected, "{name}");
    stack.until_lake_equals_table(table).await?;
    Ok(())
}

const ITEM: &str = r#"{"id":{"N":"1"},"l":{"L":[{"N":"1"},{"S":"x"},{"NULL":true},{"BOOL":true}]},"m":{"M":{"a":{"M":{"b":{"L":[]}}}}},"n":{"N":"12345678901234567890.123456789"}}"#;

#[tokio::test]
async fn plain_json_as_lines_and_as_an_array() -> Result<()> {
    let object =
        r#"{"id":1,"n":12345678901234567890.123456789,"l":[1,"x",null,true],"m":{"a":{"b":[]}}}"#;
    check("e2e-plain.jsonl", object.into(), &[ITEM]).await?;
    let array = format!("[\n  {object},\n  {{\n    \"id\": 2\n  }}\n]\n");
    check("e2e-array.json", array.into(), &[ITEM, r#"{"id":{"N":"2"}}"#]).await
}

#[tokio::test]
async fn dynamodb_json_with_every_type() -> Result<()> {
    check(
        "e2e-typed.json",
        br#"{"Item":{"id":{"S":"a"},"b":{"B":"AAH/"},"ss":{"SS":["y","x"]},"ns":{"NS":["2","1.50"]},"nul":{"NULL":true}}}"#.to_vec(),
        &[r#"{"b":{"B":"AAH/"},"id":{"S":"a"},"ns":{"NS":["1.5","2"]},"nul":{"NULL":true},"ss":{"SS":["x","y"]}}"#],
    )
    .await
}

#[tokio::test]
async fn delimited_text() -> Result<()> {
    check(
        "e2e-tabs.tsv",
        b"id\tname\n1\ta,b\n".to_vec(),
        &[r#"{"id":{"N":"1"},"name":{"S":"a,b"}}"#],
    )
    .await?;
    check(
        "e2e-quoted.csv",
        "\u{feff}id,text\r\nx,\"two\nlines, \"\"quoted\"\"\"\r\n".into(),
        &[r#"{"id":{"S":"x"},"text":{"S":"two\nlines, \"quoted\""}}"#],
    )
    .await
}

#[tokio::test]
async fn ion_plain_and_in_the_mapping_of_dynamodb() -> Result<()> {
    check(
        "e2e-ion.ion",
        br"{id: 1, d: 1.50, e: 2026-11-25T, s: some_symbol, b: {{AAH/}}, l: [null, true]}".to_vec(),
        &[r#"{"b":{"B":"AAH/"},"d":{"N":"1.5"},"e":{"S":"2026-11-25"},"id":{"N":"1"},"l":{"L":[{"NULL":true},{"BOOL":true}]},"s":{"S":"some_symbol"}}"#],
    )
    .await?;
    check(
        "e2e-ion-typed.ion.gz",
        gzip(br#"$ion_1_0 {Item:{id:"a",n:12345678901234567890.123456789,ss:$dynamodb_SS::["y","x"],ns:$dynamodb_NS::[2.,1.5]}}"#),
        &[r#"{"id":{"S":"a"},"n":{"N":"12345678901234567890.123456789"},"ns":{"NS":["1.5","2"]},"ss":{"SS":["x","y"]}}"#],
    )
    .await
}

/// `{id: 1, d: 1.5}` in binary Ion: version, symbol table, struct.
const BINARY_ION: [u8; 23] = [
    0xe0, 0x01, 0x00, 0xea, //
    0xea, 0x81, 0x83, 0xd7, 0x87, 0xb5, 0x82, b'i', b'd', 0x81, b'd', //
    0xd7, 0x8a, 0x21, 0x01, 0x8b, 0x52, 0xc1, 0x0f,
];

#[tokio::test]
async fn binary_ion() -> Result<()> {
    let item = [r#"{"d":{"N":"1.5"},"id":{"N":"1"}}"#];
    check("e2e-binary-ion.10n", BINARY_ION.to_vec(), &item).await?;
    check("e2e-binary-ion-gz.10n.gz", gzip(&BINARY_ION), &item).await
}

/// Drops an export of one data file as DynamoDB writes it, and imports it.
async fn import_export(folder: &str, format: &str, data: &[u8], items: u64) -> Result<Value> {
    let stack = Stack::of_environment();
    let extension = if format == "ION" { "ion.gz" } else { "json.gz" };
    let (data, place) = (gzip(data), format!("{folder}/AWSDynamoDB/01795316400000-3f8a2c1d"));
    let key = format!("AWSDynamoDB/01795316400000-3f8a2c1d/data/a1.{extension}");
    let md5 = BASE64.encode(Md5::digest(&data));
    let table = "arn:aws:dynamodb:us-east-1:000000000000:table/elsewhere";
    let summary = json!({
        "version": "2020-06-30", "exportArn": format!("{table}/export/01795316400000-3f8a2c1d"),
        "startTime": "2026-11-22T03:00:00.000Z", "endTime": "2026-11-22T03:05:00.000Z",
        "tableArn": table, "tableId": "0b1f4c3e-0000-4000-8000-3f8a2c1d0000",
        "exportTime": "2026-11-22T03:00:00.000Z", "exportType": "FULL_EXPORT",
        "outputFormat": format, "itemCount": items,
        "manifestFilesS3Key": "AWSDynamoDB/01795316400000-3f8a2c1d/manifest-files.json",
    });
    let file = json!({"itemCount": items, "md5Checksum": md5, "etag": "x", "dataFileS3Key": key});
    stack.drop(&format!("{place}/data/a1.{extension}"), data, &[]).await?;
    stack.drop(&format!("{place}/manifest-files.json"), format!("{file}\n"), &[]).await?;
    stack.drop(&format!("{place}/manifest-summary.json"), summary.to_string(), &[]).await?;
    let key = json!([{"AttributeName": "id", "KeyType": "HASH"}]);
    let manifest = json!({
        "TableCreationParameters": {"KeySchema": key}, "Headwater": {"Engine": "direct"},
    });
    stack.import_folder(folder, &manifest).await
}

#[tokio::test]
async fn exports_of_dynamodb_in_both_formats_are_held_against_their_counts() -> Result<()> {
    let stack = Stack::of_environment();
    let json = b"{\"Item\":{\"id\":{\"S\":\"a\"}}}\n{\"Item\":{\"id\":{\"S\":\"b\"}}}\n";
    let ion = b"$ion_1_0 {Item:{id:\"a\"}}\n$ion_1_0 {Item:{id:\"b\"}}\n";
    let items = [r#"{"id":{"S":"a"}}"#, r#"{"id":{"S":"b"}}"#];
    for (folder, format, data) in
        [("e2e-export-json", "DYNAMODB_JSON", &json[..]), ("e2e-export-ion", "ION", &ion[..])]
    {
        let report = import_export(folder, format, data, 2).await?;
        assert_eq!(report["status"], "finished", "{report}");
        assert_eq!(stack.items(folder).await?, items, "{folder}");
    }
    let report = import_export("e2e-export-short", "DYNAMODB_JSON", json, 3).await?;
    let error = report["error"].as_str().unwrap_or_default();
    assert!(
        error.contains("has 2 items and its export's manifest says 3; copy it again"),
        "{report}"
    );
    let table = aws::table::describe(stack.clients.dynamodb(), "e2e-export-short").await?;
    assert!(table.is_none(), "{table:?}");
    Ok(())
}

#[tokio::test]
async fn every_compression() -> Result<()> {
    let rows = [&b"{\"id\":1}\n"[..], b"{\"id\":2}\n"];
    let items = [r#"{"id":{"N":"1"}}"#, r#"{"id":{"N":"2"}}"#];
    check("e2e-members.jsonl.gz", rows.map(gzip).concat(), &items).await?;
    let frames = rows.map(|row| zstd::encode_all(row, 3).unwrap()).concat();
    check("e2e-frames.jsonl.zst", frames, &items).await?;
    // What the bytes are, the name need not say.
    check("e2e-unnamed.json", gzip(&rows.concat()), &items).await
}

#[tokio::test]
async fn parquet_of_anyone_and_our_own() -> Result<()> {
    let stack = Stack::of_environment();
    let foreign = include_bytes!("../data/foreign.parquet");
    let report = stack.import("e2e-foreign-parquet.parquet", foreign.as_slice(), &[]).await?;
    assert_eq!(report["status"], "finished", "{report}");
    let items = stack.items("e2e-foreign-parquet").await?;
    insta::assert_snapshot!(items.join("\n"), @r#"{"at":{"S":"2026-11-25T15:00:00.123Z"},"blob":{"B":"AAH/"},"by":{"M":{"k":{"N":"1"}}},"day":{"S":"2026-11-25"},"id":{"N":"1"},"price":{"N":"12.3"},"ratio":{"N":"0.1"},"tags":{"L":[{"S":"x"},{"NULL":true}]},"who":{"M":{"age":{"N":"7"},"name":{"S":"a"}}}}"#);
    let rejects = stack.rejects(&report).await?;
    assert_eq!(rejects.len(), 2);
    insta::assert_snapshot!(rejects[1], @r#"{"line":2,"offset":0,"path":"ratio","reason":"\"NaN\" is not a DynamoDB number: not a decimal number; write it with digits, as in -12.5 or 1E3","row":"{\"id\":2,\"at\":\"2026-11-25T15:00:00.123Z\",\"ratio\":\"NaN\",\"tags\":[]}"}"#);

    let schema = KeySchema::simple(KeyAttribute::new("id", KeyType::S));
    let texts = [
        r#"{"b":{"B":"AAH/"},"id":{"S":"a"},"n":{"N":"12345678901234567890.123456789"},"ss":{"SS":["x","y"]}}"#,
        r#"{"id":{"S":"b"},"m":{"M":{"x":{"NS":["1","2"]}}},"n":{"S":"text"},"nul":{"NULL":true}}"#,
    ];
    let file = end_to_end::snapshot(&schema, &texts)?;
    check("e2e-own.parquet", file, &texts).await
}

#[tokio::test]
async fn keys_of_objects_may_be_anything() -> Result<()> {
    let stack = Stack::of_environment();
    let folder = "e2e-names";
    stack.drop(&format!("{folder}/Flotte d'été + \"1\" %20 ?.csv"), "id\n1\n", &[]).await?;
    stack.drop(&format!("{folder}/日本/ü#&=.jsonl.gz"), gzip(b""), &[]).await?;
    let report = stack.import_folder(folder, &json!({})).await?;
    assert_eq!(report["rowsWritten"], 1, "{report}");
    Ok(())
}

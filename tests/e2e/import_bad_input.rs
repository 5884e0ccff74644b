//! Bad input: a clear error or a reject, a report, and nothing half-done that stays unsaid.

use std::io::Write;

use anyhow::Result;
use end_to_end::Stack;
use flate2::{Compression, write::GzEncoder};
use serde_json::Value;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// What a report says, with the reasons of rejects.
async fn told(stack: &Stack, report: &Value) -> Result<String> {
    let counts = ["rowsRead", "rowsWritten", "rowsRejected"].map(|name| report[name].to_string());
    let mut lines =
        vec![format!("{} {}", report["status"].as_str().unwrap_or_default(), counts.join("/"))];
    lines.extend(report["error"].as_str().map(str::to_owned));
    for kept in stack.rejects(report).await? {
        if let Some(reason) = kept["reason"].as_str() {
            let path = kept["path"].as_str().unwrap_or_default();
            lines.push(format!("line {}, {path}: {reason}", kept["line"]));
        }
    }
    Ok(lines.join("\n"))
}

#[tokio::test]
async fn items_that_dynamodb_does_not_take_are_rejects() -> Result<()> {
    let stack = Stack::of_environment();
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let rows = [
        r#"{"Item":{"id":{"S":"good"}}}"#.to_owned(),
        r#"{"Item":{"id":{"N":"1"}}}"#.to_owned(),
        r#"{"Item":{"id":{"S":""}}}"#.to_owned(),
        format!(r#"{{"Item":{{"id":{{"S":"{}"}}}}}}"#, "x".repeat(2049)),
        format!(r#"{{"Item":{{"id":{{"S":"large"}},"x":{{"S":"{}"}}}}}}"#, "x".repeat(400 * 1024)),
        format!(
            r#"{{"Item":{{"id":{{"S":"deep"}},"x":{}}}}}"#,
            nested(33).replace('[', r#"{"L":["#).replace(']', "]}").replace('1', r#"{"N":"1"}"#)
        ),
        r#"{"Item":{"id":{"S":"digits"},"n":{"N":"123456789012345678901234567890123456789"}}}"#
            .to_owned(),
        r#"{"Item":{"id":{"S":"range"},"n":{"N":"1E126"}}}"#.to_owned(),
        r#"{"Item":{"id":{"S":"empty set"},"s":{"SS":[]}}}"#.to_owned(),
        r#"{"Item":{"id":{"S":"twice"},"s":{"NS":["1","1.0"]}}}"#.to_owned(),
        r#"{"Item":{"id":{"S":"unclosed"}"#.to_owned(),
    ];
    let report =
        stack.import("e2e-bad-items.json", rows.join("\n"), &[("partition-key", "id")]).await?;
    insta::assert_snapshot!(told(&stack, &report).await?, @r#"
    finished 11/1/10
    line 2, id: a key of type S was expected, found type N
    line 3, id: an empty key; DynamoDB takes no empty string or binary as key
    line 4, id: a key of 2049 bytes, DynamoDB's limit is 2048
    line 5, : an item of 409608 bytes, DynamoDB's limit is 409600; split it or leave attributes out
    line 6, x[0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0]: lists and maps are nested deeper than 32 levels, DynamoDB's limit
    line 7, n: "123456789012345678901234567890123456789" is not a DynamoDB number: 39 significant digits, DynamoDB holds at most 38; keep it as a string
    line 8, n: "1E126" is not a DynamoDB number: beyond 9.99E+125, the largest DynamoDB holds; keep it as a string
    line 9, s: an empty SS; DynamoDB sets have members, leave the attribute out
    line 10, s: "1" occurs twice in one set; remove one
    line 11, : not JSON: it ends too early, at byte 30 of the row
    "#);
    assert_eq!(stack.items("e2e-bad-items").await?, [r#"{"id":{"S":"good"}}"#]);
    Ok(())
}

#[tokio::test]
async fn files_that_cannot_be_read_are_refused() -> Result<()> {
    let stack = Stack::of_environment();
    let check = async |name: &str, bytes: Vec<u8>| -> Result<String> {
        let report = stack.import(name, bytes, &[]).await?;
        assert_eq!(report["status"], "failed", "{name}: {report}");
        let table = report["table"].as_str().unwrap_or_default();
        assert!(aws::table::describe(stack.clients.dynamodb(), table).await?.is_none(), "{name}");
        let told = told(&stack, &report).await?;
        let place = format!(
            "s3://{}/imports/{name} (version {})",
            stack.landing,
            report["source"]["version"].as_str().unwrap_or_default()
        );
        Ok(told.replace(&place, "<object>"))
    };
    insta::assert_snapshot!(check("e2e-nul.csv", vec![0; 5000]).await?, @"
    failed 0/0/0
    <object>: byte 0 of the file is zero, so it is no text; convert it to UTF-8, or give a format that is read
    ");
    insta::assert_snapshot!(check("e2e-utf16.csv", "\u{feff}id\n1\n".encode_utf16().flat_map(u16::to_le_bytes).collect()).await?, @"
    failed 0/0/0
    <object>: the file is UTF-16; convert it to UTF-8 (iconv -f UTF-16 -t UTF-8)
    ");
    insta::assert_snapshot!(check("e2e-names-twice.csv", b"id,id\n1,2\n".to_vec()).await?, @r#"
    failed 0/0/0
    <object>: columns 1 and 2 of the header are both named "id"; rename one
    "#);
    insta::assert_snapshot!(check("e2e-only-header.csv", b"id,name\n".to_vec()).await?, @"
    failed 0/0/0
    the source has no rows; a file to import has one at least
    ");
    insta::assert_snapshot!(check("e2e-pretty.json", b"{\n  \"id\": 1\n}\n".to_vec()).await?, @"
    failed 0/0/0
    <object>: a JSON object over several lines; write one object per line (jq -c .) or one array (jq -s .)
    ");
    insta::assert_snapshot!(check("e2e-workbook.csv", b"PK\x03\x04....".to_vec()).await?, @"
    failed 0/0/0
    <object>: the file is a ZIP archive or a workbook; unpack it, or save it as CSV
    ");
    insta::assert_snapshot!(check("e2e-no.parquet", b"PAR1 and no more".to_vec()).await?, @"
    failed 0/0/0
    <object>: the name says Parquet, but the file does not begin with PAR1; is it damaged or named wrongly?
    ");
    let rows: String = (0..2000).map(|n| format!("{n},{}\n", n * 7919 % 1_000_003)).collect();
    let mut cut = gzip(format!("id,n\n{rows}").as_bytes());
    cut.truncate(cut.len() / 2);
    insta::assert_snapshot!(check("e2e-cut.csv.gz", cut).await?, @"
    failed 0/0/0
    the compressed data of <object> is broken (incomplete deflate stream); compress the file again and drop it anew
    ");
    Ok(())
}

#[tokio::test]
async fn a_bomb_and_an_endless_line_are_stopped() -> Result<()> {
    let stack = Stack::of_environment();
    // 1.1 GB of rows in a megabyte: more than an object of that size may become.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(b"id\n")?;
    let blanks = vec![b'\n'; 1 << 20];
    for _ in 0..1100 {
        encoder.write_all(&blanks)?;
    }
    let report = stack.import("e2e-bomb.csv.gz", encoder.finish()?, &[]).await?;
    let error = report["error"].as_str().unwrap_or_default();
    assert!(error.contains("it becomes larger than 1073741824 bytes"), "{report}");
    assert_eq!(report["status"], "failed", "{report}");
    assert!(aws::table::describe(stack.clients.dynamodb(), "e2e-bomb").await?.is_none());

    let line = format!("{{\"id\":1,\"x\":\"{}\"}}\n{{\"id\":2}}\n", "x".repeat(5 << 20));
    let report = stack.import("e2e-endless.jsonl", line, &[]).await?;
    insta::assert_snapshot!(told(&stack, &report).await?, @"
    finished 2/1/1
    line 1, : a row of 5242895 bytes, the limit is 4194304; is a quote or a line's end missing?
    ");
    Ok(())
}

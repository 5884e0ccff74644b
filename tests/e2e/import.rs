//! A file becomes a table.

use std::io::Write;

use anyhow::Result;
use end_to_end::Stack;
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

/// What a report says that is the same at every run.
fn told(report: &Value) -> String {
    let counts = ["rowsRead", "rowsWritten", "rowsRejected"].map(|name| report[name].to_string());
    let status = report["status"].as_str().unwrap_or("no status");
    let error = report["error"].as_str().map(|error| format!(": {error}")).unwrap_or_default();
    format!("{status} {}{error}", counts.join("/"))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn csv_becomes_a_table_with_everything_it_needs() -> Result<()> {
    let stack = Stack::of_environment();
    let planes = include_bytes!("../data/planes.csv");
    let report = stack.import("e2e-planes.csv.gz", gzip(planes), &[]).await?;
    assert_eq!(told(&report), "finished 3322/3322/0");

    let items = stack.items("e2e-planes").await?;
    assert_eq!(items.len(), 3322);
    let first = r#"{"engine":{"S":"Turbo-fan"},"engines":{"N":"2"},"manufacturer":{"S":"EMBRAER"},"model":{"S":"EMB-145XR"},"seats":{"N":"55"},"tailnum":{"S":"N10156"},"type":{"S":"Fixed wing multi engine"},"year":{"N":"2004"}}"#;
    assert!(items.contains(&first.to_owned()), "{items:?}");

    let changes = stack.until_lake_equals_table("e2e-planes").await?;
    assert_eq!(changes.rows.len(), 3322);
    let enrolment: Vec<&Value> = report["enrolment"].as_array().into_iter().flatten().collect();
    assert_eq!(
        json!(enrolment),
        json!([
            {"outcome": "alreadySo", "detail": "stream on (NEW_AND_OLD_IMAGES)"},
            {"outcome": "done", "detail": "catalog table e2e_planes__changes made"},
            {"outcome": "done", "detail": "stream mapping made"},
            {"outcome": "done", "detail": "point-in-time recovery of 35 days on"},
        ])
    );
    Ok(())
}

#[tokio::test]
async fn bad_rows_are_kept_with_reason_place_and_bytes() -> Result<()> {
    let stack = Stack::of_environment();
    let rows: &[u8] = b"code,name\na,one\n,two\nb,three,more\na,four\nc,\xff\nd,five\n";
    let report = stack.import("e2e-rejects.csv", rows, &[("partition-key", "code")]).await?;
    assert_eq!(told(&report), "finished 6/2/4");
    assert_eq!(stack.items("e2e-rejects").await?.len(), 2);

    let kept = stack.rejects(&report).await?;
    let (head, rejects) = kept.split_first().expect("a first line that says where they come from");
    assert_eq!(
        (&head["table"], &head["source"]["key"]),
        (&json!("e2e-rejects"), &json!("imports/e2e-rejects.csv"))
    );
    let expected = [
        json!({"line": 3, "offset": 16, "path": "code", "row": ",two", "columns": ["code", "name"], "reason": "the key attribute is missing; every item needs it, of type S"}),
        json!({"line": 4, "offset": 21, "row": "b,three,more", "columns": ["code", "name"], "reason": "expected 2 fields as in the header, found 3; is a delimiter or a quote missing?"}),
        json!({"line": 5, "offset": 34, "path": "code", "row": "a,four", "columns": ["code", "name"], "duplicateKey": {"code": {"S": "a"}}, "reason": "its key is that of row 1; a table holds a key once"}),
        json!({"line": 6, "offset": 41, "rowBase64": "Yyz/", "columns": ["code", "name"], "reason": "not UTF-8 text at byte 2 of the row; convert the file to UTF-8"}),
    ];
    assert_eq!(rejects, expected);
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_imported_is_refused_with_the_reason_and_not_tried_again() -> Result<()> {
    let stack = Stack::of_environment();
    stack.import("e2e-there.csv", "id\n1\n", &[]).await?;
    let cases: [(&str, &[u8], &[(&str, &str)], &str); 8] = [
        (
            "e2e-there.csv",
            b"id\n2\n",
            &[],
            "failed 0/0/0: the table e2e-there exists already and was not made by this import; it was left untouched. Delete it, drop the object under another name, or import with IfExists append",
        ),
        (
            "e2e-empty.csv",
            b"",
            &[],
            "failed 0/0/0: the source is empty; a file to import has a row at least",
        ),
        (
            "e2e-header.csv",
            b"id,name\n",
            &[],
            "failed 0/0/0: the source has no rows; a file to import has one at least",
        ),
        (
            "e2e-nokey.csv",
            b"id,name\n1,a\n2,b\n",
            &[("partition-key", "code")],
            "failed 2/0/2: none of the 2 rows can be an item. The first, on line 2 of imports/e2e-nokey.csv: code: the key attribute is missing; every item needs it, of type S, N or B",
        ),
        (
            "e2e-twice.csv",
            b"id,name\n1,a\n1,a\n",
            &[],
            "failed 2/0/0: no key could be inferred (id: row 2: its key is that of row 1; a table holds a key once); give it when you drop the object: --metadata partition-key=NAME, or --metadata partition-key=NAME,sort-key=NAME; for a folder, as KeySchema in its manifest",
        ),
        (
            "e2e-latin1.csv",
            b"id,name\n1,\xe9\n2,\xe9\n",
            &[],
            "failed 2/0/2: none of the 2 rows can be an item. The first, on line 2 of imports/e2e-latin1.csv: not UTF-8 text at byte 2 of the row; convert the file to UTF-8",
        ),
        (
            "e2e-odd.xlsx",
            b"PK",
            &[],
            "failed 0/0/0: the name \"e2e-odd.xlsx\" does not end in .csv, .tsv, .txt, .jsonl, .ndjson, .json, .ion, .10n, .parquet, .pq (or one of these and .gz, .gzip, .zst, .zstd), so it is not taken for data; name it imports/<table>.<format>",
        ),
        (
            "e2e odd.csv",
            b"id\n1\n",
            &[],
            "failed 0/0/0: \"e2e odd\" cannot be a table's name; use 3 to 255 letters, digits, underscores, hyphens and dots; name the object imports/<table>.<format>",
        ),
    ];
    for (name, bytes, metadata, expected) in cases {
        let report = stack.import(name, bytes, metadata).await?;
        assert_eq!(told(&report), expected, "{name}");
    }
    let mut truncated = gzip(b"id,name\n1,a\n");
    truncated.truncate(truncated.len() - 9);
    let report = stack.import("e2e-truncated.csv.gz", truncated, &[]).await?;
    assert_eq!(report["status"], "failed");
    let error = report["error"].as_str().unwrap_or_default();
    assert!(error.contains("is broken") && error.contains("compress the file again"), "{error}");

    assert_eq!(stack.items("e2e-there").await?, [r#"{"id":{"N":"1"}}"#]);
    stack.until_queue_is_empty().await
}

#[tokio::test]
async fn what_is_no_new_object_is_no_error() -> Result<()> {
    let stack = Stack::of_environment();
    for event in ["import-s3-test-event", "import-not-an-object", "import-not-json"] {
        let event = end_to_end::event(event, "e2e-none")?;
        let answer = stack.invoke(&stack.import_function, &event).await?;
        assert_eq!(answer, json!({"batchItemFailures": []}), "{event}");
    }
    Ok(())
}

#[tokio::test]
async fn the_same_event_twice_changes_nothing() -> Result<()> {
    let stack = Stack::of_environment();
    let dropped =
        stack.drop("e2e-again.csv", "id,n\na,1\nb,2\n,3\n", &[("partition-key", "id")]).await?;
    let report = stack.report(&dropped).await?;
    assert_eq!(told(&report), "finished 3/2/1");
    stack.until_lake_equals_table("e2e-again").await?;

    // What a user does after the import must survive a late duplicate of its event.
    let item = item::format::dynamodb_json::parse_item(br#"{"id":{"S":"a"},"n":{"N":"100"}}"#)?;
    stack.put("e2e-again", &item).await?;
    let changes = stack.until_lake_equals_table("e2e-again").await?.rows.len();
    assert_eq!(changes, 3);

    let items = stack.items("e2e-again").await?;
    let objects = stack.objects(&stack.landing, "").await?;
    let ours = |objects: &end_to_end::Objects| -> Vec<_> {
        objects.clone().into_iter().filter(|(key, _)| key.contains("e2e-again")).collect()
    };
    let again = stack.delivery(&dropped, 18);
    assert_eq!(
        stack.invoke(&stack.import_function, &again).await?,
        json!({"batchItemFailures": []})
    );
    assert_eq!(stack.items("e2e-again").await?, items);
    assert_eq!(ours(&stack.objects(&stack.landing, "").await?), ours(&objects));
    assert_eq!(stack.changes("e2e-again").await?.rows.len(), changes);
    Ok(())
}

#[tokio::test]
async fn rejects_come_back_mended_and_keep_where_they_came_from() -> Result<()> {
    let stack = Stack::of_environment();
    let rows = "code,name,n\na,one,1\n,two,2\na,too,1\na,new,1\nc,\"three\n,3\nd,four,4,x\n";
    let report = stack.import("e2e-mended.csv", rows, &[("partition-key", "code")]).await?;
    let rejects = stack.rejects(&report).await?;
    assert_eq!((told(&report).as_str(), rejects.len()), ("finished 7/1/6", 1 + 6), "{rejects:?}");

    // Of two whose key is taken one gets another, and the rest is mended, left as it was, and taken out.
    let mut mended: Vec<String> = rejects.iter().map(Value::to_string).collect();
    mended[1] = mended[1].replace(",two,2", "b,two,2");
    mended[3] = mended[3].replace("a,new,1", "e,new,1");
    mended[6] = mended[6].replace("d,four,4,x", "d,four,4");
    mended.remove(5);
    let again = stack.import("anything at all.rejects.jsonl", mended.join("\n"), &[]).await?;
    assert_eq!(told(&again), "finished 5/3/2", "{again}");
    assert_eq!(
        (&again["table"], &again["rejectedFrom"]),
        (&json!("e2e-mended"), &report["source"])
    );
    assert_eq!(
        stack.items("e2e-mended").await?,
        [
            r#"{"code":{"S":"a"},"n":{"N":"1"},"name":{"S":"one"}}"#,
            r#"{"code":{"S":"b"},"n":{"N":"2"},"name":{"S":"two"}}"#,
            r#"{"code":{"S":"d"},"n":{"N":"4"},"name":{"S":"four"}}"#,
            r#"{"code":{"S":"e"},"n":{"N":"1"},"name":{"S":"new"}}"#,
        ]
    );
    // What is rejected again is where it was at first.
    let left = stack.rejects(&again).await?;
    assert_eq!(left[0]["source"], report["source"]);
    assert_eq!(left[1..], [rejects[2].clone(), rejects[4].clone()]);
    stack.until_lake_equals_table("e2e-mended").await?;

    // Of a table that is not there a few mended rows say too little.
    let head = mended[0].replace("\"e2e-mended\"", "\"e2e-mended-nowhere\"");
    let elsewhere = format!("{head}\n{}", mended[1]);
    let refused = stack.import("elsewhere.rejects.jsonl", elsewhere, &[]).await?;
    assert_eq!(
        refused["error"],
        "the table e2e-mended-nowhere that these rows were meant for is not there; mend them in the \
         source, and drop that"
    );
    Ok(())
}

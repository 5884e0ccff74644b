//! Change files: one a day, named by what is in them, and the same when written again.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use item::change::{Change, Event, StreamArn};
use lake::{ChangeFile, ChangeFiles, DEFAULT_COLUMN_LIMIT, Registry, StoredRow, WriteError, read};

const ARN: &str =
    "arn:aws:dynamodb:us-east-1:123456789012:table/Planes.v2/stream/2026-11-22T15:00:00.000";
/// 2026-11-22T23:59:59Z
const EVENING: i64 = 1_795_391_999;

/// An event of one record: its sequence number, its second, its image.
fn event(arn: &str, sequence: &str, second: i64, image: &str) -> String {
    format!(
        r#"{{"Records":[{{"eventID":"e{sequence}","eventName":"MODIFY","eventSourceARN":"{arn}",
        "dynamodb":{{"ApproximateCreationDateTime":{second},"SequenceNumber":"{sequence}",
        "StreamViewType":"NEW_IMAGE","Keys":{{"id":{{"S":"a"}}}}{image}}}}}]}}"#
    )
}

/// The first change of an event.
fn change(event: &str) -> Change<'_> {
    Event::new(event.as_bytes()).next().unwrap().unwrap().change.unwrap()
}

fn push(files: &mut ChangeFiles, event: &str) -> Result<(), WriteError> {
    files.push(&change(event))
}

fn gathered(cases: &[(&str, i64)]) -> ChangeFiles {
    let mut files = ChangeFiles::new();
    for (sequence, second) in cases {
        let image = format!(r#","NewImage":{{"id":{{"S":"a"}},"n{second}":{{"N":"1"}}}}"#);
        push(&mut files, &event(ARN, sequence, *second, &image)).unwrap();
    }
    files
}

fn finished(files: ChangeFiles) -> Vec<ChangeFile> {
    let mut registry = Registry::new();
    registry.assign(&files.unnamed(&registry), DEFAULT_COLUMN_LIMIT);
    files.finish(&registry).unwrap()
}

fn rows(file: &ChangeFile) -> Vec<StoredRow> {
    read::rows(file.bytes.clone()).unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn a_batch_over_midnight_makes_two_files() {
    let cases = [("98", EVENING), ("99", EVENING + 1), ("100", EVENING), ("101", EVENING + 2)];
    let files = gathered(&cases);
    assert_eq!(files.len(), 4);
    let names: Vec<_> =
        files.unnamed(&Registry::new()).into_iter().map(|key| key.attribute).collect();
    assert_eq!(names, ["id", "n1795391999", "n1795392000", "n1795392001"]);

    let files = finished(files);
    let listed: Vec<_> = files.iter().map(|file| format!("{} {}", file.rows, file.path)).collect();
    insta::assert_snapshot!(listed.join("\n"), @r#"
    2 changes/Planes.v2/dt=2026-11-22/20261122150000000-98-100-2-4b1f9ecc2e5766c7.parquet
    2 changes/Planes.v2/dt=2026-11-23/20261122150000000-99-101-2-90383bcc379e0bfe.parquet
    "#);
    for file in &files {
        let rows = rows(file);
        assert_eq!(rows.len(), file.rows);
        assert!(rows.iter().all(StoredRow::is_intact));
        let day = file.path.split('/').find_map(|part| part.strip_prefix("dt="));
        for row in rows {
            assert_eq!(Some(lake::path::day(row.ts_ms).unwrap().to_string().as_str()), day);
        }
    }
}

#[test]
fn a_retry_overwrites_and_another_cut_does_not() {
    let cases = [("98", EVENING), ("99", EVENING)];
    assert_eq!(finished(gathered(&cases)), finished(gathered(&cases)));
    let whole = finished(gathered(&cases));
    let part = finished(gathered(&cases[..1]));
    assert_ne!(whole[0].path, part[0].path);
    let same_ends = finished(gathered(&[("98", EVENING), ("98", EVENING), ("99", EVENING)]));
    assert_ne!(whole[0].path, same_ends[0].path);
}

#[test]
fn what_cannot_be_written_is_refused_and_leaves_nothing() {
    let event = event(ARN, "99", EVENING, r#","NewImage":{"id":{"S":"a"},"new":{"S":"b"}}"#);
    let change = change(&event);
    let other = StreamArn::parse(ARN.replace("Planes.v2", "planes")).unwrap();
    let mut files = gathered(&[("98", EVENING)]);
    for (change, expected) in [
        (Change { stream_arn: other, ..change.clone() }, "change of stream"),
        (Change { new: None, ..change.clone() }, "MODIFY without an item"),
        (Change { new: None, at_ms: 0, ..change.clone() }, "MODIFY without an item"),
        (Change { at_ms: -1, ..change.clone() }, "time -1 ms"),
        (Change { at_ms: i64::MAX, ..change.clone() }, "time 9223372036854775807 ms"),
        (Change { sequence: "9z", ..change }, "sequence number \"9z\""),
    ] {
        let error = files.push(&change).unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
    }
    assert_eq!(finished(files), finished(gathered(&[("98", EVENING)])));
}

#[test]
fn what_was_refused_first_leaves_no_stream() {
    let image = r#","NewImage":{"id":{"S":"a"}}"#;
    let mut files = ChangeFiles::new();
    let refused = event(ARN, "98", EVENING, image);
    let error = files.push(&Change { new: None, ..change(&refused) }).unwrap_err();
    assert!(matches!(error, WriteError::NoItem(_)), "{error}");
    push(&mut files, &event(&ARN.replace("Planes.v2", "planes"), "99", EVENING, image)).unwrap();
    let files = finished(files);
    assert!(files[0].path.starts_with("changes/planes/"), "{}", files[0].path);
    assert_eq!(read::rows(files[0].bytes.clone()).unwrap().table(), "planes");
}

#[test]
fn no_changes_make_no_files() {
    assert!(ChangeFiles::new().is_empty());
    assert_eq!(finished(ChangeFiles::new()), []);
}

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::format::dynamodb_json::write_item;
use crate::{canonical, testing};

const WHOLE: &str = r#"{
    "eventID": "1", "eventName": "MODIFY", "eventVersion": "1.1", "eventSource": "aws:dynamodb",
    "awsRegion": "us-east-1", "new field": {"deep": [1, "]", {}]},
    "dynamodb": {
        "ApproximateCreationDateTime": 1795359601, "SequenceNumber": "4421584500000000017450439091",
        "SizeBytes": 59, "StreamViewType": "NEW_AND_OLD_IMAGES",
        "Keys": {"p": {"S": "k"}}, "NewImage": {"p": {"S": "k"}, "n": {"N": "1.0"}},
        "OldImage": {"p": {"S": "k"}}
    },
    "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/planes/stream/2026-11-22T15:00:00.000"
}"#;

/// A change as text, or its error.
fn show(record: &Record<'_>) -> String {
    match &record.change {
        Ok(change) => {
            let image =
                |image: &Option<crate::Item<'_>>| image.as_ref().map_or("-".to_owned(), canonical);
            format!(
                "{} {} at {} key {} new {} old {} by {:?} of {} {}",
                change.sequence,
                change.op.as_str(),
                change.at_ms,
                canonical(&change.keys),
                image(&change.new),
                image(&change.old),
                change.by,
                change.view.as_str(),
                change.stream_arn.table(),
            )
        }
        Err(error) => format!("{} {error}", record.sequence.unwrap_or("?")),
    }
}

fn records(event: &[u8]) -> Result<Vec<Record<'_>>, crate::ParseError> {
    Event::new(event).collect()
}

fn show_event(event: &str) -> String {
    match records(event.as_bytes()) {
        Ok(records) => records.iter().map(show).collect::<Vec<_>>().join("\n"),
        Err(error) => error.to_string(),
    }
}

/// The whole record with one text replaced.
fn edited(from: &str, to: &str) -> String {
    assert!(WHOLE.contains(from), "{from}");
    show_event(&format!("{{\"Records\":[{}]}}", WHOLE.replacen(from, to, 1)))
}

#[test]
fn reads_records_of_each_view() {
    insta::assert_snapshot!(edited("", ""), @r#"
    4421584500000000017450439091 MODIFY at 1795359601000 key {"p":{"S":"k"}} new {"n":{"N":"1"},"p":{"S":"k"}} old {"p":{"S":"k"}} by User of NEW_AND_OLD_IMAGES planes
    "#);
    insta::assert_snapshot!(show_event(include_str!("../../../../events/stream-keys-only.json")), @r#"
    4421584500000000017450439091 INSERT at 1795359601000 key {"tailnum":{"S":"N10156"}} new - old - by User of KEYS_ONLY planes
    4421584500000000017450439192 MODIFY at 1795359602000 key {"tailnum":{"S":"N10156"}} new - old - by User of KEYS_ONLY planes
    4421584500000000017450439293 REMOVE at 1795359603000 key {"tailnum":{"S":"N10156"}} new - old - by User of KEYS_ONLY planes
    "#);
    insta::assert_snapshot!(show_event(include_str!("../../../../events/stream-new-image-only.json")), @r#"
    4421584500000000017450439091 INSERT at 1795359601000 key {"tailnum":{"S":"N10156"}} new {"engines":{"N":"2"},"manufacturer":{"S":"EMBRAER"},"model":{"S":"EMB-145XR"},"seats":{"N":"55"},"tailnum":{"S":"N10156"},"type":{"S":"Fixed wing multi engine"},"year":{"N":"2004"}} old - by User of NEW_IMAGE planes
    4421584500000000017450439192 MODIFY at 1795359602000 key {"tailnum":{"S":"N10156"}} new {"engines":{"N":"2"},"manufacturer":{"S":"EMBRAER"},"model":{"S":"EMB-145XR"},"seats":{"N":"50"},"tailnum":{"S":"N10156"},"type":{"S":"Fixed wing multi engine"},"year":{"N":"2004"}} old - by User of NEW_IMAGE planes
    4421584500000000017450439293 REMOVE at 1795359603000 key {"tailnum":{"S":"N10156"}} new - old - by User of NEW_IMAGE planes
    "#);
}

#[test]
fn reads_every_type() {
    let event = include_str!("../../../../events/stream-insert-modify-remove.json");
    let records = records(event.as_bytes()).unwrap();
    let changes: Vec<_> = records.into_iter().map(|record| record.change.unwrap()).collect();
    assert_eq!(changes[0].new, changes[1].old);
    assert_eq!(changes[0].new.as_ref().unwrap().len(), 16);
    insta::assert_snapshot!(canonical(changes[0].new.as_ref().unwrap()), @r#"
    {"airworthy":{"BOOL":true},"cabin":{"M":{"classes":{"L":[{"S":"economy"}]},"galley":{"M":{}},"rows":{"N":"18"},"wifi":{"BOOL":false}}},"drag":{"N":"0.027182818284590452353602874713526624978"},"empty":{"S":""},"engine_hours":{"NS":["12.5","9007199254740993"]},"hours":{"N":"-48113.25"},"inspections":{"L":[{"S":"2026-03-01"},{"N":"3"},{"NULL":true},{"M":{"by":{"SS":["FAA"]},"passed":{"BOOL":true}}},{"L":[]}]},"logo":{"B":"AAH+/w=="},"manufacturer":{"S":"EMBRAER"},"remark":{"S":"ligne 1\nline \"2\" ✈"},"routes":{"SS":["EWR-IAH","LGA-ORD"]},"seals":{"BS":["bGVmdA==","cmlnaHQ="]},"serial":{"N":"12345678901234567890123456789012345678"},"speed":{"NULL":true},"tailnum":{"S":"N10156"},"year":{"N":"2004"}}
    "#);
}

#[test]
fn tells_who_deleted() {
    insta::assert_snapshot!(show_event(include_str!("../../../../events/stream-ttl-delete.json")), @r#"
    4421584500000000017450439091 REMOVE at 1795359601000 key {"tailnum":{"S":"N10156"}} new - old {"engines":{"N":"2"},"expires":{"N":"1795359000"},"manufacturer":{"S":"EMBRAER"},"model":{"S":"EMB-145XR"},"seats":{"N":"55"},"tailnum":{"S":"N10156"},"type":{"S":"Fixed wing multi engine"},"year":{"N":"2004"}} by TimeToLive of NEW_AND_OLD_IMAGES planes
    "#);
    let service = |identity: &str| {
        let record = WHOLE.replace("MODIFY", "REMOVE").replacen(
            '{',
            &format!("{{\"userIdentity\":{identity},"),
            1,
        );
        Change::parse(record.as_bytes()).unwrap().by
    };
    for (identity, by) in [
        (r#"{"PrincipalId":"dynamodb.amazonaws.com","Type":"Service"}"#, Actor::TimeToLive),
        (r#"{"principalId":"dynamodb.amazonaws.com","type":"User"}"#, Actor::User),
        (r#"{"principalId":"AIDA","type":"Service"}"#, Actor::User),
        ("null", Actor::User),
    ] {
        assert_eq!(service(identity), by, "{identity}");
    }
}

#[test]
fn a_poison_record_spares_its_neighbours() {
    insta::assert_snapshot!(show_event(include_str!("../../../../events/stream-poison-record.json")), @r#"
    4421584500000000017450439091 INSERT at 1795359601000 key {"tailnum":{"S":"N10156"}} new {"engines":{"N":"2"},"manufacturer":{"S":"EMBRAER"},"model":{"S":"EMB-145XR"},"seats":{"N":"55"},"tailnum":{"S":"N10156"},"type":{"S":"Fixed wing multi engine"},"year":{"N":"2004"}} old - by User of NEW_AND_OLD_IMAGES planes
    4421584500000000017450439192 byte 388, attribute dynamodb.NewImage.year: "abc" is not a DynamoDB number: not a decimal number; write it with digits, as in -12.5 or 1E3
    4421584500000000017450439293 INSERT at 1795359603000 key {"tailnum":{"S":"N103US"}} new {"manufacturer":{"S":"AIRBUS INDUSTRIE"},"model":{"S":"A320-214"},"seats":{"N":"182"},"tailnum":{"S":"N103US"},"year":{"N":"1999"}} old - by User of NEW_AND_OLD_IMAGES planes
    "#);
    let bad = WHOLE.replace("MODIFY", "\\ud800").replace("\"MODIFY", "\"\u{1}MODIFY");
    let event =
        format!("{{\"Records\":[{WHOLE},{bad},null,[{{}}],{{\"a\" 1}},{WHOLE}],\"more\":[1]}}");
    insta::assert_snapshot!(show_event(&event), @r#"
    4421584500000000017450439091 MODIFY at 1795359601000 key {"p":{"S":"k"}} new {"n":{"N":"1"},"p":{"S":"k"}} old {"p":{"S":"k"}} by User of NEW_AND_OLD_IMAGES planes
    4421584500000000017450439091 byte 36, attribute eventName: not JSON: half of a surrogate pair, at byte 36 of the row
    ? byte 0: expected an object, found null
    ? byte 0: expected an object, found an array
    ? byte 5: not JSON: expected a colon, at byte 5 of the row
    4421584500000000017450439091 MODIFY at 1795359601000 key {"p":{"S":"k"}} new {"n":{"N":"1"},"p":{"S":"k"}} old {"p":{"S":"k"}} by User of NEW_AND_OLD_IMAGES planes
    "#);
}

#[test]
fn bytes_that_are_not_utf8_spoil_their_record_only() {
    let mut event =
        b"{\"Records\":[{\"eventID\":\"\xFF\",\"dynamodb\":{\"SequenceNumber\":\"7\"}},".to_vec();
    event.extend_from_slice(WHOLE.as_bytes());
    event.extend_from_slice(b"]}");
    let records = records(&event).unwrap();
    assert_eq!(
        show(&records[0]),
        "7 byte 12: not UTF-8 text at byte 12 of the row; convert the file to UTF-8"
    );
    assert!(records[1].change.is_ok());
}

#[test]
fn says_what_is_wrong_with_a_record() {
    let errors = [
        edited("\"eventID\"", "\"id\""),
        edited("\"eventName\"", "\"name\""),
        edited("MODIFY", "UPSERT"),
        edited("aws:dynamodb", "aws:kinesis"),
        edited("\"Keys\"", "\"keys\""),
        edited("\"NewImage\"", "\"newImage\""),
        edited("\"N\": \"1.0\"", "\"N\": \"one\""),
        edited("4421584500000000017450439091", "44-21"),
        edited("1795359601", "\"2026-11-22\""),
        edited("NEW_AND_OLD_IMAGES", "ALL"),
        edited("arn:aws:dynamodb", "arn:aws:kinesis"),
    ];
    insta::assert_snapshot!(errors.join("\n"), @r#"
    4421584500000000017450439091 byte 584, attribute eventID: the field is missing
    4421584500000000017450439091 byte 584, attribute eventName: the field is missing
    4421584500000000017450439091 byte 43, attribute eventName: expected INSERT, MODIFY or REMOVE, found "UPSERT"
    4421584500000000017450439091 byte 96, attribute eventSource: expected aws:dynamodb, found "aws:kinesis"
    4421584500000000017450439091 byte 589, attribute dynamodb.Keys: the field is missing
    4421584500000000017450439091 byte 589, attribute dynamodb.NewImage: the field is missing
    4421584500000000017450439091 byte 431, attribute dynamodb.NewImage.n: "one" is not a DynamoDB number: not a decimal number; write it with digits, as in -12.5 or 1E3
    ? byte 260, attribute dynamodb.SequenceNumber: expected a sequence number of up to 40 digits, found "44-21"
    4421584500000000017450439091 byte 223, attribute dynamodb.ApproximateCreationDateTime: expected a number, found a string
    4421584500000000017450439091 byte 333, attribute dynamodb.StreamViewType: expected the view type of a stream, found "ALL"
    4421584500000000017450439091 byte 586, attribute eventSourceARN: expected the ARN of a DynamoDB stream, found "arn:aws:kinesis:us-east-1:123456789012:t…"
    "#);
}

#[test]
fn events_that_are_none_are_refused() {
    for (event, error) in [
        ("", "byte 0: not JSON: expected an object, at byte 0 of the row"),
        ("[]", "byte 0: not JSON: expected an object, at byte 0 of the row"),
        ("{}", "byte 2, attribute Records: the field is missing"),
        (
            "{\"Records\":{}}",
            "byte 11: not JSON: expected an array of records, at byte 11 of the row",
        ),
        (
            "{\"Records\":[{]}",
            "byte 14: not JSON: expected a comma or a closing bracket, at byte 14 of the row",
        ),
        (
            "{\"Records\":[\"",
            "byte 13: not JSON: expected matching quotes and brackets, at byte 13 of the row",
        ),
        (
            "{\"Records\":[\"\\",
            "byte 14: not JSON: expected matching quotes and brackets, at byte 14 of the row",
        ),
        (
            "{\"Records\":[]} x",
            "byte 15: not JSON: expected nothing after the event, at byte 15 of the row",
        ),
        ("{\"Records\":[]} ", ""),
    ] {
        assert_eq!(show_event(event), error, "{event}");
    }
}

#[test]
fn every_array_of_records_is_read_and_nothing_after_a_failure() {
    let twice = format!(r#"{{"Records":[{WHOLE}],"a":{{}},"Records":[{WHOLE},1]}}"#);
    assert_eq!(records(twice.as_bytes()).unwrap().len(), 3);
    let broken = format!(r#"{{"Records":[{WHOLE}{WHOLE},{WHOLE}]}}"#);
    let read: Vec<bool> = Event::new(broken.as_bytes()).map(|record| record.is_ok()).collect();
    assert_eq!(read, [true, false]);
}

/// Whatever stands in the rest of an event, a record is the same.
#[test]
fn records_do_not_depend_on_their_event() {
    let escaped = WHOLE.replace("SequenceNumber", "SequenceNumbe\\u0072");
    let twice = WHOLE.replace("\"eventSourceARN\"", "\"dynamodb\":{},\"eventSourceARN\"");
    let bad = WHOLE.replace("MODIFY", "UPSERT");
    let all = [WHOLE, &escaped, &twice, &bad].join(",");
    let text = format!("{{\"Records\":[{all}]}}").into_bytes();
    let mut not_text = text.clone();
    not_text.splice(text.len() - 1.., *b",\"x\":\"\xFF\"}");
    let read = records(&text).unwrap();
    assert_eq!(read, records(&not_text).unwrap());
    assert_eq!(read.len(), 4);
    assert!(read.iter().all(|record| record.sequence.is_some()));
}

#[test]
fn times_become_milliseconds() {
    for (seconds, at_ms) in [
        ("1795359601", Some(1_795_359_601_000)),
        ("1795359601.5", Some(1_795_359_601_500)),
        ("1.795359601E9", Some(1_795_359_601_000)),
        ("1795359601.123999", Some(1_795_359_601_123)),
        ("0", Some(0)),
        ("-0.25", Some(-250)),
        ("1e120", None),
    ] {
        let record = WHOLE.replace("1795359601", seconds);
        let change = Change::parse(record.as_bytes());
        assert_eq!(change.ok().map(|change| change.at_ms), at_ms, "{seconds}");
    }
}

#[test]
fn stream_names_have_parts() {
    let text =
        "arn:aws-cn:dynamodb:cn-north-1:123456789012:table/my.table/stream/2026-11-22T15:00:00.000";
    let arn = StreamArn::parse(text).unwrap();
    assert_eq!(arn.table(), "my.table");
    assert_eq!(
        [arn.label(), arn.label_digits().as_str()],
        ["2026-11-22T15:00:00.000", "20261122150000000"]
    );
    assert_eq!(arn.table_arn(), "arn:aws-cn:dynamodb:cn-north-1:123456789012:table/my.table");
    assert_eq!(arn.to_string(), text);
    for wrong in [
        "",
        "arn:aws:s3:::bucket",
        "arn:aws:dynamodb:us-east-1:123456789012:table/planes",
        "arn:aws:dynamodb:us-east-1:123456789012:table/planes/stream/",
        "arn:aws:dynamodb:us-east-1:123456789012:table//stream/2026",
        "arn:aws:dynamodb:us-east-1:123456789012:table/a/b/stream/2026",
        "arn:aws:dynamodb:us-east-1:123456789012:table/ab/stream/2026",
        "arn:aws:dynamodb:us-east-1:123456789012:table/a b c/stream/2026",
        "arn:aws:dynamodb::123456789012:table/planes/stream/2026",
        "arn:aws:dynamodb:us-east-1::table/planes/stream/2026",
    ] {
        assert!(StreamArn::parse(wrong).is_err(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn images_come_back(new in testing::items(), old in testing::items()) {
        let written = |item| {
            let mut text = String::new();
            write_item(item, &mut text);
            text
        };
        let record = WHOLE
            .replace(r#"{"p": {"S": "k"}, "n": {"N": "1.0"}}"#, &written(&new))
            .replace(r#""OldImage": {"p": {"S": "k"}}"#, &format!("\"OldImage\":{}", written(&old)));
        let event = format!("{{\"Records\": [{record} , {record}]}}");
        let records = records(event.as_bytes()).unwrap();
        prop_assert_eq!(records.len(), 2);
        for found in records {
            prop_assert_eq!(found.bytes, record.as_bytes());
            prop_assert_eq!(found.sequence, Some("4421584500000000017450439091"));
            let change = found.change.unwrap();
            prop_assert_eq!(change.new.as_ref(), Some(&new));
            prop_assert_eq!(change.old.as_ref(), Some(&old));
        }
    }

    #[test]
    fn damage_ends_in_a_verdict(at: prop::sample::Index, piece in select(vec!["", "\"", "{", "}", "]", "\\", ",", "\u{ff}"])) {
        let event = format!("{{\"Records\":[{WHOLE},{WHOLE}]}}").into_bytes();
        let mut damaged = event.clone();
        let at = at.index(event.len());
        damaged.splice(at..=at, piece.bytes());
        if let Ok(records) = records(&damaged) {
            let first = "{\"Records\":[".len();
            let second = first + WHOLE.len() + 1;
            let whole = Change::parse(WHOLE.as_bytes());
            if let [a, b] = records.as_slice() {
                if !(first..first + WHOLE.len()).contains(&at) {
                    prop_assert_eq!(&a.change, &whole);
                }
                if !(second..second + WHOLE.len()).contains(&at) {
                    prop_assert_eq!(&b.change, &whole);
                }
            }
        }
    }
}

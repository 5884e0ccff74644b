//! Records that can never become rows, and what is kept of them: pure.
//!
//! | privacy rules | the object holds |
//! |---|---|
//! | none on the table | the record as it came, and the reason |
//! | on the table | what DynamoDB writes into records, under the rules, and a reason that quotes nothing |
//! | on some table, and this record's table cannot be told | a reason that quotes nothing |
//!
//! Under rules an attribute that they are on is left out where it cannot be read. The key is kept, as `_key` is.

use std::collections::BTreeMap;

use item::{
    Item,
    change::{Record, StreamArn},
    format::dynamodb_json::{parse_value, write_item},
    privacy::{Privacy, Redaction},
};
use lake::{WriteError, path};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use xxhash_rust::xxh64::xxh64;

/// Fields of a record that hold a word or a number, and no attribute.
const FIELDS: [&str; 6] =
    ["eventID", "eventName", "eventVersion", "eventSource", "awsRegion", "eventSourceARN"];
/// Such fields of its body.
const BODY: [&str; 4] =
    ["ApproximateCreationDateTime", "SequenceNumber", "SizeBytes", "StreamViewType"];
/// Such fields of who did it.
const IDENTITY: [&str; 4] = ["type", "Type", "principalId", "PrincipalId"];
const IMAGES: [&str; 2] = ["NewImage", "OldImage"];

/// A record that can never become a row, and where it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Impossible {
    /// The object's name in the lake, from the record alone.
    pub(crate) path: String,
    /// The object: the reason, and the record as it may be kept.
    pub(crate) json: Vec<u8>,
    /// Why. It may quote the value at fault, so it is for the object and not for a log.
    pub(crate) reason: String,
}

/// Why a record becomes no row.
#[derive(Debug)]
pub(crate) enum Refused {
    /// It cannot be read.
    Unread(item::ParseError),
    /// What was read fits no row.
    NoRow(WriteError),
}

/// The object that keeps a record.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Kept<'r, R> {
    reason: &'r str,
    /// Whether the rules were applied to the record, which they are not twice.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_redacted: bool,
    record: R,
}

type Fields<R> = BTreeMap<String, R>;

impl Impossible {
    /// What is kept of a record.
    pub(crate) fn of(record: &Record<'_>, refused: &Refused, privacy: &Privacy) -> Self {
        let (table, stream) = origin(record.bytes);
        let name = match record.sequence {
            Some(sequence) => format!("{stream}-{sequence}.json"),
            None => format!("{stream}-{:016x}.json", xxh64(record.bytes, 0)),
        };
        let redaction = table.as_deref().and_then(|table| privacy.of(table));
        let is_open = redaction.is_none() && (table.is_some() || privacy.is_empty());
        let reason = refused.reason(is_open);
        let json = match redaction {
            Some(redaction) => {
                let record = redacted(record.bytes, &redaction);
                json(&Kept { reason: &reason, is_redacted: true, record })
            }
            None if is_open => as_it_came(&reason, record.bytes),
            None => object(&reason, None::<&RawValue>),
        };
        let table = table.as_deref().unwrap_or("unknown-table");
        Self { path: path::quarantine("stream", table, &name), json, reason }
    }
}

impl Refused {
    /// The reason, which quotes what was found if that `is_open` to readers of the lake.
    fn reason(&self, is_open: bool) -> String {
        match self {
            Self::Unread(error) if is_open => error.to_string(),
            Self::Unread(error) => error.withheld(),
            // Of all that a row can lack none is a value.
            Self::NoRow(error) => error.to_string(),
        }
    }
}

/// The table, if it can be told, and the stream's label.
fn origin(record: &[u8]) -> (Option<String>, String) {
    let value: serde_json::Value = serde_json::from_slice(record).unwrap_or_default();
    let arn = value["eventSourceARN"].as_str().and_then(|arn| StreamArn::parse(arn).ok());
    match arn {
        Some(arn) => (Some(arn.table().to_owned()), arn.label_digits()),
        None => (None, "unknown-stream".to_owned()),
    }
}

fn as_it_came(reason: &str, record: &[u8]) -> Vec<u8> {
    // Lambda sends JSON, which nobody has checked as a whole: where a record is none, its text is kept.
    match serde_json::from_slice::<&RawValue>(record) {
        Ok(record) => object(reason, record),
        Err(_) => object(reason, String::from_utf8_lossy(record)),
    }
}

fn object(reason: &str, record: impl Serialize) -> Vec<u8> {
    json(&Kept { reason, is_redacted: false, record })
}

fn json(kept: &Kept<'_, impl Serialize>) -> Vec<u8> {
    // Text and JSON are written without fail.
    serde_json::to_vec(kept).unwrap_or_default()
}

/// What may be kept of a record; nothing if it is no object.
fn redacted(record: &[u8], redaction: &Redaction) -> Option<Fields<Box<RawValue>>> {
    let record: Fields<&RawValue> = serde_json::from_slice(record).ok()?;
    let mut kept = words(&record, &FIELDS);
    if let Some(identity) = fields(record.get("userIdentity")) {
        insert(&mut kept, "userIdentity", words(&identity, &IDENTITY));
    }
    if let Some(body) = fields(record.get("dynamodb")) {
        let mut told = words(&body, &BODY);
        if let Some(keys) = body.get("Keys") {
            insert(&mut told, "Keys", keys);
        }
        for name in IMAGES {
            if let Some(image) = fields(body.get(name)) {
                insert(&mut told, name, redacted_image(image, redaction));
            }
        }
        insert(&mut kept, "dynamodb", told);
    }
    Some(kept)
}

/// Attributes that no rule is on, as they came, and the others as the rules have them.
fn redacted_image(image: Fields<&RawValue>, redaction: &Redaction) -> Fields<Box<RawValue>> {
    let mut kept = Fields::new();
    for (name, value) in image {
        if !redaction.touches(&name) {
            insert(&mut kept, &name, value);
        } else if let Ok(value) = parse_value(value.get().as_bytes()) {
            let attribute = Item::from_distinct(vec![(name.into(), value)]);
            let mut text = String::new();
            write_item(&redaction.redact(&attribute), &mut text);
            kept.extend(serde_json::from_str::<Fields<_>>(&text).unwrap_or_default());
        }
    }
    kept
}

fn fields<'r>(value: Option<&&'r RawValue>) -> Option<Fields<&'r RawValue>> {
    serde_json::from_str(value?.get()).ok()
}

/// Those of the fields that hold no object and no list.
fn words(fields: &Fields<&RawValue>, names: &[&str]) -> Fields<Box<RawValue>> {
    let mut words = Fields::new();
    for name in names {
        if let Some(word) = fields.get(*name).filter(|value| !value.get().starts_with(['{', '['])) {
            insert(&mut words, name, word);
        }
    }
    words
}

fn insert(fields: &mut Fields<Box<RawValue>>, name: &str, value: impl Serialize) {
    if let Ok(value) = to_raw_value(&value) {
        fields.insert(name.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use item::change::Event;

    use super::*;

    /// The objects that are kept of an event's records under rules.
    fn check(rules: &str, event: &str) -> String {
        let key = Some("0123456789abcdef0123456789abcdef");
        let privacy = Privacy::new(rules.parse().unwrap(), key).unwrap();
        let decoded = crate::decode::decode(event.as_bytes(), &privacy).unwrap();
        let line =
            |kept: Impossible| format!("{}: {}", kept.path, String::from_utf8_lossy(&kept.json));
        decoded.impossible.into_iter().map(line).collect::<Vec<_>>().join("\n")
    }

    const POISON: &str = include_str!("../../../events/stream-poison-record.json");

    #[test]
    fn without_rules_a_record_is_kept_as_it_came() {
        let event: serde_json::Value = serde_json::from_str(POISON).unwrap();
        for rules in ["", "other:drop=year"] {
            let kept = check(rules, POISON);
            let json = &kept[kept.find('{').unwrap()..];
            let kept: serde_json::Value = serde_json::from_str(json).unwrap();
            assert_eq!(kept["record"], event["Records"][1]);
            assert!(kept["reason"].as_str().unwrap().contains("\"abc\""));
        }
    }

    #[test]
    fn under_rules_what_they_are_on_is_redacted_or_left_out() {
        insta::assert_snapshot!(check("planes:drop=manufacturer;planes:hash=year,seats", POISON), @r#"quarantine/stream/planes/20261122150000000-4421584500000000017450439192.json: {"reason":"byte 388: \"…\" is not a DynamoDB number: not a decimal number; write it with digits, as in -12.5 or 1E3","isRedacted":true,"record":{"awsRegion":"us-east-1","dynamodb":{"ApproximateCreationDateTime":1795359602,"Keys":{"tailnum": {"S": "N102UW"}},"NewImage":{"model":{"S": "A320-214"},"seats":{"S":"00ea618ad2b77acdc7182c1ec173b545df72edd2ea6078720fb0d6e4ec40fd59"},"tailnum":{"S": "N102UW"}},"SequenceNumber":"4421584500000000017450439192","SizeBytes":82,"StreamViewType":"NEW_AND_OLD_IMAGES"},"eventID":"10afdc778c946fc1faadaa44669392fb","eventName":"INSERT","eventSource":"aws:dynamodb","eventSourceARN":"arn:aws:dynamodb:us-east-1:123456789012:table/planes/stream/2026-11-22T15:00:00.000","eventVersion":"1.1"}}"#);
    }

    #[test]
    fn of_a_record_whose_table_cannot_be_told_nothing_is_kept_in_a_stack_with_rules() {
        let event = r#"{"Records":[{"eventID":"1","eventName":"INSERT","dynamodb":{"NewImage":{"a":{"N":"secret"}}}}]}"#;
        insta::assert_snapshot!(check("planes:drop=year", event), @r#"quarantine/stream/unknown-table/unknown-stream-6e2d0e0f07f850c4.json: {"reason":"byte 77: \"…\" is not a DynamoDB number: not a decimal number; write it with digits, as in -12.5 or 1E3","record":null}"#);
        insta::assert_snapshot!(check("", event), @r#"quarantine/stream/unknown-table/unknown-stream-6e2d0e0f07f850c4.json: {"reason":"byte 77, attribute dynamodb.NewImage.a: \"secret\" is not a DynamoDB number: not a decimal number; write it with digits, as in -12.5 or 1E3","record":{"eventID":"1","eventName":"INSERT","dynamodb":{"NewImage":{"a":{"N":"secret"}}}}}"#);
    }

    #[test]
    fn what_dynamodb_does_not_write_is_not_kept_under_rules() {
        let event = r#"{"Records":[{"eventName":"INSERT","more":"secret","eventID":{"secret":1},
            "userIdentity":{"type":"Service","more":"secret"},
            "dynamodb":{"Keys":{"id":{"S":"k"}},"more":"secret","SizeBytes":["secret"],
                "NewImage":{"id":{"S":"k"},"a":"secret","b":{"S":"kept"},"c":{"M":{"d":{"S":"secret"},"e":{"NULL":true}}}},
                "OldImage":["secret"]},
            "eventSourceARN":"arn:aws:dynamodb:us-east-1:123456789012:table/planes/stream/2026-11-22T15:00:00.000"}]}"#;
        let kept = check("planes:drop=a,c.d", event);
        assert!(!kept.contains("secret"), "{kept}");
        insta::assert_snapshot!(kept, @r#"quarantine/stream/planes/20261122150000000-4ece257f0908dc2a.json: {"reason":"byte 48: expected a string, found an object","isRedacted":true,"record":{"dynamodb":{"Keys":{"id":{"S":"k"}},"NewImage":{"b":{"S":"kept"},"c":{"M":{"e":{"NULL":true}}},"id":{"S":"k"}}},"eventName":"INSERT","eventSourceARN":"arn:aws:dynamodb:us-east-1:123456789012:table/planes/stream/2026-11-22T15:00:00.000","userIdentity":{"type":"Service"}}}"#);
    }

    #[test]
    fn a_record_is_a_row_or_kept() {
        let read =
            Event::new(POISON.as_bytes()).filter(|record| record.as_ref().unwrap().change.is_ok());
        assert_eq!(read.count() + check("*:drop=year", POISON).lines().count(), 3);
    }
}

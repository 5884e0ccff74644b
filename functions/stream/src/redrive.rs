//! What was given up comes back: an object of the lake in the place of an event.
//!
//! | event | the object holds | written by |
//! |---|---|---|
//! | `{"redrive":"aws/lambda/…"}` | a batch, as `payload` | Lambda, when its mapping gave the batch up |
//! | `{"redrive":"quarantine/stream/…"}` | one record, as `record` | this function, when the record could be no row |
//!
//! The rows are those that the batch would have made: their names and sequence numbers are its own, so that however
//! often it comes the views count each change once. The object stays; who asked removes it.
//!
//! Source: [destinations of DynamoDB streams](https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html).

use aws::{Clients, object};
use bytes::Bytes;
use lambda_runtime::Error;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::Settings;

/// Where what is given up is kept, and nothing else is read.
const PLACES: [&str; 2] = ["aws/lambda/", "quarantine/stream/"];

/// The event.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    redrive: String,
}

/// What came of it.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Redriven {
    #[serde(rename = "redriven")]
    pub(crate) key: String,
    pub(crate) records: usize,
    pub(crate) rows: usize,
    pub(crate) files: usize,
    /// Records that still can be no row; they are in quarantine, with the reason.
    pub(crate) quarantined: usize,
}

/// The key of the object, if the event asks for that. An event of records is told by its first field.
pub(crate) fn asked(event: &[u8]) -> Option<String> {
    serde_json::from_slice::<Asked>(event).ok().map(|asked| asked.redrive)
}

/// What the object at `key` keeps.
pub(crate) async fn read(clients: &Clients, settings: &Settings, key: &str) -> Result<Kept, Error> {
    let bucket = &settings.lake_bucket;
    if !PLACES.iter().any(|place| key.starts_with(place)) {
        return Err(format!(
            "s3://{bucket}/{key} is nothing to redrive; give a key below {}",
            PLACES.join(" or ")
        )
        .into());
    }
    let bytes = object::read(clients.s3(), bucket, key).await?;
    let bytes = bytes.ok_or_else(|| {
        format!("s3://{bucket}/{key} is not there; was it redriven and removed before?")
    })?;
    kept(&bytes)
        .map_err(|reason| format!("s3://{bucket}/{key} cannot be redriven: {reason}").into())
}

/// What was kept.
#[derive(Debug)]
pub(crate) struct Kept {
    /// The event.
    pub(crate) event: Bytes,
    /// Whether privacy rules were applied to it, which would hash a hash.
    pub(crate) is_redacted: bool,
}

/// An object that Lambda or `quarantine` wrote.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object<'k> {
    #[serde(default)]
    is_redacted: bool,
    #[serde(borrow, default)]
    payload: Option<&'k RawValue>,
    #[serde(borrow, default)]
    record: Option<&'k RawValue>,
}

fn kept(object: &[u8]) -> Result<Kept, String> {
    let object: Object<'_> = serde_json::from_slice(object)
        .map_err(|error| format!("it is no JSON object ({error})"))?;
    let is_redacted = object.is_redacted;
    Ok(Kept { event: event(&object)?, is_redacted })
}

fn event(object: &Object<'_>) -> Result<Bytes, String> {
    match object {
        // AWS's page does not say whether it is the event or its text.
        Object { payload: Some(payload), .. } => {
            Ok(match serde_json::from_str::<String>(payload.get()) {
                Ok(text) => Bytes::from(text),
                Err(_) => Bytes::copy_from_slice(payload.get().as_bytes()),
            })
        }
        Object { record: Some(record), .. } if record.get().starts_with('{') => {
            Ok(Bytes::from(format!(r#"{{"Records":[{}]}}"#, record.get())))
        }
        Object { record: Some(_), .. } => Err(
            "its `record` is text that was no JSON; put the record as Lambda sends it in its place"
                .to_owned(),
        ),
        Object { .. } => Err("it has neither `payload` nor `record`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_of_records_asks_for_nothing() {
        let asks = |event: &str| asked(event.as_bytes());
        assert_eq!(asks(include_str!("../../../events/stream-insert-modify-remove.json")), None);
        assert_eq!(asks("{}"), None);
        insta::assert_snapshot!(asks(include_str!("../../../events/stream-redrive.json")).unwrap(), @"aws/lambda/5a1b2c3d-1111-2222-3333-444455556666/shardId-00000001795316400000-3f8a2c1d/2026/11/22/2026-11-22T15.00.00-0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0");
    }

    #[test]
    fn what_is_kept_becomes_an_event_again() {
        let check = |object: &str| match kept(object.as_bytes()) {
            Ok(kept) => String::from_utf8(kept.event.to_vec()).unwrap(),
            Err(reason) => reason,
        };
        let records = r#"{"Records":[{"eventID":"1"}]}"#;
        assert_eq!(
            check(&serde_json::json!({"requestContext": {}, "payload": records}).to_string()),
            records
        );
        assert_eq!(check(&format!(r#"{{"payload":{records},"version":"1.0"}}"#)), records);
        assert_eq!(check(r#"{"reason":"no","record":{"eventID":"1"}}"#), records);
        let redacted = r#"{"reason":"no","isRedacted":true,"record":{"eventID":"1"}}"#;
        assert_eq!(check(redacted), records);
        assert!(kept(redacted.as_bytes()).unwrap().is_redacted);
        insta::assert_snapshot!(check(r#"{"reason":"no","record":"{\"eventID\":"}"#), @"its `record` is text that was no JSON; put the record as Lambda sends it in its place");
        insta::assert_snapshot!(check(r#"{"requestContext":{}}"#), @"it has neither `payload` nor `record`");
        insta::assert_snapshot!(check("[]"), @"it has neither `payload` nor `record`");
    }
}

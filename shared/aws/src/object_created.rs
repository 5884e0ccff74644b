//! S3's "Object Created", as EventBridge brings it to a queue.
//!
//! Source: [event message structure](https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html).

use serde::Deserialize;

use crate::object::ObjectId;

/// An object that S3 says it has created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectCreated {
    /// The object, and its version in a versioned bucket.
    pub object: ObjectId,
    /// Bytes, as stored.
    pub size: u64,
    /// What tells this writing of the key from every other: the version, else S3's sequencer.
    pub writing: String,
}

/// An EventBridge event from S3.
/// Source: [event message structure](https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html).
#[derive(Deserialize)]
struct Event {
    source: String,
    #[serde(rename = "detail-type")]
    detail_type: String,
    detail: serde_json::Value,
}

#[derive(Deserialize)]
struct Detail {
    bucket: Bucket,
    object: Object,
}

#[derive(Deserialize)]
struct Bucket {
    name: String,
}

#[derive(Deserialize)]
struct Object {
    key: String,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    etag: String,
    #[serde(rename = "version-id")]
    version_id: Option<String>,
    #[serde(default)]
    sequencer: String,
}

/// The object a message tells of; nothing if it tells of something else.
pub fn read(body: &str) -> Option<ObjectCreated> {
    let event: Event = serde_json::from_str(body).ok()?;
    if event.source != "aws.s3" || event.detail_type != "Object Created" {
        return None;
    }
    let Detail { bucket, object } = serde_json::from_value(event.detail).ok()?;
    let version = object.version_id.filter(|version| !version.is_empty() && version != "null");
    let writing = version.clone().unwrap_or(format!("{}-{}", object.etag, object.sequencer));
    Some(ObjectCreated {
        object: ObjectId { bucket: bucket.name, key: object.key, version },
        size: object.size,
        writing,
    })
}

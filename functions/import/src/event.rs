//! What a queue message says: an object was created, or nothing that concerns us.
//!
//! ```text
//! SQS message ─▶ body ─▶ EventBridge event "Object Created" ─▶ ObjectCreated
//!                          └─▶ anything else (a test event, another detail type) ─▶ nothing
//! ```

use aws::object::ObjectId;
use serde::Deserialize;

/// An object that S3 says it has created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ObjectCreated {
    /// The object, and its version in a versioned bucket.
    pub(crate) object: ObjectId,
    /// Bytes, as stored.
    pub(crate) size: u64,
    /// What tells this writing of the key from every other: the version, else S3's sequencer.
    pub(crate) writing: String,
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
///
/// Whatever else arrives on the queue (`s3:TestEvent`, a person's test message) cannot become an
/// import by being retried, so it is not an error.
pub(crate) fn object_created(body: &str) -> Option<ObjectCreated> {
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

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! told {
        ($name:literal) => {{
            let event = include_str!(concat!("../../../events/", $name, ".json"));
            let event: serde_json::Value = serde_json::from_str(event).unwrap();
            let body = event["Records"][0]["body"].as_str().unwrap();
            match object_created(body) {
                Some(ObjectCreated { object, size, .. }) => format!("{object}, {size} bytes"),
                None => "nothing".to_owned(),
            }
        }};
    }

    #[test]
    fn an_object_is_told_with_its_version_and_its_key_as_it_is() {
        insta::assert_snapshot!(told!("import-object-created"), @"s3://headwater-landingbucket-1x2y3z4a5b6c7/imports/planes.csv (version IYV3p45BT0ac8hjHg1houSdS1a.Mro8e), 310571 bytes");
        insta::assert_snapshot!(told!("import-object-created-key-with-spaces"), @"s3://headwater-landingbucket-1x2y3z4a5b6c7/imports/Flotte d'été 2026 + réserve.csv (version IYV3p45BT0ac8hjHg1houSdS1a.Mro8e), 2048 bytes");
    }

    #[test]
    fn anything_else_is_nothing() {
        assert_eq!(told!("import-not-an-object"), "nothing");
        assert_eq!(told!("import-s3-test-event"), "nothing");
        assert_eq!(told!("import-not-json"), "nothing");
    }
}

//! One small object that several invocations write in turn: a lease, progress, a plan.
//!
//! Who writes must have read what it replaces; of two that read the same, one is told [`Put::Lost`].
//!
//! Source: [conditional writes](https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html).

use aws_sdk_s3::{Client, primitives::ByteStream};

use crate::{
    Failure,
    object::{self, ObjectId},
};

/// What an object held when it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its entity tag, which a later write must name.
    pub tag: String,
}

/// What became of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Put {
    /// It is written; this is its new entity tag.
    Written(String),
    /// Someone else has written since, or at the same time.
    Lost,
}

/// What the object holds, or nothing if there is none.
pub async fn read(s3: &Client, bucket: &str, key: &str) -> Result<Option<State>, Failure> {
    let id = ObjectId { bucket: bucket.to_owned(), key: key.to_owned(), version: None };
    let mut opened = match object::open(s3, &id).await {
        Ok(opened) => opened,
        Err(failure) if failure.has_code("NoSuchKey") => return Ok(None),
        Err(failure) => return Err(failure),
    };
    let tag = opened.e_tag.take().unwrap_or_default();
    let bytes = object::whole(opened, &id).await?;
    Ok(Some(State { bytes, tag }))
}

/// Writes JSON over the state with that entity tag, or where there was none.
pub async fn write(
    s3: &Client,
    bucket: &str,
    key: &str,
    bytes: Vec<u8>,
    over: Option<&str>,
) -> Result<Put, Failure> {
    let put = s3.put_object().bucket(bucket).key(key).content_type("application/json");
    let put = match over {
        Some(tag) => put.if_match(tag),
        None => put.if_none_match("*"),
    };
    let sent = put.body(ByteStream::from(bytes)).send().await;
    match sent.map_err(|error| Failure::of("PutObject", format!("s3://{bucket}/{key}"), error)) {
        Ok(written) => Ok(Put::Written(written.e_tag.unwrap_or_default())),
        // A state that was removed since is as much someone else's doing as one that was written.
        Err(failure)
            if failure.has_code("PreconditionFailed")
                // Two wrote at once.
                || failure.has_code("ConditionalRequestConflict")
                || (over.is_some() && failure.has_code("NoSuchKey")) =>
        {
            Ok(Put::Lost)
        }
        Err(failure) => Err(failure),
    }
}

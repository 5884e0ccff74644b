//! Listing and removing objects under a prefix.

use aws_sdk_s3::{
    Client,
    error::BuildError,
    operation::list_object_versions::ListObjectVersionsOutput,
    types::{Delete, Error, ObjectIdentifier, ObjectVersion},
};
use jiff::Timestamp;

use lake::compaction::{Input, Listing, Object};

use crate::{Class, Failure, object::ObjectId};

/// Objects that one call removes.
///
/// Source: [DeleteObjects](https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html).
const REMOVED_AT_ONCE: usize = 1000;

/// The newest version of an object that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Bucket, key and, in a versioned bucket, version.
    pub object: ObjectId,
    /// Bytes, as stored.
    pub size: u64,
}

/// The newest version of every object under a prefix, in the order of their keys; of more than `most`
/// objects, some more than that.
pub async fn newest_versions(
    s3: &Client,
    bucket: &str,
    prefix: &str,
    most: usize,
) -> Result<Vec<Listed>, Failure> {
    let mut listed = Vec::new();
    let mut markers = (None, None);
    loop {
        let page = s3
            .list_object_versions()
            .bucket(bucket)
            .prefix(prefix)
            .set_key_marker(markers.0)
            .set_version_id_marker(markers.1)
            .send()
            .await
            .map_err(|error| {
                Failure::of("ListObjectVersions", format!("s3://{bucket}/{prefix}"), error)
            })?;
        listed.extend(page.versions().iter().filter_map(|version| newest(bucket, version)));
        markers = match next(page) {
            Some(markers) if listed.len() <= most => markers,
            _ => return Ok(listed),
        };
    }
}

fn newest(bucket: &str, version: &ObjectVersion) -> Option<Listed> {
    if version.is_latest() != Some(true) {
        return None;
    }
    // An unversioned bucket calls its only version so.
    let id = version.version_id().filter(|id| *id != "null").map(str::to_owned);
    let object =
        ObjectId { bucket: bucket.to_owned(), key: version.key()?.to_owned(), version: id };
    let size = version.size().and_then(|size| u64::try_from(size).ok()).unwrap_or_default();
    Some(Listed { object, size })
}

type Markers = (Option<String>, Option<String>);

fn next(page: ListObjectVersionsOutput) -> Option<Markers> {
    let more = page.is_truncated() == Some(true);
    more.then_some((page.next_key_marker, page.next_version_id_marker))
}

/// The keys of all objects under a prefix, in order.
pub async fn keys(s3: &Client, bucket: &str, prefix: &str) -> Result<Vec<String>, Failure> {
    let mut keys = Vec::new();
    let mut pages = s3.list_objects_v2().bucket(bucket).prefix(prefix).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| {
            Failure::of("ListObjectsV2", format!("s3://{bucket}/{prefix}"), error)
        })?;
        keys.extend(page.contents().iter().filter_map(|object| object.key().map(str::to_owned)));
    }
    Ok(keys)
}

/// What stands between a prefix and the next `/` of the keys under it, in order, each once.
pub async fn folders(s3: &Client, bucket: &str, prefix: &str) -> Result<Vec<String>, Failure> {
    let mut folders = Vec::new();
    let request = s3.list_objects_v2().bucket(bucket).prefix(prefix).delimiter("/");
    let mut pages = request.into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| {
            Failure::of("ListObjectsV2", format!("s3://{bucket}/{prefix}"), error)
        })?;
        let found = page.common_prefixes().iter().filter_map(|folder| {
            Some(folder.prefix()?.strip_prefix(prefix)?.strip_suffix('/')?.to_owned())
        });
        folders.extend(found);
    }
    Ok(folders)
}

/// The objects under a prefix that are to be kept, in the order of their keys; of more than `most`, the first and
/// some more.
pub async fn objects(
    s3: &Client,
    bucket: &str,
    prefix: &str,
    most: usize,
    mut keep: impl FnMut(&Object) -> bool,
) -> Result<Listing, Failure> {
    let mut listing = Listing::default();
    let mut pages = s3.list_objects_v2().bucket(bucket).prefix(prefix).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| {
            Failure::of("ListObjectsV2", format!("s3://{bucket}/{prefix}"), error)
        })?;
        let is_last = page.is_truncated != Some(true);
        let objects: Vec<_> = page.contents.unwrap_or_default();
        let last = objects.last().and_then(|object| object.key.clone());
        let kept = objects.into_iter().filter_map(listed).filter(|object| keep(object));
        listing.objects.extend(kept);
        if listing.objects.len() >= most && !is_last {
            listing.cut_at = last;
            break;
        }
    }
    Ok(listing)
}

fn listed(object: aws_sdk_s3::types::Object) -> Option<Object> {
    let modified = object.last_modified?;
    Some(Object {
        key: object.key?,
        bytes: object.size.and_then(|size| u64::try_from(size).ok())?,
        tag: object.e_tag?,
        modified: Timestamp::new(modified.secs(), 0).ok()?,
    })
}

/// Removes objects that still have the entity tags given, and gives the number of those that had not, or were
/// gone.
///
/// Source: [conditional deletes](https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html).
pub async fn remove_unchanged(
    s3: &Client,
    bucket: &str,
    objects: &[Input],
) -> Result<usize, Failure> {
    let mut kept = 0;
    for objects in objects.chunks(REMOVED_AT_ONCE) {
        let identifier = |object: &Input| {
            ObjectIdentifier::builder().key(&object.key).e_tag(&object.tag).build()
        };
        let resource = format!("s3://{bucket}/{}", objects.first().map_or("", |first| &first.key));
        let errors = remove_at_once(s3, bucket, &resource, objects.iter().map(identifier)).await?;
        for error in errors {
            match error.code() {
                Some("PreconditionFailed" | "NoSuchKey") => kept += 1,
                _ => return Err(not_removed(&resource, &error)),
            }
        }
    }
    Ok(kept)
}

/// Removes every object under a prefix and gives their number.
///
/// In a versioned bucket the objects are hidden behind delete markers, and its life-cycle rule removes
/// their bytes.
pub async fn remove(s3: &Client, bucket: &str, prefix: &str) -> Result<usize, Failure> {
    let resource = format!("s3://{bucket}/{prefix}");
    let keys = keys(s3, bucket, prefix).await?;
    for keys in keys.chunks(REMOVED_AT_ONCE) {
        let objects = keys.iter().map(|key| ObjectIdentifier::builder().key(key).build());
        let errors = remove_at_once(s3, bucket, &resource, objects).await?;
        if let Some(error) = errors.first() {
            return Err(not_removed(&resource, error));
        }
    }
    Ok(keys.len())
}

/// Removes up to [`REMOVED_AT_ONCE`] objects, and gives what S3 says of those that it did not.
async fn remove_at_once(
    s3: &Client,
    bucket: &str,
    resource: &str,
    objects: impl Iterator<Item = Result<ObjectIdentifier, BuildError>>,
) -> Result<Vec<Error>, Failure> {
    let delete = objects
        .collect::<Result<Vec<_>, _>>()
        .and_then(|objects| Delete::builder().set_objects(Some(objects)).quiet(true).build())
        .map_err(|error| {
            Failure::stated("DeleteObjects", resource, error.to_string(), Class::Permanent)
        })?;
    let sent = s3.delete_objects().bucket(bucket).delete(delete).send().await;
    let sent = sent.map_err(|error| Failure::of("DeleteObjects", resource, error))?;
    Ok(sent.errors.unwrap_or_default())
}

fn not_removed(resource: &str, error: &Error) -> Failure {
    let message = format!(
        "{}: {}",
        error.key().unwrap_or_default(),
        error.message().or(error.code()).unwrap_or_default()
    );
    Failure::stated("DeleteObjects", resource, message, Class::Retryable)
}

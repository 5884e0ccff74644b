//! Objects in S3.

use std::collections::HashMap;

use aws_sdk_s3::{Client, operation::get_object::GetObjectOutput, primitives::ByteStream};
use tokio_util::io::SyncIoBridge;

use crate::{Class, Failure};

/// Where an object is, and which version of it; how errors and reports name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectId {
    /// The bucket.
    pub bucket: String,
    /// The key, undecorated.
    pub key: String,
    /// The version, in a versioned bucket.
    pub version: Option<String>,
}

impl std::fmt::Display for ObjectId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)?;
        match &self.version {
            Some(version) => write!(f, " (version {version})"),
            None => Ok(()),
        }
    }
}

/// Whether [`put_once`] wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Once {
    /// The object is new.
    Written,
    /// An object of that name was there before and stays as it was.
    AlreadyThere,
}

/// Opens one version of an object; its body streams.
///
/// A missing object or version is a permanent failure with code `NoSuchKey` or `NoSuchVersion`.
pub async fn open(s3: &Client, object: &ObjectId) -> Result<GetObjectOutput, Failure> {
    s3.get_object()
        .bucket(&object.bucket)
        .key(&object.key)
        .set_version_id(object.version.clone())
        .send()
        .await
        .map_err(|error| Failure::of("GetObject", object.to_string(), error))
}

/// Opens one version of an object from a byte on, counted from 0.
pub async fn open_from(
    s3: &Client,
    object: &ObjectId,
    offset: u64,
) -> Result<GetObjectOutput, Failure> {
    if offset == 0 {
        return open(s3, object).await;
    }
    get_range(s3, object, format!("bytes={offset}-")).await
}

/// The bytes of one version of an object in a range that is not empty and lies within it.
pub async fn read_range(
    s3: &Client,
    object: &ObjectId,
    range: std::ops::Range<u64>,
) -> Result<Vec<u8>, Failure> {
    let got = get_range(s3, object, format!("bytes={}-{}", range.start, range.end - 1)).await?;
    let body = got.body.collect().await.map_err(|broken| {
        Failure::stated("GetObject", object.to_string(), broken.to_string(), Class::Retryable)
    })?;
    Ok(body.to_vec())
}

async fn get_range(
    s3: &Client,
    object: &ObjectId,
    range: String,
) -> Result<GetObjectOutput, Failure> {
    s3.get_object()
        .bucket(&object.bucket)
        .key(&object.key)
        .set_version_id(object.version.clone())
        .range(range)
        .send()
        .await
        .map_err(|error| Failure::of("GetObject", object.to_string(), error))
}

/// The body of an object for code that blocks: reading waits for the network.
///
/// It is made within the runtime and read on a thread of its own, such as that of
/// [`tokio::task::spawn_blocking`]; on the runtime's own thread reading panics.
pub fn blocking(body: ByteStream) -> impl std::io::Read + Send + 'static {
    SyncIoBridge::new(body.into_async_read())
}

/// Bytes that [`read`] takes into memory at most: 64 MiB.
///
/// Ours. What is read so, and the most that it has:
///
/// | what | bytes |
/// |---|---|
/// | what an import settled: 10,000 objects told twice, and five million rows not to write | 64 MB, were each key as long as it can be; usually thousands |
/// | `manifest-files.json` of an export, some 250 for each data file | 25 MB of 100,000 files |
/// | a change file that is merged with others | 16 MiB |
/// | a batch of stream records that Lambda gave up, 6 MB in an event | 12 MB, as JSON within JSON |
/// | the note of a merge of 10,000 files | 3 MB |
/// | every other note, claim and report | thousands |
pub const SMALL_OBJECT_BYTES: u64 = 64 * 1024 * 1024;

/// The bytes of a small object, or nothing if there is none.
///
/// One of more than [`SMALL_OBJECT_BYTES`] is a permanent failure, of which no byte is read.
pub async fn read(s3: &Client, bucket: &str, key: &str) -> Result<Option<Vec<u8>>, Failure> {
    let object = ObjectId { bucket: bucket.to_owned(), key: key.to_owned(), version: None };
    match open(s3, &object).await {
        Ok(opened) => whole(opened, &object).await.map(Some),
        Err(failure) if failure.has_code("NoSuchKey") => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// The bytes of an object that was opened, under the limit of [`read`].
pub(crate) async fn whole(opened: GetObjectOutput, object: &ObjectId) -> Result<Vec<u8>, Failure> {
    within(opened.content_length, SMALL_OBJECT_BYTES, object)?;
    let body = opened.body.collect().await.map_err(|broken| {
        Failure::stated("GetObject", object.to_string(), broken.to_string(), Class::Retryable)
    })?;
    Ok(body.to_vec())
}

/// Whether an object whose length is that has as many bytes as are taken into memory, or fewer.
fn within(length: Option<i64>, limit: u64, object: &ObjectId) -> Result<(), Failure> {
    let failed =
        |message: &str, class| Failure::stated("GetObject", object.to_string(), message, class);
    let length = length.and_then(|length| u64::try_from(length).ok());
    let length = length.ok_or_else(|| failed(NO_LENGTH, Class::Retryable))?;
    if length <= limit {
        return Ok(());
    }
    let message = format!(
        "it has {length} bytes, and what is read whole has {limit} at most; is it what belongs there? Move \
         it away, or put a smaller one in its place"
    );
    Err(failed(&message, Class::Permanent))
}

/// What an answer lacks that every one of S3's has.
const NO_LENGTH: &str = "the answer does not say how long the object is";

/// The last bytes of an object, at most `length` of them; nothing if there is no such object.
pub async fn tail(
    s3: &Client,
    bucket: &str,
    key: &str,
    length: usize,
) -> Result<Option<Vec<u8>>, Failure> {
    let resource = || format!("s3://{bucket}/{key}");
    let range = format!("bytes=-{length}");
    let got = s3.get_object().bucket(bucket).key(key).range(range).send().await;
    match got.map_err(|error| Failure::of("GetObject", resource(), error)) {
        Ok(output) => {
            let body = output.body.collect().await.map_err(|broken| {
                let message = broken.to_string();
                Failure::stated("GetObject", resource(), message, Class::Retryable)
            })?;
            Ok(Some(body.to_vec()))
        }
        Err(failure) if failure.has_code("NoSuchKey") => Ok(None),
        // An empty object has no last bytes.
        Err(failure) if failure.has_code("InvalidRange") => Ok(Some(Vec::new())),
        Err(failure) => Err(failure),
    }
}

/// Writes an object whole, over whatever was there.
pub async fn put(
    s3: &Client,
    bucket: &str,
    key: &str,
    content_type: &str,
    bytes: Vec<u8>,
) -> Result<(), Failure> {
    s3.put_object()
        .bucket(bucket)
        .key(key)
        .content_type(content_type)
        .body(ByteStream::from(bytes))
        .send()
        .await
        .map_err(|error| Failure::of("PutObject", format!("s3://{bucket}/{key}"), error))?;
    Ok(())
}

/// Writes an object unless there is one: of many callers, one is told [`Once::Written`].
///
/// Source: [conditional writes](https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html).
pub async fn put_once(
    s3: &Client,
    bucket: &str,
    key: &str,
    content_type: &str,
    bytes: Vec<u8>,
) -> Result<Once, Failure> {
    let sent = s3
        .put_object()
        .bucket(bucket)
        .key(key)
        .content_type(content_type)
        .if_none_match("*")
        .body(ByteStream::from(bytes))
        .send()
        .await
        .map_err(|error| Failure::of("PutObject", format!("s3://{bucket}/{key}"), error));
    match sent {
        Ok(_) => Ok(Once::Written),
        Err(failure) if failure.has_code("PreconditionFailed") => Ok(Once::AlreadyThere),
        Err(failure) => Err(failure),
    }
}

/// Removes an object, if it is there.
pub async fn remove(s3: &Client, bucket: &str, key: &str) -> Result<(), Failure> {
    let sent = s3.delete_object().bucket(bucket).key(key).send().await;
    sent.map_err(|error| Failure::of("DeleteObject", format!("s3://{bucket}/{key}"), error))?;
    Ok(())
}

/// What S3 knows of an object without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Bytes, as stored.
    pub size: u64,
    /// The metadata it was written with, by name without `x-amz-meta-`.
    pub metadata: HashMap<String, String>,
}

/// Looks at one version of an object.
///
/// A missing object or version is a permanent failure with code `NotFound`.
pub async fn head(s3: &Client, object: &ObjectId) -> Result<Head, Failure> {
    let head = s3
        .head_object()
        .bucket(&object.bucket)
        .key(&object.key)
        .set_version_id(object.version.clone())
        .send()
        .await
        .map_err(|error| Failure::of("HeadObject", object.to_string(), error))?;
    // Not taken for an empty object, which would be damaged for ever.
    let size = head.content_length.and_then(|size| u64::try_from(size).ok()).ok_or_else(|| {
        Failure::stated("HeadObject", object.to_string(), NO_LENGTH, Class::Retryable)
    })?;
    Ok(Head { size, metadata: head.metadata.unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader, Write},
        net::TcpListener,
    };

    use super::*;
    use crate::Clients;

    /// Answers every request with these heads and no body, as a proxy does that takes heads away.
    fn bucket_that_answers(heads: &'static str) -> Client {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                let lines = BufReader::new(&connection).lines();
                let asked = lines.map_while(Result::ok).take_while(|line| !line.is_empty());
                if asked.count() > 0 {
                    write!(connection, "HTTP/1.1 200 OK\r\nconnection: close\r\n{heads}\r\n")
                        .unwrap();
                }
            }
        });
        Clients::of_endpoint(&endpoint).s3().clone()
    }

    fn planes() -> ObjectId {
        let (bucket, key) = ("landing".to_owned(), "imports/planes.csv".to_owned());
        ObjectId { bucket, key, version: None }
    }

    async fn size(heads: &'static str) -> Result<u64, Failure> {
        head(&bucket_that_answers(heads), &planes()).await.map(|head| head.size)
    }

    #[test]
    fn what_is_read_whole_has_a_limit() {
        let within = |length| within(length, 10, &planes());
        assert!([0, 9, 10].into_iter().all(|length| within(Some(length)).is_ok()));
        let failure = within(Some(11)).unwrap_err();
        assert_eq!(failure.class, Class::Permanent);
        insta::assert_snapshot!(failure, @"GetObject on s3://landing/imports/planes.csv failed: it has 11 bytes, and what is read whole has 10 at most; is it what belongs there? Move it away, or put a smaller one in its place");
        for unknown in [None, Some(-1)] {
            let failure = within(unknown).unwrap_err();
            assert_eq!(failure.class, Class::Retryable);
            insta::allow_duplicates! {
                insta::assert_snapshot!(failure, @"GetObject on s3://landing/imports/planes.csv failed: the answer does not say how long the object is");
            }
        }
    }

    #[tokio::test]
    async fn an_object_that_is_too_large_is_not_read() {
        let read = async |heads| {
            let ObjectId { bucket, key, .. } = planes();
            read(&bucket_that_answers(heads), &bucket, &key).await
        };
        // The body never comes: only who begins to read it is cut off.
        let failure = read("content-length: 67108865\r\n").await.unwrap_err();
        assert_eq!(failure.class, Class::Permanent, "{failure}");
        let failure = read("content-length: 67108864\r\n").await.unwrap_err();
        assert_eq!(failure.class, Class::Retryable, "{failure}");
        assert_eq!(read("content-length: 0\r\n").await.unwrap(), Some(Vec::new()));
    }

    #[tokio::test]
    async fn an_object_whose_length_nobody_says_is_no_empty_object() {
        assert_eq!(size("content-length: 0\r\n").await.unwrap(), 0);
        assert_eq!(size("content-length: 5368709120\r\n").await.unwrap(), 5 << 30);
        for heads in ["", "etag: \"1\"\r\n", "content-length: -1\r\n"] {
            let failure = size(heads).await.unwrap_err();
            assert_eq!(failure.class, Class::Retryable, "{heads}: {failure}");
        }
        insta::assert_snapshot!(size("").await.unwrap_err(), @"HeadObject on s3://landing/imports/planes.csv failed: the answer does not say how long the object is");
    }
}

//! Large objects, written while they are made.
//!
//! Source: [multipart upload](https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html).

use std::io::{self, Write};

use aws_sdk_s3::{
    Client,
    primitives::ByteStream,
    types::{CompletedMultipartUpload, CompletedPart},
};
use tokio::sync::mpsc::{Receiver, Sender};

use crate::{Class, Failure};

/// Bytes of a part: S3 takes 5 MiB at least (but for the last) and 10,000 parts, so an object of up to
/// 156 GiB.
pub const PART_BYTES: usize = 16 * 1024 * 1024;

/// Writes an object from parts as they come, each [`PART_BYTES`] long but for the last.
///
/// The object is there when its [`Part::Last`] is written, whole or not at all: of an upload that fails, or whose
/// channel closes before that because whoever made the parts gave up or panicked, nothing is left.
pub async fn upload(
    s3: &Client,
    bucket: &str,
    key: &str,
    mut parts: Receiver<Part>,
) -> Result<Uploaded, Failure> {
    let resource = format!("s3://{bucket}/{key}");
    let begun = s3.create_multipart_upload().bucket(bucket).key(key).send().await;
    let begun = begun.map_err(|error| Failure::of("CreateMultipartUpload", &resource, error))?;
    let upload = Upload { s3, bucket, key, resource, id: begun.upload_id.unwrap_or_default() };
    let mut completed = Vec::new();
    loop {
        let (bytes, is_last) = match parts.recv().await {
            Some(Part::Next(bytes)) => (bytes, false),
            Some(Part::Last(bytes)) => (bytes, true),
            None => {
                upload.abandon().await;
                return Ok(Uploaded::Abandoned);
            }
        };
        if !bytes.is_empty() {
            match upload.send(completed.len(), bytes).await {
                Ok(part) => completed.push(part),
                Err(failure) => {
                    upload.abandon().await;
                    return Err(failure);
                }
            }
        }
        if is_last {
            upload.complete(completed).await?;
            return Ok(Uploaded::Whole);
        }
    }
}

/// What comes down the channel.
#[derive(Debug)]
pub enum Part {
    /// The next bytes.
    Next(Vec<u8>),
    /// The last of them, if there are any left: with these the object is whole.
    Last(Vec<u8>),
}

/// How an upload ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uploaded {
    /// The object is there.
    Whole,
    /// Nothing is left of it.
    Abandoned,
}

/// Cuts what is written into parts, on a thread that may block.
///
/// Only [`PartWriter::finish`] makes an object of it: who gives up drops it. Writing fails where nobody receives any
/// more, because the upload failed.
#[derive(Debug)]
pub struct PartWriter {
    sender: Sender<Part>,
    part: Vec<u8>,
}

impl PartWriter {
    /// Parts for [`upload`], at the other end of the channel.
    pub fn new(sender: Sender<Part>) -> Self {
        Self { sender, part: Vec::with_capacity(PART_BYTES) }
    }

    /// Sends what is left, and says that it was the last.
    pub fn finish(self) -> io::Result<()> {
        send(&self.sender, Part::Last(self.part))
    }
}

impl Write for PartWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(PART_BYTES - self.part.len());
        self.part.extend_from_slice(&bytes[..taken]);
        if self.part.len() == PART_BYTES {
            let part = std::mem::replace(&mut self.part, Vec::with_capacity(PART_BYTES));
            send(&self.sender, Part::Next(part))?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn send(sender: &Sender<Part>, part: Part) -> io::Result<()> {
    sender.blocking_send(part).map_err(|_| io::ErrorKind::BrokenPipe.into())
}

struct Upload<'a> {
    s3: &'a Client,
    bucket: &'a str,
    key: &'a str,
    resource: String,
    id: String,
}

impl Upload<'_> {
    async fn send(&self, before: usize, bytes: Vec<u8>) -> Result<CompletedPart, Failure> {
        let number = i32::try_from(before + 1).unwrap_or(i32::MAX);
        let sent = self
            .s3
            .upload_part()
            .bucket(self.bucket)
            .key(self.key)
            .upload_id(&self.id)
            .part_number(number)
            .body(ByteStream::from(bytes))
            .send()
            .await
            .map_err(|error| Failure::of("UploadPart", &self.resource, error))?;
        Ok(CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag).build())
    }

    async fn complete(&self, parts: Vec<CompletedPart>) -> Result<(), Failure> {
        if parts.is_empty() {
            let message = "an object needs a part at least";
            return Err(Failure::stated(
                "CompleteMultipartUpload",
                &self.resource,
                message,
                Class::Permanent,
            ));
        }
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        self.s3
            .complete_multipart_upload()
            .bucket(self.bucket)
            .key(self.key)
            .upload_id(&self.id)
            .multipart_upload(parts)
            .send()
            .await
            .map_err(|error| Failure::of("CompleteMultipartUpload", &self.resource, error))?;
        Ok(())
    }

    /// Parts that cannot be removed now, the bucket's life-cycle rule removes.
    async fn abandon(&self) {
        let aborted = self
            .s3
            .abort_multipart_upload()
            .bucket(self.bucket)
            .key(self.key)
            .upload_id(&self.id)
            .send()
            .await
            .map_err(|error| Failure::of("AbortMultipartUpload", &self.resource, error));
        if let Err(failure) = aborted {
            tracing::warn!(%failure, "parts of an upload are left to the life-cycle rule");
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    /// What comes down the channel when so many bytes were written, and whoever wrote them finished or gave up.
    fn told(bytes: usize, finishes: bool) -> String {
        let (sender, mut parts) = mpsc::channel(4);
        let mut writer = PartWriter::new(sender);
        writer.write_all(&vec![0; bytes]).unwrap();
        if finishes {
            writer.finish().unwrap();
        } else {
            drop(writer);
        }
        let told = std::iter::from_fn(|| parts.blocking_recv()).map(|part| match part {
            Part::Next(bytes) => format!("next {}", bytes.len()),
            Part::Last(bytes) => format!("last {}", bytes.len()),
        });
        told.collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn only_what_is_finished_has_a_last_part() {
        insta::assert_snapshot!(told(7, true), @"last 7");
        insta::assert_snapshot!(told(PART_BYTES + 7, true), @"next 16777216, last 7");
        insta::assert_snapshot!(told(PART_BYTES, true), @"next 16777216, last 0");
        insta::assert_snapshot!(told(0, true), @"last 0");
        insta::assert_snapshot!(told(PART_BYTES + 7, false), @"next 16777216");
        insta::assert_snapshot!(told(7, false), @"");
    }
}

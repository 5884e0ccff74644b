//! What is imported: one object version, or those of a folder, read by plain code that may block.
//!
//! ```text
//! body ─▶ decompress ─▶ rows (item's text formats, lake's Parquet) ─▶ items
//!   └── opened again where a connection breaks
//! ```
//!
//! The decoders run on a thread of their own; the runtime feeds them. Nothing holds a whole object.

mod decompress;
pub(crate) mod rows;

use std::io::Read;

pub(crate) use aws::opener::{BytesRead, Opener};
use aws::{Class, Clients, Failure, object::ObjectId, opener};
use item::format::ReadError;
use serde::{Deserialize, Serialize};

pub(crate) use self::decompress::Compression;
use self::decompress::decompressed;
use crate::{
    report::Source,
    stop::{Refusal, Stop},
};

/// An object to import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Source", into = "Source")]
pub(crate) struct File {
    /// Which version of which object.
    pub(crate) object: ObjectId,
    /// Bytes, as stored.
    pub(crate) size: u64,
    /// What its own manifest says of it, if it has one.
    pub(crate) expected: Option<Expected>,
}

/// What a file has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Expected {
    /// The md5 sum of its bytes as stored, as base64.
    pub(crate) md5: String,
    /// Its rows.
    pub(crate) rows: u64,
}

impl From<Source> for File {
    fn from(source: Source) -> Self {
        let Source { bucket, key, version, size } = source;
        Self::new(ObjectId { bucket, key, version }, size)
    }
}

impl From<File> for Source {
    fn from(file: File) -> Self {
        let ObjectId { bucket, key, version } = file.object;
        Self { bucket, key, version, size: file.size }
    }
}

/// Runs `work` on a thread that may block, with what opens objects.
pub(crate) async fn read<T, W>(clients: &Clients, read: BytesRead, work: W) -> Result<T, Stop>
where
    T: Send + 'static,
    W: FnOnce(&Opener) -> Result<T, Stop> + Send + 'static,
{
    let opener = Opener::new(clients, read);
    match tokio::task::spawn_blocking(move || work(&opener)).await {
        Ok(done) => done,
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}

impl File {
    /// A file of which nothing is expected.
    pub(crate) fn new(object: ObjectId, size: u64) -> Self {
        Self { object, size, expected: None }
    }

    /// Why reading this object ended early.
    pub(crate) fn stop(&self, error: ReadError) -> Stop {
        match error {
            ReadError::Io(error) if opener::is_network(&error) => {
                let resource = self.object.to_string();
                Failure::stated("GetObject", resource, error.to_string(), Class::Retryable).into()
            }
            ReadError::Io(error) => Stop::Refused(Refusal::from(format!(
                "the compressed data of {} is broken ({error}); compress the file again and drop it anew",
                self.object
            ))),
            ReadError::Header(error) => {
                Stop::Refused(Refusal::from(format!("{}: {error}", self.object)))
            }
        }
    }

    /// The first bytes, decompressed; at most `length`.
    pub(crate) fn sample(&self, opener: &Opener, length: u64) -> Result<Vec<u8>, Stop> {
        let mut sample = Vec::new();
        let body = opener.open(&self.object, self.size, 0)?;
        decompressed(body, self.size)
            .and_then(|bytes| bytes.take(length).read_to_end(&mut sample))
            .map_err(|error| self.stop(error.into()))?;
        Ok(sample)
    }

    /// How the object is compressed.
    pub(crate) fn compression(&self, opener: &Opener) -> Result<Compression, Stop> {
        if self.size == 0 {
            return Ok(Compression::None);
        }
        Ok(Compression::of(&opener.range(&self.object, 0..self.size.min(4))?))
    }
}

//! The object's bytes, decompressed, as a blocking reader.
//!
//! The decoders are plain code over [`BufRead`]; they run on a thread of their own, and the body
//! of the object streams to them. Nothing holds a whole object.

use std::{
    io::{self, BufRead, BufReader, Read},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use aws::{
    Class, Clients, Failure,
    object::{self, ObjectId},
};
use flate2::bufread::MultiGzDecoder;
use item::format::ReadError;

use crate::stop::{Refusal, Stop};

/// Bytes read from the network at a time.
const BUFFER: usize = 256 * 1024;
/// How every gzip file begins (RFC 1952).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Runs `work` over the object's decompressed bytes on a thread of its own.
///
/// An error that `work` hits while reading is the network's (the failure is retryable) or the
/// object's own (its compression is broken: refused).
pub(crate) async fn read<T, W>(clients: &Clients, object: &ObjectId, work: W) -> Result<T, Stop>
where
    T: Send + 'static,
    W: FnOnce(&mut dyn BufRead) -> Result<T, ReadStop> + Send + 'static,
{
    let body = object::open(&clients.s3, object).await?.body;
    let broken = Arc::new(AtomicBool::new(false));
    let network = Network { body: object::blocking(body), broken: Arc::clone(&broken) };
    let done = tokio::task::spawn_blocking(move || work(&mut *decompressed(network)?)).await;
    match done {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(ReadStop::Refused(refusal))) => Err(Stop::Refused(refusal)),
        Ok(Err(ReadStop::Io(error))) => {
            Err(unreadable(object, &error, broken.load(Ordering::Relaxed)))
        }
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}

/// Why reading an object ended early.
#[derive(Debug)]
pub(crate) enum ReadStop {
    /// Its content cannot be imported.
    Refused(Refusal),
    /// Its bytes could not be read.
    Io(io::Error),
}

impl From<Refusal> for ReadStop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<io::Error> for ReadStop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<ReadError> for ReadStop {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Io(error) => Self::Io(error),
            ReadError::Header(error) => Self::Refused(Refusal::from(error.to_string())),
        }
    }
}

fn unreadable(object: &ObjectId, error: &io::Error, network: bool) -> Stop {
    if network {
        let message = format!("the body broke off: {error}");
        Failure::stated("GetObject", object.to_string(), message, Class::Retryable).into()
    } else {
        let reason = format!(
            "the gzip data of {object} is broken ({error}); compress the file again and drop it anew"
        );
        Stop::Refused(reason.into())
    }
}

/// The body, remembering whether an error was its own: decompression fails in the same type.
struct Network<R> {
    body: R,
    broken: Arc<AtomicBool>,
}

impl<R: Read> Read for Network<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.body.read(buffer).inspect_err(|_| self.broken.store(true, Ordering::Relaxed))
    }
}

fn decompressed(bytes: impl Read + 'static) -> io::Result<Box<dyn BufRead>> {
    let mut bytes = BufReader::with_capacity(BUFFER, bytes);
    let compressed = bytes.fill_buf()?.starts_with(&GZIP);
    Ok(if compressed {
        Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(bytes)))
    } else {
        Box::new(bytes)
    })
}

//! The bytes of one object version, as a blocking reader that survives broken connections.
//!
//! Whoever does slow work with what it reads may read one object for minutes, longer than a
//! connection may last. What breaks is opened again at the byte that comes next; the version cannot change meanwhile.

use std::{
    io::{self, Read},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::runtime::Handle;

use crate::{
    Clients, Failure,
    object::{self, ObjectId},
};

/// Attempts at one place before the failure is the trigger's.
const ATTEMPTS: u32 = 5;

/// Bytes read of all objects, as stored; for progress.
pub type BytesRead = Arc<AtomicU64>;

/// Reads objects from a thread that may block, through the runtime that another thread drives.
#[derive(Debug, Clone)]
pub struct Opener {
    clients: Clients,
    runtime: Handle,
    read: BytesRead,
}

impl Opener {
    /// For a thread of [`tokio::task::spawn_blocking`]; made within the runtime.
    pub fn new(clients: &Clients, read: BytesRead) -> Self {
        Self { clients: clients.clone(), runtime: Handle::current(), read }
    }

    /// The object's bytes from one on.
    pub fn open(&self, object: &ObjectId, size: u64, from: u64) -> Result<Body, Failure> {
        let mut body = Body {
            opener: self.clone(),
            object: object.clone(),
            size,
            next: from,
            reader: None,
            failures: 0,
        };
        if from < size {
            body.reopen()?;
        }
        Ok(body)
    }

    /// The bytes of a range, which lies within the object.
    pub fn range(
        &self,
        object: &ObjectId,
        range: std::ops::Range<u64>,
    ) -> Result<Vec<u8>, Failure> {
        let bytes = self.runtime.block_on(object::read_range(self.clients.s3(), object, range))?;
        self.read.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(bytes)
    }
}

/// The bytes of one object. Fails with an error of which [`is_network`] is true, or not at all.
pub struct Body {
    opener: Opener,
    object: ObjectId,
    size: u64,
    /// The byte that comes next.
    next: u64,
    reader: Option<Box<dyn Read + Send>>,
    /// Failures since a byte was read.
    failures: u32,
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at byte {} of {}", self.object, self.next, self.size)
    }
}

impl Body {
    fn reopen(&mut self) -> Result<(), Failure> {
        let Opener { clients, runtime, .. } = &self.opener;
        let opened = runtime.block_on(object::open_from(clients.s3(), &self.object, self.next))?;
        let _runtime = runtime.enter();
        self.reader = Some(Box::new(object::blocking(opened.body)));
        Ok(())
    }

    /// Waits and opens again, unless it was tried too often.
    fn recover(&mut self, broken: &io::Error) -> io::Result<()> {
        self.reader = None;
        self.failures += 1;
        if self.failures >= ATTEMPTS {
            return Err(network(&format!("the body broke off at byte {}: {broken}", self.next)));
        }
        std::thread::sleep(Duration::from_millis(200) * 2_u32.pow(self.failures));
        self.reopen().map_err(|failure| network(&failure.to_string()))
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.next < self.size && !buffer.is_empty() {
            let read = match &mut self.reader {
                Some(reader) => reader.read(buffer),
                None => Ok(0),
            };
            match read {
                Ok(0) => {
                    let ended = io::Error::from(io::ErrorKind::UnexpectedEof);
                    self.recover(&ended)?;
                }
                Ok(count) => {
                    self.next += count as u64;
                    self.failures = 0;
                    self.opener.read.fetch_add(count as u64, Ordering::Relaxed);
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => self.recover(&error)?,
            }
        }
        Ok(0)
    }
}

/// A failure of the network in the type of an error of the data; told apart by [`is_network`].
pub fn network(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NetworkUnreachable, message.to_owned())
}

/// Whether reading failed for the network, and not for what the object holds.
pub fn is_network(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NetworkUnreachable
}

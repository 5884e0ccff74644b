//! Files that are read by ranges: from S3, without the disk between.
//!
//! ```text
//! Items ──footer──▶ RangedRead::read(last 64 KiB)
//!   │
//!   └──row group──▶ Chunk of each column ──window──▶ RangedRead::read(128 KiB to 8 MiB)
//! ```
//!
//! Parquet asks for a page's header and then for the page, column by column, which would be thousands
//! of requests of a few kilobytes. So a row group of up to 16 MiB is fetched in one request, and of a larger
//! one each column has a window that moves on through its chunk.

use std::fmt;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{ChunkReader, Length};
use bytes::{Buf, Bytes};

/// A file whose bytes can be had by ranges; the calls block.
///
/// The file must not change between calls: read one version of an object.
pub trait RangedRead: Send + Sync {
    /// How many bytes the file has.
    fn length(&self) -> u64;

    /// The bytes of a range, which is within the file and not empty. All of them: fewer are an error to
    /// the caller.
    fn read(&self, range: Range<u64>) -> io::Result<Bytes>;
}

/// A file in memory.
impl RangedRead for Bytes {
    fn length(&self) -> u64 {
        self.len() as u64
    }

    fn read(&self, range: Range<u64>) -> io::Result<Bytes> {
        let place = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
        let range = place(range.start)..place(range.end);
        if range.start > range.end || range.end > self.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(self.slice(range))
    }
}

/// A file being read, which remembers why it could not be.
///
/// The Parquet reader makes text of errors; who calls us has to know a network that failed from a file that
/// is damaged.
#[derive(Clone)]
pub(crate) struct Source {
    file: Arc<dyn RangedRead>,
    failure: Arc<Mutex<Option<io::Error>>>,
}

impl Source {
    pub(crate) fn new(file: impl RangedRead + 'static) -> Self {
        Self { file: Arc::new(file), failure: Arc::default() }
    }

    pub(crate) fn length(&self) -> u64 {
        self.file.length()
    }

    /// The bytes of a range, all of them.
    pub(crate) fn read(&self, range: Range<u64>) -> io::Result<Bytes> {
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        let length = range.end - range.start;
        let bytes = self.file.read(range)?;
        if bytes.len() as u64 == length {
            return Ok(bytes);
        }
        let found = bytes.len();
        let fault = format!("asked for {length} bytes and got {found}");
        Err(io::Error::new(io::ErrorKind::UnexpectedEof, fault))
    }

    /// The same, for the Parquet reader.
    fn read_for_parquet(&self, range: Range<u64>) -> Result<Bytes, ParquetError> {
        self.read(range).map_err(|error| {
            *lock(&self.failure) = Some(error);
            ParquetError::General("the file could not be read from where it lies".to_owned())
        })
    }

    /// Why the Parquet reader was last refused, if it was.
    pub(crate) fn take_failure(&self) -> Option<io::Error> {
        lock(&self.failure).take()
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("length", &self.length()).finish_non_exhaustive()
    }
}

/// What a thread that panicked left behind is whole: it is replaced in one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The bytes of one column in one row group, as the Parquet reader asks for them: from the front to the
/// back, page by page.
#[derive(Debug, Clone)]
pub(crate) struct Chunk {
    source: Source,
    range: Range<u64>,
    /// How many bytes are fetched at a time.
    ahead: u64,
    window: Arc<Mutex<Window>>,
}

/// Bytes that were fetched.
#[derive(Debug, Default)]
struct Window {
    start: u64,
    bytes: Bytes,
}

impl Window {
    fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    /// What it has of a place and the bytes after it.
    fn from(&self, at: u64) -> Bytes {
        match at.checked_sub(self.start).and_then(|skipped| usize::try_from(skipped).ok()) {
            Some(skipped) if skipped <= self.bytes.len() => self.bytes.slice(skipped..),
            _ => Bytes::new(),
        }
    }
}

impl Chunk {
    /// A chunk of which nothing was fetched.
    pub(crate) fn new(source: Source, range: Range<u64>, ahead: u64) -> Self {
        Self { source, range, ahead, window: Arc::default() }
    }

    /// A chunk in memory.
    pub(crate) fn fetched(source: Source, range: Range<u64>, bytes: Bytes) -> Self {
        let window = Window { start: range.start, bytes };
        Self { source, range, ahead: 0, window: Arc::new(Mutex::new(window)) }
    }

    /// The bytes from a place, `least` or more of them.
    fn from(&self, at: u64, least: u64) -> Result<Bytes, ParquetError> {
        let end = at.checked_add(least).filter(|end| *end <= self.range.end);
        let Some(end) = end.filter(|_| at >= self.range.start) else {
            return Err(ParquetError::EOF("a page reaches beyond its column".to_owned()));
        };
        let mut window = lock(&self.window);
        let held = window.from(at);
        if window.end() >= end && held.len() as u64 >= least {
            return Ok(held);
        }
        let start = at + held.len() as u64;
        let ahead = start.saturating_add(self.ahead).min(self.range.end);
        let fetched = self.source.read_for_parquet(start..ahead.max(end))?;
        let bytes = if held.is_empty() { fetched } else { [held, fetched].concat().into() };
        *window = Window { start: at, bytes: bytes.clone() };
        Ok(bytes)
    }
}

impl Length for Chunk {
    fn len(&self) -> u64 {
        self.source.length()
    }
}

impl ChunkReader for Chunk {
    type T = ChunkBytes;

    fn get_read(&self, start: u64) -> Result<ChunkBytes, ParquetError> {
        Ok(ChunkBytes { chunk: self.clone(), at: start, held: Bytes::new() })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        Ok(self.from(start, length as u64)?.slice(..length))
    }
}

/// Reads on through a chunk.
#[derive(Debug)]
pub(crate) struct ChunkBytes {
    chunk: Chunk,
    /// The place after the bytes held.
    at: u64,
    held: Bytes,
}

impl Read for ChunkBytes {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.held.is_empty() && self.at < self.chunk.range.end {
            self.held = self.chunk.from(self.at, 1).map_err(io::Error::other)?;
            self.at += self.held.len() as u64;
        }
        let length = out.len().min(self.held.len());
        self.held.copy_to_slice(&mut out[..length]);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// A file that counts its requests.
    struct Counted(Bytes, Arc<AtomicUsize>);

    impl RangedRead for Counted {
        fn length(&self) -> u64 {
            self.0.length()
        }

        fn read(&self, range: Range<u64>) -> io::Result<Bytes> {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.read(range)
        }
    }

    fn chunk(range: Range<u64>, ahead: u64) -> (Chunk, Arc<AtomicUsize>) {
        let requests = Arc::new(AtomicUsize::new(0));
        let bytes: Vec<u8> = (0..=255).collect();
        let source = Source::new(Counted(bytes.into(), Arc::clone(&requests)));
        (Chunk::new(source, range, ahead), requests)
    }

    #[test]
    fn pages_share_requests() {
        let (chunk, requests) = chunk(10..110, 40);
        for (start, length, expected) in
            [(10, 5, 1), (15, 30, 1), (45, 5, 1), (50, 0, 1), (48, 60, 2), (108, 2, 3), (10, 3, 4)]
        {
            let bytes = chunk.get_bytes(start, length).unwrap();
            let found: Vec<u64> = bytes.iter().copied().map(u64::from).collect();
            assert_eq!(found, (start..start + length as u64).collect::<Vec<_>>());
            assert_eq!(requests.load(Ordering::Relaxed), expected, "{start}, {length}");
        }
        let mut all = Vec::new();
        chunk.get_read(12).unwrap().read_to_end(&mut all).unwrap();
        assert_eq!(all, (12..110).collect::<Vec<u8>>());
    }

    #[test]
    fn nothing_is_read_beyond_a_chunk() {
        let (chunk, requests) = chunk(10..110, 400);
        for (start, length) in [(9, 1), (10, 101), (110, 1), (u64::MAX, 2)] {
            assert!(chunk.get_bytes(start, length).is_err(), "{start}, {length}");
        }
        assert_eq!(requests.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_source_that_gives_less_is_told_from_damage() {
        let source = Source::new(Bytes::from_static(b"0123"));
        let chunk = Chunk::new(source.clone(), 0..10, 10);
        assert!(chunk.get_bytes(0, 1).is_err());
        assert_eq!(source.take_failure().unwrap().kind(), io::ErrorKind::UnexpectedEof);
        assert!(source.take_failure().is_none());
    }
}

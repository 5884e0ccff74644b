//! Taking compression off, whichever it is, and no more of it than is safe.
//!
//! | the bytes begin with | compression |
//! |---|---|
//! | `1f 8b` | gzip, also several members one after the other ([RFC 1952](https://www.rfc-editor.org/rfc/rfc1952)) |
//! | `28 b5 2f fd`, or `50…5f 2a 4d 18` | zstd, also several frames, also skippable ones ([RFC 8878](https://www.rfc-editor.org/rfc/rfc8878)) |
//! | anything else | none |

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

/// Bytes decompressed at a time.
pub(super) const BUFFER: usize = 256 * 1024;
/// A compressed object may become this large whatever its size.
pub(crate) const MAX_SMALL_BYTES: u64 = 1024 * 1024 * 1024;
/// Beyond, it may become this many times as large as it is stored: real text stays far below, the
/// densest gzip is 1,032 and a zstd bomb some 30,000.
pub(crate) const MAX_EXPANSION: u64 = 200;
/// The largest zstd window, as the power of two of its bytes: 64 MiB, which `zstd -1` to `-19` stay
/// below. Every window is memory.
const MAX_WINDOW_LOG: u32 = 26;

/// How an object is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    /// Not at all.
    None,
    /// gzip.
    Gzip,
    /// zstd.
    Zstd,
}

impl Compression {
    /// As `ImportTable` calls it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Gzip => "GZIP",
            Self::Zstd => "ZSTD",
        }
    }

    /// What the first bytes of an object say; four are enough.
    pub(crate) fn of(start: &[u8]) -> Self {
        match *start {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ => Self::None,
        }
    }
}

/// The decompressed bytes of an object of `stored` bytes.
pub(crate) fn decompressed(
    bytes: impl Read + Send + 'static,
    stored: u64,
) -> io::Result<Box<dyn BufRead + Send>> {
    let mut bytes = BufReader::with_capacity(BUFFER, bytes);
    let compression = Compression::of(bytes.fill_buf()?);
    let limit = MAX_SMALL_BYTES.max(stored.saturating_mul(MAX_EXPANSION));
    let bounded = |decoder| -> Box<dyn BufRead + Send> {
        Box::new(BufReader::with_capacity(BUFFER, Bounded { decoder, left: limit, limit }))
    };
    Ok(match compression {
        Compression::None => Box::new(bytes),
        Compression::Gzip => bounded(Box::new(MultiGzDecoder::new(bytes)) as Box<dyn Read + Send>),
        Compression::Zstd => {
            let mut decoder = zstd::Decoder::with_buffer(bytes)?;
            decoder.window_log_max(MAX_WINDOW_LOG)?;
            bounded(Box::new(decoder))
        }
    })
}

/// Stops what becomes too large.
struct Bounded<R> {
    decoder: R,
    left: u64,
    limit: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.decoder.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            let message = format!(
                "it becomes larger than {} bytes, which is the most for an object of its size \
                 ({MAX_EXPANSION} times its bytes, {MAX_SMALL_BYTES} at least); if the data is \
                 really so, drop it uncompressed or in smaller objects",
                self.limit
            );
            io::Error::new(io::ErrorKind::FileTooLarge, message)
        })?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        zstd::encode_all(bytes, 3).unwrap()
    }

    fn read(bytes: Vec<u8>, stored: u64) -> Result<Vec<u8>, String> {
        let mut read = Vec::new();
        decompressed(io::Cursor::new(bytes), stored)
            .and_then(|mut bytes| bytes.read_to_end(&mut read))
            .map_err(|error| error.to_string())?;
        Ok(read)
    }

    #[test]
    fn every_compression_gives_the_same_bytes() {
        let check = |bytes: Vec<u8>| assert_eq!(read(bytes, 100), Ok(b"one\ntwo\n".to_vec()));
        check(b"one\ntwo\n".to_vec());
        check(gzip(b"one\ntwo\n"));
        check([gzip(b"one\n"), gzip(b"two\n")].concat());
        check(zstd(b"one\ntwo\n"));
        check([zstd(b"one\n"), zstd(b"two\n")].concat());
    }

    #[test]
    fn what_is_cut_short_is_an_error() {
        let cut = |mut bytes: Vec<u8>| {
            bytes.truncate(bytes.len() - 5);
            read(bytes, 100)
        };
        assert!(cut(gzip(b"one\ntwo\n")).is_err());
        assert!(cut(zstd(b"one\ntwo\n")).is_err());
    }

    #[test]
    fn a_bomb_is_stopped() {
        let mut bomb = Bounded { decoder: io::repeat(0), left: 1000, limit: 1000 };
        let error = io::copy(&mut bomb, &mut io::sink()).unwrap_err().to_string();
        insta::assert_snapshot!(error, @"it becomes larger than 1000 bytes, which is the most for an object of its size (200 times its bytes, 1073741824 at least); if the data is really so, drop it uncompressed or in smaller objects");
    }

    #[test]
    fn a_window_that_needs_too_much_memory_is_refused() {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(27).unwrap();
        encoder.write_all(&[7; 200]).unwrap();
        encoder.flush().unwrap();
        let error = read(encoder.finish().unwrap(), 100).unwrap_err();
        insta::assert_snapshot!(error, @"Frame requires too much memory for decoding");
    }
}

//! Holding what is read against an md5 sum.

use std::io::{self, Read};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use md5::{Digest, Md5};

/// Reads on, and fails at the end if the bytes were not those that were expected: an error of the kind
/// [`io::ErrorKind::InvalidData`].
#[derive(Debug)]
pub struct Checked<R> {
    bytes: R,
    sum: Md5,
    expected: String,
}

impl<R> Checked<R> {
    /// `expected` is the sum as base64, as DynamoDB's manifests have it.
    pub fn new(bytes: R, expected: String) -> Self {
        Self { bytes, sum: Md5::new(), expected }
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(buffer)?;
        if read > 0 {
            self.sum.update(&buffer[..read]);
            return Ok(read);
        }
        let found = BASE64.encode(self.sum.clone().finalize());
        if found == self.expected || buffer.is_empty() {
            return Ok(0);
        }
        let expected = &self.expected;
        let message = format!(
            "its md5 sum is {found} and its export's manifest says {expected}: it is not the file that \
             DynamoDB wrote; copy it again"
        );
        Err(io::Error::new(io::ErrorKind::InvalidData, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(expected: &str) -> Result<String, String> {
        let mut text = String::new();
        let mut checked = Checked::new(b"hello".as_slice(), expected.to_owned());
        checked.read_to_string(&mut text).map_err(|error| error.to_string())?;
        Ok(text)
    }

    #[test]
    fn only_the_bytes_that_are_expected_end_well() {
        assert_eq!(read("XUFAKrxLKna5cZ2REBfFkg=="), Ok("hello".to_owned()));
        insta::assert_snapshot!(read("AAAA").unwrap_err(), @"its md5 sum is XUFAKrxLKna5cZ2REBfFkg== and its export's manifest says AAAA: it is not the file that DynamoDB wrote; copy it again");
    }
}

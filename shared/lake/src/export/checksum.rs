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

/// Whether a manifest's bytes are those that the object beside it, [`sum_key`], tells of.
pub fn is_sum(told: &[u8], bytes: &[u8]) -> bool {
    BASE64.encode(Md5::digest(bytes)).as_bytes() == told.trim_ascii()
}

/// Where the md5 sum of a manifest is: `manifest-files.md5`, as base64.
///
/// The documentation calls these objects `.checksum`; what DynamoDB writes, and AWS's own tools read, is `.md5`.
pub fn sum_key(manifest: &str) -> String {
    format!("{}.md5", manifest.trim_end_matches(".json"))
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
    fn a_manifest_is_held_against_the_sum_beside_it() {
        assert_eq!(sum_key("p/01/manifest-files.json"), "p/01/manifest-files.md5");
        assert!(is_sum(b"XUFAKrxLKna5cZ2REBfFkg==\n", b"hello"));
        assert!(!is_sum(b"XUFAKrxLKna5cZ2REBfFkg==", b"hell"));
    }

    #[test]
    fn only_the_bytes_that_are_expected_end_well() {
        assert_eq!(read("XUFAKrxLKna5cZ2REBfFkg=="), Ok("hello".to_owned()));
        insta::assert_snapshot!(read("AAAA").unwrap_err(), @"its md5 sum is XUFAKrxLKna5cZ2REBfFkg== and its export's manifest says AAAA: it is not the file that DynamoDB wrote; copy it again");
    }
}

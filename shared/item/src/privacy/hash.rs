//! Values as keyed hashes: equal ones stay equal, and nobody without the key tries all that there can be.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::PrivacyError;
use crate::Value;
use crate::canonical::write_canonical_value;

/// The fewest bytes a key has: with fewer than the hash has, the key is what is guessed.
pub const MIN_KEY_BYTES: usize = 32;

/// A secret that values are hashed with.
///
/// The hash of a value is HMAC-SHA256, by the bytes of the key's text, of the value's
/// [canonical](write_canonical_value) DynamoDB JSON, `{"S":"a@example.org"}`. So it is the same wherever the value is
/// found, in whatever table and attribute; a number and its text have different ones.
#[derive(Clone)]
pub struct HashKey(Hmac<Sha256>);

impl HashKey {
    /// Takes the key's text.
    pub fn new(key: &str) -> Result<Self, PrivacyError> {
        let short = PrivacyError::ShortKey { found: key.len() };
        if key.len() < MIN_KEY_BYTES {
            return Err(short);
        }
        // HMAC takes a key of any length.
        Hmac::new_from_slice(key.as_bytes()).map(Self).map_err(|_| short)
    }

    /// The hash of a value, as 64 hexadecimal digits.
    pub fn hash(&self, value: &Value<'_>) -> String {
        let mut text = String::new();
        write_canonical_value(value, &mut text);
        self.hash_text(&text)
    }

    /// The hash of a text.
    pub(super) fn hash_text(&self, text: &str) -> String {
        let mut hmac = self.0.clone();
        hmac.update(text.as_bytes());
        let digit = |digit: u8| char::from(b"0123456789abcdef"[usize::from(digit)]);
        let bytes = hmac.finalize().into_bytes();
        bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xF)]).collect()
    }
}

impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::dynamodb_json::parse_value;

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    fn hash(value: &str) -> String {
        HashKey::new(KEY).unwrap().hash(&parse_value(value.as_bytes()).unwrap())
    }

    /// As `printf '{"S":"a@example.org"}' | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef` has it.
    #[test]
    fn is_what_others_compute() {
        insta::assert_snapshot!(hash(r#"{"S":"a@example.org"}"#), @"de12d39b56546b52dfe9b5c8d7b933852fdcde12e56ec78366aa832d1d5096e4");
    }

    #[test]
    fn equal_values_have_equal_hashes_and_others_have_not() {
        for (a, b, equal) in [
            (r#"{"N":"1.0"}"#, r#"{"N":"1E0"}"#, true),
            (r#"{"SS":["b","a"]}"#, r#"{"SS":["a","b"]}"#, true),
            (
                r#"{"M":{"b":{"NS":["2","1"]},"a":{"NULL":true}}}"#,
                r#"{"M":{"a":{"NULL":true},"b":{"NS":["1","2.0"]}}}"#,
                true,
            ),
            (r#"{"S":"\u0061"}"#, r#"{"S":"a"}"#, true),
            (r#"{"S":"1"}"#, r#"{"N":"1"}"#, false),
            (r#"{"L":[{"S":"a"},{"S":"b"}]}"#, r#"{"L":[{"S":"b"},{"S":"a"}]}"#, false),
        ] {
            assert_eq!(hash(a) == hash(b), equal, "{a} {b}");
        }
        let other = HashKey::new("another key, of 32 bytes or more").unwrap();
        assert_ne!(other.hash(&Value::Null), hash(r#"{"NULL":true}"#));
    }
}

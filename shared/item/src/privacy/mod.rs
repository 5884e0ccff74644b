//! Attributes that are dropped or hashed before anything of an item is written.
//!
//! ```text
//! "orders:drop=ssn,card.number; *:hash=email" ──parse──▶ Rules ──┐
//!                                          secret ──▶ HashKey ──┴─▶ Privacy ──of("orders")──▶ Redaction
//!                                                                                                │
//!                                                          Item ──────────── redact ─────────────┴──▶ Item
//! ```
//!
//! | rule | becomes |
//! |---|---|
//! | `drop` | nothing: the item has no such attribute |
//! | `hash` | a string of 64 hexadecimal digits, see [`HashKey`] |
//! | none | as it was |
//!
//! Where several rules fit one value, the outermost holds; of two on the same value, `drop`.

mod hash;
mod redaction;
mod rules;

use std::sync::Arc;

pub use hash::{HashKey, MIN_KEY_BYTES};
pub use redaction::Redaction;
pub use rules::{Action, RuleError, Rules};

/// The rules of a stack, with the key to hash by.
#[derive(Debug, Clone, Default)]
pub struct Privacy {
    rules: Rules,
    key: Option<Arc<HashKey>>,
}

/// Why rules cannot be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PrivacyError {
    /// A rule hashes, and there is no key.
    #[error("a rule hashes and there is no key to hash by")]
    NoKey,
    /// A key that can be guessed.
    #[error("the key to hash by has {found} bytes, expected {MIN_KEY_BYTES} or more")]
    ShortKey {
        /// The bytes that it has.
        found: usize,
    },
}

impl Privacy {
    /// The rules, and the text of the key if there is one.
    pub fn new(rules: Rules, key: Option<&str>) -> Result<Self, PrivacyError> {
        let key = key.map(|key| HashKey::new(key).map(Arc::new)).transpose()?;
        if key.is_none() && rules.hash() {
            return Err(PrivacyError::NoKey);
        }
        Ok(Self { rules, key })
    }

    /// Whether no table has a rule.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// What the rules do to the items of a table; nothing if none fits its name.
    pub fn of(&self, table: &str) -> Option<Arc<Redaction>> {
        let paths = self.rules.of(table);
        (!paths.is_empty()).then(|| Arc::new(Redaction::new(paths, self.key.clone())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_that_hash_need_a_key_that_cannot_be_guessed() {
        let made = |rules: &str, key: Option<&str>| {
            Privacy::new(rules.parse().unwrap(), key).map_err(|error| error.to_string())
        };
        insta::assert_snapshot!(made("*:hash=a", None).unwrap_err(), @"a rule hashes and there is no key to hash by");
        insta::assert_snapshot!(made("*:drop=a", Some("secret")).unwrap_err(), @"the key to hash by has 6 bytes, expected 32 or more");
        let long = "0123456789abcdef0123456789abcdef";
        for (rules, key) in [("", None), ("*:drop=a", None), ("*:hash=a", Some(long))] {
            assert!(made(rules, key).is_ok(), "{rules}");
        }
        let shown = format!("{:?}", made("*:hash=a", Some(long)).unwrap().of("t"));
        assert!(!shown.contains(long) && !shown.contains("48, 49, 50"), "{shown}");
    }
}

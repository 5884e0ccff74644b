//! Why a manifest is not taken.

use std::fmt;

use super::MAX_MANIFEST_BYTES;

/// Why a manifest is not taken: what was expected, what was found, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// More bytes than a manifest has.
    #[error(
        "the manifest has {bytes} bytes, the limit is {MAX_MANIFEST_BYTES}; is this object data? \
         _import.json only says how the others are imported"
    )]
    TooLarge {
        /// Its bytes.
        bytes: usize,
    },
    /// Bytes that are no text.
    #[error("the manifest is not UTF-8 text at line {line}, column {column}; save it as UTF-8")]
    NotUtf8 {
        /// The line, counted from 1.
        line: usize,
        /// The byte in the line, counted from 1.
        column: usize,
    },
    /// Text that is no JSON.
    #[error("the manifest cannot be read as JSON: {0}; mend it there")]
    NotJson(
        /// What was expected, with line and column.
        String,
    ),
    /// JSON that is no manifest.
    #[error("{}", told(.0))]
    Faults(
        /// All that was found, at least one.
        Vec<Fault>,
    ),
    /// The schema this program was built with cannot be read; a test keeps this from happening.
    #[error("the schema of manifests, part of this program, cannot be read: {0}; please report it")]
    Schema(
        /// Why.
        String,
    ),
}

/// One thing that is wrong with a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The path to it (`TableCreationParameters.KeySchema[1].KeyType`); empty for the manifest as a
    /// whole.
    pub path: String,
    /// What was expected, what was found, and what to do.
    pub reason: String,
}

/// The faults that an error shows; it holds them all.
const FAULTS_SHOWN: usize = 20;

impl ManifestError {
    /// The error of the faults, if there are any.
    pub(super) fn unless_empty(faults: Faults) -> Result<(), Self> {
        if faults.0.is_empty() { Ok(()) } else { Err(Self::Faults(faults.0)) }
    }

    pub(super) fn not_json(error: &serde_json::Error) -> Self {
        Self::NotJson(error.to_string())
    }
}

/// The faults found so far.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    pub(super) fn add(&mut self, path: impl Into<String>, reason: impl Into<String>) {
        self.0.push(Fault { path: path.into(), reason: reason.into() });
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, reason } = self;
        if path.is_empty() { f.write_str(reason) } else { write!(f, "{path}: {reason}") }
    }
}

fn told(faults: &[Fault]) -> String {
    if let [fault] = faults {
        return format!("in the manifest, {fault}");
    }
    let mut told = vec![format!("the manifest has {} faults:", faults.len())];
    let shown = faults.iter().take(FAULTS_SHOWN).zip(1..);
    told.extend(shown.map(|(fault, number)| format!("({number}) {fault}")));
    if let more @ 1.. = faults.len().saturating_sub(FAULTS_SHOWN) {
        told.push(format!("and {more} more"));
    }
    told.join(" ")
}

//! Rows that are not items: kept, with their bytes and the reason.
//!
//! One JSON object per line in `rejects/<table>/<import id>.jsonl`, the first saying where the
//! rows come from:
//!
//! ```json
//! {"table":"airports","source":{"bucket":"…","key":"imports/airports.csv","version":"…","size":7}}
//! {"line":17,"offset":903,"path":"lat","reason":"…","row":"1ZZ,Nowhere,forty,…"}
//! ```
//!
//! `row` is the row as it stood, or `rowBase64` where it is not UTF-8 text.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use item::RowError;
use serde::Serialize;

use crate::report::Source;

/// A row that was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reject {
    /// Where it stands in the object.
    pub(crate) place: Place,
    /// The attribute at fault, if it is one attribute's.
    pub(crate) path: String,
    /// What was expected and found.
    pub(crate) reason: String,
}

/// A row and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// Counted from 1.
    pub(crate) line: u64,
    /// In the decompressed object, counted from 0.
    pub(crate) offset: u64,
    /// As it stood, without the line's end.
    pub(crate) bytes: Vec<u8>,
}

impl From<RowError> for Reject {
    fn from(error: RowError) -> Self {
        let RowError { line, offset, path, reason, bytes } = error;
        Self { place: Place { line, offset, bytes }, path, reason: reason.to_string() }
    }
}

#[derive(Serialize)]
struct Head<'r> {
    table: &'r str,
    source: &'r Source,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Kept<'r> {
    line: u64,
    offset: u64,
    #[serde(skip_serializing_if = "str::is_empty")]
    path: &'r str,
    reason: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    row: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    row_base64: Option<String>,
}

/// The content of the rejects' object.
pub(crate) fn to_json_lines(table: &str, source: &Source, rejects: &[Reject]) -> Vec<u8> {
    let mut text = serde_json::json!(Head { table, source }).to_string();
    for reject in rejects {
        let place = &reject.place;
        let row = std::str::from_utf8(&place.bytes).ok();
        let line = Kept {
            line: place.line,
            offset: place.offset,
            path: &reject.path,
            reason: &reject.reason,
            row,
            row_base64: row.is_none().then(|| BASE64.encode(&place.bytes)),
        };
        text.push('\n');
        text.push_str(&serde_json::json!(line).to_string());
    }
    text.push('\n');
    text.into_bytes()
}

//! Rows that are not items: kept, with their bytes and the reason, in a form that can be mended.
//!
//! One JSON object per line in `rejects/<table>/<import id>.rejects.jsonl`, the first saying where the
//! rows come from and how they are to be read:
//!
//! ```json
//! {"table":"airports","source":{"bucket":"…","key":"imports/airports.csv","version":"…","size":7},"layout":{…}}
//! {"line":17,"offset":903,"path":"lat","reason":"…","row":"1ZZ,Nowhere,forty,…"}
//! ```
//!
//! A row of a folder, or of an export, also says its `source`.
//! `row` is the row as it stood, or `rowBase64` where it is not UTF-8 text; of a Parquet file, which has no
//! text, it is the row as JSON. A row whose key an earlier one has says so with `duplicateKey`. Mended in place and dropped under `imports/`, the file loads into the same
//! table: see [`crate::rejects`].

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{layout::Layout, report::Source};

/// A row that was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reject {
    /// Where it stands in the object.
    pub(crate) place: Place,
    /// The attribute at fault, if it is one attribute's.
    pub(crate) path: String,
    /// What was expected and found.
    pub(crate) reason: String,
    /// The key, as canonical DynamoDB JSON, if the reason is that an earlier row has it.
    pub(crate) duplicate: Option<Box<str>>,
}

impl Reject {
    /// About how many bytes it takes, in memory and as a line.
    pub(crate) fn bytes(&self) -> usize {
        const PLACE_AND_NAMES: usize = 160;
        let Place { bytes, columns, .. } = &self.place;
        let columns = columns.iter().flat_map(|columns| columns.iter());
        bytes.len()
            + self.path.len()
            + self.reason.len()
            + self.duplicate.as_deref().map_or(0, str::len)
            + columns.map(|column| column.len() + 3).sum::<usize>()
            + PLACE_AND_NAMES
    }
}

/// A row and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its object.
    pub(crate) source: Arc<Source>,
    /// Counted from 1; of Parquet, the row.
    pub(crate) line: u64,
    /// In the decompressed object, counted from 0.
    pub(crate) offset: u64,
    /// As it stood, without the line's end.
    pub(crate) bytes: Vec<u8>,
    /// The columns of delimited text, whose names stand elsewhere in its file.
    pub(crate) columns: Option<Arc<Vec<String>>>,
}

/// The first line of a rejects object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Head {
    /// The table the rows are meant for.
    pub(crate) table: String,
    /// The object, or the folder's manifest, they first came from.
    pub(crate) source: Source,
    /// How each `row` is to be read.
    pub(crate) layout: Layout,
}

/// A line of a rejects object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Kept {
    /// Its object, unless that is the head's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) source: Option<Source>,
    /// Where the row stood.
    #[serde(default)]
    pub(crate) line: u64,
    /// Where the row stood.
    #[serde(default)]
    pub(crate) offset: u64,
    /// The key that an earlier row has, as DynamoDB JSON. A row that still has it is rejected again, lest
    /// it take the other's place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) duplicate_key: Option<Value>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) path: String,
    #[serde(default)]
    pub(crate) reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    row: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    row_base64: Option<String>,
    /// The names of the columns, if the row is delimited text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) columns: Option<Vec<String>>,
}

impl Kept {
    fn of(reject: &Reject, head: &Head) -> Self {
        let place = &reject.place;
        let is_heads = place.source.key == head.source.key;
        let row = std::str::from_utf8(&place.bytes).ok().map(str::to_owned);
        Self {
            source: (!is_heads).then(|| Source::clone(&place.source)),
            line: place.line,
            offset: place.offset,
            duplicate_key: reject
                .duplicate
                .as_deref()
                .and_then(|key| serde_json::from_str(key).ok()),
            path: reject.path.clone(),
            reason: reject.reason.clone(),
            row_base64: row.is_none().then(|| BASE64.encode(&place.bytes)),
            row,
            columns: place.columns.as_deref().cloned(),
        }
    }

    /// The row's bytes.
    pub(crate) fn bytes(&self) -> Result<Vec<u8>, String> {
        match (&self.row, &self.row_base64) {
            (Some(row), None) => Ok(row.clone().into_bytes()),
            (None, Some(base64)) => {
                BASE64.decode(base64).map_err(|error| format!("rowBase64 is not base64: {error}"))
            }
            _ => Err("expected either row or rowBase64".to_owned()),
        }
    }
}

/// The content of a rejects object.
pub(crate) fn to_json_lines(head: &Head, rejects: &[Reject]) -> Vec<u8> {
    let mut text = serde_json::json!(head).to_string();
    for reject in rejects {
        text.push('\n');
        text.push_str(&serde_json::json!(Kept::of(reject, head)).to_string());
    }
    text.push('\n');
    text.into_bytes()
}

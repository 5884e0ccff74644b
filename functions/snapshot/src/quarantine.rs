//! Lines of an export that are no items, or no changes: kept, with the reason.
//!
//! `quarantine/snapshot/<table>/<time>-<file>.jsonl`, of an increment `…/<from>_<to>-<file>.jsonl`: a JSON object
//! for each line. Under privacy rules its text stays in the export, where its place is told, and the reason quotes nothing.

use aws::{Class, Clients, Failure, object};
use lake::path;
use serde::Serialize;

use crate::{Settings, message::FileOfExport};

/// Lines of a file that are told; more are counted. The export keeps them all.
pub(crate) const MAX_KEPT: usize = 1000;
/// Bytes of a line that are told; its place in the export is told of every one.
pub(crate) const MAX_ROW_BYTES: usize = 16 * 1024;

/// A line that is not what its export should hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Line {
    /// Counted from 1.
    #[serde(rename = "line")]
    pub(crate) number: u64,
    /// Of its first byte in the decompressed file, counted from 0.
    pub(crate) offset: u64,
    /// What was expected and found.
    pub(crate) reason: String,
    /// The line as it stood, or its beginning, with what is not UTF-8 replaced; nothing under privacy rules.
    pub(crate) row: Option<String>,
}

/// Writes the lines of a file, if there are any.
pub(crate) async fn write(
    clients: &Clients,
    settings: &Settings,
    task: &FileOfExport,
    lines: &[Line],
) -> Result<(), Failure> {
    if lines.is_empty() {
        return Ok(());
    }
    let kind = task.export.kind();
    let name = kind.time_text(&task.export).map_err(|error| {
        let resource = task.export.arn.clone();
        Failure::stated("PutObject", resource, error.to_string(), Class::Permanent)
    })?;
    let name = format!("{name}-{:05}.jsonl", task.number);
    let key = path::quarantine("snapshot", &task.export.table, &name);
    let mut text = String::new();
    for line in lines {
        text.push_str(&serde_json::json!(line).to_string());
        text.push('\n');
    }
    let (s3, bucket) = (clients.s3(), &settings.lake_bucket);
    object::put(s3, bucket, &key, "application/x-ndjson", text.into_bytes()).await
}

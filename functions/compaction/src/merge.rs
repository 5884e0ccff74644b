//! One merge: the files of a note, fetched some at a time, to its output.
//!
//! ```text
//! inputs ─▶ window of files, fetched at once ─▶ thread: Merge ─▶ parts ─▶ upload
//! ```

use std::{io, ops::Range};

use aws::{
    Class, Failure,
    object::{self, ObjectId},
    sdk::s3::Client,
    upload::{PartWriter, Uploaded, upload},
};
use lake::{
    WriteError,
    compaction::{Input, Merge, MergeError, Note},
};
use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    task::JoinSet,
};

/// Files fetched at a time.
const AT_A_TIME: usize = 32;
/// Bytes of the files that are fetched at a time, unless one has more.
const WINDOW_BYTES: u64 = 16 * 1024 * 1024;
/// Windows fetched ahead of the one that is being merged; parts ahead of the one that is uploaded.
const AHEAD: usize = 1;

/// Why files were not merged.
pub(crate) enum Stop {
    /// They may be the next time.
    Failed(Failure),
    /// One is gone since it was listed: the next run sees.
    Gone,
    /// These of them go with no other.
    RefusedFiles { places: Range<usize>, reason: String },
    /// Those before this one go together, and it does not go with them.
    Other { place: usize, reason: String },
    /// They never will be.
    Refused(String),
}

/// Writes the output of a note, and gives its bytes.
pub(crate) async fn write_output(
    s3: &Client,
    bucket: &str,
    table: &str,
    note: &Note,
) -> Result<u64, Stop> {
    let (windows, fetched) = mpsc::channel(AHEAD);
    let (parts, made) = mpsc::channel(AHEAD);
    let (table, of) = (table.to_owned(), note.clone());
    let merging =
        tokio::task::spawn_blocking(move || merged(&table, &of, fetched, PartWriter::new(parts)));
    let fetching = fetch(s3, bucket, &note.inputs, windows);
    let uploading = upload(s3, bucket, &note.output, made);
    let (merged, fetched, uploaded) = tokio::join!(merging, fetching, uploading);
    // The other tables' files do not wait for the mistake to be mended, and these are tried again after that.
    let merged = merged.unwrap_or_else(|_panicked| {
        let message = "merging panicked, a mistake of Headwater's that the function's log tells of";
        let failed = Failure::stated("PutObject", &note.output, message, Class::Permanent);
        Err(Stop::Failed(failed))
    });
    fetched?;
    match uploaded.map_err(Stop::Failed)? {
        Uploaded::Whole | Uploaded::Abandoned => merged?,
    }
    let (bucket, key) = (bucket.to_owned(), note.output.clone());
    let output = ObjectId { bucket, key, version: None };
    Ok(object::head(s3, &output).await.map_err(Stop::Failed)?.size)
}

/// Sends the files in their order, some at a time. It ends early where nobody receives any more.
async fn fetch(
    s3: &Client,
    bucket: &str,
    inputs: &[Input],
    windows: Sender<Vec<File>>,
) -> Result<(), Stop> {
    let mut rest = inputs;
    while !rest.is_empty() {
        let (window, after) = rest.split_at(window(rest));
        rest = after;
        let mut tasks = JoinSet::new();
        for (place, input) in window.iter().enumerate() {
            let (s3, bucket) = (s3.clone(), bucket.to_owned());
            let key = input.key.clone();
            tasks.spawn(async move {
                let bytes = object::read(&s3, &bucket, &key).await;
                (place, key, bytes)
            });
        }
        let mut files = Vec::with_capacity(window.len());
        while let Some(task) = tasks.join_next().await {
            let (place, key, bytes) = task.map_err(|ended| {
                let (resource, message) = (format!("s3://{bucket}/"), ended.to_string());
                let failed = Failure::stated("GetObject", resource, message, Class::Retryable);
                Stop::Failed(failed)
            })?;
            let bytes = bytes.map_err(Stop::Failed)?.ok_or(Stop::Gone)?;
            files.push((place, File { key, bytes }));
        }
        files.sort_by_key(|(place, _)| *place);
        let files = files.into_iter().map(|(_, file)| file).collect();
        if windows.send(files).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// A file that was fetched.
struct File {
    key: String,
    bytes: Vec<u8>,
}

/// How many of these files are fetched at a time.
fn window(inputs: &[Input]) -> usize {
    let mut bytes = 0;
    let fits = |input: &&Input| {
        bytes += input.bytes;
        bytes <= WINDOW_BYTES
    };
    inputs.iter().take(AT_A_TIME).take_while(fits).count().max(1)
}

/// What the thread does: all files to one, with as many rows as their names say.
fn merged(
    table: &str,
    note: &Note,
    mut windows: Receiver<Vec<File>>,
    parts: PartWriter,
) -> Result<(), Stop> {
    let mut merge = Merge::new(parts, table).map_err(not_written)?;
    let mut place = 0;
    while let Some(window) = windows.blocking_recv() {
        for File { key, bytes } in window {
            let rows = merge.push(bytes.into()).map_err(|error| refused(&key, place, error))?;
            let expected = note.rows_of(table, place);
            if Some(rows) != expected {
                let reason = format!("{key}: has {rows} rows, and another number by its name");
                return Err(Stop::RefusedFiles { places: place..place + 1, reason });
            }
            place += 1;
        }
    }
    if place < note.inputs.len() {
        // Who fetched them says why.
        return Err(Stop::Gone);
    }
    let (parts, rows) = merge.finish().map_err(not_written)?;
    if rows != note.rows {
        let expected = note.rows;
        let reason = format!("{rows} rows would be written, and the files have {expected}");
        return Err(Stop::Refused(reason));
    }
    parts.finish().map_err(|error| not_written(error.into()))
}

fn refused(key: &str, place: usize, error: MergeError) -> Stop {
    let reason = format!("{key}: {error}");
    match error {
        MergeError::Write(error) => not_written(error),
        MergeError::OtherColumn { .. } if place > 0 => Stop::Other { place, reason },
        _ => Stop::RefusedFiles { places: place..place + 1, reason },
    }
}

/// The other end of the channel is gone, and says why itself; or a row group would not be written.
fn not_written(error: WriteError) -> Stop {
    match error {
        WriteError::Io(error) if error.kind() == io::ErrorKind::BrokenPipe => Stop::Gone,
        error => Stop::Refused(format!("the merged file cannot be written: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_has_some_files_and_some_bytes() {
        let window = |sizes: &[u64]| {
            let input =
                |bytes: &u64| Input { key: String::new(), bytes: *bytes, tag: String::new() };
            window(&sizes.iter().map(input).collect::<Vec<_>>())
        };
        assert_eq!(window(&[1; 100]), AT_A_TIME);
        assert_eq!(window(&[WINDOW_BYTES / 4; 100]), 4);
        assert_eq!(window(&[WINDOW_BYTES + 1, 1]), 1);
        assert_eq!(window(&[1, WINDOW_BYTES, 1]), 1);
    }
}

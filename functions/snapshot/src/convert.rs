//! One data file to one Parquet file.
//!
//! ```text
//! S3 body ─▶ md5 ─▶ gunzip ─▶ lines ─▶ row groups ─▶ Parquet ─▶ parts ─▶ upload
//!                               │          └─ new columns: agreed with the catalog
//!                               └─ those that are no items, or no changes: quarantine
//! ```
//!
//! What a line holds, and where the file goes, is [`kind`](crate::kind)'s business.
//!
//! A thread converts, the runtime uploads. Memory is a row group and two parts, whatever the file's size.

use std::{
    io::{self, BufReader},
    sync::Arc,
};

use aws::{
    Class, Clients, Count, Failure, catalog,
    object::{self, ObjectId},
    opener::{self, BytesRead, Opener},
    upload::{PartWriter, Uploaded, upload},
};
use flate2::bufread::MultiGzDecoder;
use item::{
    format::{ReadError, Row},
    key::KeySchema,
    privacy::Redaction,
};
use lake::{ExportFile, Registry, WriteError, export::Checked, path};
use tokio::{runtime::Handle, sync::mpsc};

use crate::{
    Settings,
    kind::Refused,
    message::FileOfExport,
    quarantine::{Line, MAX_KEPT, MAX_ROW_BYTES},
};

/// Bytes read at a time.
const BUFFER: usize = 256 * 1024;
/// Parts made ahead of what is being uploaded.
const AHEAD: usize = 1;

/// A file that was read to its end.
#[derive(Debug, Default)]
pub(crate) struct Converted {
    /// Rows in the Parquet file.
    pub(crate) rows: u64,
    /// Values of them that have no column.
    pub(crate) rescued: u64,
    /// Lines that were refused.
    pub(crate) quarantined: u64,
    /// The first of them.
    pub(crate) lines: Vec<Line>,
}

/// Why a file was not converted.
#[derive(Debug)]
pub(crate) enum Stop {
    /// It may be the next time.
    Failed(Failure),
    /// It is not what DynamoDB wrote, and why.
    Damaged(String),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Converts a data file to its place in the lake.
pub(crate) async fn convert(
    clients: &Clients,
    settings: &Settings,
    task: &FileOfExport,
    key: KeySchema,
) -> Result<Converted, Stop> {
    let object =
        ObjectId { bucket: task.export.bucket.clone(), key: task.file.key.clone(), version: None };
    let size = match object::head(clients.s3(), &object).await {
        Ok(head) => head.size,
        Err(failure) if failure.is_retryable() => return Err(failure.into()),
        Err(failure) => return Err(Stop::Damaged(failure.to_string())),
    };
    let target = target(task).map_err(|error| Stop::Damaged(error.to_string()))?;
    let (sender, parts) = mpsc::channel(AHEAD);
    let job = Job {
        clients: clients.clone(),
        settings: settings.clone(),
        runtime: Handle::current(),
        task: task.clone(),
        key,
        redaction: settings.privacy.of(&task.export.table),
        registry: Registry::new(),
        converted: Converted::default(),
    };
    Count::Bytes.add(size);
    let opener = Opener::new(clients, BytesRead::default());
    let converting = tokio::task::spawn_blocking(move || {
        job.run(&opener, &object, size, PartWriter::new(sender))
    });
    let uploading = upload(clients.s3(), &settings.lake_bucket, &target, parts);
    let (converted, uploaded) = tokio::join!(converting, uploading);
    let converted = match converted {
        Ok(converted) => converted,
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    };
    match uploaded? {
        Uploaded::Whole | Uploaded::Abandoned => converted,
    }
}

/// Where the Parquet file goes.
fn target(task: &FileOfExport) -> Result<String, WriteError> {
    let prefix = task.export.kind().folder(&task.export)?;
    Ok(path::data_file(&prefix, &task.file.key))
}

/// What the thread does.
struct Job {
    clients: Clients,
    settings: Settings,
    runtime: Handle,
    task: FileOfExport,
    key: KeySchema,
    redaction: Option<Arc<Redaction>>,
    registry: Registry,
    converted: Converted,
}

impl Job {
    fn run(
        mut self,
        opener: &Opener,
        object: &ObjectId,
        size: u64,
        parts: PartWriter,
    ) -> Result<Converted, Stop> {
        let export = &self.task.export;
        let file = ExportFile::new(parts, &export.table).map_err(|error| not_written(&error))?;
        let mut file = file.under(self.redaction.clone());
        let body = opener.open(object, size, 0)?;
        let body = Checked::new(body, self.task.file.md5_checksum.clone());
        let body = MultiGzDecoder::new(BufReader::with_capacity(BUFFER, body));
        let text = BufReader::with_capacity(BUFFER, body);
        let damaged = |error| unreadable(object, error);
        let mut reader = export.kind().read(text, export).map_err(damaged)?;
        while let Some(row) = reader.next_row().map_err(damaged)? {
            self.take(&mut file, &row)?;
            if file.is_full() {
                self.write_rows(&mut file)?;
            }
        }
        self.write_rows(&mut file)?;
        self.count(file.written() as u64)?;
        // Without a row there is no file.
        if self.converted.rows > 0 {
            file.finish()
                .and_then(|parts| Ok(parts.finish()?))
                .map_err(|error| not_written(&error))?;
        }
        Ok(self.converted)
    }

    fn take(&mut self, file: &mut ExportFile<PartWriter>, row: &Row<'_>) -> Result<(), Stop> {
        let export = &self.task.export;
        let fault = match export.kind().push(export, &self.key, row, file) {
            Ok(()) => return Ok(()),
            Err(Refused::File(error)) => return Err(not_written(&error)),
            Err(Refused::Line(fault)) => fault,
        };
        self.converted.quarantined += 1;
        if self.converted.lines.len() < MAX_KEPT {
            let bytes = &row.bytes[..row.bytes.len().min(MAX_ROW_BYTES)];
            let (reason, text) = match self.redaction {
                None => (fault.told(), Some(String::from_utf8_lossy(bytes).into_owned())),
                Some(_) => (fault.withheld(), None),
            };
            let line = Line { number: row.line, offset: row.offset, reason, row: text };
            self.converted.lines.push(line);
        }
        Ok(())
    }

    /// Writes the rows that were gathered, once every column of theirs has a name.
    fn write_rows(&mut self, file: &mut ExportFile<PartWriter>) -> Result<(), Stop> {
        let Settings { database, column_limit, .. } = &self.settings;
        let unnamed = file.unnamed(&self.registry);
        if !unnamed.is_empty() && !self.registry.is_full(*column_limit) {
            let table = &self.task.export.table;
            let glue = self.clients.glue();
            let extended = catalog::extend(glue, database, table, &unnamed, *column_limit);
            self.registry = self.runtime.block_on(extended)?;
        }
        self.converted.rescued += file.rescued(&self.registry);
        file.write_rows(&self.registry).map_err(|error| not_written(&error))
    }

    /// Every line is a row or in quarantine, and there are as many as the manifest says.
    fn count(&mut self, rows: u64) -> Result<(), Stop> {
        self.converted.rows = rows;
        let (found, expected) = (rows + self.converted.quarantined, self.task.file.item_count);
        if found == expected {
            return Ok(());
        }
        let key = &self.task.file.key;
        Err(Stop::Damaged(format!(
            "{key} has {found} lines and its export's manifest says {expected}"
        )))
    }
}

fn unreadable(object: &ObjectId, error: ReadError) -> Stop {
    match error {
        ReadError::Io(error) if opener::is_network(&error) => {
            let resource = object.to_string();
            Failure::stated("GetObject", resource, error.to_string(), Class::Retryable).into()
        }
        error => Stop::Damaged(format!("{object}: {error}")),
    }
}

/// The other end of the channel is gone, and says why itself; or a row group would not be written.
fn not_written(error: &WriteError) -> Stop {
    let class = match error {
        WriteError::Io(error) if error.kind() == io::ErrorKind::BrokenPipe => Class::Retryable,
        _ => Class::Permanent,
    };
    Failure::stated("UploadPart", "the file of the lake", error.to_string(), class).into()
}

//! Staging: one file of the source becomes DynamoDB JSON that `ImportTable` takes whole.
//!
//! ```text
//! rows ─▶ those to write ─▶ {"Item":{…}} lines ─▶ gzip ─▶ parts ─▶ staging/<import id>/00000.json.gz
//! ```
//!
//! `ImportTable` reads whatever is under its prefix at that moment, stops at bad objects, and does not
//! count duplicates. What is staged is made of the exact version, without a bad row and, as far as
//! duplicates were checked, with each key once. The bytes follow from the file alone, so to stage a
//! file twice changes nothing.

use std::io::{self, Write};

use aws::{
    Clients, Failure,
    upload::{PartWriter, Uploaded, upload},
};
use flate2::{Compression, write::GzEncoder};
use item::write_canonical;
use tokio::{sync::mpsc, time::Instant};

use crate::{
    meter::Meter,
    skip::Skip,
    source::{
        self,
        rows::{self, BEGINNING, Go, Row},
    },
    stop::{Refusal, Stop},
    work::Work,
};

/// Parts made ahead of what is being uploaded.
const AHEAD: usize = 1;
/// Rows between two looks at the clock.
const ROWS_BETWEEN_LOOKS: u64 = 1024;

/// Where an import's files are staged.
pub(crate) fn prefix(import_id: &str) -> String {
    format!("staging/{import_id}/")
}

fn key(import_id: &str, file: usize) -> String {
    format!("{}{file:05}.json.gz", prefix(import_id))
}

/// Stages one file; it has to be done by `until`.
pub(crate) async fn stage(
    clients: &Clients,
    bucket: &str,
    work: &Work,
    file: usize,
    meter: std::sync::Arc<Meter>,
    until: Instant,
) -> Result<(), Stop> {
    let (sender, parts) = mpsc::channel(AHEAD);
    let key = key(&work.report.import_id, file);
    let bytes = std::sync::Arc::clone(&meter.bytes);
    let job = Job {
        file: work.files.get(file).cloned().ok_or_else(|| no_such_file(file))?,
        layout: work.layout.clone(),
        skip: Skip::of_file(work, file),
        meter,
        until,
    };
    let making =
        source::read(clients, bytes, move |opener| job.run(opener, PartWriter::new(sender)));
    let (made, uploaded) = tokio::join!(making, upload(clients.s3(), bucket, &key, parts));
    match (made, uploaded) {
        (_, Err(failure)) => Err(failure.into()),
        (Err(stop), Ok(_)) => Err(stop),
        (Ok(()), Ok(Uploaded::Whole | Uploaded::Abandoned)) => Ok(()),
    }
}

fn no_such_file(file: usize) -> Refusal {
    Refusal::from(format!("the import has no file {file}; its message is not one of ours"))
}

/// One file on its way.
struct Job {
    file: source::File,
    layout: crate::layout::Layout,
    skip: Skip,
    meter: std::sync::Arc<Meter>,
    until: Instant,
}

impl Job {
    fn run(mut self, opener: &source::Opener, parts: PartWriter) -> Result<(), Stop> {
        let mut lines = GzEncoder::new(parts, Compression::fast());
        let mut line = String::new();
        let (file, layout) = (self.file.clone(), self.layout.clone());
        rows::each(opener, &file, &layout, BEGINNING, &mut |row| {
            self.meter.row();
            if self.skip.next() {
                return Ok(Go::On);
            }
            self.look_at_the_clock()?;
            write_line(row, &mut line)?;
            lines.write_all(line.as_bytes()).map_err(|error| self.not_uploaded(&error))?;
            Ok(Go::On)
        })?;
        let parts = lines.finish().map_err(|error| self.not_uploaded(&error))?;
        parts.finish().map_err(|error| self.not_uploaded(&error))
    }

    fn look_at_the_clock(&self) -> Result<(), Stop> {
        let rows = self.skip.rows();
        if !rows.is_multiple_of(ROWS_BETWEEN_LOOKS) || Instant::now() < self.until {
            return Ok(());
        }
        let reason = format!(
            "staging {} came to row {rows} in the time one run of the function has, and the object goes \
             on; split it into several objects of a folder, or raise the function's Timeout or MemorySize",
            self.file.object
        );
        Err(Refusal::from(reason).into())
    }

    /// The other end of the channel is gone: why, it says itself.
    fn not_uploaded(&self, error: &io::Error) -> Stop {
        let (resource, class) = (self.file.object.to_string(), aws::Class::Retryable);
        Failure::stated("UploadPart", resource, error.to_string(), class).into()
    }
}

fn write_line(row: &Row<'_>, line: &mut String) -> Result<(), Stop> {
    let item = row.item().map_err(|reject| Refusal::changed(&reject.reason))?;
    line.clear();
    line.push_str(r#"{"Item":"#);
    write_canonical(&item, line);
    line.push_str("}\n");
    Ok(())
}

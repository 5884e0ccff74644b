//! Before anything is made: what the object holds, row by row.
//!
//! ```text
//! sample ─▶ format, column types          (the first MiB)
//! survey ─▶ key, rejects, counts          (every row)
//! ```

use std::{
    collections::BTreeSet,
    io::{BufRead, Read},
};

use item::{
    Item,
    format::{
        Format, Reader, Row,
        csv::{self, Delimiter},
        dynamodb_json,
    },
    key::KeySchema,
    limits,
};

use crate::{
    key::{KeyFault, KeyNames, KeySearch, Settled},
    plan::Content,
    reject::{Place, Reject},
    source::ReadStop,
    stop::Refusal,
};

/// Column types are inferred from this many bytes at the beginning of the decompressed object.
const SAMPLE_BYTES: u64 = 1024 * 1024;
/// Rejected rows are held in memory until they are written; more than this refuses the import.
const MAX_REJECTED_BYTES: usize = 64 * 1024 * 1024;

/// How to read the object, and what was inferred to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sampled {
    /// The format, with column types where it has columns.
    pub(crate) format: Format,
    /// What was inferred, and why.
    pub(crate) inferences: Vec<String>,
}

/// What is known of an object after every row was looked at.
#[derive(Debug)]
pub(crate) struct Survey {
    /// The table's key.
    pub(crate) schema: KeySchema,
    /// What was inferred, and why.
    pub(crate) inferences: Vec<String>,
    /// Rows in the object.
    pub(crate) rows: u64,
    /// The rows that cannot be items.
    pub(crate) rejects: Vec<Reject>,
    /// Their ordinals, counted from 0: the load passes over them.
    pub(crate) rejected: BTreeSet<u64>,
}

/// Settles the format from the beginning of the object.
pub(crate) fn sample(input: &mut dyn BufRead, content: Content) -> Result<Sampled, ReadStop> {
    let mut sample = Vec::new();
    input.take(SAMPLE_BYTES).read_to_end(&mut sample)?;
    if sample.is_empty() {
        return Err(refused("the object is empty; a file to import has a row at least").into());
    }
    match content {
        Content::Csv => sample_csv(&sample, Delimiter::Comma),
        Content::Tsv => sample_csv(&sample, Delimiter::Tab),
        Content::Json => Ok(sample_json(&sample)?),
    }
}

fn sample_csv(sample: &[u8], delimiter: Delimiter) -> Result<Sampled, ReadStop> {
    let whole = (sample.len() as u64) < SAMPLE_BYTES;
    let mut options = csv::Options {
        delimiter,
        ..csv::Options::default()
    };
    let columns = csv::infer(sample, whole, &options)?;
    let told = |column: &csv::Inference| {
        format!(
            "column {}: {} ({})",
            column.column, column.column_type, column.because
        )
    };
    let inferences = columns.iter().map(told).collect();
    options.types = columns
        .into_iter()
        .map(|column| (column.column, column.column_type))
        .collect();
    Ok(Sampled {
        format: Format::Csv(options),
        inferences,
    })
}

/// Plain JSON or DynamoDB JSON: what the first row is, all are.
fn sample_json(sample: &[u8]) -> Result<Sampled, Refusal> {
    let text = sample.trim_ascii_start();
    if text.starts_with(b"[") {
        return Err(refused(
            "the object is one JSON array; write one object per line instead (jq -c '.[]')",
        ));
    }
    let first = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let (format, because) = match dynamodb_json::parse_line(first.trim_ascii_end()) {
        Ok(_) => (
            Format::DynamoDbJson,
            "DynamoDB JSON: the first row is {\"Item\":{…}}",
        ),
        Err(_) => (
            Format::JsonLines,
            "plain JSON: the first row is not {\"Item\":{…}}",
        ),
    };
    Ok(Sampled {
        format,
        inferences: vec![because.to_owned()],
    })
}

/// Looks at every row.
pub(crate) fn survey(
    input: &mut dyn BufRead,
    format: &Format,
    table: &str,
    given: Option<KeyNames>,
    max_rejects: u64,
) -> Result<Survey, ReadStop> {
    let mut surveyor = Surveyor {
        table,
        search: given.map(KeySearch::given),
        rows: 0,
        rejects: Vec::new(),
        rejected: BTreeSet::new(),
        rejected_bytes: 0,
        max_rejects,
    };
    let mut reader = Reader::new(input, format)?;
    while let Some(row) = reader.next_row()? {
        surveyor.look(&row)?;
    }
    Ok(surveyor.finish()?)
}

struct Surveyor<'a> {
    table: &'a str,
    search: Option<KeySearch>,
    rows: u64,
    rejects: Vec<Reject>,
    rejected: BTreeSet<u64>,
    rejected_bytes: usize,
    max_rejects: u64,
}

impl Surveyor<'_> {
    fn look(&mut self, row: &Row<'_>) -> Result<(), Refusal> {
        if let Err(reject) = self.check(row) {
            self.rejected_bytes += reject.place.bytes.len();
            self.rejects.push(reject);
            self.rejected.insert(self.rows);
        }
        self.rows += 1;
        let rejects = self.rejects.len() as u64;
        if rejects > self.max_rejects || self.rejected_bytes > MAX_REJECTED_BYTES {
            let reason = format!(
                "more than {} rows were rejected, so nothing was created; mend them, or raise \
                 MaxRejects. The first, on line {}: {}",
                rejects - 1,
                self.rejects[0].place.line,
                self.rejects[0].reason
            );
            return Err(self.refuse(reason));
        }
        Ok(())
    }

    fn check(&mut self, row: &Row<'_>) -> Result<(), Reject> {
        let item = row.item()?;
        let search = self
            .search
            .get_or_insert_with(|| inferring(self.table, &item));
        search
            .observe(&item, row.line)
            .map_err(|fault| fault.reject(row))?;
        match search.schema() {
            Some(schema) => limits::check(&item, schema)
                .map(drop)
                .map_err(|error| row.reject(error).into()),
            None => Ok(()),
        }
    }

    fn finish(mut self) -> Result<Survey, Refusal> {
        if self.rows == 0 {
            return Err(refused(
                "the object has no rows; a file to import has one at least",
            ));
        }
        if self.rows == self.rejects.len() as u64 {
            let first = &self.rejects[0];
            let path = if first.path.is_empty() {
                String::new()
            } else {
                format!("{}: ", first.path)
            };
            let reason = format!(
                "none of the {} rows can be an item. The first, on line {}: {path}{}",
                self.rows, first.place.line, first.reason
            );
            return Err(self.refuse(reason));
        }
        let settled = match self.search.take() {
            Some(search) => search.settle(),
            None => Err("no row could be read".to_owned()),
        };
        match settled {
            Ok(Settled { schema, inferences }) => Ok(Survey {
                schema,
                inferences,
                rows: self.rows,
                rejects: self.rejects,
                rejected: self.rejected,
            }),
            Err(reason) => Err(self.refuse(reason)),
        }
    }

    fn refuse(&mut self, reason: String) -> Refusal {
        Refusal {
            reason,
            rows: self.rows,
            rejects: std::mem::take(&mut self.rejects),
        }
    }
}

fn inferring(table: &str, first: &Item<'_>) -> KeySearch {
    let attributes: Vec<String> = first.iter().map(|(name, _)| name.to_owned()).collect();
    KeySearch::inferred(table, &attributes)
}

fn refused(reason: &str) -> Refusal {
    Refusal::from(reason.to_owned())
}

impl KeyFault {
    fn reject(self, row: &Row<'_>) -> Reject {
        let place = Place {
            line: row.line,
            offset: row.offset,
            bytes: row.bytes.to_vec(),
        };
        Reject {
            place,
            path: self.path,
            reason: self.reason,
        }
    }
}

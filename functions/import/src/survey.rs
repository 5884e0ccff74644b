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
    let mut options = csv::Options { delimiter, ..csv::Options::default() };
    let columns = csv::infer(sample, whole, &options)?;
    let told = |column: &csv::Inference| {
        format!("column {}: {} ({})", column.column, column.column_type, column.because)
    };
    let inferences = columns.iter().map(told).collect();
    options.types = columns.into_iter().map(|column| (column.column, column.column_type)).collect();
    Ok(Sampled { format: Format::Csv(options), inferences })
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
        Ok(_) => (Format::DynamoDbJson, "DynamoDB JSON: the first row is {\"Item\":{…}}"),
        Err(_) => (Format::JsonLines, "plain JSON: the first row is not {\"Item\":{…}}"),
    };
    Ok(Sampled { format, inferences: vec![because.to_owned()] })
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
        let limit = if self.rejects.len() as u64 > self.max_rejects {
            format!(
                "more than {} rows were rejected; mend them, or raise MaxRejects",
                self.max_rejects
            )
        } else if self.rejected_bytes > MAX_REJECTED_BYTES {
            format!("rows of more than {MAX_REJECTED_BYTES} bytes were rejected; mend them")
        } else {
            return Ok(());
        };
        let Reject { place, reason, .. } = &self.rejects[0];
        let reason =
            format!("{limit}. Nothing was created. The first, on line {}: {reason}", place.line);
        Err(self.refuse(reason))
    }

    fn check(&mut self, row: &Row<'_>) -> Result<(), Reject> {
        let item = row.item()?;
        // Before the key: a row that is rejected holds no key against another.
        limits::check_attributes(&item).map_err(|error| row.reject(error))?;
        let search = self.search.get_or_insert_with(|| inferring(self.table, &item));
        search.observe(&item, row.line).map_err(|fault| fault.reject(row))
    }

    fn finish(mut self) -> Result<Survey, Refusal> {
        if self.rows == 0 {
            return Err(refused("the object has no rows; a file to import has one at least"));
        }
        if self.rows == self.rejects.len() as u64 {
            let first = &self.rejects[0];
            let path =
                if first.path.is_empty() { String::new() } else { format!("{}: ", first.path) };
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
        Refusal { reason, rows: self.rows, rejects: std::mem::take(&mut self.rejects) }
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
        let place = Place { line: row.line, offset: row.offset, bytes: row.bytes.to_vec() };
        Reject { place, path: self.path, reason: self.reason }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn key(partition: &str) -> KeyNames {
        KeyNames { partition: partition.to_owned(), sort: None }
    }

    fn surveyed(
        content: Content,
        bytes: &[u8],
        given: Option<KeyNames>,
        max_rejects: u64,
    ) -> Result<Survey, Refusal> {
        let refusal = |stop| match stop {
            ReadStop::Refused(refusal) => refusal,
            ReadStop::Io(error) => panic!("memory cannot be unreadable: {error}"),
        };
        let Sampled { format, .. } = sample(&mut Cursor::new(bytes), content).map_err(refusal)?;
        survey(&mut Cursor::new(bytes), &format, "planes", given, max_rejects).map_err(refusal)
    }

    /// The key, the count and each reject; or why not.
    fn told(content: Content, bytes: &[u8], key: Option<KeyNames>, max_rejects: u64) -> String {
        match surveyed(content, bytes, key, max_rejects) {
            Ok(survey) => {
                let mut lines =
                    vec![format!("key {}, {} rows", crate::key::told(&survey.schema), survey.rows)];
                for Reject { place, path, reason } in survey.rejects {
                    lines.push(format!(
                        "line {}, byte {}, {path}: {reason}",
                        place.line, place.offset
                    ));
                }
                lines.join("\n")
            }
            Err(Refusal { reason, rows, rejects }) => {
                format!("refused after {rows} rows, {} rejected: {reason}", rejects.len())
            }
        }
    }

    #[test]
    fn rows_are_items_or_rejects() {
        insta::assert_snapshot!(told(Content::Csv, b"tailnum,year\nN1,2004\nN2,NA\n", None, 0), @"key tailnum (S), 2 rows");
        insta::assert_snapshot!(told(Content::Json, b"{\"id\":1}\n{\"id\":\n{\"id\":1}\n", Some(key("id")), 9), @"
        key id (N), 3 rows
        line 2, byte 9, id: not JSON: it ends too early, at byte 6 of the row
        line 3, byte 16, id: its key is that of line 1; a table holds a key once
        ");
        insta::assert_snapshot!(told(Content::Json, br#"{"Item":{"id":{"S":"a"}}}"#, None, 0), @"key id (S), 1 rows");
        insta::assert_snapshot!(told(Content::Tsv, b"id\tn\n\t1\nx\t2\n", Some(key("id")), 1), @"
        key id (S), 2 rows
        line 2, byte 5, id: the key attribute is missing; every item needs it, of type S, N or B
        ");
    }

    #[test]
    fn a_refusal_says_what_was_found_and_what_to_do() {
        insta::assert_snapshot!(told(Content::Csv, b"", None, 0), @"refused after 0 rows, 0 rejected: the object is empty; a file to import has a row at least");
        insta::assert_snapshot!(told(Content::Csv, b"id,n\n", None, 0), @"refused after 0 rows, 0 rejected: the object has no rows; a file to import has one at least");
        insta::assert_snapshot!(told(Content::Csv, b"id,id\n1,2\n", None, 0), @r#"refused after 0 rows, 0 rejected: columns 1 and 2 of the header are both named "id"; rename one"#);
        insta::assert_snapshot!(told(Content::Json, b"  [1]", None, 0), @"refused after 0 rows, 0 rejected: the object is one JSON array; write one object per line instead (jq -c '.[]')");
        insta::assert_snapshot!(told(Content::Json, b"{}\n{}\n{\"id\":1}\n", Some(key("id")), 1), @"refused after 2 rows, 2 rejected: more than 1 rows were rejected; mend them, or raise MaxRejects. Nothing was created. The first, on line 1: the key attribute is missing; every item needs it, of type S, N or B");
        insta::assert_snapshot!(told(Content::Json, b"1\n2\n", None, 9), @"refused after 2 rows, 2 rejected: none of the 2 rows can be an item. The first, on line 1: expected an object, found a number");
    }

    proptest! {
        /// Promise 2: whatever the object holds, every row is one or the other.
        #[test]
        fn no_row_vanishes(rows in prop::collection::vec("[a-b]{0,2},[0-9\"]{0,2}", 0..40)) {
            let bytes = format!("id,n\n{}\n", rows.join("\n"));
            if let Ok(survey) = surveyed(Content::Csv, bytes.as_bytes(), Some(key("id")), 99) {
                let Ok(Sampled { format, .. }) = sample(&mut Cursor::new(&bytes), Content::Csv) else {
                    return Err(TestCaseError::fail("a surveyed object can be sampled"));
                };
                let mut reader = Reader::new(Cursor::new(&bytes), &format).unwrap();
                let (mut rows, mut keys) = (0, BTreeSet::new());
                while let Some(row) = reader.next_row().unwrap() {
                    if !survey.rejected.contains(&rows) {
                        let item = row.item().unwrap();
                        let key = survey.schema.key_of(&item).unwrap();
                        prop_assert!(keys.insert(item::canonical(&key)), "one item per key");
                    }
                    rows += 1;
                }
                prop_assert_eq!(survey.rows, rows);
                prop_assert_eq!(survey.rejects.len() as u64 + keys.len() as u64, rows);
            }
        }
    }
}

//! Before anything is made: what the source holds, row by row.
//!
//! Every row is read, checked against what DynamoDB takes, and held against the key. What is left is
//! written by an engine; what is not is kept as a reject, or superseded by a row of the same key.

use std::time::Duration;

use item::{Item, limits};
use tokio::time::Instant;

use crate::{
    index::IndexKey,
    key::{Given, KeyFault, KeySearch, Observed, Settled},
    layout::Layout,
    manifest::OnDuplicate,
    meter::Meter,
    price::Estimate,
    reject::Reject,
    source::{
        File, Opener,
        rows::{self, BEGINNING, Go, Row},
    },
    stop::{Refusal, Stop},
};

/// Rejected rows are held in memory until they are written; what takes more than this, with reasons and what
/// is told of each, refuses the import.
const MAX_REJECTED_BYTES: usize = 32 * 1024 * 1024;
/// What DynamoDB JSON takes beyond what DynamoDB counts, about: `{"Item":{}}` and a line's end.
const JSON_OF_ITEM: usize = 12;
/// The same for an attribute: `"":{"S":""},`.
const JSON_OF_ATTRIBUTE: usize = 12;
/// Rows that are not written, as the turns of a load pass them over: 8 bytes each in memory.
const MAX_SKIPPED: usize = 5_000_000;
/// Rows between two looks at the clock.
const ROWS_BETWEEN_LOOKS: u64 = 1024;

/// What a survey goes by.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    /// The table's name.
    pub(crate) table: String,
    /// What was said of the key.
    pub(crate) given: Given,
    /// The keys of the table's secondary indexes.
    pub(crate) indexes: Vec<IndexKey>,
    /// Which of several rows with one key is taken.
    pub(crate) on_duplicate: OnDuplicate,
    /// Rows that may be rejected before the import is refused as a whole.
    pub(crate) max_rejects: u64,
    /// When the survey has to be done.
    pub(crate) until: Instant,
}

/// What is known of a source after every row was looked at.
#[derive(Debug)]
pub(crate) struct Survey {
    /// The table's key.
    pub(crate) settled: Settled,
    /// Rows of each file.
    pub(crate) rows: Vec<u64>,
    /// The rows that cannot be items.
    pub(crate) rejects: Vec<Reject>,
    /// The rows not to write, rejected or superseded, counted from 0 over all files, in order.
    pub(crate) skipped: Vec<u64>,
    /// How much there is to write; the indexes are not in it.
    pub(crate) estimate: Estimate,
    /// How long it took.
    pub(crate) took: Duration,
}

/// Looks at every row of every file.
pub(crate) fn survey(
    opener: &Opener,
    files: &[File],
    layout: &Layout,
    terms: &Terms,
    meter: &Meter,
) -> Result<Survey, Stop> {
    let mut surveyor = Surveyor::new(terms, meter);
    let mut rows_of_files = Vec::with_capacity(files.len());
    for file in files {
        let before = surveyor.rows;
        let looked = rows::each(opener, file, layout, BEGINNING, &mut |row| surveyor.look(row));
        looked.map_err(|stop| surveyor.told(stop))?;
        let rows = surveyor.rows - before;
        if let Some(expected) = file.expected.as_ref().filter(|expected| expected.rows != rows) {
            let reason = format!(
                "{} has {rows} items and its export's manifest says {}; copy it again",
                file.object, expected.rows
            );
            return Err(surveyor.refuse(reason).into());
        }
        rows_of_files.push(rows);
    }
    Ok(surveyor.finish(rows_of_files)?)
}

struct Surveyor<'a> {
    terms: &'a Terms,
    meter: &'a Meter,
    search: Option<KeySearch>,
    rows: u64,
    rejects: Vec<Reject>,
    rejected_bytes: usize,
    skipped: Vec<u64>,
    estimate: Estimate,
    began: Instant,
}

impl<'a> Surveyor<'a> {
    fn new(terms: &'a Terms, meter: &'a Meter) -> Self {
        Self {
            terms,
            meter,
            search: KeySearch::given(terms.given.clone(), terms.on_duplicate),
            rows: 0,
            rejects: Vec::new(),
            rejected_bytes: 0,
            skipped: Vec::new(),
            estimate: Estimate::default(),
            began: Instant::now(),
        }
    }

    fn look(&mut self, row: &Row<'_>) -> Result<Go, Stop> {
        match self.check(row) {
            Ok(Observed::New) => {}
            Ok(Observed::Superseded(row)) => self.skipped.push(row),
            Err(reject) => {
                self.rejected_bytes += reject.bytes();
                self.rejects.push(reject);
                self.skipped.push(self.rows);
                self.meter.reject();
            }
        }
        self.rows += 1;
        self.meter.row();
        self.hold_limits().map(|()| Go::On)
    }

    fn check(&mut self, row: &Row<'_>) -> Result<Observed, Reject> {
        let item = row.item()?;
        // Before the key: a row that is rejected holds no key against another.
        let size = limits::check_attributes(&item)
            .map_err(|error| row.reject(&error.path, error.reason.to_string()))?;
        let fits = self.terms.indexes.iter().try_for_each(|key| key.check(&item));
        fits.map_err(|error| row.reject(&error.path, error.reason.to_string()))?;
        let table = &self.terms.table;
        let search = self.search.get_or_insert_with(|| inferring(table, &item));
        let observed = search.observe(&item, self.rows);
        let observed = observed.map_err(|KeyFault { path, reason, duplicate }| Reject {
            duplicate,
            ..row.reject(&path, reason)
        })?;
        self.estimate.count(size);
        self.estimate.staged_bytes += (size + JSON_OF_ITEM + item.len() * JSON_OF_ATTRIBUTE) as u64;
        Ok(observed)
    }

    fn hold_limits(&mut self) -> Result<(), Stop> {
        let most = self.terms.max_rejects;
        if self.rows.is_multiple_of(ROWS_BETWEEN_LOOKS) && Instant::now() >= self.terms.until {
            let reason = format!(
                "the survey came to row {} in the time one run of the function has, and the source \
                 goes on; nothing was created. Split the source into several imports with IfExists \
                 append, or raise the function's Timeout or MemorySize",
                self.rows
            );
            return Err(self.refuse(reason).into());
        }
        let limit = if self.rejects.len() as u64 > most {
            format!("more than {most} rows were rejected; mend them, or raise MaxRejects")
        } else if self.skipped.len() > MAX_SKIPPED {
            let reason = format!(
                "the keys of more than {MAX_SKIPPED} rows are those of others; nothing was created. \
                 Reduce the source to one row for each key, with a query for example"
            );
            return Err(self.refuse(reason).into());
        } else if self.rejected_bytes > MAX_REJECTED_BYTES {
            format!(
                "the rejects take more than {MAX_REJECTED_BYTES} bytes; mend the source, or split it"
            )
        } else {
            return Ok(());
        };
        let first = self.first_reject();
        Err(self.refuse(format!("{limit}. Nothing was created. The first, {first}")).into())
    }

    fn finish(mut self, rows_of_files: Vec<u64>) -> Result<Survey, Refusal> {
        if self.rows == 0 {
            return Err(Refusal::from(
                "the source has no rows; a file to import has one at least".to_owned(),
            ));
        }
        if self.rows == self.rejects.len() as u64 {
            let first = self.first_reject();
            let reason =
                format!("none of the {} rows can be an item. The first, {first}", self.rows);
            return Err(self.refuse(reason));
        }
        let settled = match self.search.take() {
            Some(search) => search.settle(),
            None => Err("no row could be read".to_owned()),
        };
        let settled = settled.map_err(|reason| self.refuse(reason))?;
        // A row that was superseded by a later one comes after that.
        self.skipped.sort_unstable();
        Ok(Survey {
            settled,
            rows: rows_of_files,
            rejects: self.rejects,
            skipped: self.skipped,
            estimate: self.estimate,
            took: self.began.elapsed(),
        })
    }

    fn first_reject(&self) -> String {
        let Some(Reject { place, path, reason, .. }) = self.rejects.first() else {
            return String::new();
        };
        let path = if path.is_empty() { String::new() } else { format!("{path}: ") };
        let key = &place.source.key;
        format!("on line {} of {key}: {path}{reason}", place.line)
    }

    fn refuse(&mut self, reason: String) -> Refusal {
        Refusal { reason, rows: self.rows, rejects: std::mem::take(&mut self.rejects) }
    }

    /// A refusal that comes from reading, with what was found until then.
    fn told(&mut self, stop: Stop) -> Stop {
        match stop {
            Stop::Refused(Refusal { reason, rows: 0, .. }) => self.refuse(reason).into(),
            stop => stop,
        }
    }
}

fn inferring(table: &str, first: &Item<'_>) -> KeySearch {
    let attributes: Vec<String> = first.iter().map(|(name, _)| name.to_owned()).collect();
    KeySearch::inferred(table, &attributes)
}

#[cfg(test)]
mod tests {
    use item::format::{
        Format,
        csv::{Delimiter, Options},
    };
    use proptest::prelude::*;

    use super::*;
    use crate::{key::KeyNames, status::Progress};

    fn csv() -> Format {
        Format::Csv(Options::default())
    }

    fn tsv() -> Format {
        let types = vec![("n".to_owned(), item::format::csv::ColumnType::Number)];
        Format::Csv(Options { delimiter: Delimiter::Tab, types, ..Options::default() })
    }

    fn key(partition: &str) -> KeyNames {
        KeyNames { partition: partition.to_owned(), sort: None }
    }

    fn surveyed(
        format: &Format,
        bytes: &[u8],
        given: Option<KeyNames>,
        on_duplicate: OnDuplicate,
        max_rejects: u64,
    ) -> Result<Survey, Refusal> {
        let terms = Terms {
            table: "planes".to_owned(),
            given: given.map_or(Given::Nothing, Given::Names),
            indexes: Vec::new(),
            on_duplicate,
            max_rejects,
            until: Instant::now() + Duration::from_mins(10),
        };
        let meter = Meter::new(&Progress::default());
        let mut surveyor = Surveyor::new(&terms, &meter);
        let looked = rows::each_of_bytes(bytes, format, None, &mut |row| surveyor.look(row));
        let refusal = |stop| match stop {
            Stop::Refused(refusal) => refusal,
            Stop::Failed(failure) => panic!("memory cannot be unreadable: {failure}"),
        };
        looked.map_err(|stop| refusal(surveyor.told(stop)))?;
        let rows = surveyor.rows;
        surveyor.finish(vec![rows])
    }

    /// The key, the count and each reject; or why not.
    fn told(format: &Format, bytes: &[u8], key: Option<KeyNames>, max_rejects: u64) -> String {
        match surveyed(format, bytes, key, OnDuplicate::Reject, max_rejects) {
            Ok(survey) => {
                let mut lines = vec![format!(
                    "key {}, {} rows",
                    crate::key::told(&survey.settled.schema),
                    survey.rows[0]
                )];
                for Reject { place, path, reason, .. } in &survey.rejects {
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
        insta::assert_snapshot!(told(&csv(), b"tailnum,year\nN1,2004\nN2,NA\n", None, 0), @"key tailnum (S), 2 rows");
        insta::assert_snapshot!(told(&Format::JsonLines, b"{\"id\":1}\n{\"id\":\n{\"id\":1}\n", Some(key("id")), 9), @"
        key id (N), 3 rows
        line 2, byte 9, id: not JSON: it ends too early, at byte 6 of the row
        line 3, byte 16, id: its key is that of row 1; a table holds a key once
        ");
        insta::assert_snapshot!(told(&Format::DynamoDbJson, br#"{"Item":{"id":{"S":"a"}}}"#, None, 0), @"key id (S), 1 rows");
        insta::assert_snapshot!(told(&tsv(), b"id\tn\n\t1\nx\t2\n", Some(key("id")), 1), @"
        key id (S), 2 rows
        line 2, byte 5, id: the key attribute is missing; every item needs it, of type S, N or B
        ");
    }

    #[test]
    fn a_refusal_says_what_was_found_and_what_to_do() {
        insta::assert_snapshot!(told(&csv(), b"id,n\n", None, 0), @"refused after 0 rows, 0 rejected: the source has no rows; a file to import has one at least");
        insta::assert_snapshot!(told(&Format::JsonLines, b"{}\n{}\n{\"id\":1}\n", Some(key("id")), 1), @"refused after 2 rows, 2 rejected: more than 1 rows were rejected; mend them, or raise MaxRejects. Nothing was created. The first, on line 1 of k: id: the key attribute is missing; every item needs it, of type S, N or B");
        insta::assert_snapshot!(told(&Format::JsonLines, b"1\n2\n", None, 9), @"refused after 2 rows, 2 rejected: none of the 2 rows can be an item. The first, on line 1 of k: expected an object, found a number");
    }

    proptest! {
        /// Promise 2: whatever the source holds, every row is an item, a reject or superseded.
        #[test]
        fn no_row_vanishes(
            rows in prop::collection::vec("[a-b]{0,2},[0-9\"]{0,2}", 0..40),
            policy in prop::sample::select(vec![OnDuplicate::Reject, OnDuplicate::First, OnDuplicate::Last]),
        ) {
            let bytes = format!("id,n\n{}\n", rows.join("\n"));
            if let Ok(survey) = surveyed(&csv(), bytes.as_bytes(), Some(key("id")), policy, 99) {
                let (mut row_number, mut kept) = (0, Vec::new());
                rows::each_of_bytes(bytes.as_bytes(), &csv(), None, &mut |row| {
                    if !survey.skipped.contains(&row_number) {
                        let item = row.item().unwrap();
                        kept.push(item::canonical(&survey.settled.schema.key_of(&item).unwrap()));
                    }
                    row_number += 1;
                    Ok(Go::On)
                }).unwrap();
                prop_assert_eq!(survey.rows[0], row_number);
                prop_assert_eq!((survey.skipped.len() + kept.len()) as u64, row_number);
                prop_assert_eq!(survey.estimate.rows - superseded(&survey), kept.len() as u64);
                kept.sort_unstable();
                let all = kept.len();
                kept.dedup();
                prop_assert_eq!(kept.len(), all, "one item per key");
            }
        }
    }

    fn superseded(survey: &Survey) -> u64 {
        (survey.skipped.len() - survey.rejects.len()) as u64
    }
}

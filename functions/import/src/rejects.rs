//! Rejects that come back: mended rows are read as their source was.
//!
//! ```text
//! {"table":…,"source":…,"layout":…}     the head says the table and how rows are read
//! {"line":17,…,"row":"1ZZ,Nowhere,…"}   each row by itself, so that one that is still broken
//! {"line":21,…,"row":"2ZZ,Somewhere…"}  takes no other along
//! ```
//!
//! A row that was rejected because an earlier one has its key (`duplicateKey` says which) has to get another,
//! or lose `duplicateKey`: as it was it would take the other's place in the table.
//!
//! The rows keep their places in the first source, so that what is rejected again still says where it came
//! from.

use std::{
    borrow::Cow,
    io::{BufRead, Read},
    sync::Arc,
};

use aws::{Clients, object_created::ObjectCreated};
use item::{
    Item, canonical,
    format::{Format, Reader, dynamodb_json::parse_item},
};

use crate::{
    layout::Layout,
    meter::Meter,
    reject::{Kept, Place, Reject},
    report::Source,
    source::{self, File},
    status::Progress,
    stop::{Refusal, Stop},
    target,
};

pub(crate) use crate::reject::Head;

/// The most a line has: a row of 4 MiB, each of whose bytes JSON may write as six, and what is told of it.
const MAX_LINE_BYTES: u64 = 32 * 1024 * 1024;
/// The most its first line has: names and types of all columns.
const MAX_HEAD_BYTES: u64 = 1024 * 1024;

/// The head of a rejects object, whose table's name must begin with `prefix`.
pub(crate) async fn head(
    clients: &Clients,
    created: &ObjectCreated,
    prefix: &str,
) -> Result<Head, Stop> {
    let file = File::new(created.object.clone(), created.size);
    let meter = Meter::new(&Progress::default());
    let bytes = Arc::clone(&meter.bytes);
    let head = source::read(clients, bytes, move |opener| {
        let text = file.sample(opener, MAX_HEAD_BYTES)?;
        let first = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
        serde_json::from_slice::<Head>(first).map_err(|error| {
            let reason = format!(
                "the first line of {} is not that of a rejects file ({error}); mend rows in place and \
                 leave the first line as it is",
                file.object
            );
            Refusal::from(reason).into()
        })
    });
    let head = head.await?;
    target::table(&head.table, prefix).map_err(Refusal::from)?;
    Ok(head)
}

/// A row that was rejected before.
#[derive(Debug)]
pub(crate) struct Mended {
    /// Where it stood at first, and its bytes now.
    pub(crate) place: Place,
    read: Result<Item<'static>, Reject>,
}

impl Mended {
    /// The item, or why the row is still none.
    pub(crate) fn item(&self) -> Result<Item<'_>, Reject> {
        self.read.as_ref().map(Item::reborrow).map_err(Reject::clone)
    }
}

/// The rows of a rejects object, one at a time: however many there are, one is in memory.
pub(crate) struct Rows<R> {
    lines: R,
    layout: Layout,
    /// The object itself, where what cannot be read as a reject stands.
    here: Arc<Source>,
    /// Where its head says that every other row stands.
    there: Arc<Source>,
    /// Lines read so far.
    line: u64,
    buffer: Vec<u8>,
}

impl<R: BufRead> Rows<R> {
    /// Begins after the head.
    pub(crate) fn new(lines: R, file: &File, layout: &Layout) -> Result<Self, Stop> {
        let here = Arc::new(Source::from(file.clone()));
        let there = Arc::clone(&here);
        let mut rows =
            Self { lines, layout: layout.clone(), here, there, line: 0, buffer: Vec::new() };
        if rows.read_line(file)?
            && let Ok(head) = serde_json::from_slice::<Head>(&rows.buffer)
        {
            rows.there = Arc::new(head.source);
        }
        Ok(rows)
    }

    /// The next row, unless there is none.
    pub(crate) fn next_row(&mut self, file: &File) -> Result<Option<Mended>, Stop> {
        let found = self.next_line(file)?;
        Ok(found.then(|| mended(&self.buffer, self.line, &self.layout, [&self.here, &self.there])))
    }

    /// Passes over so many rows, or as many as there are.
    pub(crate) fn pass_over(&mut self, rows: u64, file: &File) -> Result<(), Stop> {
        for _ in 0..rows {
            if !self.next_line(file)? {
                break;
            }
        }
        Ok(())
    }

    /// Reads the next line that is not blank; whether there is one.
    fn next_line(&mut self, file: &File) -> Result<bool, Stop> {
        while self.read_line(file)? {
            if !self.buffer.trim_ascii().is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn read_line(&mut self, file: &File) -> Result<bool, Stop> {
        self.buffer.clear();
        let mut bounded = (&mut self.lines).take(MAX_LINE_BYTES + 2);
        let read = bounded.read_until(b'\n', &mut self.buffer);
        let read = read.map_err(|error| file.stop(error.into()))? as u64;
        self.line += u64::from(read > 0);
        self.buffer.pop_if(|last| *last == b'\n');
        if self.buffer.len() as u64 > MAX_LINE_BYTES {
            let reason = format!(
                "line {} of {} has more than {MAX_LINE_BYTES} bytes, and no reject takes so many; is a \
                 line's end missing?",
                self.line, file.object
            );
            return Err(Refusal::from(reason).into());
        }
        Ok(read > 0)
    }
}

fn mended(line: &[u8], number: u64, layout: &Layout, [here, there]: [&Arc<Source>; 2]) -> Mended {
    let unread = |reason: String| {
        let source = Arc::clone(here);
        let place = Place { source, line: number, offset: 0, bytes: line.to_vec(), columns: None };
        let reason = format!("line {number} of the rejects file: {reason}");
        Mended::of(place, Err(Fault { path: String::new(), reason, duplicate: None }))
    };
    let kept: Kept = match serde_json::from_slice(line) {
        Ok(kept) => kept,
        Err(error) => return unread(error.to_string()),
    };
    let bytes = match kept.bytes() {
        Ok(bytes) => bytes,
        Err(fault) => return unread(fault),
    };
    let read =
        item(&bytes, layout, kept.columns.as_deref()).and_then(|item| still_new(item, &kept));
    let source = kept.source.map_or_else(|| Arc::clone(there), Arc::new);
    let columns = kept.columns.map(Arc::new);
    Mended::of(Place { source, line: kept.line, offset: kept.offset, bytes, columns }, read)
}

/// Why a row is still none.
struct Fault {
    path: String,
    reason: String,
    duplicate: Option<Box<str>>,
}

impl Fault {
    fn of(reason: &dyn std::fmt::Display) -> Self {
        Self { path: String::new(), reason: reason.to_string(), duplicate: None }
    }
}

impl Mended {
    fn of(place: Place, read: Result<Item<'static>, Fault>) -> Self {
        let read = read.map_err(|Fault { path, reason, duplicate }| Reject {
            place: place.clone(),
            path,
            reason,
            duplicate,
        });
        Self { place, read }
    }
}

/// The item, unless it still has the key that another row has.
fn still_new(item: Item<'static>, kept: &Kept) -> Result<Item<'static>, Fault> {
    let Some(taken) = &kept.duplicate_key else {
        return Ok(item);
    };
    let taken = taken.to_string();
    let taken = parse_item(taken.as_bytes()).map_err(|error| Fault::of(&error))?;
    let attributes = item.iter().filter(|(name, _)| taken.get(name).is_some());
    let attributes = attributes.map(|(name, value)| (Cow::Borrowed(name), value.reborrow()));
    let key = Item::from_distinct(attributes.collect());
    if canonical(&key) != canonical(&taken) {
        return Ok(item);
    }
    let (path, reason) = (kept.path.clone(), kept.reason.clone());
    Err(Fault { path, reason, duplicate: Some(canonical(&taken).into()) })
}

fn item(bytes: &[u8], layout: &Layout, columns: Option<&[String]>) -> Result<Item<'static>, Fault> {
    let format = match layout.text_of_one_row() {
        Format::Csv(options) => Format::Csv(item::format::csv::Options {
            header: columns.map(<[String]>::to_vec).or(options.header),
            ..options
        }),
        format => format,
    };
    let mut reader = Reader::new(bytes, &format).map_err(|error| Fault::of(&error))?;
    let item = match reader.next_row().map_err(|error| Fault::of(&error))? {
        None => return Err(Fault::of(&"the row is empty")),
        Some(row) => row
            .item()
            .map(Item::into_owned)
            .map_err(|error| Fault { path: error.path.clone(), ..Fault::of(&error.reason) })?,
    };
    match reader.next_row() {
        Ok(None) => Ok(item),
        Ok(Some(_)) => {
            Err(Fault::of(&"there are several rows in one; give each a line of its own"))
        }
        Err(error) => Err(Fault::of(&error)),
    }
}

#[cfg(test)]
mod tests {
    use aws::object::ObjectId;

    use super::*;

    const HEAD: &str = r#"{"table":"t","source":{"bucket":"b","key":"imports/t.jsonl","size":1},"layout":{"format":"jsonLines"}}"#;

    /// The rows after some were passed over, one line each.
    fn told(text: &str, passed_over: u64) -> String {
        let object =
            ObjectId { bucket: "b".into(), key: "imports/t.rejects.jsonl".into(), version: None };
        let file = File::new(object, text.len() as u64);
        let read = || {
            let mut rows = Rows::new(text.as_bytes(), &file, &Layout::JsonLines)?;
            rows.pass_over(passed_over, &file)?;
            let mut lines = Vec::new();
            while let Some(row) = rows.next_row(&file)? {
                let Place { source, line, .. } = &row.place;
                let read = row.item().map_or_else(|reject| reject.reason, |item| canonical(&item));
                lines.push(format!("{} line {line}: {read}", source.key));
            }
            Ok(lines)
        };
        read().map_or_else(|stop: Stop| stop.reason(), |lines| lines.join("\n"))
    }

    #[test]
    fn rows_are_read_one_at_a_time_from_any_of_them_on() {
        let rows = [
            HEAD,
            r#"{"line":7,"row":"{\"id\":1}"}"#,
            "",
            r#"{"line":9,"row":"{\"id\":"}"#,
            "no reject",
            r#"{"line":12,"rowBase64":"eyJpZCI6Mn0="}"#,
        ];
        insta::assert_snapshot!(told(&rows.join("\n"), 0), @r#"
        imports/t.jsonl line 7: {"id":{"N":"1"}}
        imports/t.jsonl line 9: not JSON: it ends too early, at byte 6 of the row
        imports/t.rejects.jsonl line 5: line 5 of the rejects file: expected ident at line 1 column 2
        imports/t.jsonl line 12: {"id":{"N":"2"}}
        "#);
        insta::assert_snapshot!(told(&rows.join("\r\n"), 2), @r#"
        imports/t.rejects.jsonl line 5: line 5 of the rejects file: expected ident at line 1 column 2
        imports/t.jsonl line 12: {"id":{"N":"2"}}
        "#);
        insta::assert_snapshot!(told(&rows.join("\n"), 9), @"");
        let endless = format!("{HEAD}\n{}", "x".repeat(32 * 1024 * 1024 + 1));
        insta::assert_snapshot!(told(&endless, 0), @"line 2 of s3://b/imports/t.rejects.jsonl has more than 33554432 bytes, and no reject takes so many; is a line's end missing?");
    }
}

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

use std::{borrow::Cow, sync::Arc};

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
    source::{self, File, Opener},
    status::Progress,
    stop::{Refusal, Stop},
    target,
};

pub(crate) use crate::reject::Head;

/// The most a rejects object holds, decompressed. An import keeps fewer, see [`crate::survey`]; base64 and
/// reasons come on top.
const MAX_BYTES: u64 = 128 * 1024 * 1024;
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

/// The rows of a rejects object.
pub(crate) fn rows(opener: &Opener, file: &File, layout: &Layout) -> Result<Vec<Mended>, Stop> {
    let text = file.sample(opener, MAX_BYTES + 1)?;
    if text.len() as u64 > MAX_BYTES {
        let reason =
            format!("a rejects file of more than {MAX_BYTES} bytes; split it, each with the head");
        return Err(Refusal::from(reason).into());
    }
    let lines = text.split(|&byte| byte == b'\n').zip(1..).skip(1);
    let lines = lines.filter(|(line, _)| !line.trim_ascii().is_empty());
    // What cannot be read as a reject stands in this object, and every other row where its head says.
    let here = Arc::new(Source::from(file.clone()));
    let head = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let head = serde_json::from_slice::<Head>(head).map(|head| Arc::new(head.source));
    let there = head.unwrap_or_else(|_| Arc::clone(&here));
    Ok(lines.map(|(line, number)| mended(line, number, layout, [&here, &there])).collect())
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

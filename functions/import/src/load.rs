//! The rows that passed the survey become items of the table.
//!
//! A thread decodes and gathers batches, the runtime writes them; a short channel between the two
//! keeps the decoder from running ahead of DynamoDB.

use std::{collections::BTreeSet, io::BufRead};

use aws::{
    Clients,
    batch_write::{self, Load, Refused, Written},
    object::ObjectId,
};
use item::{
    batch::Batcher,
    canonical,
    format::{Format, Reader},
    key::KeySchema,
    size::item_size,
};
use tokio::sync::mpsc::{self, Sender};

use crate::{
    reject::{Place, Reject},
    source::{self, ReadStop},
    stop::{Refusal, Stop},
};

/// Batches decoded ahead of what is being written.
const AHEAD: usize = 16;
/// The bytes of a batch, far below the 16 MB that DynamoDB takes: some eighty batches are in memory
/// at a time, each in several forms.
const BATCH_BYTES: usize = 1024 * 1024;
/// Items that DynamoDB may refuse although they passed the survey.
const MAX_REFUSED: usize = 1000;

/// What to load.
#[derive(Debug, Clone)]
pub(crate) struct LoadPlan {
    /// How to read the object.
    pub(crate) format: Format,
    /// The table's key.
    pub(crate) schema: KeySchema,
    /// The ordinals of the rows to pass over.
    pub(crate) rejected: BTreeSet<u64>,
}

/// What was loaded.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    /// Items DynamoDB took.
    pub(crate) items: u64,
    /// Rows that DynamoDB refused although they looked right to us.
    pub(crate) rejects: Vec<Reject>,
    /// Calls that were throttled.
    pub(crate) throttled: u64,
}

type Batch = Vec<Load<Place>>;

/// Loads an object into its table.
pub(crate) async fn load(
    clients: &Clients,
    object: &ObjectId,
    table: &str,
    plan: LoadPlan,
) -> Result<Loaded, Stop> {
    let (sender, receiver) = mpsc::channel::<Batch>(AHEAD);
    let decoding = source::read(clients, object, move |input| decode(input, &plan, &sender));
    let writing = batch_write::write_all(&clients.dynamodb, table, receiver, MAX_REFUSED);
    let (decoded, written) = tokio::join!(decoding, writing);
    // A failed write closes the channel, and the decoder stops for that reason: it comes first.
    let Written { items, throttled, refused } = written?;
    decoded?;
    Ok(Loaded { items, throttled, rejects: refused.into_iter().map(reject).collect() })
}

fn reject(refused: Refused<Place>) -> Reject {
    let Refused { origin, failure } = refused;
    Reject { place: origin, path: String::new(), reason: failure.to_string() }
}

fn decode(
    input: &mut dyn BufRead,
    plan: &LoadPlan,
    batches: &Sender<Batch>,
) -> Result<(), ReadStop> {
    let mut batcher = Batcher::with_bytes(BATCH_BYTES);
    let mut reader = Reader::new(input, &plan.format)?;
    let mut ordinal = 0;
    while let Some(row) = reader.next_row()? {
        ordinal += 1;
        if plan.rejected.contains(&(ordinal - 1)) {
            continue;
        }
        let item = row.item().map_err(changed)?;
        let key = plan.schema.key_of(&item).map_err(changed)?;
        let key = canonical(&key);
        let origin = Place { line: row.line, offset: row.offset, bytes: row.bytes.to_vec() };
        let load = Load { item: item.into_owned(), origin };
        if let Some(full) = batcher.push(key, item_size(&load.item), load)
            && batches.blocking_send(full).is_err()
        {
            return Ok(());
        }
    }
    if let Some(last) = batcher.finish() {
        // If nobody receives any more, writing failed, and says so.
        batches.blocking_send(last).unwrap_or_default();
    }
    Ok(())
}

/// A row that passed the survey and no longer does: the bytes of one version cannot change.
fn changed(error: impl std::fmt::Display) -> Refusal {
    Refusal::from(format!("the object is not what it was when it was surveyed: {error}"))
}

//! The current items of a table, from its rows alone.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use item::Item;

use crate::read::StoredRow;

/// The reference model of a table's current state.
///
/// Takes rows in any order, as often as they come, from files that overlap. Of each key the row
/// with the greatest (`_stream`, `_seq`) holds; items whose last row is a REMOVE are gone. Rows of
/// a snapshot have neither and so are older than every change: give it a snapshot together with
/// only those changes that came after.
#[derive(Debug, Clone, Default)]
pub struct Fold {
    /// By canonical key. A removed item stays, so that an older row of it finds its match.
    latest: BTreeMap<String, Version>,
}

#[derive(Debug, Clone)]
struct Version {
    /// `_stream` and `_seq`; texts of one length each, or empty.
    order: (String, String),
    item: Option<Item<'static>>,
}

impl Fold {
    /// No rows yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a row.
    pub fn add(&mut self, row: StoredRow) {
        let version = Version { order: (row.stream, row.seq), item: row.item };
        match self.latest.entry(item::canonical(&row.key)) {
            Entry::Vacant(entry) => {
                entry.insert(version);
            }
            Entry::Occupied(mut entry) => {
                if version.order > entry.get().order {
                    entry.insert(version);
                }
            }
        }
    }

    /// The items there are now, in the order of their canonical keys.
    pub fn items(&self) -> impl Iterator<Item = &Item<'static>> {
        self.latest.values().filter_map(|version| version.item.as_ref())
    }
}

impl Extend<StoredRow> for Fold {
    fn extend<T: IntoIterator<Item = StoredRow>>(&mut self, rows: T) {
        rows.into_iter().for_each(|row| self.add(row));
    }
}

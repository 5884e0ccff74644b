//! Spreads the items of one partition key apart, so that sorted input heats no partition.
//!
//! A partition of a table takes 1,000 write units per second. Rows that are sorted by partition key
//! send everything to one partition for a while, then everything to the next
//! ([AWS](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-data-upload.html)).
//!
//! ```text
//! rows in order    a a a a a a b b b c c c
//!                  └────── a window ──────┘
//! places           a: ·a·a·a·a·a·a·   each key's items at even distances over the
//!                  b: ···b···b···b·   whole window, from a start that is the hash
//!                  c: ··c···c···c··   of the key and the seed
//! handed out       a c b a a c b a a c b a   ─ Batcher ─▶ batches of 25
//! ```
//!
//! **What it gives.** Of a window with n items and P partition keys, any run of L items handed out one
//! after another holds at most 1 + c (L + P + 1) / n items of a key that has c items in the window: about
//! its share of the whole, however the rows were sorted. Items of one partition key keep their order,
//! so the later row of a repeated key comes out later. The order depends on rows and seed alone.
//!
//! **What it does not.** A window that holds one partition key only stays as it is. A table without
//! sort key needs no shuffling: its items all have different partition keys.
//!
//! **Checkpoints.** Items come out a whole window at a time. When [`Shuffle::push`] returns a window,
//! everything pushed until then is in it or came out before: once it is written, and only then, may a
//! checkpoint stand there. While one window is written the next is gathered, so two are in memory.

use item::batch::Batcher;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// How much is gathered before it is handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WindowLimits {
    /// Items of a window.
    pub(crate) items: usize,
    /// Bytes of a window; the item that reaches them is the last one in it.
    pub(crate) bytes: usize,
    /// Bytes of a batch.
    pub(crate) batch_bytes: usize,
}

/// A thousand full batches, the most: some six seconds of what a new on-demand table takes.
pub(crate) const WINDOW: WindowLimits =
    WindowLimits { items: 25_000, bytes: 32 * 1024 * 1024, batch_bytes: 1024 * 1024 };

/// An item on its way to a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Keyed<T> {
    /// A hash of the partition key.
    pub(crate) partition: u64,
    /// A hash of the whole key.
    pub(crate) key: u128,
    /// Bytes in the request.
    pub(crate) size: usize,
    /// What goes into the batch.
    pub(crate) payload: T,
}

/// Gathers items and hands them out in another order.
#[derive(Debug)]
pub(crate) struct Shuffle<T> {
    limits: WindowLimits,
    seed: u64,
    held: Vec<Held<T>>,
    bytes: usize,
}

#[derive(Debug)]
struct Held<T> {
    item: Keyed<T>,
    /// The hash of the partition key and the seed.
    mixed: u64,
    /// Where in the window it goes, in 2⁻³² of its length.
    place: u64,
}

/// The batches of one window, in the order they are to be sent: each of up to 25 items, none of them
/// twice with one key.
pub(crate) type Window<T> = Vec<Vec<T>>;

impl<T> Shuffle<T> {
    /// Nothing gathered yet.
    ///
    /// Objects that are loaded into one table at the same time take different seeds, or their windows
    /// would have the same keys in the same places.
    pub(crate) fn new(limits: WindowLimits, seed: u64) -> Self {
        Self { limits, seed, held: Vec::new(), bytes: 0 }
    }

    /// The windows to come hold so many items, within the limits; one at least.
    pub(crate) fn resize(&mut self, items: usize) {
        self.limits.items = items.clamp(1, WINDOW.items);
    }

    /// Adds an item and returns the window that is thereby full, with this item in it.
    pub(crate) fn push(&mut self, item: Keyed<T>) -> Option<Window<T>> {
        self.bytes = self.bytes.saturating_add(item.size);
        let mixed = xxh3_64_with_seed(&item.partition.to_le_bytes(), self.seed);
        self.held.push(Held { item, mixed, place: 0 });
        let full = self.held.len() >= self.limits.items || self.bytes >= self.limits.bytes;
        if full { self.take() } else { None }
    }

    /// The last window, unless nothing is left.
    pub(crate) fn finish(mut self) -> Option<Window<T>> {
        self.take()
    }

    fn take(&mut self) -> Option<Window<T>> {
        self.bytes = 0;
        let held = std::mem::take(&mut self.held);
        (!held.is_empty()).then(|| batches(spread(held), self.limits.batch_bytes))
    }
}

/// The items with those of one partition key at even distances.
fn spread<T>(mut held: Vec<Held<T>>) -> Vec<Held<T>> {
    // Stable, and it moves each item once: an item is many times as large as its key here.
    held.sort_by_cached_key(|held| held.mixed);
    for of_one_key in held.chunk_by_mut(|a, b| a.mixed == b.mixed) {
        let count = of_one_key.len() as u64;
        for (index, held) in (0_u64..).zip(of_one_key) {
            // The index is below the count, and neither reaches 2³².
            held.place = ((index << 32) | (held.mixed >> 32)) / count;
        }
    }
    // Places of one key differ: they are at least 2³² / count apart.
    held.sort_by_cached_key(|held| (held.place, held.mixed));
    held
}

fn batches<T>(held: Vec<Held<T>>, bytes: usize) -> Window<T> {
    let mut batcher = Batcher::with_bytes(bytes);
    let mut batches: Window<T> = held
        .into_iter()
        .filter_map(|held| batcher.push(held.item.key, held.item.size, held.item.payload))
        .collect();
    batches.extend(batcher.finish());
    batches
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use item::limits::MAX_BATCH_ITEMS;
    use proptest::prelude::*;

    use super::*;

    /// An item that says what it is: partition, number within it, and when it was pushed.
    type Row = (u64, u32, usize);

    fn keyed(partition: u64, sort: u32, at: usize, size: usize) -> Keyed<Row> {
        let key = u128::from(partition) << 64 | u128::from(sort);
        Keyed { partition, key, size, payload: (partition, sort, at) }
    }

    fn windows(
        limits: WindowLimits,
        seed: u64,
        items: impl IntoIterator<Item = Keyed<Row>>,
    ) -> Vec<Window<Row>> {
        let mut shuffle = Shuffle::new(limits, seed);
        let mut windows: Vec<_> = items.into_iter().filter_map(|item| shuffle.push(item)).collect();
        windows.extend(shuffle.finish());
        windows
    }

    /// Items sorted by partition key: `counts[p]` of partition `p`.
    fn sorted(counts: &[u32]) -> Vec<Keyed<Row>> {
        let rows = (0_u64..).zip(counts).flat_map(|(p, &count)| (0..count).map(move |n| (p, n)));
        rows.enumerate().map(|(at, (p, n))| keyed(p, n, at, 100)).collect()
    }

    /// The partitions in the order they come out, batch by batch.
    fn shown(windows: &[Window<Row>]) -> String {
        let letter = |row: &Row| char::from(b'a' + u8::try_from(row.0).unwrap());
        let batch = |batch: &Vec<Row>| batch.iter().map(letter).collect::<String>();
        let window = |window: &Window<Row>| window.iter().map(batch).collect::<Vec<_>>().join(" ");
        windows.iter().map(window).collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn sorted_rows_come_out_interleaved() {
        let shown = |counts: &[u32], seed| shown(&windows(WINDOW, seed, sorted(counts)));
        insta::assert_snapshot!(shown(&[6, 3, 3], 0), @"cbaacbaacbaa");
        insta::assert_snapshot!(shown(&[6, 3, 3], 1), @"cabacabacaba");
        insta::assert_snapshot!(shown(&[20, 20, 20], 0), @"cbacbacbacbacbacbacbacbac bacbacbacbacbacbacbacbacb acbacbacba");
        insta::assert_snapshot!(shown(&[30], 0), @"aaaaaaaaaaaaaaaaaaaaaaaaa aaaaa");
        insta::assert_snapshot!(shown(&[1; 26], 0), @"sqjtclbodgvhfrmiyaeuwznxp k");
    }

    #[test]
    fn windows_can_become_smaller_and_larger() {
        let mut shuffle = Shuffle::new(WindowLimits { items: 2, ..WINDOW }, 0);
        let mut lengths = Vec::new();
        for (at, item) in sorted(&[9]).into_iter().enumerate() {
            lengths.extend(shuffle.push(item).map(|window| window.concat().len()));
            match at {
                1 => shuffle.resize(4),
                5 => shuffle.resize(0),
                _ => {}
            }
        }
        assert_eq!(lengths, [2, 4, 1, 1, 1]);
    }

    #[test]
    fn a_window_ends_with_the_item_that_fills_it() {
        let limits = |items, bytes| WindowLimits { items, bytes, batch_bytes: 1024 };
        let lengths = |limits, items| -> Vec<usize> {
            windows(limits, 0, items).iter().map(|window| window.concat().len()).collect()
        };
        assert_eq!(lengths(limits(4, 1000), sorted(&[5, 5])), [4, 4, 2]);
        assert_eq!(lengths(limits(100, 250), sorted(&[5, 5])), [3, 3, 3, 1]);
        assert_eq!(lengths(limits(5, 1000), sorted(&[5, 5])), [5, 5]);
        assert_eq!(lengths(limits(1, 1), sorted(&[2])), [1, 1]);
        assert_eq!(lengths(limits(9, 250), vec![keyed(0, 0, 0, 9000)]), [1]);
        assert_eq!(lengths(WINDOW, vec![]), [0; 0]);
    }

    /// Holds every run of batches against the bound that the module states.
    fn check_bound(counts: &[u32], seed: u64) {
        let n: u32 = counts.iter().sum();
        let partitions = u32::try_from(counts.iter().filter(|&&count| count > 0).count()).unwrap();
        let limits = WindowLimits { items: usize::MAX, bytes: usize::MAX, ..WINDOW };
        for batches in windows(limits, seed, sorted(counts)) {
            for first in 0..batches.len() {
                let mut run = vec![0_u32; counts.len()];
                for batch in &batches[first..] {
                    for row in batch {
                        run[usize::try_from(row.0).unwrap()] += 1;
                    }
                    let length: u32 = run.iter().sum();
                    for (&of_key, &count) in run.iter().zip(counts) {
                        let beyond_one = u64::from(of_key.saturating_sub(1)) * u64::from(n);
                        let bound = u64::from(count) * u64::from(length + partitions + 1);
                        assert!(beyond_one <= bound, "{of_key} of {length}: {count} of {n}");
                    }
                }
            }
        }
    }

    #[test]
    fn no_run_of_batches_holds_more_of_a_key_than_stated() {
        check_bound(&[1000; 10], 0);
        check_bound(&[40; 100], 1);
        check_bound(&[1; 500], 2);
        check_bound(&[5000, 100, 100, 1, 1, 1], 3);
        check_bound(&(1..100).collect::<Vec<_>>(), 4);
    }

    #[test]
    fn equal_keys_take_turns() {
        for batches in windows(WINDOW, 0, sorted(&[50; 40])) {
            for batch in batches {
                let mut partitions: Vec<u64> = batch.iter().map(|row| row.0).collect();
                partitions.sort_unstable();
                partitions.dedup();
                assert_eq!(partitions.len(), MAX_BATCH_ITEMS);
            }
        }
    }

    proptest! {
        #[test]
        fn the_bound_holds_whatever_the_keys(
            counts in prop::collection::vec(prop_oneof![0..4_u32, 0..120_u32], 1..12),
            seed in 0..4_u64,
        ) {
            check_bound(&counts, seed);
        }

        #[test]
        fn every_item_comes_out_once_in_its_window_and_after_earlier_ones_of_its_partition(
            rows in prop::collection::vec((0..6_u64, 0..4_u32, 0..300_usize), 0..200),
            items in 1..60_usize,
            bytes in 1..5000_usize,
            seed in 0..4_u64,
        ) {
            let limits = WindowLimits { items, bytes, batch_bytes: 2000 };
            let pushed: Vec<_> = rows
                .iter()
                .enumerate()
                .map(|(at, &(partition, sort, size))| keyed(partition, sort, at, size))
                .collect();
            let windows = windows(limits, seed, pushed.clone());
            let mut next = 0;
            for window in windows {
                let out = window.concat();
                let mut came: Vec<usize> = out.iter().map(|row| row.2).collect();
                came.sort_unstable();
                prop_assert!(came.iter().copied().eq(next..next + out.len()), "{:?}", came);
                prop_assert!((1..=items).contains(&out.len()));
                let sizes: usize = rows[next..next + out.len() - 1].iter().map(|row| row.2).sum();
                prop_assert!(sizes < bytes);
                next += out.len();
                let mut last = BTreeMap::new();
                for (partition, _, at) in out {
                    prop_assert!(last.insert(partition, at).is_none_or(|earlier| earlier < at));
                }
                for batch in window {
                    prop_assert!((1..=MAX_BATCH_ITEMS).contains(&batch.len()));
                    let mut keys: Vec<_> = batch.iter().map(|row| (row.0, row.1)).collect();
                    keys.sort_unstable();
                    keys.dedup();
                    prop_assert_eq!(keys.len(), batch.len());
                }
            }
            prop_assert_eq!(next, rows.len());
        }

        #[test]
        fn the_order_is_that_of_rows_and_seed_alone(
            rows in prop::collection::vec((0..6_u64, 0..4_u32), 0..100),
            seed in 0..4_u64,
        ) {
            let pushed: Vec<_> = rows
                .iter()
                .enumerate()
                .map(|(at, &(partition, sort))| keyed(partition, sort, at, 1))
                .collect();
            prop_assert_eq!(windows(WINDOW, seed, pushed.clone()), windows(WINDOW, seed, pushed));
        }
    }
}

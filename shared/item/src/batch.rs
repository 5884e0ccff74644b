//! Batches for `BatchWriteItem`.

use crate::limits::{MAX_BATCH_BYTES, MAX_BATCH_ITEMS};

/// Gathers writes into batches of up to 25 items and 16 MB, in the order they come.
///
/// DynamoDB refuses a batch that writes one key twice, so a repeated key starts a new batch. The later
/// write holds if the earlier batch is done before the later one is sent; a sender that has several
/// batches under way must see to that for keys that repeat.
///
/// ```
/// let mut batcher = item::batch::Batcher::new();
/// assert_eq!(batcher.push("key 1".to_owned(), 100, "first"), None);
/// assert_eq!(batcher.push("key 1".to_owned(), 100, "second"), Some(vec!["first"]));
/// assert_eq!(batcher.finish(), Some(vec!["second"]));
/// ```
///
/// `K` is what tells keys apart: their canonical text, or a hash of it. Keys that are taken for one
/// another only end a batch early.
#[derive(Debug)]
pub struct Batcher<T, K = String> {
    keys: Vec<K>,
    payloads: Vec<T>,
    bytes: usize,
    max_bytes: usize,
}

impl<T, K: PartialEq> Batcher<T, K> {
    /// A batcher that holds nothing.
    pub fn new() -> Self {
        Self { keys: Vec::new(), payloads: Vec::new(), bytes: 0, max_bytes: MAX_BATCH_BYTES }
    }

    /// A batcher of smaller batches, of up to `bytes` bytes.
    pub fn with_bytes(bytes: usize) -> Self {
        Self { max_bytes: bytes.min(MAX_BATCH_BYTES), ..Self::new() }
    }

    /// Adds a write of `size` bytes in the request and returns the batch that is thereby full.
    ///
    /// `key` is the canonical text of the item's key, or a hash of it. A write larger than a whole
    /// batch gets a batch of its own.
    pub fn push(&mut self, key: K, size: usize, payload: T) -> Option<Vec<T>> {
        let fits = self.bytes.saturating_add(size) <= self.max_bytes && !self.keys.contains(&key);
        let full = if fits { None } else { self.take() };
        self.keys.push(key);
        self.payloads.push(payload);
        self.bytes += size;
        if self.payloads.len() == MAX_BATCH_ITEMS { self.take() } else { full }
    }

    /// The last batch, unless nothing is left.
    pub fn finish(mut self) -> Option<Vec<T>> {
        self.take()
    }

    fn take(&mut self) -> Option<Vec<T>> {
        self.keys.clear();
        self.bytes = 0;
        let payloads = std::mem::take(&mut self.payloads);
        (!payloads.is_empty()).then_some(payloads)
    }
}

impl<T, K: PartialEq> Default for Batcher<T, K> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn batches(writes: &[(u8, usize)]) -> Vec<Vec<(u8, usize)>> {
        let mut batcher = Batcher::new();
        let mut batches: Vec<_> = writes
            .iter()
            .filter_map(|write| batcher.push(write.0.to_string(), write.1, *write))
            .collect();
        batches.extend(batcher.finish());
        batches
    }

    fn check(writes: &[(u8, usize)], lengths: &[usize]) {
        let found: Vec<usize> = batches(writes).iter().map(Vec::len).collect();
        assert_eq!(found, lengths);
    }

    #[test]
    fn fills_batches() {
        let distinct = |count: u8| (0..count).map(|key| (key, 1)).collect::<Vec<_>>();
        check(&[], &[]);
        check(&distinct(24), &[24]);
        check(&distinct(25), &[25]);
        check(&distinct(51), &[25, 25, 1]);
        check(&[(1, 1), (2, 1), (1, 1)], &[2, 1]);
        check(&[(1, MAX_BATCH_BYTES), (2, 0), (3, 1)], &[2, 1]);
        check(&[(1, MAX_BATCH_BYTES + 1), (2, 1)], &[1, 1]);
    }

    proptest! {
        #[test]
        fn keeps_order_and_limits(writes in prop::collection::vec((0..40_u8, 0..4 * 1024 * 1024_usize), 0..120)) {
            let batches = batches(&writes);
            prop_assert_eq!(batches.concat(), writes);
            for batch in batches {
                prop_assert!((1..=MAX_BATCH_ITEMS).contains(&batch.len()));
                prop_assert!(batch.iter().map(|write| write.1).sum::<usize>() <= MAX_BATCH_BYTES);
                let mut keys: Vec<u8> = batch.iter().map(|write| write.0).collect();
                keys.sort_unstable();
                keys.dedup();
                prop_assert_eq!(keys.len(), batch.len());
            }
        }
    }
}

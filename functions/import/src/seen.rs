//! The keys seen so far, each with the row it was seen in: what finds duplicates.
//!
//! ```text
//! canonical key ─ fingerprint ─▶ 128 bits
//!                                 │ the upper 80 are kept
//!                  ┌──────────────┼──────────────────┐
//!               16 bits        16 bits            48 bits
//!               which of       tag, compared      the rest, compared
//!               65,536 shards  first              where a tag agrees
//! ```
//!
//! A shard is a list of blocks of 16 keys, filled in the order the keys come and never moved: a set
//! grows by a block at a time, copies nothing and leaves no holes. Looking a key up reads the tags
//! of its shard's blocks, 16 at a time and each in one cache line.
//!
//! | one key of 12 million takes | bytes |
//! |---|---|
//! | tag, rest, ordinal of its row | 2 + 6 + 4 |
//! | its part of half a block in every shard, which waits for keys | 0.5 |
//! | its part of the shards and their lists of blocks | 0.5 |
//!
//! Measured with the example `seen_memory` (x86-64, glibc); the peak is that of the whole process:
//!
//! | keys | bytes per key | peak resident memory |
//! |---|---|---|
//! | 1,000,000 | 20.4 | 24 MB |
//! | 4,000,000 | 14.4 | 61 MB |
//! | 10,000,000 | 13.2 | 137 MB |
//! | 12,000,000 | 13.0 | 161 MB |
//!
//! A `HashMap<u128, u64>` takes 554 MB for 12 million, 830 MB while it grows to that; it adds
//! and finds a key in three quarters of the time, and in the same at a million keys.
//!
//! **What 80 bits are worth.** Two different keys are taken for one another if 80 bits of their hashes
//! agree. Among n keys there are n (n − 1) / 2 pairs; for n = 12 million that is 7.2 × 10¹³, and
//! 2⁸⁰ is 1.2 × 10²⁴: the probability that an import at the limit calls any row wrongly a duplicate is
//! 6 × 10⁻¹¹. Such a row would be reported with the row it is said to repeat, not lost silently. XXH3
//! is not cryptographic: who wants to can make keys that collide, in a file of their own. No set can
//! be exact in so little memory without reading the keys again.

use xxhash_rust::xxh3::xxh3_128_with_seed;

/// How many keys an import compares with one another, all candidates together, in some 160 MB.
pub(crate) const MAX_KEYS: usize = 12_000_000;

const SHARDS: usize = 1 << u16::BITS;
/// Keys in a block.
const SLOTS: usize = 16;
/// Blocks that are allocated together, 768 KiB: the allocator maps and returns them one by one.
const CHUNK: usize = 4096;

/// The 128 bits that stand for a key in a [`Seen`].
///
/// Several candidates for the table's key share one set, and with it its limit and its memory, when
/// each has a number of its own.
pub(crate) fn fingerprint(canonical_key: &str, candidate: u64) -> u128 {
    xxh3_128_with_seed(canonical_key.as_bytes(), candidate)
}

/// A set of fingerprints, with the ordinal (the number from 0) of a row for each.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// None before the first key.
    shards: Vec<Shard>,
    blocks: Blocks,
    len: usize,
}

impl Seen {
    /// Adds a key unless it is there, and returns the ordinal it is there with.
    pub(crate) fn insert(&mut self, fingerprint: u128, ordinal: u32) -> Option<u32> {
        let kept = Kept::of(fingerprint);
        let earlier = self.ordinal_mut(kept).map(|earlier| *earlier);
        if earlier.is_none() {
            self.add(kept, ordinal);
        }
        earlier
    }

    /// Adds a key or gives it another ordinal, and returns the one it had.
    pub(crate) fn replace(&mut self, fingerprint: u128, ordinal: u32) -> Option<u32> {
        let kept = Kept::of(fingerprint);
        if let Some(earlier) = self.ordinal_mut(kept) {
            return Some(std::mem::replace(earlier, ordinal));
        }
        self.add(kept, ordinal);
        None
    }

    /// How many keys there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Forgets every key and frees the memory.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The ordinal of a key that is there.
    fn ordinal_mut(&mut self, kept: Kept) -> Option<&mut u32> {
        let shard = self.shards.get(usize::from(kept.shard))?;
        let (block, slot) = shard.blocks.iter().enumerate().find_map(|(index, &block)| {
            let slot = self.blocks.get(block).position(kept)?;
            // Beyond the keys of the last block is what looks like a key of zeros.
            (index * SLOTS + slot < shard.len).then_some((block, slot))
        })?;
        Some(&mut self.blocks.get_mut(block).ordinals[slot])
    }

    /// Adds a key that is not there.
    fn add(&mut self, kept: Kept, ordinal: u32) {
        if self.shards.is_empty() {
            self.shards.resize_with(SHARDS, Shard::default);
        }
        let shard = &mut self.shards[usize::from(kept.shard)];
        let slot = shard.len % SLOTS;
        let block = match shard.blocks.last() {
            Some(&last) if slot > 0 => last,
            _ => {
                let block = self.blocks.push();
                shard.blocks.push(block);
                block
            }
        };
        self.blocks.get_mut(block).set(slot, kept, ordinal);
        shard.len += 1;
        self.len += 1;
    }
}

/// What is kept of a fingerprint.
#[derive(Debug, Clone, Copy)]
struct Kept {
    shard: u16,
    tag: u16,
    rest: [u8; 6],
}

impl Kept {
    fn of(fingerprint: u128) -> Self {
        let bytes = fingerprint.to_be_bytes();
        Self {
            shard: u16::from_be_bytes([bytes[0], bytes[1]]),
            tag: u16::from_be_bytes([bytes[2], bytes[3]]),
            rest: std::array::from_fn(|index| bytes[4 + index]),
        }
    }
}

/// The keys that agree in the first 16 bits.
#[derive(Debug, Default)]
struct Shard {
    /// All are full but the last.
    blocks: Vec<u32>,
    /// Keys.
    len: usize,
}

/// Up to 16 keys of a shard: three cache lines, the tags in the first.
#[derive(Debug, Clone, Copy, Default)]
#[repr(align(64))]
struct Block {
    tags: [u16; SLOTS],
    rests: [[u8; 6]; SLOTS],
    ordinals: [u32; SLOTS],
}

impl Block {
    /// The first slot that holds these bits.
    fn position(&self, kept: Kept) -> Option<usize> {
        // A loop without a way out compares all tags at once; at the limit one lookup in 350 finds a
        // tag that agrees by chance.
        let agreeing = self.tags.map(|tag| u16::from(tag == kept.tag));
        if agreeing.iter().fold(0, |any, agrees| any | agrees) == 0 {
            return None;
        }
        let mut pairs = self.tags.iter().zip(&self.rests);
        pairs.position(|(&tag, &rest)| tag == kept.tag && rest == kept.rest)
    }

    fn set(&mut self, slot: usize, kept: Kept, ordinal: u32) {
        self.tags[slot] = kept.tag;
        self.rests[slot] = kept.rest;
        self.ordinals[slot] = ordinal;
    }
}

/// The blocks of all shards, numbered in the order they were added.
#[derive(Debug, Default)]
struct Blocks {
    /// All are full but the last, and none is ever moved.
    chunks: Vec<Vec<Block>>,
    len: u32,
}

impl Blocks {
    /// Adds an empty block and returns its number.
    fn push(&mut self) -> u32 {
        let number = self.len;
        match self.chunks.last_mut() {
            Some(last) if last.len() < CHUNK => last.push(Block::default()),
            _ => {
                let mut chunk = Vec::with_capacity(CHUNK);
                chunk.push(Block::default());
                self.chunks.push(chunk);
            }
        }
        self.len += 1;
        number
    }

    fn get(&self, number: u32) -> &Block {
        let number = number as usize;
        &self.chunks[number / CHUNK][number % CHUNK]
    }

    fn get_mut(&mut self, number: u32) -> &mut Block {
        let number = number as usize;
        &mut self.chunks[number / CHUNK][number % CHUNK]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, hash_map::Entry};

    use proptest::prelude::*;

    use super::*;

    /// The bits of a fingerprint below those that are kept.
    const DROPPED: u32 = 48;

    fn fingerprint_of(shard: u16, tag: u16, rest: u64, dropped: u64) -> u128 {
        u128::from(shard) << 112
            | u128::from(tag) << 96
            | u128::from(rest) << DROPPED
            | u128::from(dropped)
    }

    /// Fingerprints that often agree in some parts and differ in others; all zeros among them.
    fn fingerprints() -> impl Strategy<Value = u128> {
        let rest = prop_oneof![0..3_u64, Just((1 << DROPPED) - 1)];
        (0..3_u16, 0..3_u16, rest, 0..2_u64)
            .prop_map(|(shard, tag, rest, dropped)| fingerprint_of(shard, tag, rest, dropped))
    }

    /// A set and what it should be.
    #[derive(Default)]
    struct Beside {
        seen: Seen,
        model: HashMap<u128, u32>,
    }

    impl Beside {
        fn insert(&mut self, fingerprint: u128, ordinal: u32) {
            let expected = match self.model.entry(fingerprint >> DROPPED) {
                Entry::Vacant(place) => {
                    place.insert(ordinal);
                    None
                }
                Entry::Occupied(earlier) => Some(*earlier.get()),
            };
            assert_eq!(self.seen.insert(fingerprint, ordinal), expected, "{fingerprint:032x}");
            assert_eq!(self.seen.len(), self.model.len());
        }

        fn replace(&mut self, fingerprint: u128, ordinal: u32) {
            let expected = self.model.insert(fingerprint >> DROPPED, ordinal);
            assert_eq!(self.seen.replace(fingerprint, ordinal), expected, "{fingerprint:032x}");
            assert_eq!(self.seen.len(), self.model.len());
        }
    }

    proptest! {
        // Every set makes its shards, which takes longer than the steps.
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn does_as_a_map_does(steps in prop::collection::vec((fingerprints(), any::<bool>()), 0..400)) {
            let mut beside = Beside::default();
            for (ordinal, (fingerprint, replaces)) in (0..).zip(steps) {
                if replaces {
                    beside.replace(fingerprint, ordinal);
                } else {
                    beside.insert(fingerprint, ordinal);
                }
            }
        }

        #[test]
        fn does_as_a_map_does_when_one_shard_grows(rests in prop::collection::vec(0..300_u64, 0..900)) {
            let mut beside = Beside::default();
            for (ordinal, rest) in (0..).zip(rests) {
                beside.insert(fingerprint_of(7, 7, rest, 0), ordinal);
            }
        }
    }

    #[test]
    fn finds_every_key_again_however_many_chunks_there_are() {
        const KEYS: u32 = 200_000;
        let fingerprint = |n: u32| fingerprint(&n.to_string(), 0);
        let mut seen = Seen::default();
        assert!((0..KEYS).all(|n| seen.insert(fingerprint(n), n).is_none()));
        assert!(seen.blocks.chunks.len() > 10);
        assert!((0..KEYS).all(|n| seen.insert(fingerprint(n), 0) == Some(n)));
        assert_eq!(seen.len(), KEYS as usize);
    }

    #[test]
    fn candidates_do_not_see_one_anothers_keys() {
        let mut seen = Seen::default();
        let found = [(0, 1), (1, 2), (0, 3), (1, 4)].map(|(candidate, row)| {
            seen.insert(fingerprint(r#"{"id":{"N":"1"}}"#, candidate), row)
        });
        assert_eq!(found, [None, None, Some(1), Some(2)]);
    }

    #[test]
    fn the_last_row_of_a_key_can_be_the_one_that_is_remembered() {
        let mut seen = Seen::default();
        let found = [2, 5, 9].map(|row| seen.replace(1 << 90, row));
        assert_eq!(found, [None, Some(2), Some(5)]);
    }

    #[test]
    fn takes_no_memory_before_the_first_key_and_after_clearing() {
        let mut seen = Seen::default();
        seen.insert(1, 1);
        seen.clear();
        assert_eq!(seen.len(), 0);
        assert_eq!(seen.insert(1, 2), None);
    }

    #[test]
    fn a_block_is_three_cache_lines() {
        assert_eq!(size_of::<Block>(), 192);
        assert_eq!(size_of::<Block>(), SLOTS * 12);
    }
}

//! Finding what occurs twice without hashing.

use std::borrow::Cow;

use super::json::Scanner;
use crate::error::{Excerpt, Parsed, Reason};
use crate::{Map, Value};

/// Up to here, entries are compared one by one; beyond, they are sorted first.
const FEW: usize = 64;

/// The map of these entries, unless a name repeats.
pub(crate) fn distinct<'a>(
    entries: Vec<(Cow<'a, str>, Value<'a>)>,
    scanner: &Scanner<'a>,
) -> Parsed<Map<'a>> {
    match repeated_name(&entries) {
        None => Ok(Map::from_distinct(entries)),
        Some(index) => {
            let name = &entries[index].0;
            Err(scanner.error(Reason::DuplicateName(Excerpt::of(name))))
        }
    }
}

/// The place of a name that stood before, in the order of the entries.
///
/// Real items have few names and no repeated one. Each name sets one of 256 bits chosen by its
/// length and three of its bytes; only a name whose bit is already set is compared with the others.
pub(crate) fn repeated_name(entries: &[(Cow<'_, str>, Value<'_>)]) -> Option<usize> {
    if entries.len() > FEW {
        return repeated_among_many(entries, |(name, _)| name.as_bytes());
    }
    let mut seen = [0_u64; 4];
    (0..entries.len()).find(|&index| {
        let name = entries[index].0.as_bytes();
        let (word, bit) = fingerprint(name);
        let maybe = seen[word] & bit != 0;
        seen[word] |= bit;
        maybe && entries[..index].iter().any(|(earlier, _)| earlier.as_bytes() == name)
    })
}

fn fingerprint(name: &[u8]) -> (usize, u64) {
    let length = name.len();
    let byte = |at: usize| usize::from(name.get(at).copied().unwrap_or(0));
    let mixed =
        byte(0) ^ (byte(length / 2) << 2) ^ (byte(length.wrapping_sub(1)) << 4) ^ (length * 37);
    ((mixed >> 6) & 3, 1 << (mixed & 63))
}

/// The place of a set member that stood before.
pub(crate) fn repeated_member<T: Ord>(members: &[T]) -> Option<usize> {
    if members.len() > FEW {
        return repeated_among_many(members, |member| member);
    }
    (1..members.len()).find(|&index| members[..index].contains(&members[index]))
}

fn repeated_among_many<T, K: Ord + ?Sized>(all: &[T], key: impl Fn(&T) -> &K) -> Option<usize> {
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by(|&a, &b| key(&all[a]).cmp(key(&all[b])));
    let repeated = order.windows(2).filter(|pair| key(&all[pair[0]]) == key(&all[pair[1]]));
    repeated.map(|pair| pair[1]).min()
}

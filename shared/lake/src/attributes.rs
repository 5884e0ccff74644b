//! The attributes of a batch's rows, found again without hashing or sorting names.
//!
//! Rows of one table repeat the order of their attributes, so the next attribute is guessed from the
//! last row before it is looked up. And the canonical text of an item needs its names sorted: each
//! attribute has a rank among all, so that what is sorted for each row is a few bits.

use std::collections::HashMap;
use std::sync::Arc;

use item::Map;

use crate::Kind;

/// Every attribute that a batch's rows had, and where those of the last row are.
#[derive(Debug, Default)]
pub(crate) struct Attributes {
    all: Vec<Attribute>,
    places: HashMap<Arc<str>, usize>,
    /// Ranks, of which the first [`Attributes::ranked`] of `all` have one each.
    ranks: Ranks,
    /// How many of `all` have a rank.
    ranked: usize,
    /// How many items were sorted since, for want of a rank.
    sorted: usize,
    /// Where the row's attributes are in `all`, in the row's order.
    row: Vec<usize>,
    /// The row's places in the order of its names.
    by_name: Vec<usize>,
    /// The attribute that the last row began with.
    opening: usize,
}

/// One attribute.
#[derive(Debug)]
pub(crate) struct Attribute {
    pub(crate) name: Arc<str>,
    /// The slot of each kind, by [`Kind::index`].
    pub(crate) slots: [Option<usize>; Kind::ALL.len()],
    /// The name as JSON, with a colon.
    json: String,
    /// The attribute that came next in the last row.
    next: usize,
    /// How many of the ranked attributes have a lesser name.
    rank: usize,
}

impl Attributes {
    /// Finds the attributes of the next row, and their order by name.
    pub(crate) fn find(&mut self, row: &Map<'_>) {
        self.row.clear();
        let mut last: Option<usize> = None;
        for (name, _) in row.iter() {
            let guess = last.map_or(self.opening, |last| self.all[last].next);
            let found = match self.all.get(guess) {
                Some(guessed) if *guessed.name == *name => guess,
                _ => self.look_up(name, last),
            };
            self.row.push(found);
            last = Some(found);
        }
        self.order(row);
    }

    /// Looks an attribute up that was not guessed, so that it is after `last` the next time.
    fn look_up(&mut self, name: &str, last: Option<usize>) -> usize {
        let found = self.places.get(name).copied().unwrap_or_else(|| self.add(name));
        match last {
            Some(last) => self.all[last].next = found,
            None => self.opening = found,
        }
        found
    }

    fn add(&mut self, name: &str) -> usize {
        let added = self.all.len();
        let mut json = String::with_capacity(name.len() + 3);
        item::write_json_string(name, &mut json);
        json.push(':');
        let name: Arc<str> = name.into();
        self.places.insert(Arc::clone(&name), added);
        let (slots, next) = (Default::default(), added + 1);
        self.all.push(Attribute { name, slots, json, next, rank: 0 });
        added
    }

    fn order(&mut self, row: &Map<'_>) {
        self.by_name.clear();
        if self.row.iter().any(|found| *found >= self.ranked) && !self.rank() {
            let names: Vec<&str> = row.iter().map(|(name, _)| name).collect();
            self.by_name.extend(0..self.row.len());
            self.by_name.sort_unstable_by_key(|place| names[*place]);
            return;
        }
        let ranks = self.row.iter().map(|found| self.all[*found].rank);
        self.ranks.order(ranks, &mut self.by_name);
    }

    /// Ranks all attributes, unless few came and few rows were sorted since they were: rows that each
    /// bring a new attribute must not sort all of them each time. Returns whether it did.
    fn rank(&mut self) -> bool {
        let new = self.all.len() - self.ranked;
        self.sorted += 1;
        if new * 8 < self.ranked && self.sorted < self.ranked {
            return false;
        }
        self.sorted = 0;
        let mut order: Vec<usize> = (0..self.all.len()).collect();
        order.sort_unstable_by(|a, b| self.all[*a].name.cmp(&self.all[*b].name));
        for (rank, place) in order.into_iter().enumerate() {
            self.all[place].rank = rank;
        }
        self.ranked = self.all.len();
        self.ranks = Ranks::new(self.ranked);
        true
    }

    /// The places in the last row of its attributes, in the order of their names, and those as JSON
    /// with a colon.
    pub(crate) fn by_name(&self) -> impl Iterator<Item = (usize, &str)> {
        self.by_name.iter().map(|place| (*place, self.all[self.row[*place]].json.as_str()))
    }

    /// The attribute at a place in the last row.
    pub(crate) fn at_mut(&mut self, place: usize) -> &mut Attribute {
        &mut self.all[self.row[place]]
    }

    /// The slots of an attribute.
    pub(crate) fn slots_of(&self, name: &str) -> impl Iterator<Item = usize> {
        let attribute = self.places.get(name).map(|place| &self.all[*place]);
        attribute.into_iter().flat_map(|attribute| attribute.slots.iter().flatten().copied())
    }
}

/// Sorts few of many ranks in one pass: each sets a bit, and bits come in order.
#[derive(Debug, Default)]
struct Ranks {
    bits: Vec<u64>,
    /// The place of each rank whose bit is set.
    places: Vec<usize>,
}

impl Ranks {
    fn new(ranks: usize) -> Self {
        Self { bits: vec![0; ranks.div_ceil(64)], places: vec![0; ranks] }
    }

    /// Appends the places of `ranks`, all different, in the order of the ranks.
    fn order(&mut self, ranks: impl Iterator<Item = usize>, out: &mut Vec<usize>) {
        for (place, rank) in ranks.enumerate() {
            self.bits[rank / 64] |= 1 << (rank % 64);
            self.places[rank] = place;
        }
        for (word, bits) in self.bits.iter_mut().enumerate() {
            while *bits != 0 {
                out.push(self.places[word * 64 + bits.trailing_zeros() as usize]);
                *bits &= *bits - 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use item::Value;

    use super::*;

    fn row(names: &[&str]) -> Map<'static> {
        names.iter().map(|name| ((*name).to_owned().into(), Value::Null)).collect()
    }

    /// Finds each row's attributes, and compares their order with that of their names.
    fn check(rows: &[&[&str]]) {
        let mut attributes = Attributes::default();
        for names in rows {
            attributes.find(&row(names));
            let found: Vec<_> = attributes.by_name().map(|(at, _)| names[at]).collect();
            let mut sorted = names.to_vec();
            sorted.sort_unstable();
            assert_eq!(found, sorted);
            let json: Vec<_> = attributes.by_name().map(|(_, json)| json.to_owned()).collect();
            let quoted: Vec<_> = sorted.iter().map(|name| format!("\"{name}\":")).collect();
            assert_eq!(json, quoted);
            for (place, name) in names.iter().enumerate() {
                assert_eq!(*attributes.at_mut(place).name, **name);
            }
        }
    }

    #[test]
    fn attributes_are_found_in_any_order() {
        check(&[&["b", "a"], &["b", "a"], &["a", "b"], &[], &["c"], &["c", "a", "B", "b", ""]]);
    }

    #[test]
    fn a_late_attribute_gets_a_rank() {
        let names: Vec<String> = (10..26).map(|n| n.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut attributes = Attributes::default();
        attributes.find(&row(&names));
        let ranked: Vec<usize> = (0..17)
            .map(|_| {
                attributes.find(&row(&["99", "10"]));
                attributes.ranked
            })
            .collect();
        assert_eq!(ranked[..15], [16; 15]);
        assert_eq!(ranked[15..], [17; 2]);
    }

    #[test]
    fn rows_that_each_bring_a_new_attribute_are_in_order() {
        let names: Vec<String> = (0..200).map(|n| format!("{}", n * 7919 % 1000)).collect();
        let rows: Vec<Vec<&str>> = (0..200).map(|n| vec!["m", &names[n], "a"]).collect();
        let rows: Vec<&[&str]> = rows.iter().map(Vec::as_slice).collect();
        check(&rows);
    }
}

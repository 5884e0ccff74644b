//! The key of the new table: given, or inferred and proven.
//!
//! Given as object metadata, it holds, and a row without it or with another row's is rejected.
//! Inferred, it must be present, of one type and unique in *every* row, or the import is refused:
//! a wrong guess would overwrite rows with one another.
//!
//! | candidates, in this order | when |
//! |---|---|
//! | `pk` with `sk`, `partition_key` with `sort_key` | both names are there |
//! | `pk`, `partition_key` | |
//! | `id`, then `<table>_id` and `<table>Id`, also with the table's name in the singular | |
//! | the first attribute | |
//!
//! Names are compared without case.

use std::collections::HashMap;

use item::{
    Item, Reason, canonical,
    key::{KeyAttribute, KeySchema, KeyType},
};
use xxhash_rust::xxh3::xxh3_128;

/// How many keys are compared with one another; some 200 MB of memory at most. Beyond it an
/// inferred key is refused, and under a given key duplicates are no longer looked for.
pub(crate) const KEYS_COMPARED: usize = 4_000_000;

/// The names of a key's attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyNames {
    /// The partition key.
    pub(crate) partition: String,
    /// The sort key, if the table has one.
    pub(crate) sort: Option<String>,
}

/// A key that may be the table's.
#[derive(Debug)]
struct Candidate {
    names: KeyNames,
    because: String,
    schema: Option<KeySchema>,
    seen: HashMap<u128, u64>,
    /// Why it cannot be the key.
    fault: Option<String>,
}

/// The key as the survey narrows it down.
#[derive(Debug)]
pub(crate) struct KeySearch {
    given: bool,
    candidates: Vec<Candidate>,
    compared: usize,
}

/// The key that was settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settled {
    /// Names and types.
    pub(crate) schema: KeySchema,
    /// What was inferred, and why.
    pub(crate) inferences: Vec<String>,
}

impl KeySearch {
    /// A key that was given.
    pub(crate) fn given(names: KeyNames) -> Self {
        let candidate = Candidate::new(names, "given as object metadata".to_owned());
        Self { given: true, candidates: vec![candidate], compared: 0 }
    }

    /// The candidates among `attributes`, which are those of the first row in their order.
    pub(crate) fn inferred(table: &str, attributes: &[String]) -> Self {
        Self { given: false, candidates: candidates(table, attributes), compared: 0 }
    }

    /// Holds an item against every candidate; the fault is the row's own if the key was given.
    pub(crate) fn observe(&mut self, item: &Item<'_>, line: u64) -> Result<(), (String, String)> {
        let comparing = self.compared < KEYS_COMPARED;
        for candidate in self.candidates.iter_mut().filter(|candidate| candidate.fault.is_none()) {
            let observed = candidate.observe(item, line, comparing);
            self.compared += 1;
            match observed {
                Err(fault) if self.given => return Err(fault),
                Err((_, reason)) => candidate.fall(line, &reason),
                Ok(()) => {}
            }
        }
        Ok(())
    }

    /// The schema that rows are held against for now; none before the first row.
    pub(crate) fn schema(&self) -> Option<&KeySchema> {
        let standing = self.candidates.iter().find(|candidate| candidate.fault.is_none());
        standing.and_then(|candidate| candidate.schema.as_ref())
    }

    /// The key, after every row was observed; or why there is none and what to do.
    pub(crate) fn settle(self) -> Result<Settled, String> {
        let compared_all = self.compared < KEYS_COMPARED;
        if !self.given && !compared_all {
            return Err(format!(
                "the key was not given, and a key can only be inferred over {KEYS_COMPARED} values; {GIVE_KEY}"
            ));
        }
        let mut faults = Vec::new();
        for candidate in self.candidates {
            match (candidate.fault, candidate.schema) {
                (None, Some(schema)) => {
                    let mut inferences = Vec::new();
                    if !self.given {
                        inferences.push(format!(
                            "key {schema}: {}, present and unique in every row",
                            candidate.because
                        ));
                    } else if !compared_all {
                        inferences.push(format!(
                            "duplicates not checked beyond {KEYS_COMPARED} rows; of rows with one key the last written stays"
                        ));
                    }
                    return Ok(Settled { schema, inferences });
                }
                (Some(fault), _) => faults.push(format!("{}: {fault}", candidate.names)),
                (None, None) => {}
            }
        }
        Err(format!("no key could be inferred ({}); {GIVE_KEY}", faults.join("; ")))
    }
}

const GIVE_KEY: &str =
    "give it when you drop the object: --metadata partition-key=NAME or --metadata partition-key=NAME,sort-key=NAME";

impl Candidate {
    fn new(names: KeyNames, because: String) -> Self {
        Self { names, because, schema: None, seen: HashMap::new(), fault: None }
    }

    fn fall(&mut self, line: u64, reason: &str) {
        self.fault = Some(format!("line {line}: {reason}"));
        self.seen = HashMap::new();
    }

    fn observe(
        &mut self,
        item: &Item<'_>,
        line: u64,
        comparing: bool,
    ) -> Result<(), (String, String)> {
        let schema = match &self.schema {
            Some(schema) => schema,
            None => self.schema.insert(self.names.schema(item).map_err(told)?),
        };
        let key = schema.key_of(item).map_err(told)?;
        if !comparing {
            return Ok(());
        }
        match self.seen.insert(xxh3_128(canonical(&key).as_bytes()), line) {
            None => Ok(()),
            Some(first) => {
                // The first row keeps its place, so that a third names it too.
                self.seen.insert(xxh3_128(canonical(&key).as_bytes()), first);
                let reason = format!("its key is that of line {first}; a table holds a key once");
                Err((self.names.partition.clone(), reason))
            }
        }
    }
}

fn told((path, reason): (String, Reason)) -> (String, String) {
    (path, reason.to_string())
}

impl KeyNames {
    /// The schema these names have in an item, which gives their types.
    fn schema(&self, item: &Item<'_>) -> Result<KeySchema, (String, Reason)> {
        let attribute = |name: &String| {
            let kind = KeyType::of(item, name)?;
            Ok(KeyAttribute { name: name.clone(), kind })
        };
        let sort = self.sort.as_ref().map(attribute).transpose()?;
        Ok(KeySchema { partition: attribute(&self.partition)?, sort })
    }
}

impl std::fmt::Display for KeyNames {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.partition)?;
        self.sort.iter().try_for_each(|sort| write!(f, " with {sort}"))
    }
}

fn candidates(table: &str, attributes: &[String]) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = Vec::new();
    let named = |wanted: &str| attributes.iter().find(|name| name.eq_ignore_ascii_case(wanted));
    let mut add = |partition: &String, sort: Option<&String>, because: String| {
        let names = KeyNames { partition: partition.clone(), sort: sort.cloned() };
        if found.iter().all(|candidate| candidate.names != names) {
            found.push(Candidate::new(names, because));
        }
    };
    for (partition, sort) in [("pk", "sk"), ("partition_key", "sort_key")] {
        if let (Some(p), Some(s)) = (named(partition), named(sort)) {
            add(p, Some(s), format!("named {p} and {s}"));
        }
    }
    let singular = table.strip_suffix('s').unwrap_or(table);
    let of_table = [table, singular].map(|name| [format!("{name}_id"), format!("{name}id")]);
    let usual = ["pk", "partition_key", "id"].map(str::to_owned);
    for wanted in usual.iter().chain(of_table.iter().flatten()) {
        if let Some(name) = named(wanted) {
            add(name, None, format!("named {name}"));
        }
    }
    if let Some(first) = attributes.first() {
        add(first, None, format!("{first} is the first attribute"));
    }
    found
}

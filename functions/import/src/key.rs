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

use std::collections::{HashMap, hash_map::Entry};

use item::{
    Item, ItemError, Reason, canonical,
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
    pub(crate) fn observe(&mut self, item: &Item<'_>, line: u64) -> Result<(), KeyFault> {
        let comparing = self.compared < KEYS_COMPARED;
        for candidate in self.candidates.iter_mut().filter(|candidate| candidate.fault.is_none()) {
            let observed = candidate.observe(item, line, comparing);
            self.compared += 1;
            match observed {
                Err(fault) if self.given => return Err(fault),
                Err(fault) => candidate.fall(line, &fault.reason),
                Ok(()) => {}
            }
        }
        Ok(())
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
                            "key {} ({}): present and unique in every row",
                            told(&schema),
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

const GIVE_KEY: &str = "give it when you drop the object: --metadata partition-key=NAME, or \
                        --metadata partition-key=NAME,sort-key=NAME";

/// A key as people read it: `tailnum (S)`, `pk (S) with sk (N)`.
pub(crate) fn told(schema: &KeySchema) -> String {
    let attribute = |key: &KeyAttribute| format!("{} ({})", key.name, key.kind.as_str());
    let sort = schema.sort.iter().map(|sort| format!(" with {}", attribute(sort)));
    std::iter::once(attribute(&schema.partition)).chain(sort).collect()
}

impl Candidate {
    fn new(names: KeyNames, because: String) -> Self {
        Self { names, because, schema: None, seen: HashMap::new(), fault: None }
    }

    fn fall(&mut self, line: u64, reason: &str) {
        self.fault = Some(format!("line {line}: {reason}"));
        self.seen = HashMap::new();
    }

    fn observe(&mut self, item: &Item<'_>, line: u64, comparing: bool) -> Result<(), KeyFault> {
        let schema = match &self.schema {
            Some(schema) => schema,
            None => self.schema.insert(self.names.schema(item)?),
        };
        let key = schema.key_of(item)?;
        if !comparing {
            return Ok(());
        }
        match self.seen.entry(xxh3_128(canonical(&key).as_bytes())) {
            Entry::Vacant(place) => {
                place.insert(line);
                Ok(())
            }
            Entry::Occupied(first) => Err(KeyFault {
                path: self.names.partition.clone(),
                reason: format!(
                    "its key is that of line {}; a table holds a key once",
                    first.get()
                ),
            }),
        }
    }
}

/// What keeps a row's key from being the table's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyFault {
    /// The attribute at fault.
    pub(crate) path: String,
    /// What was expected and found.
    pub(crate) reason: String,
}

impl From<ItemError> for KeyFault {
    fn from(ItemError { path, reason }: ItemError) -> Self {
        Self { path, reason: reason.to_string() }
    }
}

impl KeyNames {
    /// The schema these names have in an item, which gives their types.
    fn schema(&self, item: &Item<'_>) -> Result<KeySchema, ItemError> {
        let sort = self.sort.as_ref().map(|name| key_attribute(item, name)).transpose()?;
        Ok(KeySchema { partition: key_attribute(item, &self.partition)?, sort })
    }
}

fn key_attribute(item: &Item<'_>, name: &str) -> Result<KeyAttribute, ItemError> {
    /// Whichever of these the first row has, every row must have.
    const EXPECTED: &str = "S, N or B";
    let fault = |reason| ItemError { path: name.to_owned(), reason };
    let value = item.get(name).ok_or_else(|| fault(Reason::KeyMissing { expected: EXPECTED }))?;
    let kind = KeyType::of(value).ok_or_else(|| {
        fault(Reason::KeyType { expected: EXPECTED, found: value.type_descriptor() })
    })?;
    Ok(KeyAttribute::new(name, kind))
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

#[cfg(test)]
mod tests {
    use item::format::json_lines;

    use super::*;

    /// Runs a search over rows and shows how it ends.
    fn search(mut search: KeySearch, rows: &[&str]) -> String {
        for (line, row) in (1..).zip(rows) {
            let item = json_lines::parse_item(row.as_bytes()).unwrap();
            if let Err(KeyFault { path, reason }) = search.observe(&item, line) {
                return format!("line {line} rejected: {path}: {reason}");
            }
        }
        match search.settle() {
            Ok(settled) => [vec![told(&settled.schema)], settled.inferences].concat().join("; "),
            Err(reason) => reason,
        }
    }

    fn inferred(table: &str, rows: &[&str]) -> String {
        let first = json_lines::parse_item(rows[0].as_bytes()).unwrap();
        let attributes: Vec<String> = first.iter().map(|(name, _)| name.to_owned()).collect();
        search(KeySearch::inferred(table, &attributes), rows)
    }

    fn given(partition: &str, sort: Option<&str>, rows: &[&str]) -> String {
        let sort = sort.map(str::to_owned);
        search(KeySearch::given(KeyNames { partition: partition.to_owned(), sort }), rows)
    }

    #[test]
    fn the_first_candidate_that_holds_in_every_row_wins() {
        let composite = [r#"{"x":1,"PK":"a","SK":1}"#, r#"{"x":1,"PK":"a","SK":2}"#];
        insta::assert_snapshot!(inferred("orders", &composite), @"PK (S) with SK (N); key PK (S) with SK (N) (named PK and SK): present and unique in every row");
        let id = [r#"{"name":"a","id":1}"#, r#"{"name":"a","id":2}"#];
        insta::assert_snapshot!(inferred("orders", &id), @"id (N); key id (N) (named id): present and unique in every row");
        let of_table = [r#"{"name":"a","orderId":"1"}"#, r#"{"name":"a","orderId":"2"}"#];
        insta::assert_snapshot!(inferred("orders", &of_table), @"orderId (S); key orderId (S) (named orderId): present and unique in every row");
        let first = [r#"{"name":"a","id":1}"#, r#"{"name":"b","id":1}"#];
        insta::assert_snapshot!(inferred("orders", &first), @"name (S); key name (S) (name is the first attribute): present and unique in every row");
    }

    #[test]
    fn no_candidate_left_says_why_and_what_to_do() {
        let rows = [r#"{"name":"a","id":1}"#, r#"{"name":"a","id":1}"#, r#"{"id":2}"#];
        insta::assert_snapshot!(inferred("orders", &rows), @"no key could be inferred (id: line 2: its key is that of line 1; a table holds a key once; name: line 2: its key is that of line 1; a table holds a key once); give it when you drop the object: --metadata partition-key=NAME, or --metadata partition-key=NAME,sort-key=NAME");
        let rows = [r#"{"id":1}"#, r#"{"id":"1"}"#];
        insta::assert_snapshot!(inferred("orders", &rows), @"no key could be inferred (id: line 2: a key of type N was expected, found type S); give it when you drop the object: --metadata partition-key=NAME, or --metadata partition-key=NAME,sort-key=NAME");
    }

    #[test]
    fn a_given_key_holds_and_the_row_is_at_fault() {
        let rows = [r#"{"name":"a"}"#, r#"{"name":"b"}"#];
        insta::assert_snapshot!(given("name", None, &rows), @"name (S)");
        insta::assert_snapshot!(given("id", None, &rows), @"line 1 rejected: id: the key attribute is missing; every item needs it, of type S, N or B");
        let rows = [r#"{"name":"a","n":1}"#, r#"{"name":"a","n":2}"#, r#"{"name":"a","n":1.0}"#];
        insta::assert_snapshot!(given("name", Some("n"), &rows), @"line 3 rejected: name: its key is that of line 1; a table holds a key once");
        let rows = [r#"{"name":true}"#];
        insta::assert_snapshot!(given("name", None, &rows), @"line 1 rejected: name: a key of type S, N or B was expected, found type BOOL");
    }
}

//! The key of the new table: given, or inferred and proven.
//!
//! Given, as object metadata or in the manifest, it holds, and a row without it is rejected. Of rows with
//! one key, `OnDuplicate` says which is taken:
//!
//! | `OnDuplicate` | the first row | a later one |
//! |---|---|---|
//! | `reject` | written | rejected |
//! | `first` | written | superseded |
//! | `last` | superseded | written |
//!
//! Inferred, it must be present, of one type and unique in *every* row, or the import is refused:
//! a wrong guess would overwrite rows with one another. Beyond [`MAX_KEYS`] rows keys are not compared any
//! more, given or inferred, and the report says from which row on.
//!
//! | candidates, in this order | when |
//! |---|---|
//! | `pk` with `sk`, `partition_key` with `sort_key` | both names are there |
//! | `pk`, `partition_key` | |
//! | `id`, then `<table>_id` and `<table>Id`, also with the table's name in the singular | |
//! | the first attribute | |
//!
//! Names are compared without case.

use item::{
    Item, ItemError, Reason, canonical,
    key::{KeyAttribute, KeySchema, KeyType},
};

use crate::{
    manifest::OnDuplicate,
    seen::{MAX_KEYS, Seen, fingerprint},
};

/// The names of a key's attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyNames {
    /// The partition key.
    pub(crate) partition: String,
    /// The sort key, if the table has one.
    pub(crate) sort: Option<String>,
}

/// What was said of the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Given {
    /// Nothing: it is inferred.
    Nothing,
    /// Its names; the first row says the types.
    Names(KeyNames),
    /// Names and types, and who says so.
    Schema(KeySchema, &'static str),
}

impl Given {
    /// The attributes whose types are said.
    pub(crate) fn attributes(&self) -> Vec<&KeyAttribute> {
        match self {
            Self::Schema(schema, _) => {
                std::iter::once(&schema.partition).chain(schema.sort.as_ref()).collect()
            }
            Self::Nothing | Self::Names(_) => Vec::new(),
        }
    }
}

/// A key that may be the table's.
#[derive(Debug)]
struct Candidate {
    names: KeyNames,
    because: String,
    schema: Option<KeySchema>,
    /// Whether the first row says the types.
    types_inferred: bool,
    seen: Seen,
    /// Why it cannot be the key.
    fault: Option<String>,
}

/// The key as the survey narrows it down.
#[derive(Debug)]
pub(crate) struct KeySearch {
    /// What to do about a key that comes twice, if the key was given.
    given: Option<OnDuplicate>,
    candidates: Vec<Candidate>,
    /// Keys held by all candidates.
    held: usize,
    /// Keys that may be held.
    most_keys: usize,
    /// The row from which on keys are not held any more, as there are too many.
    unchecked_from: Option<u64>,
}

/// The key that was settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settled {
    /// Names and types.
    pub(crate) schema: KeySchema,
    /// What was inferred, and why.
    pub(crate) inferences: Vec<String>,
}

/// What a row's key means for rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Observed {
    /// No row had it before.
    New,
    /// That row has no place in the table, counted from 0: this one, or one before.
    Superseded(u64),
}

impl KeySearch {
    /// A key that was given; `on_duplicate` says which of several rows with one key is taken.
    pub(crate) fn given(given: Given, on_duplicate: OnDuplicate) -> Option<Self> {
        let candidate = match given {
            Given::Nothing => return None,
            Given::Names(names) => Candidate::new(names, String::new()),
            Given::Schema(schema, _) => {
                let names = KeyNames::of(&schema);
                let candidate = Candidate::new(names, String::new());
                Candidate { schema: Some(schema), types_inferred: false, ..candidate }
            }
        };
        Some(Self::of(Some(on_duplicate), vec![candidate]))
    }

    /// The candidates among `attributes`, which are those of the first row in their order.
    pub(crate) fn inferred(table: &str, attributes: &[String]) -> Self {
        Self::of(None, candidates(table, attributes))
    }

    fn of(given: Option<OnDuplicate>, candidates: Vec<Candidate>) -> Self {
        Self { given, candidates, held: 0, most_keys: MAX_KEYS, unchecked_from: None }
    }

    /// Holds an item against every candidate; the fault is the row's own if the key was given. `row` is
    /// counted from 0 over all files, and tells which one had a key first.
    pub(crate) fn observe(&mut self, item: &Item<'_>, row: u64) -> Result<Observed, KeyFault> {
        if self.held >= self.most_keys && self.unchecked_from.is_none() {
            self.make_room(row);
        }
        let policy = self.given;
        let mut observed = Observed::New;
        for candidate in self.candidates.iter_mut().filter(|candidate| candidate.fault.is_none()) {
            let key = candidate.key(item);
            let room = self.unchecked_from.is_none().then_some(u32::try_from(row).ok()).flatten();
            let earlier = match (&key, room) {
                (Ok(key), Some(row)) => {
                    let earlier = candidate.seen.insert(fingerprint(key, 0), row);
                    self.held += usize::from(earlier.is_none());
                    earlier
                }
                _ => None,
            };
            match (key, earlier.map(u64::from), policy) {
                (Ok(_), None, _) => {}
                (Ok(_), Some(_), Some(OnDuplicate::First)) => observed = Observed::Superseded(row),
                (Ok(key), Some(earlier), Some(OnDuplicate::Last)) => {
                    let row = u32::try_from(row).unwrap_or_default();
                    candidate.seen.replace(fingerprint(&key, 0), row);
                    observed = Observed::Superseded(earlier);
                }
                (Ok(key), Some(earlier), Some(OnDuplicate::Reject)) => {
                    return Err(candidate.duplicate(key, earlier));
                }
                (Ok(key), Some(earlier), None) => {
                    let fault = candidate.duplicate(key, earlier);
                    self.held -= candidate.fall(row, &fault.reason);
                }
                (Err(fault), _, Some(_)) => return Err(fault),
                (Err(fault), _, None) => self.held -= candidate.fall(row, &fault.reason),
            }
        }
        Ok(observed)
    }

    /// Gives up the candidate that is preferred least; the last one is not given up, but held no further.
    fn make_room(&mut self, row: u64) {
        let mut holding = self.candidates.iter_mut().filter(|candidate| candidate.fault.is_none());
        match (holding.next(), holding.next_back()) {
            (Some(_), Some(least)) => {
                let reason = "looked at no further, to make room for those before it";
                self.held -= least.fall(row, reason);
            }
            (only, _) => {
                self.unchecked_from = Some(row);
                if let Some(candidate) = only {
                    candidate.seen.clear();
                }
            }
        }
    }

    /// The key, after every row was observed; or why there is none and what to do.
    pub(crate) fn settle(self) -> Result<Settled, String> {
        let mut faults = Vec::new();
        for candidate in self.candidates {
            match (candidate.fault, candidate.schema) {
                (None, Some(schema)) => {
                    let inferred = self.given.is_none().then(|| {
                        let unique = self.unchecked_from.map_or_else(
                            || "present and unique in every row".to_owned(),
                            |row| format!("present in every row, and unique in the first {row}"),
                        );
                        format!("key {} ({}): {unique}", told(&schema), candidate.because)
                    });
                    let unchecked = self.unchecked_from.map(|row| {
                        format!(
                            "duplicates: not checked from row {} on, as {} keys are held at most; of two \
                             such rows with one key, either may stay",
                            row + 1,
                            self.most_keys
                        )
                    });
                    let typed = (candidate.types_inferred && self.given.is_some()).then(|| {
                        format!("key {}: typed as in the first row that has it", told(&schema))
                    });
                    let inferences = inferred.into_iter().chain(typed).chain(unchecked).collect();
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
                        --metadata partition-key=NAME,sort-key=NAME; for a folder, as KeySchema in \
                        its manifest";

/// A key as people read it: `tailnum (S)`, `pk (S) with sk (N)`.
pub(crate) fn told(schema: &KeySchema) -> String {
    let attribute = |key: &KeyAttribute| format!("{} ({})", key.name, key.kind.as_str());
    let sort = schema.sort.iter().map(|sort| format!(" with {}", attribute(sort)));
    std::iter::once(attribute(&schema.partition)).chain(sort).collect()
}

impl Candidate {
    fn new(names: KeyNames, because: String) -> Self {
        Self {
            names,
            because,
            schema: None,
            types_inferred: true,
            seen: Seen::default(),
            fault: None,
        }
    }

    /// Gives the candidate up, and the number of keys it held.
    fn fall(&mut self, row: u64, reason: &str) -> usize {
        self.fault = Some(format!("row {}: {reason}", row + 1));
        let held = self.seen.len();
        self.seen = Seen::default();
        held
    }

    /// The canonical text of an item's key.
    fn key(&mut self, item: &Item<'_>) -> Result<String, KeyFault> {
        let schema = match &self.schema {
            Some(schema) => schema,
            None => self.schema.insert(self.names.schema(item)?),
        };
        Ok(canonical(&schema.key_of(item)?))
    }

    fn duplicate(&self, key: String, earlier: u64) -> KeyFault {
        let reason = format!("its key is that of row {}; a table holds a key once", earlier + 1);
        KeyFault { path: self.names.partition.clone(), reason, duplicate: Some(key.into()) }
    }
}

/// What keeps a row's key from being the table's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyFault {
    /// The attribute at fault.
    pub(crate) path: String,
    /// What was expected and found.
    pub(crate) reason: String,
    /// The canonical text of the key, if the fault is that an earlier row has it.
    pub(crate) duplicate: Option<Box<str>>,
}

impl From<ItemError> for KeyFault {
    fn from(ItemError { path, reason }: ItemError) -> Self {
        Self { path, reason: reason.to_string(), duplicate: None }
    }
}

impl KeyNames {
    /// The names of a schema.
    pub(crate) fn of(schema: &KeySchema) -> Self {
        Self {
            partition: schema.partition.name.clone(),
            sort: schema.sort.as_ref().map(|sort| sort.name.clone()),
        }
    }

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
        for (at, row) in (0..).zip(rows) {
            let item = json_lines::parse_item(row.as_bytes()).unwrap();
            match search.observe(&item, at) {
                Ok(Observed::New) => {}
                Ok(Observed::Superseded(row)) => return format!("row {} superseded", row + 1),
                Err(KeyFault { path, reason, .. }) => {
                    return format!("row {} rejected: {path}: {reason}", at + 1);
                }
            }
        }
        match search.settle() {
            Ok(settled) => [vec![told(&settled.schema)], settled.inferences].concat().join("; "),
            Err(reason) => reason,
        }
    }

    fn inferred(table: &str, rows: &[&str]) -> String {
        search(inferring(table, rows), rows)
    }

    fn inferring(table: &str, rows: &[&str]) -> KeySearch {
        let first = json_lines::parse_item(rows[0].as_bytes()).unwrap();
        let attributes: Vec<String> = first.iter().map(|(name, _)| name.to_owned()).collect();
        KeySearch::inferred(table, &attributes)
    }

    fn names(partition: &str, sort: Option<&str>) -> Given {
        Given::Names(KeyNames { partition: partition.into(), sort: sort.map(str::to_owned) })
    }

    fn given(partition: &str, sort: Option<&str>, rows: &[&str]) -> String {
        let given = KeySearch::given(names(partition, sort), OnDuplicate::Reject);
        search(given.unwrap(), rows)
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
        insta::assert_snapshot!(inferred("orders", &rows), @"no key could be inferred (id: row 2: its key is that of row 1; a table holds a key once; name: row 2: its key is that of row 1; a table holds a key once); give it when you drop the object: --metadata partition-key=NAME, or --metadata partition-key=NAME,sort-key=NAME; for a folder, as KeySchema in its manifest");
        let rows = [r#"{"id":1}"#, r#"{"id":"1"}"#];
        insta::assert_snapshot!(inferred("orders", &rows), @"no key could be inferred (id: row 2: a key of type N was expected, found type S); give it when you drop the object: --metadata partition-key=NAME, or --metadata partition-key=NAME,sort-key=NAME; for a folder, as KeySchema in its manifest");
    }

    #[test]
    fn a_given_key_holds_and_the_row_is_at_fault() {
        let rows = [r#"{"name":"a"}"#, r#"{"name":"b"}"#];
        insta::assert_snapshot!(given("name", None, &rows), @"name (S); key name (S): typed as in the first row that has it");
        insta::assert_snapshot!(given("id", None, &rows), @"row 1 rejected: id: the key attribute is missing; every item needs it, of type S, N or B");
        let rows = [r#"{"name":"a","n":1}"#, r#"{"name":"a","n":2}"#, r#"{"name":"a","n":1.0}"#];
        insta::assert_snapshot!(given("name", Some("n"), &rows), @"row 3 rejected: name: its key is that of row 1; a table holds a key once");
        let rows = [r#"{"name":true}"#];
        insta::assert_snapshot!(given("name", None, &rows), @"row 1 rejected: name: a key of type S, N or B was expected, found type BOOL");
    }

    #[test]
    fn beyond_the_keys_that_are_held_the_report_says_so() {
        let rows: Vec<String> = (0..6).map(|n| format!(r#"{{"name":"n{n}","id":{n}}}"#)).collect();
        let mut rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        let held = |most_keys, rows: &[&str]| {
            search(KeySearch { most_keys, ..inferring("orders", rows) }, rows)
        };
        // Both candidates fit, one does, and none.
        insta::assert_snapshot!(held(12, &rows), @"id (N); key id (N) (named id): present and unique in every row");
        insta::assert_snapshot!(held(6, &rows), @"id (N); key id (N) (named id): present and unique in every row");
        insta::assert_snapshot!(held(4, &rows), @"id (N); key id (N) (named id): present in every row, and unique in the first 4; duplicates: not checked from row 5 on, as 4 keys are held at most; of two such rows with one key, either may stay");
        let of_names = KeySearch::given(names("name", None), OnDuplicate::Reject).unwrap();
        insta::assert_snapshot!(search(KeySearch { most_keys: 4, ..of_names }, &rows), @"name (S); key name (S): typed as in the first row that has it; duplicates: not checked from row 5 on, as 4 keys are held at most; of two such rows with one key, either may stay");
        // What is held is compared to its end.
        rows.insert(3, rows[0]);
        insta::assert_snapshot!(held(4, &rows), @"no key could be inferred (id: row 4: its key is that of row 1; a table holds a key once; name: row 3: looked at no further, to make room for those before it); give it when you drop the object: --metadata partition-key=NAME, or --metadata partition-key=NAME,sort-key=NAME; for a folder, as KeySchema in its manifest");
    }
}

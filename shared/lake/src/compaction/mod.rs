//! Many small change files to few: which, when, and what is removed after.
//!
//! ```text
//! what is listed ─┐
//! the notes ──────┴─ steps ─▶ Merge   note as begun ─▶ output ([`Merge`]) ─▶ note as written
//!                             Remove  an hour later: the inputs, then the note
//!                             Forget  a note that nothing is to be done about
//! ```
//!
//! A note names an output and its inputs, and is written before the output, so that whoever comes after
//! a crash does the very same again and no other. An object that a note names, as input or output, is in
//! no other note.
//!
//! | a crash after | what there is | the next run |
//! |---|---|---|
//! | the note as begun | inputs | merges again |
//! | the output | inputs, and their rows again | writes the same output over it |
//! | the note as written | the same | removes the inputs, an hour later |
//! | some inputs removed | the output, the other inputs | removes those |
//! | all inputs removed | the output | removes the note |
//!
//! An input is removed only while an output that has all its rows is there, and rows that are in two files
//! count once in the views. So nothing is lost at any point. What was written
//! anew since it was merged has another entity tag, and stays.
//!
//! | what | limit | why |
//! |---|---|---|
//! | closed | last written before the hour that it is now | a file that is being retried is left alone |
//! | small | at most 16 MiB | eight of them fill a group, so none is small for good |
//! | a group | of one day and one stream, up to 128 MiB and 10,000 files | what engines read best |
//! | worth it | eight files | no file is written again for a few more rows |

mod merge;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh64::xxh64;

use crate::meta::pad_sequence;
use crate::path::{self, ChangeObject};

pub use merge::{Merge, MergeError};

/// How long inputs stay: a query that began before the output was there may be reading them.
pub const STAY: SignedDuration = SignedDuration::from_hours(1);

/// Which files are merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// When a file was last written before, to be one of them.
    pub closed: Timestamp,
    /// Bytes that a file has at most to be one of them.
    pub small: u64,
    /// Bytes that the inputs of one output have at most.
    pub target: u64,
    /// Files that one output takes at least.
    pub least_files: usize,
    /// Files that one output takes at most.
    pub most_files: usize,
}

impl Limits {
    /// Those of a run that is due at a time: files of the hours before the one that it is then.
    pub fn of_run(due: Timestamp) -> Self {
        const MIB: u64 = 1024 * 1024;
        Self {
            closed: hour(due),
            small: 16 * MIB,
            target: 128 * MIB,
            least_files: 8,
            most_files: 10_000,
        }
    }
}

/// The beginning of the hour.
fn hour(time: Timestamp) -> Timestamp {
    const HOUR: i64 = 60 * 60;
    Timestamp::from_second(time.as_second().div_euclid(HOUR) * HOUR).unwrap_or(time)
}

/// What is listed of a table, in the order of keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// The small objects, and those that notes name; more do no harm.
    pub objects: Vec<Object>,
    /// The last key that was looked at, if there were more than are looked at.
    pub cut_at: Option<String>,
}

/// An object as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its key.
    pub key: String,
    /// Its bytes.
    pub bytes: u64,
    /// Its entity tag.
    pub tag: String,
    /// When it was last written.
    pub modified: Timestamp,
}

/// A file that goes into an output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    /// Its key.
    pub key: String,
    /// Its bytes.
    pub bytes: u64,
    /// Its entity tag, by which it is known that it is still the one.
    pub tag: String,
}

/// What is remembered of a merge, in `state/compaction/<table>/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Note {
    /// The key of the output.
    pub output: String,
    /// How many rows its inputs have, by their names.
    pub rows: usize,
    /// What it is made of, in the order of its rows.
    pub inputs: Vec<Input>,
    /// How far it is.
    pub stage: Stage,
}

/// How far a merge is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Stage {
    /// The output is being written.
    Begun,
    /// The output is there.
    Written {
        /// Since when.
        at: Timestamp,
        /// How many bytes it has.
        bytes: u64,
    },
    /// The inputs do not go together, or cannot be read. They stay as they are until a person has removed
    /// the note. Of a file that is itself at fault the note names it alone, and as its own output.
    Refused {
        /// Why.
        reason: String,
    },
}

/// What is to be done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Write the note, merge its inputs to its output, write the note as [`Stage::Written`].
    Merge(Note),
    /// Remove these inputs, each if it has that entity tag, and then the note.
    Remove {
        /// The note.
        note: Note,
        /// What is there of its inputs.
        inputs: Vec<Input>,
    },
    /// Remove the note.
    Forget(Note),
}

impl Note {
    /// That some of its inputs go with no other. The note is at a name of its own: that of the first of them.
    pub fn refuse(&self, places: Range<usize>, reason: String) -> Option<Self> {
        let inputs = self.inputs.get(places)?.to_vec();
        let output = inputs.first()?.key.clone();
        Some(Self { output, rows: 0, inputs, stage: Stage::Refused { reason } })
    }

    /// A note of its first inputs, `count` of them.
    pub fn first(&self, table: &str, count: usize) -> Option<Self> {
        let inputs = self.inputs.get(..count)?.to_vec();
        let names = inputs.iter().map(|input| ChangeObject::parse(table, &input.key));
        let names = names.collect::<Option<Vec<_>>>()?;
        begun(&names, inputs.clone())
    }

    /// How many rows one of its inputs has, by its name.
    pub fn rows_of(&self, table: &str, place: usize) -> Option<usize> {
        let input = self.inputs.get(place)?;
        Some(ChangeObject::parse(table, &input.key)?.count)
    }

    /// Where the note is.
    pub fn key(&self, table: &str) -> String {
        let name = self.output.rsplit('/').next().unwrap_or_default();
        let stem = name.strip_suffix(".parquet").unwrap_or(name);
        format!("{}{stem}.json", notes(table))
    }

    /// Bytes of its inputs.
    pub fn bytes(&self) -> u64 {
        self.inputs.iter().map(|input| input.bytes).sum()
    }

    /// Every object that it names.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let inputs = self.inputs.iter().map(|input| input.key.as_str());
        inputs.chain([self.output.as_str()])
    }
}

/// The prefix of a table's notes.
pub fn notes(table: &str) -> String {
    path::state("compaction", &format!("{}/", path::folder(table)))
}

/// What is to be done for a table whose change files and notes are these, removals first.
///
/// `notes` are all that there are. Whoever merges meanwhile would write outputs that have none among them, so a run
/// is alone at it from its reading of the notes to the end of its merges. Nothing is done about notes that name what was
/// not looked at.
pub fn steps(
    table: &str,
    Listing { objects, cut_at }: &Listing,
    notes: &[Note],
    now: Timestamp,
    limits: &Limits,
) -> Vec<Step> {
    let there: HashMap<&str, &Object> =
        objects.iter().map(|object| (object.key.as_str(), object)).collect();
    let noted: HashSet<&str> = notes.iter().flat_map(Note::keys).collect();
    let is_seen = |key: &str| cut_at.as_ref().is_none_or(|last| key <= last.as_str());
    let (mut steps, again): (Vec<Step>, Vec<Step>) = notes
        .iter()
        .filter(|note| note.keys().all(is_seen))
        .filter_map(|note| of_note(note, &there, now))
        .partition(|step| !matches!(step, Step::Merge(_)));
    steps.extend(again);
    let free = objects.iter().filter(|object| !noted.contains(object.key.as_str()));
    steps.extend(groups(table, free, limits).map(Step::Merge));
    steps
}

/// What is to be done about a note, if it is time for anything.
fn of_note(note: &Note, there: &HashMap<&str, &Object>, now: Timestamp) -> Option<Step> {
    let listed = |input: &Input| there.get(input.key.as_str()).map(|object| Input::of(object));
    match &note.stage {
        Stage::Refused { .. } => None,
        Stage::Begun => {
            let inputs: Option<Vec<Input>> = note.inputs.iter().map(listed).collect();
            Some(match inputs {
                Some(inputs) => Step::Merge(Note { inputs, ..note.clone() }),
                // Someone removed one: the others are as they were.
                None => Step::Forget(note.clone()),
            })
        }
        Stage::Written { at, bytes } => {
            if now.duration_since(*at) < STAY {
                return None;
            }
            let output = there.get(note.output.as_str());
            if output.is_none_or(|output| output.bytes != *bytes) {
                return Some(Step::Forget(note.clone()));
            }
            let same = |input: &&Input| listed(input).as_ref() == Some(*input);
            let inputs = note.inputs.iter().filter(same).cloned().collect();
            Some(Step::Remove { note: note.clone(), inputs })
        }
    }
}

impl Input {
    fn of(Object { key, bytes, tag, .. }: &Object) -> Self {
        Self { key: key.clone(), bytes: *bytes, tag: tag.clone() }
    }
}

/// A file that may be merged, and what its name says.
struct Candidate<'a> {
    /// Its first and last sequence number, as `_seq` has them.
    order: (String, String),
    name: ChangeObject<'a>,
    object: &'a Object,
}

/// The groups worth merging, by day and stream.
fn groups<'a>(
    table: &'a str,
    objects: impl Iterator<Item = &'a Object>,
    limits: &Limits,
) -> impl Iterator<Item = Note> {
    let mut folders: BTreeMap<(Date, &str), Vec<Candidate<'a>>> = BTreeMap::new();
    let closed = objects.filter(|object| object.modified < limits.closed);
    for object in closed.filter(|object| object.bytes <= limits.small) {
        let Some(name) = ChangeObject::parse(table, &object.key) else { continue };
        let (Ok(first), Ok(last)) = (pad_sequence(name.first), pad_sequence(name.last)) else {
            continue;
        };
        let candidate = Candidate { order: (first, last), name, object };
        folders.entry((candidate.name.day, candidate.name.stream)).or_default().push(candidate);
    }
    let groups = folders.into_values().flat_map(|mut files| {
        files.sort_by(|a, b| (&a.order, &a.object.key).cmp(&(&b.order, &b.object.key)));
        cut(files, limits)
    });
    let groups: Vec<_> = groups.filter(|group| group.len() >= limits.least_files).collect();
    groups.into_iter().filter_map(|group| note(&group))
}

/// Cuts files in their order into groups that do not exceed the limits.
fn cut<'a>(files: Vec<Candidate<'a>>, limits: &Limits) -> Vec<Vec<Candidate<'a>>> {
    let mut groups: Vec<Vec<Candidate<'a>>> = Vec::new();
    let mut bytes = 0;
    for file in files {
        let size = file.object.bytes;
        match groups.last_mut() {
            Some(group) if bytes + size <= limits.target && group.len() < limits.most_files => {
                bytes += size;
                group.push(file);
            }
            _ => {
                bytes = size;
                groups.push(vec![file]);
            }
        }
    }
    groups
}

/// The note of a group.
fn note(group: &[Candidate<'_>]) -> Option<Note> {
    let names: Vec<_> = group.iter().map(|file| file.name.clone()).collect();
    begun(&names, group.iter().map(|file| Input::of(file.object)).collect())
}

/// The note of these inputs, whose names say this. Its output's name comes from theirs, so that to merge them again
/// is to write it again.
fn begun(names: &[ChangeObject<'_>], inputs: Vec<Input>) -> Option<Note> {
    let last = names.iter().max_by_key(|name| pad_sequence(name.last).ok())?;
    let keys: Vec<&str> = inputs.iter().map(|input| input.key.as_str()).collect();
    let rows = names.iter().fold(0_usize, |rows, name| rows.saturating_add(name.count));
    let output = ChangeObject {
        last: last.last,
        count: rows,
        hash: xxh64(keys.join("\n").as_bytes(), 0),
        ..names.first()?.clone()
    };
    Some(Note { output: output.path(), rows, inputs, stage: Stage::Begun })
}

#[cfg(test)]
mod tests;

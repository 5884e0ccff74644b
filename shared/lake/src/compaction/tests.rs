//! The plan as data, and a lake made of names and rows in which runs crash, meet and repeat.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const TABLE: &str = "planes";
/// 2026-11-22T15:20:00Z.
const NOW: Timestamp = Timestamp::constant(1_795_360_800, 0);
/// Limits at which a dozen files show everything.
const FEW: Limits = Limits {
    closed: Timestamp::constant(1_795_359_600, 0),
    small: 40,
    target: 100,
    least_files: 2,
    most_files: 4,
};

fn listing(objects: &[Object]) -> Listing {
    Listing { objects: objects.to_vec(), cut_at: None }
}

fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

fn key(day: &str, stream: &str, first: u64, last: u64) -> String {
    let name = format!("{stream}-{first}-{last}-{}-{:016x}", last - first + 1, first * 1000 + last);
    format!("changes/{TABLE}/dt=2026-11-{day}/{name}.parquet")
}

/// An object that was written so many minutes before [`NOW`].
fn object(key: String, bytes: u64, before: i64) -> Object {
    let tag = format!("\"{bytes}\"");
    Object { key, bytes, tag, modified: NOW - minutes(before) }
}

/// The steps, each as a line.
fn planned(objects: &[Object], notes: &[Note]) -> String {
    let name = |key: &str| key.rsplit("dt=2026-11-").next().unwrap_or_default().to_owned();
    let line = |step: Step| match step {
        Step::Merge(note) => {
            assert_eq!(note.stage, Stage::Begun);
            let inputs: Vec<_> = note.inputs.iter().map(|input| name(&input.key)).collect();
            format!(
                "merge to {}, {} rows:\n  {}",
                name(&note.output),
                note.rows,
                inputs.join("\n  ")
            )
        }
        Step::Remove { note, inputs } => {
            let inputs = inputs.iter().map(|input| format!("\n  {}", name(&input.key)));
            format!("remove for {}:{}", name(&note.output), inputs.collect::<String>())
        }
        Step::Forget(note) => format!("forget {}", name(&note.output)),
    };
    let steps = steps(TABLE, &listing(objects), notes, NOW, &FEW);
    steps.into_iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn closed_and_small_files_of_a_day_and_a_stream_go_together() {
    let objects = [
        object(key("22", "20261101000000000", 1000, 1001), 30, 60),
        object(key("22", "20261101000000000", 200, 201), 40, 60),
        // Numbers, not texts, are what is ordered.
        object(key("22", "20261101000000000", 99, 100), 20, 21),
        // Another stream, another day; alone in its group.
        object(key("22", "20261122000000000", 1, 2), 20, 60),
        object(key("21", "20261101000000000", 1, 2), 20, 60),
        // Written in this hour.
        object(key("22", "20261101000000000", 300, 301), 20, 20),
        // Large enough.
        object(key("22", "20261101000000000", 400, 401), 41, 60),
        // Not ours.
        object(format!("changes/{TABLE}/dt=2026-11-22/part-0.parquet"), 20, 60),
        object(format!("changes/{TABLE}/_SUCCESS"), 0, 60),
    ];
    insta::assert_snapshot!(planned(&objects, &[]), @"
    merge to 22/20261101000000000-99-1001-6-367fab541b663902.parquet, 6 rows:
      22/20261101000000000-99-100-2-000000000001831c.parquet
      22/20261101000000000-200-201-2-0000000000030e09.parquet
      22/20261101000000000-1000-1001-2-00000000000f4629.parquet
    ");
}

#[test]
fn groups_are_cut_by_bytes_and_by_files() {
    let file = |first, bytes| object(key("22", "20261101000000000", first, first), bytes, 60);
    let by_bytes = [file(1, 40), file(2, 40), file(3, 40), file(4, 40), file(5, 40)];
    insta::assert_snapshot!(planned(&by_bytes, &[]), @"
    merge to 22/20261101000000000-1-2-2-2f0fd5045942a72b.parquet, 2 rows:
      22/20261101000000000-1-1-1-00000000000003e9.parquet
      22/20261101000000000-2-2-1-00000000000007d2.parquet
    merge to 22/20261101000000000-3-4-2-07f1498595eab692.parquet, 2 rows:
      22/20261101000000000-3-3-1-0000000000000bbb.parquet
      22/20261101000000000-4-4-1-0000000000000fa4.parquet
    ");
    let by_files: Vec<_> = (1..=9).map(|first| file(first, 1)).collect();
    insta::assert_snapshot!(planned(&by_files, &[]), @"
    merge to 22/20261101000000000-1-4-4-e3944aeed23025fc.parquet, 4 rows:
      22/20261101000000000-1-1-1-00000000000003e9.parquet
      22/20261101000000000-2-2-1-00000000000007d2.parquet
      22/20261101000000000-3-3-1-0000000000000bbb.parquet
      22/20261101000000000-4-4-1-0000000000000fa4.parquet
    merge to 22/20261101000000000-5-8-4-88f9ef011c05acd6.parquet, 4 rows:
      22/20261101000000000-5-5-1-000000000000138d.parquet
      22/20261101000000000-6-6-1-0000000000001776.parquet
      22/20261101000000000-7-7-1-0000000000001b5f.parquet
      22/20261101000000000-8-8-1-0000000000001f48.parquet
    ");
}

#[test]
fn a_name_comes_from_the_inputs() {
    let files = |count| -> Vec<Object> {
        (0..count).map(|first| object(key("22", "1", first, first), 1, 60)).collect()
    };
    let output =
        |objects: &[Object]| match steps(TABLE, &listing(objects), &[], NOW, &FEW).as_slice() {
            [Step::Merge(note)] => note.output.clone(),
            steps => panic!("{steps:?}"),
        };
    let mut shuffled = files(3);
    shuffled.reverse();
    assert_eq!(output(&files(3)), output(&shuffled));
    assert_ne!(output(&files(3)), output(&files(2)));
    assert_ne!(output(&files(3)), output(&files(4)));
}

fn note(objects: &[Object], stage: Stage) -> Note {
    let steps = steps(TABLE, &listing(objects), &[], NOW, &FEW);
    match steps.into_iter().next() {
        Some(Step::Merge(note)) => Note { stage, ..note },
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_done_about_a_note() {
    let files: Vec<_> = (1..=3).map(|first| object(key("22", "1", first, first), 10, 60)).collect();
    let merged = note(&files, Stage::Begun);
    let output = object(merged.output.clone(), 25, 60);
    let written = |before| Stage::Written { at: NOW - minutes(before), bytes: 25 };
    let with = |stage| Note { stage, ..merged.clone() };
    let with_output = [files.as_slice(), std::slice::from_ref(&output)].concat();
    let mut told = Vec::new();
    let mut check = |what: &str, objects: &[Object], stage: Stage| {
        told.push(format!("== {what}\n{}", planned(objects, &[with(stage)])));
    };
    check("begun, and nothing more", &files, Stage::Begun);
    check("begun, and the output is there", &with_output, Stage::Begun);
    check("begun, and an input is gone", &files[1..], Stage::Begun);
    check("written, too early", &with_output, written(59));
    check("written", &with_output, written(60));
    check("some are removed", &with_output[2..], written(60));
    check("all are removed", &with_output[3..], written(60));
    check("the output is gone", &files, written(60));
    let mut other = with_output.clone();
    other[3].bytes = 26;
    check("the output is another", &other, written(60));
    let mut rewritten = with_output.clone();
    "\"other\"".clone_into(&mut rewritten[1].tag);
    check("an input was written anew", &rewritten, written(60));
    let refused = Stage::Refused { reason: "column a".to_owned() };
    check("refused", &files, refused);
    insta::assert_snapshot!(told.join("\n"), @"
    == begun, and nothing more
    merge to 22/1-1-3-3-11d8826685631045.parquet, 3 rows:
      22/1-1-1-1-00000000000003e9.parquet
      22/1-2-2-1-00000000000007d2.parquet
      22/1-3-3-1-0000000000000bbb.parquet
    == begun, and the output is there
    merge to 22/1-1-3-3-11d8826685631045.parquet, 3 rows:
      22/1-1-1-1-00000000000003e9.parquet
      22/1-2-2-1-00000000000007d2.parquet
      22/1-3-3-1-0000000000000bbb.parquet
    == begun, and an input is gone
    forget 22/1-1-3-3-11d8826685631045.parquet
    == written, too early

    == written
    remove for 22/1-1-3-3-11d8826685631045.parquet:
      22/1-1-1-1-00000000000003e9.parquet
      22/1-2-2-1-00000000000007d2.parquet
      22/1-3-3-1-0000000000000bbb.parquet
    == some are removed
    remove for 22/1-1-3-3-11d8826685631045.parquet:
      22/1-3-3-1-0000000000000bbb.parquet
    == all are removed
    remove for 22/1-1-3-3-11d8826685631045.parquet:
    == the output is gone
    forget 22/1-1-3-3-11d8826685631045.parquet
    == the output is another
    forget 22/1-1-3-3-11d8826685631045.parquet
    == an input was written anew
    remove for 22/1-1-3-3-11d8826685631045.parquet:
      22/1-1-1-1-00000000000003e9.parquet
      22/1-3-3-1-0000000000000bbb.parquet
    == refused
    ");
}

/// What is beyond the last key that was looked at may be there or not.
#[test]
fn nothing_is_done_about_what_was_not_looked_at() {
    let files: Vec<_> = (1..=3).map(|first| object(key("22", "1", first, first), 10, 60)).collect();
    let check = |stage: Stage, seen: usize, expected: usize| {
        let note = note(&files, stage);
        let objects = files[..seen].to_vec();
        let cut_at = objects.last().map(|last| last.key.clone());
        let steps = steps(TABLE, &Listing { objects, cut_at }, &[note], NOW, &FEW);
        assert_eq!(steps.len(), expected, "{steps:?}");
    };
    check(Stage::Begun, 2, 0);
    check(Stage::Begun, 3, 1);
    check(Stage::Written { at: NOW - STAY, bytes: 25 }, 2, 0);
    check(Stage::Written { at: NOW - STAY, bytes: 25 }, 3, 1);
}

#[test]
fn a_file_at_fault_is_left_alone_and_not_those_beside_it() {
    let files: Vec<_> = (1..=3).map(|first| object(key("22", "1", first, first), 10, 60)).collect();
    let refused = note(&files, Stage::Begun).refuse(1..2, "it is cut off".to_owned()).unwrap();
    assert_ne!(refused.key(TABLE), note(&files, Stage::Begun).key(TABLE));
    insta::assert_snapshot!(planned(&files, &[refused]), @"
        merge to 22/1-1-3-2-1d56f023c7c61e4e.parquet, 2 rows:
          22/1-1-1-1-00000000000003e9.parquet
          22/1-3-3-1-0000000000000bbb.parquet
        ");
    let fewer = note(&files, Stage::Begun).first(TABLE, 2).unwrap();
    assert_eq!(fewer, note(&files[..2], Stage::Begun));
}

#[test]
fn notes_are_kept_as_json() {
    let files: Vec<_> = (1..=2).map(|first| object(key("22", "1", first, first), 10, 60)).collect();
    for stage in [
        Stage::Begun,
        Stage::Written { at: NOW, bytes: 25 },
        Stage::Refused { reason: "column a".to_owned() },
    ] {
        let note = note(&files, stage);
        let text = serde_json::to_string(&note).unwrap();
        assert_eq!(serde_json::from_str::<Note>(&text).unwrap(), note);
    }
    let note = note(&files, Stage::Written { at: NOW, bytes: 25 });
    insta::assert_snapshot!(note.key("_in"), @"state/compaction/!_in/1-1-2-2-348594971250b65e.json");
    insta::assert_snapshot!(serde_json::to_string_pretty(&note).unwrap(), @r#"
    {
      "output": "changes/planes/dt=2026-11-22/1-1-2-2-348594971250b65e.parquet",
      "rows": 2,
      "inputs": [
        {
          "key": "changes/planes/dt=2026-11-22/1-1-1-1-00000000000003e9.parquet",
          "bytes": 10,
          "tag": "\"10\""
        },
        {
          "key": "changes/planes/dt=2026-11-22/1-2-2-1-00000000000007d2.parquet",
          "bytes": 10,
          "tag": "\"10\""
        }
      ],
      "stage": {
        "written": {
          "at": "2026-11-22T15:20:00Z",
          "bytes": 25
        }
      }
    }
    "#);
}

/// A lake of one day: what its files hold, by name.
#[derive(Debug, Clone, Default)]
struct Model {
    files: BTreeMap<String, File>,
    notes: BTreeMap<String, Note>,
    /// Minutes since the model began.
    clock: i64,
    writes: u64,
    /// Every row that was ever written.
    rows: BTreeSet<u64>,
    /// Rows of each name that was ever given.
    known: BTreeMap<String, Vec<u64>>,
}

#[derive(Debug, Clone)]
struct File {
    rows: Vec<u64>,
    tag: String,
    modified: Timestamp,
}

/// What happens to a lake.
#[derive(Debug, Clone)]
enum Event {
    /// A batch is written: its first row, and how many there are. Retries are cut as they like.
    Batch(u64, u64),
    /// A name that was given before is written anew, whether or not it is there.
    Again(prop::sample::Index),
    /// Time passes.
    Minutes(i64),
    /// A run, which ends after so many effects.
    Run(usize),
    /// A run that looked, and does nothing before another run has ended; they end after so many effects.
    Runs(usize, usize),
    /// Someone removes a file of a compaction by hand, while its inputs are there.
    Lost,
}

impl Model {
    fn now(&self) -> Timestamp {
        NOW + minutes(self.clock)
    }

    fn write(&mut self, name: String, rows: Vec<u64>) {
        self.writes += 1;
        self.rows.extend(&rows);
        self.known.insert(name.clone(), rows.clone());
        let tag = self.writes.to_string();
        self.files.insert(name, File { rows, tag, modified: self.now() });
    }

    fn steps(&self) -> Vec<Step> {
        let object = |(key, file): (&String, &File)| Object {
            key: key.clone(),
            bytes: bytes(file),
            tag: file.tag.clone(),
            modified: file.modified,
        };
        let objects: Vec<_> = self.files.iter().map(object).collect();
        let notes: Vec<_> = self.notes.values().cloned().collect();
        steps(
            TABLE,
            &listing(&objects),
            &notes,
            self.now(),
            &Limits { closed: hour(self.now()), ..FEW },
        )
    }

    /// Does what a run does, one write at a time, as the edge does it; ends after so many.
    fn run(&mut self, steps: Vec<Step>, mut effects: usize) {
        let mut may = || {
            let may = effects > 0;
            effects = effects.saturating_sub(1);
            may
        };
        for step in steps {
            match step {
                Step::Merge(note) => {
                    if !may() {
                        return;
                    }
                    let key = note.key(TABLE);
                    self.notes.insert(key.clone(), note.clone());
                    let rows = note.inputs.iter().map(|input| self.files.get(&input.key));
                    // An input that is gone ends this one; the next run finds out.
                    let Some(rows) = rows.collect::<Option<Vec<_>>>() else { continue };
                    let rows: Vec<u64> = rows.iter().flat_map(|file| file.rows.clone()).collect();
                    assert_eq!(rows.len(), note.rows);
                    if !may() {
                        return;
                    }
                    self.write(note.output.clone(), rows);
                    if !may() {
                        return;
                    }
                    let bytes = bytes(&self.files[&note.output]);
                    let stage = Stage::Written { at: self.now(), bytes };
                    self.notes.insert(key, Note { stage, ..note });
                }
                Step::Remove { note, inputs } => {
                    for input in inputs {
                        if !may() {
                            return;
                        }
                        if self.files.get(&input.key).is_some_and(|file| file.tag == input.tag) {
                            self.files.remove(&input.key);
                        }
                        self.check();
                    }
                    if !may() {
                        return;
                    }
                    self.notes.remove(&note.key(TABLE));
                }
                Step::Forget(note) => {
                    if !may() {
                        return;
                    }
                    self.notes.remove(&note.key(TABLE));
                }
            }
        }
    }

    fn happens(&mut self, event: &Event) {
        match event {
            Event::Batch(first, count) => {
                self.write(
                    key("22", "1", *first, first + count - 1),
                    (*first..first + count).collect(),
                );
            }
            Event::Again(index) => {
                let of_stream: Vec<_> = self.known.iter().collect();
                if !of_stream.is_empty() {
                    let (name, rows) = index.get(&of_stream);
                    self.write((*name).clone(), (*rows).clone());
                }
            }
            Event::Minutes(count) => self.clock += count,
            Event::Run(effects) => self.run(self.steps(), *effects),
            Event::Runs(first, second) => {
                let steps = self.steps();
                self.run(self.steps(), *first);
                self.run(steps, *second);
            }
            Event::Lost => {
                let begun = self.notes.values().find(|note| {
                    note.inputs.iter().all(|input| self.files.contains_key(&input.key))
                });
                if let Some(note) = begun {
                    self.files.remove(&note.output.clone());
                }
            }
        }
        self.check();
    }

    /// Every row that was ever written is in some file.
    fn check(&self) {
        let there: BTreeSet<u64> = self.files.values().flat_map(|file| file.rows.clone()).collect();
        assert_eq!(there, self.rows);
    }
}

/// A few for the footer, and one for each row.
fn bytes(file: &File) -> u64 {
    4 + file.rows.len() as u64
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => (0..40_u64, 1..6_u64).prop_map(|(first, count)| Event::Batch(first, count)),
        2 => any::<prop::sample::Index>().prop_map(Event::Again),
        4 => (1..100_i64).prop_map(Event::Minutes),
        4 => (0..12_usize).prop_map(Event::Run),
        2 => (0..12_usize, 0..12_usize).prop_map(|(first, second)| Event::Runs(first, second)),
        1 => Just(Event::Lost),
    ]
}

proptest! {
    /// Whatever ends a run, and whoever runs beside it: every row stays, and what is left is little.
    #[test]
    fn no_crash_loses_a_row(events in vec(event(), 1..40)) {
        let mut model = Model::default();
        for event in &events {
            model.happens(event);
        }
        // Then all goes well for a while.
        for _ in 0..24 {
            model.clock += 61;
            model.happens(&Event::Run(usize::MAX));
        }
        prop_assert_eq!(model.notes.len(), 0);
        prop_assert_eq!(model.steps(), []);
    }
}

/// One crash after each effect of a merge and of its removal.
#[test]
fn a_run_goes_on_after_a_crash_at_any_point() {
    let mut full = 0;
    for effects in 0.. {
        let mut model = Model::default();
        for first in [1, 2, 3, 4] {
            model.happens(&Event::Batch(first, 1));
        }
        model.clock += 60;
        model.happens(&Event::Run(effects));
        model.clock += 60;
        model.happens(&Event::Run(effects.saturating_sub(3)));
        let files_then = model.files.len();
        for _ in 0..3 {
            model.clock += 60;
            model.happens(&Event::Run(usize::MAX));
        }
        let rows: Vec<_> = model.files.values().map(|file| file.rows.clone()).collect();
        assert_eq!(rows, [[1, 2, 3, 4]], "a crash after {effects} effects");
        assert!(model.notes.is_empty());
        if files_then == 1 {
            full += 1;
        }
        // Three to merge, and five to remove.
        if effects > 8 {
            break;
        }
    }
    assert!(full > 1);
}

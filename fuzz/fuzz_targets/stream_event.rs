//! An event of a stream: its records, their changes, and the files that those become.
#![no_main]

use headwater_fuzz::{changes_come_back, comes_back_from_text};
use item::change::{Change, Event, Record};
use libfuzzer_sys::fuzz_target;

/// Events of more text than this do not become files: more of small ones find more.
const MOST_TEXT: usize = 2048;

fuzz_target!(|bytes: &[u8]| {
    let Ok(records) = Event::new(bytes).collect::<Result<Vec<_>, _>>() else { return };
    let mut end = 0;
    for record in &records {
        end = end_within(bytes, record, end);
        stands_alone(record);
        if let Some(sequence) = record.sequence {
            assert!(is_sequence(sequence), "{sequence}");
        }
        if let Ok(change) = &record.change {
            assert!(is_sequence(change.sequence), "{}", change.sequence);
            if is_plain(record.bytes) {
                assert_eq!(record.sequence, Some(change.sequence), "what a batch would go on from");
            }
            for item in [Some(&change.keys), change.new.as_ref(), change.old.as_ref()] {
                item.map(comes_back_from_text);
            }
        }
    }
    if bytes.len() <= MOST_TEXT {
        let changes: Vec<_> = records.into_iter().filter_map(|record| record.change.ok()).collect();
        changes_come_back(&changes);
    }
});

/// Where a record ends, which is within the event and after the record before.
fn end_within(event: &[u8], record: &Record<'_>, after: usize) -> usize {
    let start = record.bytes.as_ptr().addr().checked_sub(event.as_ptr().addr());
    let start = start.expect("a record starts within its event");
    assert!(start >= after, "records ascend and do not overlap");
    let end = start + record.bytes.len();
    assert_eq!(event.get(start..end), Some(record.bytes), "a record ends within its event");
    assert!(!record.bytes.is_empty());
    end
}

/// What goes to quarantine can be replayed: a record is the same in an event of its own.
fn stands_alone(record: &Record<'_>) {
    let event = [b"{\"Records\":[", record.bytes, b"]}"].concat();
    let mut records = Event::new(&event);
    let alone = records.next().expect("a record").expect("a record is an event when wrapped");
    assert_eq!(&alone, record);
    assert!(records.next().is_none());
    assert_eq!(Change::parse(record.bytes), record.change);
}

fn is_sequence(text: &str) -> bool {
    (1..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a record names its body and its sequence number once, and without escapes, as Lambda does.
fn is_plain(record: &[u8]) -> bool {
    let once =
        |name: &[u8]| record.windows(name.len()).filter(|window| *window == name).count() == 1;
    once(b"\"dynamodb\"") && once(b"\"SequenceNumber\"")
}

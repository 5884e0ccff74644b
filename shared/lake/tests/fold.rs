//! The current state does not depend on how rows arrive: any order, any duplicates, any cut.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use item::change::Event;
use item::{Item, Number, Value};
use lake::{ChangeFiles, DEFAULT_COLUMN_LIMIT, Fold, Registry, StoredRow, read};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

/// A write to one of a few keys at some second; nothing is a delete.
type Write = (u8, u32, Option<i64>);

/// The stream's records of writes in their order, as one Lambda event each.
fn events(writes: &[Write], label: &str) -> Vec<String> {
    let mut present = [false; 4];
    let mut events = Vec::new();
    for (at, (key, second, value)) in writes.iter().enumerate() {
        let was = std::mem::replace(&mut present[usize::from(*key)], value.is_some());
        let (name, image) = match value {
            Some(value) => {
                let image =
                    format!(r#","NewImage":{{"id":{{"N":"{key}"}},"v":{{"N":"{value}"}}}}"#);
                (if was { "MODIFY" } else { "INSERT" }, image)
            }
            None => ("REMOVE", String::new()),
        };
        events.push(format!(
            r#"{{"Records":[{{"eventID":"{at}","eventName":"{name}",
            "eventSourceARN":"arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/{label}",
            "dynamodb":{{"ApproximateCreationDateTime":{second},"SequenceNumber":"{sequence}",
            "StreamViewType":"NEW_AND_OLD_IMAGES","Keys":{{"id":{{"N":"{key}"}}}}{image}}}}}]}}"#,
            sequence = 900 + at,
        ));
    }
    events
}

/// The rows of the files that these events become, taken as one batch.
fn stored(events: &[String]) -> Vec<StoredRow> {
    let mut files = ChangeFiles::new();
    for event in events {
        for record in Event::new(event.as_bytes()) {
            files.push(&record.unwrap().change.unwrap()).unwrap();
        }
    }
    let mut registry = Registry::new();
    registry.assign(&files.unnamed(&registry), DEFAULT_COLUMN_LIMIT);
    let files = files.finish(&registry).unwrap();
    let rows = files.into_iter().flat_map(|file| read::rows(file.bytes).unwrap());
    rows.collect::<Result<_, _>>().unwrap()
}

/// What a table holds after the writes.
fn table(writes: &[Write]) -> Vec<Item<'static>> {
    let mut items = BTreeMap::new();
    for (key, _, value) in writes {
        let number = |n: i64| Value::N(Number::from(n));
        items.insert(
            key,
            value.map(|value| {
                Item::from_distinct(vec![
                    ("id".into(), number(i64::from(*key))),
                    ("v".into(), number(value)),
                ])
            }),
        );
    }
    items.into_values().flatten().collect()
}

fn writes() -> impl Strategy<Value = Vec<Write>> {
    vec((0..4_u8, 0..300_000_u32, proptest::option::of(0..9_i64)), 1..12)
}

proptest! {
    #[test]
    fn any_order_and_overlap_gives_the_table(
        writes in writes(),
        cuts in vec((any::<Index>(), any::<Index>()), 0..4),
        shuffle in vec(any::<Index>(), 0..40),
    ) {
        let events = events(&writes, "2026-11-22T15:00:00.000");
        let mut rows = stored(&events);
        for (a, b) in cuts {
            let (a, b) = (a.index(events.len()), b.index(events.len()));
            rows.extend(stored(&events[a.min(b)..=a.max(b)]));
        }
        for (at, other) in shuffle.into_iter().enumerate() {
            let (at, other) = (at % rows.len(), other.index(rows.len()));
            rows.swap(at, other);
        }
        let mut fold = Fold::new();
        fold.extend(rows);
        let items: Vec<_> = fold.items().cloned().collect();
        prop_assert_eq!(items, table(&writes));
    }

    #[test]
    fn a_later_stream_wins(before in writes(), after in writes()) {
        let mut rows = stored(&events(&after, "2026-11-22T15:00:00.000"));
        rows.extend(stored(&events(&before, "2026-11-21T23:59:59.999")));
        let mut fold = Fold::new();
        fold.extend(rows);
        let all: Vec<_> = before.into_iter().chain(after).collect();
        let items: Vec<_> = fold.items().cloned().collect();
        prop_assert_eq!(items, table(&all));
    }
}

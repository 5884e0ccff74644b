//! An item comes back from whatever it is written to.

use item::change::Change;
use item::format::dynamodb_json::{parse_item, parse_line, write_item};
use item::{Item, canonical, hash};
use lake::{
    ChangeFiles, DEFAULT_COLUMN_LIMIT, Registry, Row, RowOp, Rows, StoredRow, parquet, read,
};

/// Items of more text than this are not written as Parquet: more of small ones find more.
const MOST_TEXT: usize = 2048;

/// An item reads back from its canonical text, and from its text in the order it has.
pub fn comes_back_from_text(item: &Item<'_>) {
    let text = canonical(item);
    assert_eq!(
        canonical(&item.clone().into_owned()),
        text,
        "a copied text is what would be written"
    );
    let again = parse_item(text.as_bytes()).expect("canonical text is DynamoDB JSON");
    assert_eq!(&again, item);
    assert_eq!(hash(&again), hash(item));
    assert_eq!(canonical(&again), text, "equal items have one text");

    let mut ordered = String::new();
    write_item(item, &mut ordered);
    let again = parse_item(ordered.as_bytes()).expect("what is written can be read");
    assert_eq!(&again, item);
    assert!(again.iter().map(|(name, _)| name).eq(item.iter().map(|(name, _)| name)));

    let line = format!("{{\"Item\":{ordered}}}");
    assert_eq!(&parse_line(line.as_bytes()).expect("a line of an export"), item);
}

/// An item comes back from a Parquet file, whether all, two or none of its attributes have columns.
pub fn comes_back_from_parquet(item: &Item<'_>) {
    let text = canonical(item);
    if text.len() > MOST_TEXT {
        return;
    }
    // The item decides, so that one input always does the same.
    let limit = [DEFAULT_COLUMN_LIMIT, 2, 0][text.len() % 3];
    let mut rows = Rows::new();
    let key = Item::new();
    rows.push(&Row::of_snapshot(0, &key, item)).expect("an item that was read fits a row");
    let mut registry = Registry::new();
    registry.assign(&rows.unnamed(&registry), limit);
    let batch = rows.finish(&registry).expect("every value has a place");
    let stored = stored(parquet::write("t", &batch).expect("a batch is a file"));
    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0].item.as_ref(), Some(item));
    assert!(stored[0].is_intact());
}

/// Changes come back from the files they become, day by day in the order they had.
pub fn changes_come_back(changes: &[Change<'_>]) {
    let mut files = ChangeFiles::new();
    // A change that cannot be a row (another stream, a time no calendar has) goes to quarantine.
    let taken: Vec<&Change<'_>> =
        changes.iter().filter(|change| files.push(change).is_ok()).collect();
    assert_eq!(files.len(), taken.len());
    let mut registry = Registry::new();
    registry.assign(&files.unnamed(&registry), DEFAULT_COLUMN_LIMIT);
    let files = files.finish(&registry).expect("changes that were taken become files");
    assert_eq!(files.iter().map(|file| file.rows).sum::<usize>(), taken.len());
    let mut left = taken;
    for row in files.into_iter().flat_map(|file| stored(file.bytes)) {
        let at = left.iter().position(|change| is_row_of(change, &row));
        left.remove(at.unwrap_or_else(|| panic!("a row that no change is: {row:?}")));
    }
}

fn is_row_of(change: &Change<'_>, row: &StoredRow) -> bool {
    let item = change.new.as_ref().filter(|_| row.op != RowOp::Remove);
    row.op == RowOp::from(change.op)
        && row.ts_ms == change.at_ms
        && row.seq == format!("{:0>40}", change.sequence)
        && row.stream == change.stream_arn.label_digits()
        && row.event_id == change.event_id
        && row.key == change.keys
        && row.item.as_ref() == item
        && row.old == change.old
        && row.by == Some(change.by)
        && row.is_intact()
}

fn stored(file: Vec<u8>) -> Vec<StoredRow> {
    let rows = read::rows(file).expect("a file of ours");
    rows.collect::<Result<_, _>>().expect("rows of ours")
}

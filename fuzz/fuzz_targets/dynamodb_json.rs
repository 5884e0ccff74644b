//! DynamoDB JSON: an item, a line, a value, a file of lines, of a full export or an incremental one.
#![no_main]

use headwater_fuzz::{assert_replays, comes_back_from_parquet, comes_back_from_text, read};
use item::format::{Format, Reader};
use item::format::dynamodb_json::{parse_item, parse_line, parse_value};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(item) = parse_item(bytes) {
        comes_back_from_text(&item);
        comes_back_from_parquet(&item);
        let line = [b"{\"Item\":", bytes, b"}"].concat();
        assert_eq!(parse_line(&line).as_ref(), Ok(&item), "an item is a line when wrapped");
    }
    if let Ok(value) = parse_value(bytes) {
        let item = [b"{\"v\":", bytes, b"}"].concat();
        let item = parse_item(&item).expect("a value is an item when named");
        assert_eq!(item.get("v"), Some(&value));
    }
    let file = read(bytes, &Format::DynamoDbJson).expect("lines have no header");
    for (row, verdict) in file.rows {
        if let Ok(item) = &verdict {
            comes_back_from_text(item);
        }
        assert_replays(row, &verdict, &Format::DynamoDbJson);
    }
    changes(bytes);
});

/// Every row is a change whose images come back, or an error that keeps its bytes.
fn changes(file: &[u8]) {
    let mut reader = Reader::of_changes(file, &Format::DynamoDbJson).expect("lines have no header");
    while let Some(row) = reader.next_row().expect("bytes in memory can be read") {
        match row.change() {
            Ok(change) => [Some(change.keys), change.old, change.new]
                .iter()
                .flatten()
                .for_each(comes_back_from_text),
            Err(error) => assert_eq!(error.bytes, row.bytes),
        }
    }
}

//! JSON lines: an item, a file of lines, and whether `serde_json` agrees on what is JSON.
#![no_main]

use headwater_fuzz::{assert_replays, comes_back_from_parquet, comes_back_from_text, read};
use item::format::Format;
use item::format::json_lines::parse_item;
use item::{ParseError, Reason};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let parsed = parse_item(bytes);
    agrees_with_serde(bytes, parsed.as_ref().map(drop));
    if let Ok(item) = &parsed {
        comes_back_from_text(item);
        comes_back_from_parquet(item);
    }
    let file = read(bytes, &Format::JsonLines).expect("lines have no header");
    for (row, verdict) in file.rows {
        assert_replays(row, &verdict, &Format::JsonLines);
    }
});

/// What is read is JSON to others, and what is refused as no JSON is none to others.
///
/// What is JSON and no item (a name twice, too many digits, too deep) says nothing about JSON.
fn agrees_with_serde(bytes: &[u8], parsed: Result<(), &ParseError>) {
    let theirs = serde_json::from_slice::<serde_json::Value>(bytes);
    match parsed {
        Ok(()) => {
            assert!(theirs.is_ok_and(|value| value.is_object()), "no JSON object to serde_json");
        }
        Err(error) if matches!(error.reason, Reason::Json { .. } | Reason::NotUtf8 { .. }) => {
            assert!(theirs.is_err(), "{error}, and serde_json reads {theirs:?}");
        }
        Err(_) => {}
    }
}

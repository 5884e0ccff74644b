//! CSV: a file under options that its first byte chooses, types inferred and given.
#![no_main]

use headwater_fuzz::{assert_replays, comes_back_from_text, read};
use item::format::Format;
use item::format::csv::{Delimiter, Inference, Options, infer};
use libfuzzer_sys::fuzz_target;

const DELIMITERS: [Delimiter; 6] = [
    Delimiter::Comma,
    Delimiter::Tab,
    Delimiter::Semicolon,
    Delimiter::Pipe,
    Delimiter::Colon,
    Delimiter::Space,
];

/// Rows of a file that are also read alone: a reader of CSV takes long to make.
const MOST_ALONE: usize = 2;

fuzz_target!(|bytes: &[u8]| {
    let Some((&choice, file)) = bytes.split_first() else { return };
    let delimiter = DELIMITERS[usize::from(choice) % DELIMITERS.len()];
    let options = Options { delimiter, ..Options::default() };
    // Without a header there are no columns, and no rows to speak of.
    let Ok(inferences) = infer(file, true, &options) else {
        assert!(read(file, &Format::Csv(options)).is_none(), "a header that only some can read");
        return;
    };
    let header: Vec<String> = inferences.iter().map(|column| column.column.clone()).collect();
    let strings = accepted(file, &options, &header);
    let typed = Options { types: inferences.iter().map(type_of).collect(), ..options };
    let types = accepted(file, &typed, &header);
    assert_eq!(
        types, strings,
        "every value of the sample is of the type that was inferred from it"
    );
});

fn type_of(inference: &Inference) -> (String, item::format::csv::ColumnType) {
    (inference.column.clone(), inference.column_type)
}

/// Which rows are items.
fn accepted(file: &[u8], options: &Options, header: &[String]) -> Vec<bool> {
    let rows =
        read(file, &Format::Csv(options.clone())).expect("a header that was read before").rows;
    let alone = Format::Csv(Options { header: Some(header.to_vec()), ..options.clone() });
    for (row, verdict) in rows.iter().take(MOST_ALONE) {
        assert_replays(row, verdict, &alone);
    }
    let items = rows.iter().filter_map(|(_, verdict)| verdict.as_ref().ok());
    items.take(MOST_ALONE).for_each(comes_back_from_text);
    rows.iter().map(|(_, verdict)| verdict.is_ok()).collect()
}

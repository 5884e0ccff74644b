use std::fmt::Write as _;
use std::io::BufReader;

use proptest::prelude::*;

use super::*;
use crate::limits::MAX_READ_DEPTH;
use crate::{Value, canonical, testing};

/// Every row of a file as text: its place, and its item or its error.
pub(in crate::format) fn report(file: &[u8], format: &Format, limit: usize) -> String {
    let mut report = String::new();
    let mut reader = match Reader::with_limit(file, format, limit) {
        Ok(reader) => reader,
        Err(error) => return error.to_string(),
    };
    while let Some(row) = reader.next_row().unwrap() {
        let (line, offset) = (row.line, row.offset);
        match row.item() {
            Ok(item) => writeln!(report, "{line}@{offset} {}", canonical(&item)).unwrap(),
            Err(error) => {
                let bytes = error.bytes.escape_ascii().to_string();
                assert_eq!((error.line, error.offset), (line, offset));
                writeln!(report, "{line}@{offset} [{}] {} <- {bytes}", error.path, error.reason)
                    .unwrap();
            }
        }
    }
    report
}

#[test]
fn lines_have_places() {
    let file = b"\xEF\xBB\xBF{\"a\":1}\r\n\n  \r\n{\"a\":\xFF}\n{\"a\":2}";
    insta::assert_snapshot!(report(file, &Format::JsonLines, 100), @r#"
    1@3 {"a":{"N":"1"}}
    4@17 [] not UTF-8 text at byte 5 of the row; convert the file to UTF-8 <- {\"a\":\xff}
    5@25 {"a":{"N":"2"}}
    "#);
}

#[test]
fn a_line_that_is_too_long_is_a_row() {
    let file = b"{\"a\":1}\n{\"a\":\"123456789\"}\r\n{\"a\":2}\n{\"a\":\"12345678\"";
    insta::assert_snapshot!(report(file, &Format::JsonLines, 10), @r#"
    1@0 {"a":{"N":"1"}}
    2@8 [] a row of 17 bytes, the limit is 10; is a quote or a line's end missing? <- {\"a\":\"123456
    3@27 {"a":{"N":"2"}}
    4@35 [] a row of 15 bytes, the limit is 10; is a quote or a line's end missing? <- {\"a\":\"123456
    "#);
}

#[test]
fn faults_of_dynamodb_json() {
    let file = r#"
{"Item":{"a":{"S":"x"}}}
{"a":{"S":"x"}}
{}
[]
{"Item":{"a":{"S":"x"}},"Item":{}}
{"Item":{"a":{"S":"x"}},"Extra":1}
{"Item":{"a":{"S":"x"},"b":{"S":"y"},"a":{"S":"z"}}}
{"Item":{"a":"x"}}
{"Item":{"a":{}}}
{"Item":{"a":{"X":"x"}}}
{"Item":{"a":{"S":"x","N":"1"}}}
{"Item":{"a":{"S":1}}}
{"Item":{"a":{"N":1}}}
{"Item":{"a":{"N":"12x"}}}
{"Item":{"a":{"N":"123456789012345678901234567890123456789"}}}
{"Item":{"a":{"B":"YQ"}}}
{"Item":{"a":{"BOOL":"true"}}}
{"Item":{"a":{"NULL":false}}}
{"Item":{"a":{"SS":[]}}}
{"Item":{"a":{"SS":["x","y","x"]}}}
{"Item":{"a":{"NS":["1","1.0"]}}}
{"Item":{"a":{"BS":["YQ==","YQ=="]}}}
{"Item":{"a":{"NS":["1","x"]}}}
{"Item":{"a b":{"M":{"c":{"L":[{"S":"x"},{"M":{"d.e":{"N":""}}}]}}}}}
{"Item":{"a":{"L":{"S":"x"}}}}
{"Item":{"a":{"S":"x"}}} x
{"Item":{"a":{"S":"x"}
"#;
    insta::assert_snapshot!(report(file.as_bytes(), &Format::DynamoDbJson, 1000), @r#"
    2@1 {"a":{"S":"x"}}
    3@26 [] expected "Item" alone, found "a"; a line is {"Item":{...}} <- {\"a\":{\"S\":\"x\"}}
    4@42 [] an object without "Item"; a line is {"Item":{...}} <- {}
    5@45 [] expected an object, found an array <- []
    6@48 [] the name "Item" occurs twice; DynamoDB holds a name once, rename or remove one <- {\"Item\":{\"a\":{\"S\":\"x\"}},\"Item\":{}}
    7@83 [] expected "Item" alone, found "Extra"; a line is {"Item":{...}} <- {\"Item\":{\"a\":{\"S\":\"x\"}},\"Extra\":1}
    8@118 [] the name "a" occurs twice; DynamoDB holds a name once, rename or remove one <- {\"Item\":{\"a\":{\"S\":\"x\"},\"b\":{\"S\":\"y\"},\"a\":{\"S\":\"z\"}}}
    9@171 [a] expected an object, found a string <- {\"Item\":{\"a\":\"x\"}}
    10@190 [a] an attribute value without type; write it as {"S":"text"} <- {\"Item\":{\"a\":{}}}
    11@208 [a] unknown type "X"; expected S, N, B, BOOL, NULL, SS, NS, BS, L or M <- {\"Item\":{\"a\":{\"X\":\"x\"}}}
    12@233 [a] a second type "N" after S; a value has one <- {\"Item\":{\"a\":{\"S\":\"x\",\"N\":\"1\"}}}
    13@266 [a] expected a string, found a number <- {\"Item\":{\"a\":{\"S\":1}}}
    14@289 [a] expected a string, found a number <- {\"Item\":{\"a\":{\"N\":1}}}
    15@312 [a] "12x" is not a DynamoDB number: not a decimal number; write it with digits, as in -12.5 or 1E3 <- {\"Item\":{\"a\":{\"N\":\"12x\"}}}
    16@339 [a] "123456789012345678901234567890123456789" is not a DynamoDB number: 39 significant digits, DynamoDB holds at most 38; keep it as a string <- {\"Item\":{\"a\":{\"N\":\"123456789012345678901234567890123456789\"}}}
    17@402 [a] binary that is not standard base64 with padding <- {\"Item\":{\"a\":{\"B\":\"YQ\"}}}
    18@428 [a] expected true or false, found a string <- {\"Item\":{\"a\":{\"BOOL\":\"true\"}}}
    19@459 [a] NULL is false; write {"NULL":true} or leave the attribute out <- {\"Item\":{\"a\":{\"NULL\":false}}}
    20@489 [a] an empty SS; DynamoDB sets have members, leave the attribute out <- {\"Item\":{\"a\":{\"SS\":[]}}}
    21@514 [a] "x" occurs twice in one set; remove one <- {\"Item\":{\"a\":{\"SS\":[\"x\",\"y\",\"x\"]}}}
    22@550 [a] "1" occurs twice in one set; remove one <- {\"Item\":{\"a\":{\"NS\":[\"1\",\"1.0\"]}}}
    23@584 [a] "YQ==" occurs twice in one set; remove one <- {\"Item\":{\"a\":{\"BS\":[\"YQ==\",\"YQ==\"]}}}
    24@622 [a[1]] "x" is not a DynamoDB number: not a decimal number; write it with digits, as in -12.5 or 1E3 <- {\"Item\":{\"a\":{\"NS\":[\"1\",\"x\"]}}}
    25@654 [["a b"].c[1]["d.e"]] "" is not a DynamoDB number: not a decimal number; write it with digits, as in -12.5 or 1E3 <- {\"Item\":{\"a b\":{\"M\":{\"c\":{\"L\":[{\"S\":\"x\"},{\"M\":{\"d.e\":{\"N\":\"\"}}}]}}}}}
    26@724 [a] expected an array, found an object <- {\"Item\":{\"a\":{\"L\":{\"S\":\"x\"}}}}
    27@755 [] not JSON: text after the end of the value, at byte 25 of the row <- {\"Item\":{\"a\":{\"S\":\"x\"}}} x
    28@782 [] not JSON: it ends too early, at byte 22 of the row <- {\"Item\":{\"a\":{\"S\":\"x\"}
    "#);
}

#[test]
fn faults_of_json_lines() {
    let file = r#"
{"s":"é","n":-1.50e1,"t":true,"f":false,"z":null,"l":[1,[]],"m":{"k":{}}}
{"a":12345678901234567890123456789012345678}
{"a":[1,{"b":123456789012345678901234567890123456789}]}
{"a":1e126}
{"a":01}
{"a":1,"a":2}
{"a":}
[1]
"text"
"#;
    insta::assert_snapshot!(report(file.as_bytes(), &Format::JsonLines, 1000), @r#"
    2@1 {"f":{"BOOL":false},"l":{"L":[{"N":"1"},{"L":[]}]},"m":{"M":{"k":{"M":{}}}},"n":{"N":"-15"},"s":{"S":"é"},"t":{"BOOL":true},"z":{"NULL":true}}
    3@76 {"a":{"N":"12345678901234567890123456789012345678"}}
    4@121 [a[1].b] "123456789012345678901234567890123456789" is not a DynamoDB number: 39 significant digits, DynamoDB holds at most 38; keep it as a string <- {\"a\":[1,{\"b\":123456789012345678901234567890123456789}]}
    5@177 [a] "1e126" is not a DynamoDB number: beyond 9.99E+125, the largest DynamoDB holds; keep it as a string <- {\"a\":1e126}
    6@189 [a] not JSON: a malformed number, at byte 5 of the row <- {\"a\":01}
    7@198 [] the name "a" occurs twice; DynamoDB holds a name once, rename or remove one <- {\"a\":1,\"a\":2}
    8@212 [a] not JSON: expected a value, at byte 5 of the row <- {\"a\":}
    9@219 [] expected an object, found an array <- [1]
    10@223 [] expected an object, found a string <- \"text\"
    "#);
}

#[test]
fn nesting_has_an_end() {
    let plain = |depth: usize| {
        let line = format!("{{\"a\":{}1{}}}", "[".repeat(depth), "]".repeat(depth));
        json_lines::parse_item(line.as_bytes()).map(drop).map_err(|error| error.reason)
    };
    let typed = |depth: usize| {
        let line = format!("{}{{\"S\":\"\"}}{}", "{\"L\":[".repeat(depth), "]}".repeat(depth));
        dynamodb_json::parse_value(line.as_bytes()).map(drop).map_err(|error| error.reason)
    };
    let plain_value = |depth: usize| {
        let text = format!("{}{}", "{\"m\":[".repeat(depth / 2), "]}".repeat(depth / 2));
        let text = if depth.is_multiple_of(2) { text } else { format!("[{text}]") };
        json_lines::parse_value(text.as_bytes()).map(drop).map_err(|error| error.reason)
    };
    for verdict in [plain, typed, plain_value] as [fn(usize) -> Result<(), Reason>; 3] {
        assert_eq!(verdict(MAX_READ_DEPTH), Ok(()));
        assert_eq!(verdict(MAX_READ_DEPTH + 1), Err(Reason::TooDeep));
    }
}

#[test]
fn plain_values_are_of_any_kind() {
    for (text, value) in [
        ("\"x\\u0041\"", r#"{"S":"xA"}"#),
        ("-1.50e1", r#"{"N":"-15"}"#),
        (" true ", r#"{"BOOL":true}"#),
        ("null", r#"{"NULL":true}"#),
        ("[1,[]]", r#"{"L":[{"N":"1"},{"L":[]}]}"#),
        ("{\"a\":{\"b\":1}}", r#"{"M":{"a":{"M":{"b":{"N":"1"}}}}}"#),
    ] {
        let mut canonical = String::new();
        let read = json_lines::parse_value(text.as_bytes()).unwrap();
        crate::write_canonical_value(&read, &mut canonical);
        assert_eq!(canonical, value, "{text}");
    }
    for wrong in ["", "[1", "1 2", "nul", "{\"a\":1,\"a\":2}", "1e999", "\u{ff}"] {
        assert!(json_lines::parse_value(wrong.as_bytes()).is_err(), "{wrong}");
    }
}

#[test]
fn many_names_are_compared_too() {
    let object = |count: usize, extra: &str| {
        let members: Vec<String> = (0..count).map(|index| format!("\"n{index}\":0")).collect();
        format!("{{{}{extra}}}", members.join(","))
    };
    for count in [1, 63, 64, 65, 5000] {
        assert!(json_lines::parse_item(object(count, "").as_bytes()).is_ok());
        let error = json_lines::parse_item(object(count, ",\"n0\":0").as_bytes()).unwrap_err();
        assert_eq!(error.reason, Reason::DuplicateName(Excerpt::of("n0")), "{count}");
    }
}

#[test]
fn results_are_small() {
    assert!(size_of::<RowError>() < 128, "{}", size_of::<RowError>());
    assert!(size_of::<Value<'_>>() <= 32, "{}", size_of::<Value<'_>>());
}

/// Bytes in which line ends, quotes and multi-byte characters meet.
fn files() -> impl Strategy<Value = Vec<u8>> {
    let pieces = vec![
        "a",
        "b,c",
        ",",
        "\"",
        "\"\"",
        "\n",
        "\r\n",
        "\r",
        "é",
        "\"x\ny\"",
        "{\"a\":1}",
        "\u{feff}",
        " ",
        "12",
        "NA",
        "[",
        "]",
        "{",
        "}",
        "'",
        "::",
        "/*",
    ];
    prop::collection::vec(prop::sample::select(pieces), 0..24)
        .prop_map(|pieces| pieces.concat().into_bytes())
}

/// Where the rows of a file are, with their lines.
fn places(file: &[u8], format: &Format, limit: usize, buffer: usize) -> Vec<(usize, usize, u64)> {
    let input = BufReader::with_capacity(buffer, file);
    let mut reader = Reader::with_limit(input, format, limit).unwrap();
    let mut places = Vec::new();
    while let Some(row) = reader.next_row().unwrap() {
        let start = usize::try_from(row.offset).unwrap();
        assert_eq!(&file[start..start + row.bytes.len()], row.bytes);
        let length = match row.item().map_err(|error| error.reason) {
            Err(Reason::RowTooLong { length, .. }) => usize::try_from(length).unwrap(),
            _ => row.bytes.len(),
        };
        places.push((start, start + length, row.line));
    }
    places
}

/// Where the rows of a file have to be, found byte by byte in the whole file.
fn expected_places(file: &[u8], is_csv: bool, limit: usize) -> Vec<(usize, usize, u64)> {
    let mut places = Vec::new();
    let mut start = if file.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    while start < file.len() {
        let first_line = file[start..].iter().position(|byte| *byte == b'\n').map(|at| start + at);
        let end = if is_csv { record_end(file, start) } else { first_line };
        let content = |end: Option<usize>| {
            let bytes = &file[start..end.unwrap_or(file.len())];
            // Only a carriage return before a line feed is part of the line's end.
            if end.is_some() { bytes.strip_suffix(b"\r").unwrap_or(bytes) } else { bytes }
        };
        let is_in_vain = content(end).len() > limit || (end.is_none() && is_open(&file[start..]));
        let end = if is_in_vain { first_line } else { end };
        let row = content(end);
        let is_blank = if is_csv { row.is_empty() } else { row.trim_ascii().is_empty() };
        if !is_blank || row.len() > limit {
            let line = memchr::memchr_iter(b'\n', &file[..start]).count() as u64 + 1;
            places.push((start, start + row.len(), line));
        }
        start = end.map_or(file.len(), |end| end + 1);
    }
    places
}

/// The line feed that ends the CSV record at `start`.
fn record_end(file: &[u8], start: usize) -> Option<usize> {
    (start..file.len()).find(|&at| file[at] == b'\n' && !is_open(&file[start..at]))
}

/// Whether the beginning of a CSV record ends within quotes.
fn is_open(record: &[u8]) -> bool {
    let (mut open, mut field_start) = (false, true);
    let mut bytes = record.iter().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' if open => open = bytes.next_if_eq(&&b'"').is_some(),
            b'"' if field_start => open = true,
            _ => {}
        }
        field_start = !open && *byte == b',';
    }
    open
}

fn csv_without_header() -> Format {
    let header = Some(vec!["x".to_owned(), "y".to_owned()]);
    Format::Csv(csv::Options { header, ..csv::Options::default() })
}

/// Holds that from each place in a file the same rows follow as in one go.
pub(in crate::format) fn assert_resumes(file: &[u8], format: &Format, limit: usize) {
    let Ok(mut reader) = Reader::with_limit(file, format, limit) else {
        return;
    };
    let mut resumed = format.clone();
    if let Format::Csv(options) = &mut resumed {
        options.header = reader.header();
    }
    let (mut places, mut whole) = (vec![reader.place()], Vec::new());
    while let Some(row) = reader.next_row().unwrap() {
        whole.push(format!("{row:?} {:?}", row.item()));
        places.push(reader.place());
    }
    for place in places {
        let taken = usize::try_from(place.ordinal).unwrap();
        let is_whole = !matches!(format, Format::Csv(_) | Format::JsonLines | Format::DynamoDbJson);
        let start = if is_whole { 0 } else { usize::try_from(place.offset).unwrap() };
        let mut reader = Reader::resume_with_limit(&file[start..], &resumed, place, limit).unwrap();
        assert_eq!(reader.place(), place);
        let mut rest = Vec::new();
        while let Some(row) = reader.next_row().unwrap() {
            rest.push(format!("{row:?} {:?}", row.item()));
        }
        assert_eq!(rest, whole[taken..], "from {place:?}");
    }
}

#[test]
fn a_csv_file_is_not_read_on_without_its_columns() {
    let place = Place { ordinal: 1, line: 3, offset: 8, patience: None };
    let error = Reader::resume(b"3,4\n".as_slice(), &Format::Csv(csv::Options::default()), place);
    insta::assert_snapshot!(error.unwrap_err(), @"a file that is read on from its middle needs the names of its columns; give the header");
}

proptest! {
    #[test]
    fn rows_cover_the_file(file in files(), limit in prop_oneof![3..12_usize, Just(1000)], buffer in 1..9_usize) {
        for format in [Format::JsonLines, Format::DynamoDbJson, csv_without_header()] {
            let expected = expected_places(&file, matches!(format, Format::Csv(_)), limit);
            prop_assert_eq!(places(&file, &format, limit, buffer), expected);
        }
    }

    #[test]
    fn reading_goes_on_at_any_place(file in files(), limit in prop_oneof![3..12_usize, Just(1000)]) {
        let header = Format::Csv(csv::Options::default());
        for format in [Format::JsonLines, csv_without_header(), header, Format::JsonArray, Format::Ion] {
            assert_resumes(&file, &format, limit);
        }
    }

    #[test]
    fn rows_do_not_depend_on_the_buffer(file in files(), buffer in 1..9_usize) {
        for format in [Format::JsonLines, csv_without_header(), Format::JsonArray, Format::Ion] {
            let rows = |capacity: usize| {
                let input = BufReader::with_capacity(capacity, file.as_slice());
                let mut reader = Reader::new(input, &format).unwrap();
                let mut rows = Vec::new();
                while let Some(row) = reader.next_row().unwrap() {
                    rows.push(row.item().map(|item| canonical(&item)));
                }
                rows
            };
            prop_assert_eq!(rows(buffer), rows(8192));
        }
    }

    #[test]
    fn dynamodb_json_reads_what_it_writes(items in prop::collection::vec(testing::items(), 0..4)) {
        let mut file = String::new();
        for item in &items {
            file.push_str("{\"Item\":");
            dynamodb_json::write_item(item, &mut file);
            file.push_str("}\n");
        }
        let mut reader = Reader::new(file.as_bytes(), &Format::DynamoDbJson).unwrap();
        for item in &items {
            let row = reader.next_row().unwrap().unwrap();
            prop_assert_eq!(&row.item().unwrap(), item);
        }
        prop_assert!(reader.next_row().unwrap().is_none());
    }

    #[test]
    fn what_nests_as_deep_as_is_read_reads_what_it_writes(value in testing::nested(MAX_READ_DEPTH)) {
        let mut text = String::new();
        crate::write_canonical_value(&value, &mut text);
        prop_assert_eq!(dynamodb_json::parse_value(text.as_bytes()).unwrap(), value);
    }

    #[test]
    fn values_read_what_they_write(value in testing::values()) {
        let mut text = String::new();
        crate::write_canonical_value(&value, &mut text);
        prop_assert_eq!(dynamodb_json::parse_value(text.as_bytes()).unwrap(), value);
    }
}

use std::fmt::Write as _;

use proptest::option;
use proptest::prelude::*;

use crate::change::{NetChange, Operation};
use crate::format::dynamodb_json::write_item;
use crate::format::{Format, Reader};
use crate::{Item, canonical, testing};

/// Every row of a file as text: its place, and its change or its error.
fn report(file: &str, format: &Format) -> String {
    let mut report = String::new();
    let mut reader = Reader::of_changes(file.as_bytes(), format).unwrap();
    while let Some(row) = reader.next_row().unwrap() {
        let (line, offset) = (row.line, row.offset);
        match row.change() {
            Ok(change) => writeln!(report, "{line}@{offset} {}", show(&change)).unwrap(),
            Err(error) => {
                assert_eq!((error.line, error.offset), (line, offset));
                assert_eq!(error.bytes, row.bytes);
                writeln!(report, "{line}@{offset} [{}] {}", error.path, error.reason).unwrap();
            }
        }
    }
    report
}

fn show(change: &NetChange<'_>) -> String {
    let image = |image: &Option<Item<'_>>| image.as_ref().map_or("-".to_owned(), canonical);
    format!(
        "{} {} us {} ms key {} old {} new {}",
        change.operation().as_str(),
        change.at_us,
        change.at_ms(),
        canonical(&change.keys),
        image(&change.old),
        image(&change.new),
    )
}

#[test]
fn the_images_say_what_happened() {
    let file = r#"{"Metadata":{"WriteTimestampMicros":{"N":"1795359600123456"}},"Keys":{"p":{"S":"a"}},"NewImage":{"p":{"S":"a"},"n":{"N":"1.0"}}}
{"Metadata":{"WriteTimestampMicros":{"N":"1795359600999999"}},"Keys":{"p":{"S":"a"}},"OldImage":{"p":{"S":"a"}},"NewImage":{"p":{"S":"a"},"n":{"N":"2"}}}

{"Metadata":{"WriteTimestampMicros":{"N":"1795359601000000"}},"Keys":{"p":{"S":"a"}},"OldImage":{"p":{"S":"a"}}}
{"Keys":{"p":{"S":"a"}},"NewImage":null,"More":[{}],"Metadata":{"More":1,"WriteTimestampMicros":{"N":"-1"}}}
{"Metadata": {"WriteTimestampMicros": "1795359600123456"}, "Keys": {}}
{"Metadata": {"WriteTimestampMicros": 1795359600123456}, "Keys": {}}
"#;
    insta::assert_snapshot!(report(file, &Format::DynamoDbJson), @r#"
    1@0 INSERT 1795359600123456 us 1795359600123 ms key {"p":{"S":"a"}} old - new {"n":{"N":"1"},"p":{"S":"a"}}
    2@129 MODIFY 1795359600999999 us 1795359600999 ms key {"p":{"S":"a"}} old {"p":{"S":"a"}} new {"n":{"N":"2"},"p":{"S":"a"}}
    4@284 REMOVE 1795359601000000 us 1795359601000 ms key {"p":{"S":"a"}} old {"p":{"S":"a"}} new -
    5@397 REMOVE -1 us -1 ms key {"p":{"S":"a"}} old - new -
    6@506 REMOVE 1795359600123456 us 1795359600123 ms key {} old - new -
    7@577 REMOVE 1795359600123456 us 1795359600123 ms key {} old - new -
    "#);
}

#[test]
fn a_line_that_is_no_change_says_why() {
    let file = r#"{"Item":{"p":{"S":"a"}}}
{"Metadata":{"WriteTimestampMicros":{"N":"1"}}}
{"Metadata":{},"Keys":{"p":{"S":"a"}}}
{"Metadata":{"WriteTimestampMicros":{"S":"1"}},"Keys":{}}
{"Metadata":{"WriteTimestampMicros":{"N":"1.5"}},"Keys":{}}
{"Metadata":{"WriteTimestampMicros":"soon"},"Keys":{}}
{"Metadata":{"WriteTimestampMicros":99999999999999999999},"Keys":{}}
{"Metadata":[],"Keys":{}}
{"Keys":{"p":{"X":"a"}}}
{"Keys":{},"NewImage":{"a":{"L":[{"N":"x"}]}}}
{"Keys":{},"OldImage":
[]
"#;
    insta::assert_snapshot!(report(file, &Format::DynamoDbJson), @r#"
    1@0 [Metadata.WriteTimestampMicros] the field is missing
    2@25 [Keys] the field is missing
    3@73 [Metadata.WriteTimestampMicros] the field is missing
    4@112 [Metadata.WriteTimestampMicros] expected microseconds since 1970, found "S"
    5@170 [Metadata.WriteTimestampMicros] expected microseconds since 1970, found "1.5"
    6@230 [Metadata.WriteTimestampMicros] expected microseconds since 1970, found "soon"
    7@285 [Metadata.WriteTimestampMicros] expected microseconds since 1970, found "99999999999999999999"
    8@354 [Metadata] expected an object, found an array
    9@380 [Keys.p] unknown type "X"; expected S, N, B, BOOL, NULL, SS, NS, BS, L or M
    10@405 [NewImage.a[0]] "x" is not a DynamoDB number: not a decimal number; write it with digits, as in -12.5 or 1E3
    11@452 [OldImage] not JSON: it ends too early, at byte 22 of the row
    12@475 [] expected an object, found an array
    "#);
}

#[test]
fn ion_has_the_same_in_a_record() {
    let file = r#"$ion_1_0 {Record:{Keys:{p:"a"},Metadata:{WriteTimestampMicros:1795359600123456.},NewImage:{p:"a",s:$dynamodb_NS::[1.,2.]}}}
$ion_1_0 {Record:{Keys:{p:"a"},Metadata:{WriteTimestampMicros:1795359600123456},OldImage:{p:"a"},NewImage:{p:"a",n:1.}}}
{Record:{Keys:{p:"a"},Metadata:{WriteTimestampMicros:1795359600123456.},OldImage:{p:"a"},NewImage:null.struct}}
{Keys:{p:"a"},Metadata:{WriteTimestampMicros:1d3,More:{}},More:1}
{Item:{p:"a"}}
{Record:{Keys:{p:"a"},Metadata:{WriteTimestampMicros:"soon"}}}
{Record:{Keys:{p:"a"},Metadata:{WriteTimestampMicros:1.5}}}
{Record:{Keys:[],Metadata:{WriteTimestampMicros:1}}}
{Record:{Keys:{p:"a"},Metadata:{WriteTimestampMicros:1},NewImage:{p:"a",x:$dynamodb_SS::[]}}}
{Record:1}
[]
"#;
    insta::assert_snapshot!(report(file, &Format::DynamoDbIon), @r#"
    1@9 INSERT 1795359600123456 us 1795359600123 ms key {"p":{"S":"a"}} old - new {"p":{"S":"a"},"s":{"NS":["1","2"]}}
    2@133 MODIFY 1795359600123456 us 1795359600123 ms key {"p":{"S":"a"}} old {"p":{"S":"a"}} new {"n":{"N":"1"},"p":{"S":"a"}}
    3@245 REMOVE 1795359600123456 us 1795359600123 ms key {"p":{"S":"a"}} old {"p":{"S":"a"}} new -
    4@357 REMOVE 1000 us 1 ms key {"p":{"S":"a"}} old - new -
    5@423 [Metadata.WriteTimestampMicros] the field is missing
    6@438 [Record.Metadata.WriteTimestampMicros] expected a number, found a string
    7@501 [Record.Metadata.WriteTimestampMicros] expected microseconds since 1970, found "1.5"
    8@561 [Record.Keys] expected a struct, found a list
    9@614 [Record.NewImage.x] an empty SS; DynamoDB sets have members, leave the attribute out
    10@708 [Record] expected a struct, found an int
    11@719 [] expected a struct, found a list
    "#);
}

#[test]
fn delimited_text_is_no_export() {
    let format = Format::Csv(crate::format::csv::Options::default());
    insta::assert_snapshot!(report("a,b\n1,2\n", &format), @r#"2@4 [] expected a line of an incremental export, found "delimited text""#);
}

/// Of both images the text is as long as DynamoDB's largest items have it.
#[test]
fn two_large_images_are_one_line() {
    let image = format!(r#"{{"l":{{"L":[{}{{"S":""}}]}}}}"#, r#"{"S":""},"#.repeat(400_000));
    let line = format!(
        r#"{{"Metadata":{{"WriteTimestampMicros":{{"N":"1"}}}},"Keys":{{}},"OldImage":{image},"NewImage":{image}}}"#
    );
    let mut reader = Reader::of_changes(line.as_bytes(), &Format::DynamoDbJson).unwrap();
    let row = reader.next_row().unwrap().unwrap();
    let change = row.change().unwrap();
    assert_eq!(change.old, change.new);
    assert_eq!(change.operation(), Operation::Modify);
}

/// The line that DynamoDB writes of a change.
fn line(change: &NetChange<'_>) -> String {
    let mut line =
        format!(r#"{{"Metadata":{{"WriteTimestampMicros":{{"N":"{}"}}}},"Keys":"#, change.at_us);
    write_item(&change.keys, &mut line);
    for (name, image) in [("OldImage", &change.old), ("NewImage", &change.new)] {
        if let Some(image) = image {
            write!(line, r#","{name}":"#).unwrap();
            write_item(image, &mut line);
        }
    }
    line + "}"
}

fn changes() -> impl Strategy<Value = NetChange<'static>> {
    let images = || option::of(testing::items());
    (any::<i64>(), testing::items(), images(), images())
        .prop_map(|(at_us, keys, new, old)| NetChange { at_us, keys, new, old })
}

proptest! {
    #[test]
    fn a_change_comes_back(change in changes()) {
        let line = line(&change);
        let mut reader = Reader::of_changes(line.as_bytes(), &Format::DynamoDbJson).unwrap();
        let row = reader.next_row().unwrap().unwrap();
        prop_assert_eq!(row.change().unwrap(), change);
    }

    #[test]
    fn a_damaged_line_is_one_error_or_a_change(
        change in changes(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut line = line(&change).into_bytes();
        let at = at.index(line.len());
        line[at] = byte;
        for format in [Format::DynamoDbJson, Format::DynamoDbIon] {
            let mut reader = Reader::of_changes(line.as_slice(), &format).unwrap();
            while let Some(row) = reader.next_row().unwrap() {
                if let Err(error) = row.change() {
                    prop_assert_eq!(&error.bytes, row.bytes);
                }
            }
        }
    }
}

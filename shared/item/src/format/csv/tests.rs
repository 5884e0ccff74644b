use super::*;
use crate::canonical;
use crate::format::{Format, Reader};

const PLANES: &[u8] = b"tailnum,year,type,seats,speed,leased\n\
    N10156,2004,\"Fixed wing, multi engine\",55,NA,true\n\
    N102UW,NA,Fixed wing,182,NA,false\n\
    N103US,1999,NA,182,90.50,\n";

/// Every row of a file as an item or a reason.
fn rows(file: &[u8], options: &Options) -> String {
    let mut reader = match Reader::new(file, &Format::Csv(options.clone())) {
        Ok(reader) => reader,
        Err(error) => return error.to_string(),
    };
    let mut rows = Vec::new();
    while let Some(row) = reader.next_row().unwrap() {
        rows.push(match row.item() {
            Ok(item) => canonical(&item),
            Err(error) => error.to_string(),
        });
    }
    rows.join("\n")
}

fn typed(types: &[(&str, ColumnType)]) -> Options {
    let types = types.iter().map(|(name, column_type)| ((*name).to_owned(), *column_type));
    Options { types: types.collect(), ..Options::default() }
}

fn inferences(file: &[u8], whole: bool, options: &Options) -> String {
    let inferences = infer(file, whole, options).unwrap().into_iter();
    let show = |Inference { column, column_type, because }| {
        format!("{column}: {} because {because}", ColumnType::as_str(column_type))
    };
    inferences.map(show).collect::<Vec<_>>().join("\n")
}

#[test]
fn infers_types_and_reads_by_them() {
    let options = Options::default();
    insta::assert_snapshot!(inferences(PLANES, true, &options), @r#"
    tailnum: S because "N10156" on line 2 is not a plain number
    year: N because all 2 values sampled are numbers; 1 missing
    type: S because "Fixed wing, multi engine" on line 2 is not a plain number
    seats: N because all 3 values sampled are numbers
    speed: N because the only value sampled is a number; 2 missing
    leased: BOOL because all 2 values sampled are true or false; 1 missing
    "#);
    let found = infer(PLANES, true, &options).unwrap().into_iter();
    let types = found.map(|inference| (inference.column, inference.column_type)).collect();
    insta::assert_snapshot!(rows(PLANES, &Options { types, ..options }), @r#"
    {"leased":{"BOOL":true},"seats":{"N":"55"},"tailnum":{"S":"N10156"},"type":{"S":"Fixed wing, multi engine"},"year":{"N":"2004"}}
    {"leased":{"BOOL":false},"seats":{"N":"182"},"tailnum":{"S":"N102UW"},"type":{"S":"Fixed wing"}}
    {"seats":{"N":"182"},"speed":{"N":"90.5"},"tailnum":{"S":"N103US"},"type":{"S":"NA"},"year":{"N":"1999"}}
    "#);
}

#[test]
fn infers_only_what_reads_back_as_the_same() {
    let check = |values: &[&str], expected: ColumnType| {
        let file = format!("c\n{}\n", values.join("\n"));
        let found = infer(file.as_bytes(), true, &Options::default()).unwrap();
        assert_eq!(found[0].column_type, expected, "{values:?}");
    };
    for number in ["0", "-1", "12.50", ".5", "12345678901234567890123456789012345678"] {
        check(&[number, "7", "NA", "\"\""], ColumnType::Number);
    }
    for number in ["1e-05", "1E+20", "1.5e3", "-1E3"] {
        check(&[number, "7", "NA", "\"\""], ColumnType::Number);
    }
    for text in
        ["007", "-01", "+1", " 1", "1 ", "0x1F", "NaN", "1,5", "1e-999", "1".repeat(39).as_str()]
    {
        check(&["7", &format!("\"{text}\"")], ColumnType::String);
    }
    for code in ["1E3", "2E10", "12e5", "0E0"] {
        check(&["7", code], ColumnType::String);
    }
    check(&["true", "false", "NA"], ColumnType::Boolean);
    check(&["true", "True"], ColumnType::String);
    check(&["true", "1"], ColumnType::String);
    check(&["NA", "NA"], ColumnType::String);
}

#[test]
fn a_cut_sample_is_read_to_its_last_line() {
    let file = b"a,b\n1,x\n2,y\n3,not read to the en";
    insta::assert_snapshot!(inferences(file, false, &Options::default()), @r#"
    a: N because all 2 values sampled are numbers
    b: S because "x" on line 2 is not a plain number
    "#);
}

#[test]
fn given_types_stand() {
    let options = typed(&[("a", ColumnType::String)]);
    insta::assert_snapshot!(inferences(b"a,b\n1,2\n", true, &options), @r#"
    a: S because the type was given
    b: N because the only value sampled is a number
    "#);
}

#[test]
fn values_that_do_not_fit_reject_the_row() {
    let options = typed(&[("n", ColumnType::Number), ("b", ColumnType::Boolean)]);
    let file = b"n,b\n1,true\nx,true\n007,true\n1,yes\nNA,NA\n1,\n\
        an overlong text that is not a number at all,true\n";
    insta::assert_snapshot!(rows(file, &options), @r#"
    {"b":{"BOOL":true},"n":{"N":"1"}}
    line 3, byte 11, attribute n: the column holds numbers, found "x"; mend it or make the column a string
    line 4, byte 18, attribute n: the column holds numbers, found "007"; mend it or make the column a string
    line 5, byte 27, attribute b: the column holds true or false, found "yes"; mend it or make the column a string
    {}
    {"n":{"N":"1"}}
    line 8, byte 42, attribute n: the column holds numbers, found "an overlong text that is not a number at…"; mend it or make the column a string
    "#);
}

#[test]
fn rows_are_as_wide_as_the_header() {
    insta::assert_snapshot!(rows(b"a,b\n1\n1,2,3\n,\n\n1,2", &Options::default()), @r#"
    line 2, byte 4: expected 2 fields as in the header, found 1; is a delimiter or a quote missing?
    line 3, byte 6: expected 2 fields as in the header, found 3; is a delimiter or a quote missing?
    {}
    {"a":{"S":"1"},"b":{"S":"2"}}
    "#);
}

#[test]
fn quotes_hold_delimiters_and_line_ends() {
    let file = b"\xEF\xBB\xBF\"a\",b\r\n\"x,\"\"y\"\"\r\nz\",5\" pipe\r\n1,\"t\"x\r\n1,\xFF\r\n2,\"open\r\n3,4\r\n";
    insta::assert_snapshot!(rows(file, &Options::default()), @r#"
    {"a":{"S":"x,\"y\"\r\nz"},"b":{"S":"5\" pipe"}}
    line 4, byte 32: text after a closing quote; double the quotes that are text
    line 5, byte 40: not UTF-8 text at byte 2 of the row; convert the file to UTF-8
    line 6, byte 45: a quote is opened and never closed; close it, or double it if it is text
    {"a":{"S":"3"},"b":{"S":"4"}}
    "#);
}

#[test]
fn an_unclosed_quote_costs_its_line_only() {
    insta::assert_snapshot!(rows(b"a,b\n1,\"open\r\n2,x\n\n3,\"y\nz\"\n4,z\n", &Options::default()), @r#"
    line 2, byte 4: text after a closing quote; double the quotes that are text
    line 6, byte 23: expected 2 fields as in the header, found 1; is a delimiter or a quote missing?
    {"a":{"S":"4"},"b":{"S":"z"}}
    "#);
    insta::assert_snapshot!(rows(b"a,b\n0,\"x\ny\"\n1,\"open\r\n2,x\n\n3,y\n4,z", &Options::default()), @r#"
    {"a":{"S":"0"},"b":{"S":"x\ny"}}
    line 4, byte 12: a quote is opened and never closed; close it, or double it if it is text
    {"a":{"S":"2"},"b":{"S":"x"}}
    {"a":{"S":"3"},"b":{"S":"y"}}
    {"a":{"S":"4"},"b":{"S":"z"}}
    "#);
}

#[test]
fn an_unclosed_quote_costs_its_line_only_in_a_long_file() {
    let good = "2,x\n".repeat(3 * crate::limits::MAX_ROW_BYTES / 4);
    let file = format!("a,b\n1,\"open\n{good}");
    let mut reader = Reader::new(file.as_bytes(), &Format::Csv(Options::default())).unwrap();
    let (mut items, mut errors) = (0, Vec::new());
    let mut end = 4;
    while let Some(row) = reader.next_row().unwrap() {
        assert_eq!((row.offset, row.line), (end, items + errors.len() as u64 + 2));
        end += row.bytes.len() as u64 + 1;
        match row.item() {
            Ok(_) => items += 1,
            Err(error) => errors.push(error),
        }
    }
    assert_eq!((items, errors.len(), end), (good.len() as u64 / 4, 1, file.len() as u64));
    assert_eq!(errors[0].reason, crate::Reason::UnclosedQuote);
    assert_eq!(errors[0].bytes, b"1,\"open");
}

#[test]
fn quotes_that_stay_open_behind_every_line_do_not_cost_its_square() {
    let lines = 300_000;
    let file = "x,\"a\",\"b\n".repeat(lines);
    let header = Some(vec!["a".to_owned()]);
    let options = Options { header, ..Options::default() };
    let mut reader = Reader::new(file.as_bytes(), &Format::Csv(options)).unwrap();
    let mut rows = 0;
    while let Some(row) = reader.next_row().unwrap() {
        assert_eq!((row.line, row.bytes), (rows as u64 + 1, b"x,\"a\",\"b".as_slice()));
        assert_eq!(row.item().unwrap_err().reason, crate::Reason::UnclosedQuote);
        rows += 1;
    }
    assert_eq!(rows, lines);
}

#[test]
fn a_lone_carriage_return_is_text() {
    insta::assert_snapshot!(rows(b"a,b\r\n1,x\ry\r\n2,\"z\"\r\n\r\n3,\r\r\n4,\r\n5,\"\r\"\n6,\r", &Options::default()), @r#"
    {"a":{"S":"1"},"b":{"S":"x\ry"}}
    {"a":{"S":"2"},"b":{"S":"z"}}
    {"a":{"S":"3"},"b":{"S":"\r"}}
    {"a":{"S":"4"}}
    {"a":{"S":"5"},"b":{"S":"\r"}}
    {"a":{"S":"6"},"b":{"S":"\r"}}
    "#);
}

#[test]
fn a_file_of_carriage_returns_has_no_header() {
    insta::assert_snapshot!(rows(b"a,b\r1,2\r", &Options::default()), @"column 2 of the header holds a carriage return without line feed; lines end in LF or CRLF");
    assert_eq!(rows(b"a,\"b\r\nc\"\n", &Options::default()), "");
}

#[test]
fn a_sample_may_be_shorter_than_the_header() {
    for sample in ["", "a,b", "\n\na,b"] {
        let error = infer(sample.as_bytes(), false, &Options::default()).unwrap_err();
        let bytes = sample.len();
        assert_eq!(
            error.to_string(),
            format!(
                "the header row is longer than the sample of {bytes} bytes; take a larger sample"
            )
        );
    }
}

#[test]
fn a_quote_that_the_sample_leaves_open_may_be_closed_behind_it() {
    let file = b"a,b\n1,x\n2,\"text\nthree,four\n";
    insta::assert_snapshot!(inferences(file, false, &Options::default()), @r#"
    a: N because the only value sampled is a number
    b: S because "x" on line 2 is not a plain number
    "#);
}

#[test]
fn headers_name_columns() {
    let check =
        |file: &[u8], options: &Options, expected: &str| assert_eq!(rows(file, options), expected);
    let default = Options::default();
    check(b"", &default, "the file has no header row; its first line names the columns");
    check(b"\n\n", &default, "the file has no header row; its first line names the columns");
    check(b"a,,c\n", &default, "column 2 of the header has no name; give it one");
    check(b"a,b,a\n", &default, "columns 1 and 3 of the header are both named \"a\"; rename one");
    check(
        b"a\xFF\n",
        &default,
        "the header row cannot be read: not UTF-8 text at byte 1 of the row; convert the file to UTF-8",
    );
    let given = Options { header: Some(vec!["x".to_owned()]), ..Options::default() };
    check(b"a\n", &given, r#"{"x":{"S":"a"}}"#);
}

#[test]
fn a_type_is_given_for_a_column_that_is_there() {
    let unknown = typed(&[("c", ColumnType::Number)]);
    let error = infer(b"a,b\n1,2\n", true, &unknown).unwrap_err().to_string();
    insta::assert_snapshot!(error, @r#"a type is given for column "c", which the header does not name"#);
    assert_eq!(rows(b"a,b\n1,2\n", &unknown), r#"{"a":{"S":"1"},"b":{"S":"2"}}"#);
}

#[test]
fn delimiters_can_be_chosen() {
    for delimiter in [",", "\t", ";", "|", ":", " "] {
        let file = format!("a{delimiter}b\n1{delimiter}2\n");
        let options = Options { delimiter: delimiter.parse().unwrap(), ..Options::default() };
        assert_eq!(rows(file.as_bytes(), &options), r#"{"a":{"S":"1"},"b":{"S":"2"}}"#);
    }
    assert_eq!("#".parse::<Delimiter>(), Err(OptionError::Delimiter));
    assert_eq!("BOOL".parse(), Ok(ColumnType::Boolean));
    assert_eq!("M".parse::<ColumnType>(), Err(OptionError::ColumnType));
}

#[test]
fn missing_words_can_be_chosen() {
    let missing = vec!["-".to_owned()];
    let options = Options { missing, ..typed(&[("n", ColumnType::Number)]) };
    assert_eq!(rows(b"n,s\n-,-\n", &options), r#"{"s":{"S":"-"}}"#);
    let error = rows(b"n,s\nNA,-\n", &options);
    assert!(error.contains("the column holds numbers"), "{error}");
}

use super::*;
use crate::format::csv::Options;

/// What a sample is found to be, and why; or why not.
fn told(sample: impl AsRef<[u8]>, name: &str) -> String {
    match detect(sample.as_ref(), name) {
        Err(error) => format!("{error}"),
        Ok(Detected { content: Content::Parquet, because }) => because,
        Ok(Detected {
            content: Content::Rows(Format::Csv(Options { delimiter, .. })),
            because,
        }) => {
            format!("Csv {delimiter:?}: {because}")
        }
        Ok(Detected { content: Content::Rows(format), because }) => {
            format!("{format:?}: {because}")
        }
    }
}

fn all(samples: &[(&str, &str)]) -> String {
    let line =
        |(sample, name): &(&str, &str)| format!("{name} {sample:?}\n  {}", told(sample, name));
    samples.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn content_comes_before_the_name() {
    insta::assert_snapshot!(all(&[
        ("PAR1\u{15}", "orders.csv"),
        ("$ion_1_0 {Item:{id:1}}\n", "orders.json"),
        ("$ion_1_0 {id:1}\n", "orders"),
        ("{Item:{id:1}}", "orders.ion.gz"),
        ("{id:1", "ORDERS.10N.ZST"),
        ("\u{feff} \n[\n  {\"id\": 1}\n]", "orders.csv"),
        ("[{\"Item\":{\"id\":{\"N\":\"1\"}}},{", "orders.json"),
        ("[ ]", "orders.json"),
        ("[", "orders.json"),
        ("{\"Item\":{\"id\":{\"N\":\"1\"}}}\n{", "orders"),
        ("{\"id\":1}\r\n{\"id\":2}", "orders.csv"),
        ("{\"id\":\"cut", "orders"),
        ("{\"Item\":{\"id\":", "orders"),
        ("PAR1,PAR2\n", "orders.csv"),
        ("{\"id\":\n{\"id\":1}\nx", "orders.jsonl"),
    ]), @r#"
    orders.csv "PAR1\u{15}"
      Parquet: the file begins with PAR1
    orders.json "$ion_1_0 {Item:{id:1}}\n"
      DynamoDbIon: Ion text: the file begins with its version marker, and the first row is {Item:{…}}
    orders "$ion_1_0 {id:1}\n"
      Ion: Ion text: the file begins with its version marker, and the first row is not {Item:{…}}
    orders.ion.gz "{Item:{id:1}}"
      DynamoDbIon: Ion text: the name says so, and the first row is {Item:{…}}
    ORDERS.10N.ZST "{id:1"
      Ion: Ion text: the name says so, and the first row is not {Item:{…}}
    orders.csv "\u{feff} \n[\n  {\"id\": 1}\n]"
      JsonArray: an array of plain JSON: its first element is not {"Item":{…}}
    orders.json "[{\"Item\":{\"id\":{\"N\":\"1\"}}},{"
      DynamoDbJsonArray: an array of DynamoDB JSON: its first element is {"Item":{…}}
    orders.json "[ ]"
      JsonArray: an array of plain JSON: its first element is not {"Item":{…}}
    orders.json "["
      JsonArray: an array of plain JSON: its first element is not {"Item":{…}}
    orders "{\"Item\":{\"id\":{\"N\":\"1\"}}}\n{"
      DynamoDbJson: DynamoDB JSON: the first row is {"Item":{…}}
    orders.csv "{\"id\":1}\r\n{\"id\":2}"
      JsonLines: plain JSON: the first row is not {"Item":{…}}
    orders "{\"id\":\"cut"
      JsonLines: plain JSON: the first row does not begin with {"Item":{
    orders "{\"Item\":{\"id\":"
      DynamoDbJson: DynamoDB JSON: the first row begins with {"Item":{
    orders.csv "PAR1,PAR2\n"
      Csv Comma: comma-separated values: the name says so
    orders.jsonl "{\"id\":\n{\"id\":1}\nx"
      JsonLines: plain JSON: the first row is not {"Item":{…}}
    "#);
}

#[test]
fn names_tell_what_content_does_not() {
    insta::assert_snapshot!(all(&[
        ("id,n\n1,2\n", "a/b.c/orders.csv"),
        ("id\n1\n", "orders.CSV.GZ"),
        ("id;n\n1;2,5\n", "orders.csv"),
        ("id,n;m\n", "orders.csv"),
        ("[id],n\n", "orders.csv"),
        ("{id},n\n1,2\n", "orders.csv"),
        ("id\tn\n1\t2\n", "orders.tsv"),
        ("1\n2\n", "orders.jsonl"),
    ]), @r#"
    a/b.c/orders.csv "id,n\n1,2\n"
      Csv Comma: comma-separated values: the name says so
    orders.CSV.GZ "id\n1\n"
      Csv Comma: comma-separated values: the name says so
    orders.csv "id;n\n1;2,5\n"
      Csv Semicolon: delimited text: the name says so, and the header has no comma; its fields are separated by semicolons
    orders.csv "id,n;m\n"
      Csv Comma: comma-separated values: the name says so
    orders.csv "[id],n\n"
      Csv Comma: comma-separated values: the name says so
    orders.csv "{id},n\n1,2\n"
      Csv Comma: comma-separated values: the name says so
    orders.tsv "id\tn\n1\t2\n"
      Csv Tab: tab-separated values: the name says so
    orders.jsonl "1\n2\n"
      JsonLines: JSON lines: the name says so
    "#);
}

#[test]
fn lines_of_as_many_fields_are_delimited() {
    insta::assert_snapshot!(all(&[
        ("id,n\n1,\"a,b\"\n2,cu", "orders"),
        ("id\tname, first\n1\ta\n", "orders.txt"),
        ("id|n|m\n1|2|3\n", "orders.dat"),
        ("id,n\n1\n", "orders"),
        ("some text\n", "orders.txt"),
    ]), @r#"
    orders "id,n\n1,\"a,b\"\n2,cu"
      Csv Comma: delimited text: the first lines have 2 fields each, separated by commas
    orders.txt "id\tname, first\n1\ta\n"
      Csv Tab: delimited text: the first lines have 2 fields each, separated by tabs
    orders.dat "id|n|m\n1|2|3\n"
      Csv Pipe: delimited text: the first lines have 3 fields each, separated by pipes
    orders "id,n\n1\n"
      the format is not known from the name or from the first line, "id,n"; name it .csv, .tsv, .jsonl, .ion or .parquet
    orders.txt "some text\n"
      the format is not known from the name or from the first line, "some text"; name it .csv, .tsv, .jsonl, .ion or .parquet
    "#);
}

#[test]
fn what_is_not_read_says_what_to_do() {
    insta::assert_snapshot!(all(&[
        ("", "orders.csv"),
        (" \n\n", "orders.json"),
        ("id,n\n1,\0\n", "orders.csv"),
        ("i\0d\0,\0n\0\n\0", "orders.csv"),
        ("\0i\0d\0,\0n\0\n", "orders.csv"),
        ("PK\u{3}\u{4}", "orders.xlsx"),
        ("Obj\u{1}", "orders.avro"),
        ("SQLite format 3\0", "orders.db"),
        ("id,n", "orders.parquet"),
        ("{\n  \"id\": 1,\n  \"n\": 2\n}\n", "orders.json"),
        ("{\n  \"id\": 1\n}\n{\n  \"id\": 2\n}\n", "orders.json"),
        ("{\n  \"id\": 1,\n  \"n\":", "orders.json"),
        ("{Item:{id:1}}", "orders"),
    ]), @r#"
    orders.csv ""
      the file is empty; a file to import has a row at least
    orders.json " \n\n"
      the file is empty; a file to import has a row at least
    orders.csv "id,n\n1,\0\n"
      byte 7 of the file is zero, so it is no text; convert it to UTF-8, or give a format that is read
    orders.csv "i\0d\0,\0n\0\n\0"
      the file is UTF-16; convert it to UTF-8 (iconv -f UTF-16 -t UTF-8)
    orders.csv "\0i\0d\0,\0n\0\n"
      the file is UTF-16; convert it to UTF-8 (iconv -f UTF-16 -t UTF-8)
    orders.xlsx "PK\u{3}\u{4}"
      the file is a ZIP archive or a workbook; unpack it, or save it as CSV
    orders.avro "Obj\u{1}"
      the file is Avro; convert it to JSON lines or Parquet
    orders.db "SQLite format 3\0"
      the file is an SQLite database; export its tables as CSV
    orders.parquet "id,n"
      the name says Parquet, but the file does not begin with PAR1; is it damaged or named wrongly?
    orders.json "{\n  \"id\": 1,\n  \"n\": 2\n}\n"
      a JSON object over several lines; write one object per line (jq -c .) or one array (jq -s .)
    orders.json "{\n  \"id\": 1\n}\n{\n  \"id\": 2\n}\n"
      a JSON object over several lines; write one object per line (jq -c .) or one array (jq -s .)
    orders.json "{\n  \"id\": 1,\n  \"n\":"
      a JSON object over several lines; write one object per line (jq -c .) or one array (jq -s .)
    orders "{Item:{id:1}}"
      the format is not known from the name or from the first line, "{Item:{id:1}}"; name it .csv, .tsv, .jsonl, .ion or .parquet
    "#);
    assert_eq!(detect(b"\xFF\xFEi\0", "orders.csv"), Err(DetectError::Utf16));
    assert_eq!(detect(b"\xFE\xFF\0i", "orders.csv"), Err(DetectError::Utf16));
    assert_eq!(told(b"\x1F\x8B\x08", "orders.csv.gz"), told(b"\x28\xB5\x2F\xFD", "orders.csv.zst"));
}

#[test]
fn binary_ion_is_known_by_its_marker() {
    let file = |text: &str| {
        ion_rs::Element::read_all(text).unwrap().encode_as(ion_rs::v1_0::Binary).unwrap()
    };
    let told = [told(file("{Item:{id:1}}"), "orders.json"), told(file("{id:1}"), "orders")];
    insta::assert_snapshot!(told.join("\n"), @"
    DynamoDbIon: binary Ion: the file begins with its version marker, and the first row is {Item:{…}}
    Ion: binary Ion: the file begins with its version marker, and the first row is not {Item:{…}}
    ");
}

proptest::proptest! {
    #[test]
    fn any_bytes_end_in_an_answer(bytes: Vec<u8>, name in "[a-z./]{0,8}") {
        let _ = detect(&bytes, &name);
    }
}

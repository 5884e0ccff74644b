use std::io::BufReader;

use proptest::prelude::*;

use crate::format::tests::{assert_resumes, report};
use crate::format::{Format, Reader, dynamodb_json};
use crate::testing;

fn plain(file: &[u8]) -> String {
    report(file, &Format::JsonArray, 100)
}

#[test]
fn elements_have_places() {
    let file = b"\xEF\xBB\xBF \n[\r\n  {\"id\": 1,\n   \"s\": \"]},{\\\"\"} ,\r\n{\"id\":2}\n]\n ";
    insta::assert_snapshot!(plain(file), @r#"
    3@10 {"id":{"N":"1"},"s":{"S":"]},{\""}}
    5@41 {"id":{"N":"2"}}
    "#);
    insta::assert_snapshot!(plain(b"[]"), @"");
    insta::assert_snapshot!(plain(b" [ \n ] \n"), @"");
    insta::assert_snapshot!(report(br#"[{"Item":{"a":{"SS":["x"]}}},{"a":1}]"#, &Format::DynamoDbJsonArray, 100), @r#"
    1@1 {"a":{"SS":["x"]}}
    1@29 [] expected "Item" alone, found "a"; a line is {"Item":{...}} <- {\"a\":1}
    "#);
}

#[test]
fn a_damaged_element_costs_itself_only() {
    let file = br#"[1, {"a":}, {"a":01}, "x,]", [{}], {"a":1}},,{"b":[2}], {"c":3} x, {"d":4},]"#;
    insta::assert_snapshot!(plain(file), @r#"
    1@1 [] expected an object, found a number <- 1
    1@4 [a] not JSON: expected a value, at byte 5 of the row <- {\"a\":}
    1@12 [a] not JSON: a malformed number, at byte 5 of the row <- {\"a\":01}
    1@22 [] expected an object, found a string <- \"x,]\"
    1@29 [] expected an object, found an array <- [{}]
    1@35 [] not JSON: text after the end of the value, at byte 7 of the row <- {\"a\":1}}
    1@44 [] not JSON: it ends too early, at byte 0 of the row <- 
    1@45 [b] not JSON: expected a comma or a closing bracket, at byte 7 of the row <- {\"b\":[2}]
    1@56 [] not JSON: text after the end of the value, at byte 8 of the row <- {\"c\":3} x
    1@67 {"d":{"N":"4"}}
    1@75 [] not JSON: it ends too early, at byte 0 of the row <-
    "#);
    insta::assert_snapshot!(plain(b"[{\"a\":\"\xFF\"},{\"a\":\"\0\"},{\"a\":1,\"a\":1},{\"a\":123456789012345678901234567890123456789}]"), @r#"
    1@1 [] not UTF-8 text at byte 6 of the row; convert the file to UTF-8 <- {\"a\":\"\xff\"}
    1@11 [a] not JSON: a control character in a string; write it as an escape, at byte 6 of the row <- {\"a\":\"\x00\"}
    1@21 [] the name "a" occurs twice; DynamoDB holds a name once, rename or remove one <- {\"a\":1,\"a\":1}
    1@35 [a] "123456789012345678901234567890123456789" is not a DynamoDB number: 39 significant digits, DynamoDB holds at most 38; keep it as a string <- {\"a\":123456789012345678901234567890123456789}
    "#);
}

#[test]
fn an_element_that_is_too_long_is_a_row() {
    let file = br#"[{"a":1},{"a":"1234567890"},{"a":2}]"#;
    insta::assert_snapshot!(report(file, &Format::JsonArray, 10), @r#"
    1@1 {"a":{"N":"1"}}
    1@9 [] a row of 18 bytes, the limit is 10; is a quote or a line's end missing? <- {\"a\":\"12345
    1@28 {"a":{"N":"2"}}
    "#);
}

#[test]
fn a_damaged_array_ends_in_a_row() {
    let files = [
        "",
        " \n ",
        "{\"a\":1}\n{\"a\":2}",
        "[",
        "[{\"a\":1}",
        "[{\"a\":1},",
        "[{\"a\":1},{\"b\":[",
        "[{\"a\":1},{\"b\":\"]",
        "[{\"a\":1}] \n [{\"b\":1}]\n",
    ];
    let told = files.map(|file| format!("{file:?}\n{}", plain(file.as_bytes())));
    insta::assert_snapshot!(told.join("\n"), @r#"
    ""
    1@0 [] expected a JSON array, which begins with [ (rows read before this place: 0; behind it: none) <- 

    " \n "
    2@3 [] expected a JSON array, which begins with [ (rows read before this place: 0; behind it: none) <- 

    "{\"a\":1}\n{\"a\":2}"
    1@0 [] expected a JSON array, which begins with [ (rows read before this place: 0; behind it: none) <- {\"a\":1}\n{\"a\":2}

    "["
    1@1 [] the JSON array is never closed; is the end of the file missing? (rows read before this place: 0; behind it: none) <- 

    "[{\"a\":1}"
    1@1 {"a":{"N":"1"}}
    1@8 [] the JSON array is never closed; is the end of the file missing? (rows read before this place: 1; behind it: none) <- 

    "[{\"a\":1},"
    1@1 {"a":{"N":"1"}}
    1@9 [] the JSON array is never closed; is the end of the file missing? (rows read before this place: 1; behind it: none) <- 

    "[{\"a\":1},{\"b\":["
    1@1 {"a":{"N":"1"}}
    1@9 [] the JSON array is never closed; is the end of the file missing? (rows read before this place: 1; behind it: none) <- {\"b\":[

    "[{\"a\":1},{\"b\":\"]"
    1@1 {"a":{"N":"1"}}
    1@9 [] the JSON array is never closed; is the end of the file missing? (rows read before this place: 1; behind it: none) <- {\"b\":\"]

    "[{\"a\":1}] \n [{\"b\":1}]\n"
    1@1 {"a":{"N":"1"}}
    2@12 [] text after the end of the JSON array; a file is one array, or one object per line (rows read before this place: 1; behind it: none) <- [{\"b\":1}]
    "#);
}

/// An array with blanks between its parts.
fn arrays() -> impl Strategy<Value = (String, Vec<crate::Item<'static>>)> {
    (prop::collection::vec(testing::items(), 0..4), "[ \\n\\r\\t]{0,2}").prop_map(
        |(items, blank)| {
            let elements = items.iter().map(|item| {
                let mut text = String::new();
                dynamodb_json::write_item(item, &mut text);
                format!("{{\"Item\":{text}}}")
            });
            let elements: Vec<String> = elements.collect();
            let file = elements.join(&format!("{blank},{blank}"));
            (format!("{blank}[{blank}{file}{blank}]{blank}"), items)
        },
    )
}

proptest! {
    #[test]
    fn arrays_hold_their_items((file, items) in arrays(), buffer in 1..9_usize) {
        let input = BufReader::with_capacity(buffer, file.as_bytes());
        let mut reader = Reader::new(input, &Format::DynamoDbJsonArray).unwrap();
        for item in &items {
            let row = reader.next_row().unwrap().unwrap();
            let start = usize::try_from(row.offset).unwrap();
            prop_assert_eq!(&file.as_bytes()[start..start + row.bytes.len()], row.bytes);
            prop_assert_eq!(&row.item().unwrap(), item);
        }
        prop_assert!(reader.next_row().unwrap().is_none());
    }

    #[test]
    fn a_cut_array_says_so((file, items) in arrays(), cut in 0..200_usize) {
        let end = file.trim_end().len() - 1;
        let cut = cut.min(end);
        let mut reader = Reader::new(&file.as_bytes()[..cut], &Format::DynamoDbJsonArray).unwrap();
        let (mut rows, mut last) = (0, None);
        while let Some(row) = reader.next_row().unwrap() {
            rows += 1;
            last = Some(row.item().map(drop).map_err(|error| error.reason));
        }
        prop_assert!(rows <= items.len() + 1);
        prop_assert!(matches!(last, Some(Err(crate::Reason::Structure { .. }))), "{:?}", last);
    }

    #[test]
    fn reading_goes_on_at_any_element((file, _) in arrays(), limit in prop_oneof![9..40_usize, Just(1000)]) {
        assert_resumes(file.as_bytes(), &Format::DynamoDbJsonArray, limit);
    }
}

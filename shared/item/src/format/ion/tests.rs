use std::io::BufReader;

use ion_rs::{Element, Sequence, TextFormat, WriteConfig, Writer, v1_0};
use proptest::prelude::*;

use crate::format::tests::{assert_resumes, report};
use crate::format::{Format, Reader};
use crate::limits::MAX_READ_DEPTH;
use crate::{Item, Map, Number, Reason, Value, testing};

fn plain(file: impl AsRef<[u8]>) -> String {
    report(file.as_ref(), &Format::Ion, 200)
}

fn dynamodb(file: impl AsRef<[u8]>) -> String {
    report(file.as_ref(), &Format::DynamoDbIon, 1000)
}

/// The binary form of Ion text.
fn binary(text: &str) -> Vec<u8> {
    Element::read_all(text).unwrap().encode_as(v1_0::Binary).unwrap()
}

#[test]
fn reads_what_dynamodb_exports() {
    let file = r#"$ion_1_0 {Item:{Authors:$dynamodb_SS::["Author1","Author2"],Dimensions:"8.5 x 11.0 x 1.5",Id:103.,InPublication:false,PageCount:6d2,Price:2d3}}
$ion_1_0 {Item:{n:$dynamodb_NS::[1.,-12.50,1d-130],b:$dynamodb_BS::[{{AQ==}},{{}}],x:{{aGk=}},l:["a",null,[]],m:{'a b':{"c d":true}}}}
"#;
    insta::assert_snapshot!(dynamodb(file), @r#"
    1@9 {"Authors":{"SS":["Author1","Author2"]},"Dimensions":{"S":"8.5 x 11.0 x 1.5"},"Id":{"N":"103"},"InPublication":{"BOOL":false},"PageCount":{"N":"600"},"Price":{"N":"2000"}}
    2@153 {"b":{"BS":["","AQ=="]},"l":{"L":[{"S":"a"},{"NULL":true},{"L":[]}]},"m":{"M":{"a b":{"M":{"c d":{"BOOL":true}}}}},"n":{"NS":["-12.5","0.0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000001","1"]},"x":{"B":"aGk="}}
    "#);
    insta::assert_snapshot!(dynamodb(binary(file)), @r#"
    1@130 {"Authors":{"SS":["Author1","Author2"]},"Dimensions":{"S":"8.5 x 11.0 x 1.5"},"Id":{"N":"103"},"InPublication":{"BOOL":false},"PageCount":{"N":"600"},"Price":{"N":"2000"}}
    1@191 {"b":{"BS":["","AQ=="]},"l":{"L":[{"S":"a"},{"NULL":true},{"L":[]}]},"m":{"M":{"a b":{"M":{"c d":{"BOOL":true}}}}},"n":{"NS":["-12.5","0.0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000001","1"]},"x":{"B":"aGk="}}
    "#);
}

#[test]
fn plain_values_are_mapped_by_type() {
    let file = r#"
        {i:-12, h:0x1F, u:1_000, big:12345678901234567890123456789012345678, e:1d125}
        {d:-12.50, z:-0., e:1.5d-7, f:1e0, g:0.1e0, h:1.5e-7, i:-0e0, j:1e100}
        {t:2026-11-22T15:00:00.000Z, u:2026-11-22T15:00+01:00, v:2026-11-22, w:2026-11T, x:2026T}
        {s:'''long ''' '''string''', y:symbol, q:'quoted symbol', c:{{"clob"}}, b:{{aGk=}}}
        {n:null, m:null.string, l:[1,(a + 1),{}], t:true, a:usd::12.5, e:"\u00e9\n\x41"}
    "#;
    insta::assert_snapshot!(plain(file), @r#"
    2@9 {"big":{"N":"12345678901234567890123456789012345678"},"e":{"N":"100000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"},"h":{"N":"31"},"i":{"N":"-12"},"u":{"N":"1000"}}
    3@95 {"d":{"N":"-12.5"},"e":{"N":"0.00000015"},"f":{"N":"1"},"g":{"N":"0.1"},"h":{"N":"0.00000015"},"i":{"N":"0"},"j":{"N":"10000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"},"z":{"N":"0"}}
    4@174 {"t":{"S":"2026-11-22T15:00:00.000Z"},"u":{"S":"2026-11-22T15:00+01:00"},"v":{"S":"2026-11-22"},"w":{"S":"2026-11"},"x":{"S":"2026"}}
    5@272 {"b":{"B":"aGk="},"c":{"B":"Y2xvYg=="},"q":{"S":"quoted symbol"},"s":{"S":"long string"},"y":{"S":"symbol"}}
    6@364 {"a":{"N":"12.5"},"e":{"S":"é\nA"},"l":{"L":[{"N":"1"},{"L":[{"S":"a"},{"S":"+"},{"N":"1"}]},{"M":{}}]},"m":{"NULL":true},"n":{"NULL":true},"t":{"BOOL":true}}
    "#);
}

#[test]
fn values_that_are_no_items_are_rows() {
    let file = r#"1 "text" symbol [1] (a b) null.struct {{aGk=}} 'a'::{a:1} 2026T {a:1}{a:2}
        /* a comment { */ {a:"}",b:'}'/*}*/,c:'''}'}''',d:{{"}}"}}} // {
        a :: b::{a:3}, } {a:4}"#;
    insta::assert_snapshot!(plain(file), @r#"
    1@0 [] expected a struct, found an int <- 1
    1@2 [] expected a struct, found a string <- \"text\"
    1@9 [] expected a struct, found a symbol <- symbol
    1@16 [] expected a struct, found a list <- [1]
    1@20 [] expected a struct, found a sexp <- (a b)
    1@26 [] expected a struct, found null <- null.struct
    1@38 [] expected a struct, found a blob <- {{aGk=}}
    1@47 {"a":{"N":"1"}}
    1@58 [] expected a struct, found a timestamp <- 2026T
    1@64 {"a":{"N":"1"}}
    1@69 {"a":{"N":"2"}}
    2@101 {"a":{"S":"}"},"b":{"S":"}"},"c":{"S":"}'}"},"d":{"B":"fX0="}}
    3@156 {"a":{"N":"3"}}
    3@169 [] not Ion: found unrecognized syntax, at byte 0 of the row <- ,
    3@171 [] not Ion: found unrecognized syntax, at byte 0 of the row <- }
    3@173 {"a":{"N":"4"}}
    "#);
}

#[test]
fn faults_of_rows_cost_themselves_only() {
    let file = r"
        {a:1,}
        {a:1,,}
        {a:007}
        {a:2026-13-01}
        {a:{{!!}}}
        {a:1,a:1}
        {a:{b:[{c:1,c:1}]}}
        {a:[nan]}
        {a:-inf}
        {a:1e200}
        {a:1d126}
        {a:1d-131}
        {a:1d99999999999999999999}
        {a:123456789012345678901234567890123456789}
        {a:$99}
        {a:$0}
        {$99:1}
        {a:$dynamodb_XS::[]}
        {a:1} / {a:2}
        {a:1}
    ";
    insta::assert_snapshot!(plain(file), @r#"
    2@9 {"a":{"N":"1"}}
    3@24 [] not Ion: found unrecognized syntax, at byte 5 of the row <- {a:1,,}
    4@40 [] not Ion: found unrecognized syntax, at byte 6 of the row <- {a:007}
    5@56 [] not Ion: found unrecognized syntax, at byte 9 of the row <- {a:2026-13-01}
    6@79 [] not Ion: found unrecognized syntax, at byte 4 of the row <- {a:{{!!}}}
    7@98 [] the name "a" occurs twice; DynamoDB holds a name once, rename or remove one <- {a:1,a:1}
    8@116 [a.b[0]] the name "c" occurs twice; DynamoDB holds a name once, rename or remove one <- {a:{b:[{c:1,c:1}]}}
    9@144 [a[0]] "NaN" is not a DynamoDB number: not a decimal number; write it with digits, as in -12.5 or 1E3 <- {a:[nan]}
    10@162 [a] "-inf" is not a DynamoDB number: not a decimal number; write it with digits, as in -12.5 or 1E3 <- {a:-inf}
    11@179 [a] "1e200" is not a DynamoDB number: beyond 9.99E+125, the largest DynamoDB holds; keep it as a string <- {a:1e200}
    12@197 [a] "1E126" is not a DynamoDB number: beyond 9.99E+125, the largest DynamoDB holds; keep it as a string <- {a:1d126}
    13@215 [a] "1E-131" is not a DynamoDB number: closer to zero than 1E-130, the least DynamoDB holds; write 0 or a string <- {a:1d-131}
    14@234 [a] not Ion: failed to parse decimal exponent '99999999999999999999': ParseIntError { kind: PosOverflow } <- {a:1d99999999999999999999}
    15@269 [a] "123456789012345678901234567890123456789E…" is not a DynamoDB number: 39 significant digits, DynamoDB holds at most 38; keep it as a string <- {a:123456789012345678901234567890123456789}
    16@321 [a] not Ion: found a value symbol ID ($99) that was not in the symbol table (len=10) <- {a:$99}
    17@337 [a] a symbol without text; the file's symbol table does not hold it, write the file anew <- {a:$0}
    18@352 [] not Ion: found a field name symbol ID ($99) that was not in the symbol table (len=10) <- {$99:1}
    19@368 [a] unknown type "$dynamodb_XS"; expected S, N, B, BOOL, NULL, SS, NS, BS, L or M <- {a:$dynamodb_XS::[]}
    20@397 {"a":{"N":"1"}}
    20@404 [] not Ion: a slash before it begins no comment <- 
    20@405 {"a":{"N":"2"}}
    21@419 {"a":{"N":"1"}}
    "#);
    insta::assert_snapshot!(plain(b"{a:\"\xFF\"} {a:\"\0\"} \0 {a:1}"), @r#"
    1@0 [] not UTF-8 text at byte 4 of the row; convert the file to UTF-8 <- {a:\"\xff\"}
    1@8 [] not Ion: unescaped control characters are not allowed in text literals; byte 00, at byte 4 of the row <- {a:\"\x00\"}
    1@16 [] not Ion: found unrecognized syntax, at byte 0 of the row <- \x00
    1@18 {"a":{"N":"1"}}
    "#);
}

#[test]
fn faults_of_dynamodb_ion() {
    let file = r#"
        {Item:{a:"x"}}
        {a:"x"}
        {}
        {Item:{},Item:{}}
        {Item:{},Extra:1}
        {Item:[]}
        {Item:{a:$dynamodb_SS::[]}}
        {Item:{a:$dynamodb_SS::["x","y","x"]}}
        {Item:{a:$dynamodb_SS::["x",1]}}
        {Item:{a:$dynamodb_NS::[1.,1.0]}}
        {Item:{a:[$dynamodb_NS::["1"]]}}
        {Item:{a:$dynamodb_BS::[{{YQ==}},{{YQ==}}]}}
        {Item:{a:$dynamodb_BS::["YQ=="]}}
        {Item:{a:$dynamodb_SS::null}}
    "#;
    insta::assert_snapshot!(dynamodb(file), @r#"
    2@9 {"a":{"S":"x"}}
    3@32 [] expected "Item" alone, found "a"; a line is {"Item":{...}} <- {a:\"x\"}
    4@48 [] an object without "Item"; a line is {"Item":{...}} <- {}
    5@59 [] the name "Item" occurs twice; DynamoDB holds a name once, rename or remove one <- {Item:{},Item:{}}
    6@85 [] expected "Item" alone, found "Extra"; a line is {"Item":{...}} <- {Item:{},Extra:1}
    7@111 [Item] expected a struct, found a list <- {Item:[]}
    8@129 [a] an empty SS; DynamoDB sets have members, leave the attribute out <- {Item:{a:$dynamodb_SS::[]}}
    9@165 [a] "x" occurs twice in one set; remove one <- {Item:{a:$dynamodb_SS::[\"x\",\"y\",\"x\"]}}
    10@212 [a[1]] expected a string, found an int <- {Item:{a:$dynamodb_SS::[\"x\",1]}}
    11@253 [a] "1" occurs twice in one set; remove one <- {Item:{a:$dynamodb_NS::[1.,1.0]}}
    12@295 [a[0][0]] expected a number, found a string <- {Item:{a:[$dynamodb_NS::[\"1\"]]}}
    13@336 [a] "YQ==" occurs twice in one set; remove one <- {Item:{a:$dynamodb_BS::[{{YQ==}},{{YQ==}}]}}
    14@389 [a[0]] expected a blob, found a string <- {Item:{a:$dynamodb_BS::[\"YQ==\"]}}
    15@431 [a] expected a list, found null <- {Item:{a:$dynamodb_SS::null}}
    "#);
}

#[test]
fn a_structure_that_is_lost_ends_in_a_row() {
    let table = |imports: &str| format!("$ion_symbol_table::{{imports:{imports},symbols:[\"a\"]}}");
    let files = [
        "{a:1} {a:[1,2}".to_owned(),
        "{a:1} {a:\"x}".to_owned(),
        "{a:1} /* {a:2}".to_owned(),
        "{a:1} $ion_1_1 {a:2}".to_owned(),
        format!("{{a:1}} {} {{a:2}}", table("[{name:\"x\",version:1,max_id:2000000000}]")),
        format!("{{a:1}} {}", table("[").replace(',', " ")),
    ];
    let told = files.map(|file| format!("{file}\n{}", plain(&file)));
    insta::assert_snapshot!(told.join("\n"), @r#"
    {a:1} {a:[1,2}
    1@0 {"a":{"N":"1"}}
    1@6 [] the Ion value is never ended; is a bracket, a quote or the end of the file missing? (rows read before this place: 1; behind it: none) <- {a:[1,2}

    {a:1} {a:"x}
    1@0 {"a":{"N":"1"}}
    1@6 [] the Ion value is never ended; is a bracket, a quote or the end of the file missing? (rows read before this place: 1; behind it: none) <- {a:\"x}

    {a:1} /* {a:2}
    1@0 {"a":{"N":"1"}}
    1@14 [] the Ion value is never ended; is a bracket, a quote or the end of the file missing? (rows read before this place: 1; behind it: none) <- 

    {a:1} $ion_1_1 {a:2}
    1@0 {"a":{"N":"1"}}
    1@6 [] Ion of another version than 1.0; write the file as Ion 1.0 (rows read before this place: 1; behind it: none) <- $ion_1_1

    {a:1} $ion_symbol_table::{imports:[{name:"x",version:1,max_id:2000000000}],symbols:["a"]} {a:2}
    1@0 {"a":{"N":"1"}}
    1@6 [] a symbol table imports shared ones, which the file does not hold; write it without (rows read before this place: 1; behind it: none) <- $ion_symbol_table::{imports:[{name:\"x\",version:1,max_id:2000000000}],symbols:[\"a\"]}

    {a:1} $ion_symbol_table::{imports:[ symbols:["a"]}
    1@0 {"a":{"N":"1"}}
    1@6 [] the Ion value is never ended; is a bracket, a quote or the end of the file missing? (rows read before this place: 1; behind it: none) <- $ion_symbol_table::{imports:[ symbols:[\"a\"]}
    "#);
    let good = binary("{a:1}");
    let bad: [&[u8]; 5] = [
        &[0xF0, 1, 2],
        &[0xDE, 0x8A, 1],
        &[0xDE, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x81],
        &[0xE0, 2, 0, 0xEA],
        &[0x8E],
    ];
    let told = bad.map(|bad| plain([good.as_slice(), bad].concat()));
    insta::assert_snapshot!(told.join("\n"), @r#"
    1@15 {"a":{"N":"1"}}
    1@19 [] byte 0xf0 begins no Ion value; is the file damaged? (rows read before this place: 1; behind it: none) <- \xf0\x01\x02

    1@15 {"a":{"N":"1"}}
    1@19 [] the Ion value is never ended; is a bracket, a quote or the end of the file missing? (rows read before this place: 1; behind it: none) <- \xde\x8a\x01

    1@15 {"a":{"N":"1"}}
    1@19 [] the Ion value is never ended; is a bracket, a quote or the end of the file missing? (rows read before this place: 1; behind it: none) <- \xde\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x81

    1@15 {"a":{"N":"1"}}
    1@19 [] Ion of another version than 1.0; write the file as Ion 1.0 (rows read before this place: 1; behind it: none) <- \xe0\x02\x00\xea

    1@15 {"a":{"N":"1"}}
    1@19 [] the Ion value is never ended; is a bracket, a quote or the end of the file missing? (rows read before this place: 1; behind it: none) <- \x8e
    "#);
}

#[test]
fn a_row_that_is_too_long_or_too_deep_is_passed() {
    insta::assert_snapshot!(report(b"{a:1} {a:\"0123456789\"} {a:2}", &Format::Ion, 10), @r#"
    1@0 {"a":{"N":"1"}}
    1@6 [] a row of 16 bytes, the limit is 10; is a quote or a line's end missing? <- {a:\"0123456
    1@23 {"a":{"N":"2"}}
    "#);
    let file = binary("{a:\"0123456789 0123456789\"} {a:2}");
    insta::assert_snapshot!(report(&file, &Format::Ion, 18), @r#"
    1@15 [] a row of 26 bytes, the limit is 18; is a quote or a line's end missing? <- \xde\x98\x8a\x8e\x950123456789 012
    1@41 {"a":{"N":"2"}}
    "#);
    let deep = format!("{{a:{}{}}} {{a:1}}", "[".repeat(100_000), "]".repeat(100_000));
    let digits = format!("{{a:{}}} {{a:a{}}}", "1".repeat(100_000), "1".repeat(2000));
    for file in [deep.as_bytes(), digits.as_bytes()] {
        let mut reader = Reader::new(file, &Format::Ion).unwrap();
        let reason = reader.next_row().unwrap().unwrap().item().unwrap_err().reason;
        assert!(matches!(reason, Reason::TooDeep | Reason::Number { .. }), "{reason}");
        assert!(reader.next_row().unwrap().unwrap().item().is_ok());
    }
}

#[test]
fn nesting_has_an_end() {
    for shape in [Format::Ion, Format::DynamoDbIon] {
        for (depth, reason) in [(MAX_READ_DEPTH, None), (MAX_READ_DEPTH + 1, Some(Reason::TooDeep))]
        {
            let item = format!("{{a:{}{}}}", "[".repeat(depth), "]".repeat(depth));
            let text = if shape == Format::Ion { item } else { format!("{{Item:{item}}}") };
            for file in [text.clone().into_bytes(), binary(&text)] {
                let mut reader = Reader::new(file.as_slice(), &shape).unwrap();
                let row = reader.next_row().unwrap().unwrap();
                assert_eq!(row.item().map_err(|error| error.reason).err(), reason, "{depth}");
            }
        }
    }
}

#[test]
fn binary_that_nests_without_end_is_a_row() {
    // Lists within lists, each one byte shorter than the one around it.
    let mut value = vec![0xB0];
    while value.len() < 200_000 {
        let length = value.len();
        let groups = [14, 7, 0].map(|shift| u8::try_from((length >> shift) & 0x7F).unwrap());
        let head = [0xBE, groups[0], groups[1], groups[2] | 0x80];
        value.splice(0..0, head);
    }
    let file = [super::BINARY_VERSION.as_slice(), &value].concat();
    let mut reader = Reader::new(file.as_slice(), &Format::Ion).unwrap();
    let reason = reader.next_row().unwrap().unwrap().item().unwrap_err().reason;
    assert_eq!(reason.to_string(), "expected a struct, found a list");
    assert!(reader.next_row().unwrap().is_none());
}

#[test]
fn symbol_tables_hold_until_the_next() {
    let file = r#"
        $ion_1_0 $ion_symbol_table::{symbols:["x","y"]} {$10:1,$11:$10}
        $ion_symbol_table::{imports:$ion_symbol_table,symbols:["z"]} {$10:2,$12:2}
        '$ion_symbol_table'::{symbols:["w"]} {$10:3} {$11:3}
        $ion_1_0 {$10:4}
        [$ion_symbol_table::{}] $ion_symbol_table::1 {a:5}
    "#;
    insta::assert_snapshot!(plain(file), @r#"
    2@57 {"x":{"N":"1"},"y":{"S":"x"}}
    3@142 {"x":{"N":"2"},"z":{"N":"2"}}
    4@201 {"w":{"N":"3"}}
    4@209 [] not Ion: found a field name symbol ID ($11) that was not in the symbol table (len=11) <- {$11:3}
    5@234 [] not Ion: found a field name symbol ID ($10) that was not in the symbol table (len=10) <- {$10:4}
    6@250 [] expected a struct, found a list <- [$ion_symbol_table::{}]
    6@274 [] expected a struct, found an int <- $ion_symbol_table::1
    6@295 {"a":{"N":"5"}}
    "#);
}

/// A decimal without needless zeros, of which the writer takes few.
fn number(number: &Number<'_>) -> Element {
    let text = number.as_str();
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
    let decimal = match digits.split_once('.') {
        Some((whole, fraction)) => {
            let digits = format!("{whole}{fraction}");
            format!("{sign}{}d-{}", digits.trim_start_matches('0'), fraction.len())
        }
        None if digits == "0" => "0.".to_owned(),
        None => {
            let significant = digits.trim_end_matches('0');
            format!("{sign}{significant}d{}", digits.len() - significant.len())
        }
    };
    Element::read_one(decimal).unwrap()
}

#[test]
fn what_ion_rs_panics_at_is_a_row() {
    // An annotation that says it is longer than the value it is on: within a struct, and within a symbol
    // table. It panics only where overflow is checked; elsewhere it finds the fault later.
    let annotation = [0xE3, 0x85, 0x84, 0x20];
    let row = [&[0xD5, 0x84], annotation.as_slice()].concat();
    let table = [&[0xE8, 0x81, 0x83, 0xD5, 0x86], annotation.as_slice()].concat();
    let good = [0xD2, 0x84, 0x11];
    let rows = |bad: &[u8]| {
        let file = [super::BINARY_VERSION.as_slice(), &good, bad, &good].concat();
        read(&file, &Format::Ion, 8192)
    };
    let found = rows(&row);
    assert!(
        matches!(&found[..], [Ok(_), Err(error), Ok(_)] if error.contains("not Ion")),
        "{found:?}"
    );
    let found = rows(&table);
    assert!(
        matches!(&found[..], [Ok(_), Err(error)] if error.contains("symbol table")),
        "{found:?}"
    );
}

fn element(value: &Value<'_>) -> Element {
    let list = |elements: Vec<Element>| Element::from(ion_rs::List::from_iter(elements));
    match value {
        Value::S(text) => Element::string(text.as_ref()),
        Value::N(n) => number(n),
        Value::B(bytes) => Element::blob(bytes.as_ref()),
        Value::Bool(truth) => Element::from(*truth),
        Value::Null => Element::null(ion_rs::IonType::Null),
        Value::Ss(set) => list(set.iter().map(|member| Element::string(member.as_ref())).collect())
            .with_annotations(["$dynamodb_SS"]),
        Value::Ns(set) => list(set.iter().map(number).collect()).with_annotations(["$dynamodb_NS"]),
        Value::Bs(set) => list(set.iter().map(|member| Element::blob(member.as_ref())).collect())
            .with_annotations(["$dynamodb_BS"]),
        Value::L(values) => list(values.iter().map(element).collect()),
        Value::M(map) => structure(map),
    }
}

fn structure(map: &Map<'_>) -> Element {
    let builder = map.iter().fold(Element::struct_builder(), |builder, (name, value)| {
        builder.with_field(name, element(value))
    });
    builder.build().into()
}

fn wrapped(item: &Item<'_>) -> Element {
    Element::struct_builder().with_field("Item", structure(item)).build().into()
}

/// The items as Ion in each way that a file can be written.
fn files(items: &[Element]) -> Vec<Vec<u8>> {
    let mut writer = Writer::new(v1_0::Binary, Vec::new()).unwrap();
    let mut lines =
        Writer::new(WriteConfig::<v1_0::Text>::new(TextFormat::Lines), Vec::new()).unwrap();
    let mut pretty =
        Writer::new(WriteConfig::<v1_0::Text>::new(TextFormat::Pretty), Vec::new()).unwrap();
    for item in items {
        writer.write(item).unwrap();
        writer.flush().unwrap();
        lines.write(item).unwrap();
        pretty.write(item).unwrap();
    }
    let each = items.iter().flat_map(|item| item.encode_as(v1_0::Binary).unwrap()).collect();
    let whole = Sequence::from_iter(items.to_vec()).encode_as(v1_0::Binary).unwrap();
    vec![writer.close().unwrap(), lines.close().unwrap(), pretty.close().unwrap(), each, whole]
}

fn read(file: &[u8], format: &Format, buffer: usize) -> Vec<Result<Item<'static>, String>> {
    let mut reader = Reader::new(BufReader::with_capacity(buffer, file), format).unwrap();
    let mut rows = Vec::new();
    while let Some(row) = reader.next_row().unwrap() {
        let start = usize::try_from(row.offset).unwrap();
        assert_eq!(&file[start..start + row.bytes.len()], row.bytes, "the row's own bytes");
        rows.push(row.item().map(Item::into_owned).map_err(|error| error.to_string()));
    }
    rows
}

proptest! {
    #[test]
    fn items_read_as_they_were_written(
        items in prop::collection::vec(testing::items(), 0..4),
        buffer in 1..9_usize,
    ) {
        let wrapped: Vec<Element> = items.iter().map(wrapped).collect();
        let bare: Vec<Element> = items.iter().map(|item| structure(item)).collect();
        for (elements, format) in [(wrapped, Format::DynamoDbIon), (bare, Format::Ion)] {
            for file in files(&elements) {
                let read = read(&file, &format, buffer);
                let expected: Vec<_> = items.iter().cloned().map(Ok).collect();
                prop_assert_eq!(read, expected, "{}", file.escape_ascii());
            }
        }
    }

    #[test]
    fn what_nests_as_deep_as_is_read_reads_what_it_writes(value in testing::nested(MAX_READ_DEPTH)) {
        let item = Item::from_iter([("a".into(), value)]);
        for file in files(&[wrapped(&item)]) {
            prop_assert_eq!(read(&file, &Format::DynamoDbIon, 8192), [Ok(item.clone())]);
        }
    }

    #[test]
    fn damage_is_told_of(
        items in prop::collection::vec(testing::items(), 1..4),
        which in 0..5_usize,
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
        buffer in 1..9_usize,
    ) {
        let elements: Vec<Element> = items.iter().map(wrapped).collect();
        let mut file = files(&elements).swap_remove(which);
        for (place, byte) in places {
            let at = place.index(file.len());
            file[at] = byte;
        }
        file.truncate(cut.index(file.len()) + 1);
        let rows = read(&file, &Format::DynamoDbIon, buffer);
        prop_assert_eq!(read(&file, &Format::DynamoDbIon, 8192), rows);
        assert_resumes(&file, &Format::DynamoDbIon, 1000);
    }

    #[test]
    fn any_bytes_are_rows(bytes: Vec<u8>, is_binary: bool) {
        let start = if is_binary { super::BINARY_VERSION.to_vec() } else { Vec::new() };
        let file = [start, bytes].concat();
        read(&file, &Format::Ion, 3);
    }
}

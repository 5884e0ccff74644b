//! Tables whose items change shape: nothing is rewritten, no column changes its type, no value is lost.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, HashMap};

use ::parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use arrow::datatypes::DataType;
use bytes::Bytes;
use item::Item;
use item::format::dynamodb_json::parse_item;
use lake::catalog::TableDefinition;
use lake::footer::{self, Footers, Tail};
use lake::{DEFAULT_COLUMN_LIMIT, Registry, Row, Rows, parquet, read};

/// A table, its catalog table and the files that were written of it.
struct Life {
    definition: TableDefinition,
    limit: usize,
    files: Vec<Vec<u8>>,
}

impl Life {
    fn new(limit: usize) -> Self {
        let definition = TableDefinition::changes("t", "t__changes", "b", 0).unwrap();
        Self { definition, limit, files: Vec::new() }
    }

    /// Writes a file of items, as the stream function does, and checks that they come back from it. Gives how many of their
    /// values found no column.
    fn write(&mut self, items: &[Item<'_>]) -> u64 {
        let mut rows = Rows::new();
        for item in items {
            let row = Row::of_snapshot(0, item, item);
            rows.push(&row).unwrap();
        }
        let mut registry = Registry::from(&self.definition);
        let added = registry.assign(&rows.unnamed(&registry), self.limit);
        self.definition.add(&added);
        let rescued = rows.rescued(&registry);
        let file = parquet::write("t", &rows.finish(&registry).unwrap()).unwrap();
        let stored = read::rows(file.clone()).unwrap().map(|row| row.unwrap().item.unwrap());
        assert_eq!(stored.collect::<Vec<_>>(), items);
        self.files.push(file);
        rescued
    }

    /// The names of our columns with the catalog's types, in order.
    fn columns(&self) -> Vec<String> {
        let columns = self.definition.columns.iter().filter(|column| !column.parameters.is_empty());
        columns.map(|column| format!("{} {}", column.name, column.type_text)).collect()
    }

    /// In all files a column has one type, the catalog can be restored from them, and all its texts
    /// are such as Glue takes.
    fn check(&self) {
        let mut types: HashMap<String, DataType> = HashMap::new();
        let mut footers = Footers::new();
        for (number, file) in self.files.iter().enumerate() {
            for (name, data_type) in types_in(file) {
                let known = types.entry(name.clone()).or_insert_with(|| data_type.clone());
                assert_eq!(*known, data_type, "{name}");
            }
            let Tail::Complete(footer) = footer::read(file).unwrap() else {
                panic!("a whole file is tail enough")
            };
            footers.add(&format!("changes/t/dt=1970-01-01/{number}"), footer);
        }
        let mut restored = TableDefinition::changes("t", "t__changes", "b", 0).unwrap();
        assert_eq!(footers.restore(&mut restored), []);
        let by_name = |definition: &TableDefinition| {
            let columns = definition.columns.iter();
            columns.map(|column| (column.name.clone(), column.clone())).collect::<BTreeMap<_, _>>()
        };
        assert_eq!(by_name(&restored), by_name(&self.definition));
        for column in &self.definition.columns {
            assert!(
                column.name.len() <= 255 && column.comment.as_ref().is_none_or(|c| c.len() <= 255)
            );
        }
    }
}

fn types_in(file: &[u8]) -> Vec<(String, DataType)> {
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let file = Bytes::copy_from_slice(file);
    let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options).unwrap();
    let fields = reader.schema().fields().iter();
    fields.map(|field| (field.name().clone(), field.data_type().clone())).collect()
}

/// Writes a file for each line, whose items are joined by ` + `, and compares the columns then.
#[track_caller]
fn check(life: &[&str], columns: &[&str]) {
    let mut table = Life::new(DEFAULT_COLUMN_LIMIT);
    for file in life {
        let items: Vec<_> =
            file.split(" + ").map(|item| parse_item(item.as_bytes()).unwrap()).collect();
        table.write(&items);
    }
    assert_eq!(table.columns(), columns);
    table.check();
}

#[test]
fn numbers_that_widen() {
    check(
        &[
            r#"{"n":{"N":"1"}} + {"n":{"N":"9223372036854775807"}}"#,
            r#"{"n":{"N":"9223372036854775808"}}"#,
            r#"{"n":{"N":"0.1"}} + {"n":{"N":"1E-130"}} + {"n":{"N":"2"}}"#,
            r#"{"n":{"N":"12345678901234567890123456789012345678"}}"#,
            r#"{"n":{"NS":["1","2"]}} + {"n":{"NS":["1","0.5"]}}"#,
        ],
        &[
            "n bigint",
            "n__double double",
            "n__bigint_set array<bigint>",
            "n__double_set array<double>",
        ],
    );
}

#[test]
fn a_type_that_changes_in_mid_life_and_back() {
    check(
        &[
            r#"{"v":{"S":"1"}} + {"v":{"S":""}}"#,
            r#"{"v":{"N":"1"}} + {"v":{"NULL":true}}"#,
            r#"{"v":{"M":{"a":{"B":"AA=="}}}} + {"v":{"L":[{"N":"1"}]}}"#,
            r#"{"v":{"BOOL":true}} + {"v":{"B":"AA=="}} + {"v":{"SS":["1"]}} + {"v":{"BS":["AA=="]}}"#,
            r#"{"v":{"S":"2"}} + {"w":{"NULL":true}}"#,
        ],
        &[
            "v string",
            "v__bigint bigint",
            "v__json string",
            "v__boolean boolean",
            "v__binary binary",
            "v__string_set array<string>",
            "v__binary_set array<binary>",
        ],
    );
}

#[test]
fn names_in_any_script_and_of_any_sort() {
    check(
        &[
            r#"{"Größe":{"N":"1"},"größe":{"N":"2"},"日本":{"S":"a"},"中国":{"S":"b"},"Цена":{"N":"3"}}"#,
            r#"{"a b":{"S":"1"},"a.b":{"S":"2"},"a\"b":{"S":"3"},"a'b":{"S":"4"},"a`b;--":{"S":"5"},"a\nb":{"S":"6"}}"#,
            r#"{"Id":{"S":"1"},"ID":{"S":"2"},"id":{"S":"3"},"iD":{"N":"4"}}"#,
            r#"{"":{"S":"1"},"1":{"S":"2"},"_":{"S":"3"},"\u0000":{"S":"4"},"🦀":{"S":"5"}}"#,
        ],
        &[
            "gr__e bigint",
            "gr__e_2 bigint",
            "c___ string",
            "c____2 string",
            "c_____ bigint",
            "a_b string",
            "a_b_2 string",
            "a_b_3 string",
            "a_b_4 string",
            "a_b___ string",
            "a_b_5 string",
            "id string",
            "id_2 string",
            "id_3 string",
            "id_4 bigint",
            "c_ string",
            "c_1 string",
            "c__2 string",
            "c__ string",
            "c___2 string",
        ],
    );
}

#[test]
fn names_of_meta_columns_and_partitions_and_names_that_look_like_ours() {
    check(
        &[
            r#"{"_op":{"S":"1"},"_key":{"N":"2"},"_rest":{"M":{}},"_hash":{"B":"AA=="},"c_op":{"S":"3"}}"#,
            r#"{"dt":{"S":"1"},"snapshot":{"S":"2"},"window_end":{"N":"3"},"DT":{"S":"4"}}"#,
            r#"{"price":{"N":"1"},"price__double":{"S":"a"}} + {"price":{"N":"0.5"}}"#,
            r#"{"headwater.columns":{"S":"1"},"headwater.attribute":{"S":"2"}}"#,
        ],
        &[
            "c_op string",
            "c_key bigint",
            "c_rest string",
            "c_hash binary",
            "c_op_2 string",
            "dt_2 string",
            "snapshot_2 string",
            "window_end_2 bigint",
            "dt_3 string",
            "price bigint",
            "price__double string",
            "price__double_2 double",
            "headwater_columns string",
            "headwater_attribute string",
        ],
    );
}

#[test]
fn names_longer_than_the_catalog_takes() {
    let long = |last: &str| format!("{}{last}", "é".repeat(200));
    let mut table = Life::new(DEFAULT_COLUMN_LIMIT);
    for value in [r#"{"S":"a"}"#, r#"{"N":"1"}"#] {
        let text = format!(r#"{{"{}":{value},"{}":{value}}}"#, long("x"), long("y"));
        table.write(&[parse_item(text.as_bytes()).unwrap()]);
    }
    let mut names: Vec<_> = table.definition.columns.iter().map(|column| &column.name).collect();
    let all = names.len();
    names.sort();
    names.dedup();
    assert_eq!((all, names.len()), (10 + 4, 10 + 4));
    table.check();
}

#[test]
fn thousands_of_attributes_stop_at_the_limit_and_none_is_lost() {
    let item = |numbers: std::ops::Range<usize>| {
        let attributes: Vec<_> =
            numbers.map(|n| format!(r#""attribute {n}":{{"N":"{n}"}}"#)).collect();
        parse_item(format!("{{{}}}", attributes.join(",")).as_bytes()).unwrap().into_owned()
    };
    let mut table = Life::new(DEFAULT_COLUMN_LIMIT);
    assert_eq!(table.write(&[item(0..300)]), 0);
    assert_eq!(table.columns().len(), 300);
    table.write(&[item(200..1000), item(0..3000), item(2500..2501)]);
    assert_eq!(table.columns().len(), DEFAULT_COLUMN_LIMIT);
    assert_eq!(table.write(&[item(0..5000)]), 5000 - DEFAULT_COLUMN_LIMIT as u64);
    assert_eq!(table.columns().len(), DEFAULT_COLUMN_LIMIT, "a full table stays as it is");
    table.check();

    // A higher limit goes on where the lower one stopped.
    table.limit = 600;
    table.write(&[item(450..5000)]);
    assert_eq!(table.columns().len(), 600);
    table.check();
}

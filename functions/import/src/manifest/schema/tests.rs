use std::collections::BTreeSet;
use std::{fs, path::Path};

use proptest::prelude::*;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde_json::{Value, json};

use super::*;
use crate::manifest::{Manifest, document};

/// The file that [`TEXT`] is.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/import-manifest.schema.json");

/// A manifest that has all there is.
const EVERYTHING: &str = include_str!("../../../../../events/manifests/everything.json");

/// The schema of the types as they are now.
fn generated() -> Value {
    let settings = SchemaSettings::draft2020_12();
    let settings = settings
        .with_transform(RecursiveTransform(without_null))
        .with_transform(RecursiveTransform(unwrapped));
    settings.into_generator().into_root_schema_for::<Manifest>().to_value()
}

/// A field that is not given is left out: `null` is neither a value nor a default.
fn without_null(schema: &mut schemars::Schema) {
    let Some(schema) = schema.as_object_mut() else { return };
    if let Some(Value::Array(kinds)) = schema.get("type") {
        schema["type"] = kinds.iter().find(|kind| **kind != "null").cloned().unwrap();
    }
    if let Some(Value::Array(choices)) = schema.remove("anyOf") {
        let choice = choices.into_iter().find(|choice| *choice != json!({"type": "null"}));
        let Some(Value::Object(choice)) = choice else { panic!("anyOf without an object") };
        schema.extend(choice);
    }
    if schema.get("default") == Some(&Value::Null) {
        schema.remove("default");
    }
}

/// A description has its paragraphs as lines, however the comment in the code was wrapped.
fn unwrapped(schema: &mut schemars::Schema) {
    if let Some(Value::String(text)) = schema.get("description") {
        let paragraphs: Vec<String> =
            text.split("\n\n").map(|paragraph| paragraph.replace('\n', " ")).collect();
        schema.insert("description".to_owned(), paragraphs.join("\n").into());
    }
}

/// The paths at which two values differ, and how.
fn differences(path: &str, file: &Value, code: &Value, found: &mut Vec<String>) {
    match (file, code) {
        (Value::Object(in_file), Value::Object(in_code)) => {
            let names: BTreeSet<&String> = in_file.keys().chain(in_code.keys()).collect();
            for name in names {
                let path = format!("{path}/{name}");
                differences(&path, &file[name], &code[name], found);
            }
        }
        _ if file == code => {}
        _ => found.push(format!("{path}: in the file {file}, in the code {code}")),
    }
}

/// The keywords of a schema and of all below it.
fn keywords(schema: &Value, found: &mut BTreeSet<String>) {
    for (keyword, value) in schema.as_object().into_iter().flatten() {
        found.insert(keyword.clone());
        match keyword.as_str() {
            "properties" | "$defs" => {
                value.as_object().unwrap().values().for_each(|schema| keywords(schema, found));
            }
            "items" | "additionalProperties" => keywords(value, found),
            "oneOf" => value.as_array().unwrap().iter().for_each(|schema| keywords(schema, found)),
            _ => {}
        }
    }
}

#[test]
fn the_schema_in_the_repository_is_that_of_the_code() {
    let generated = generated();
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        let text = serde_json::to_string_pretty(&generated).unwrap();
        fs::write(Path::new(FILE), text + "\n").unwrap();
        return;
    }
    let mut found = Vec::new();
    differences("", &serde_json::from_str(TEXT).unwrap(), &generated, &mut found);
    assert!(
        found.is_empty(),
        "docs/import-manifest.schema.json is not that of the code; write it anew with\n\
         UPDATE_SCHEMA=1 cargo test -p import manifest::schema\n{}",
        found.join("\n")
    );
}

#[test]
fn every_keyword_of_the_schema_is_looked_at_or_told_to_people() {
    let mut found = BTreeSet::new();
    keywords(&generated(), &mut found);
    for for_people in ["$schema", "title", "description", "default"] {
        found.remove(for_people);
    }
    let found: Vec<String> = found.into_iter().collect();
    insta::assert_snapshot!(found.join(" "), @"$defs $ref additionalProperties const format items maxItems maxLength maximum minItems minLength minimum oneOf properties required type");
}

#[test]
fn every_reference_leads_somewhere_and_every_object_is_closed() {
    let root = Schema::load().unwrap();
    let definitions = root.definitions.iter().map(|(name, schema)| (name.as_str(), schema));
    for (name, object) in definitions.chain([("the whole", &root)]) {
        let closed = matches!(object.additional_properties, Some(Additional::Allowed(false)));
        assert_eq!(closed, object.kind == Some(Kind::Object), "{name} takes unknown fields");
        for (field, schema) in &object.properties {
            let schema = schema.items.as_deref().unwrap_or(schema);
            let resolved = root.resolved(schema);
            assert!(resolved.reference.is_none(), "{name}.{field} leads nowhere");
        }
    }
}

/// The paths of the fields of a document, as [`Schema::places`] has them.
fn given(path: &str, node: &Node, found: &mut BTreeSet<String>) {
    match node {
        Node::Object(members) => {
            for (name, value) in members {
                let path = within(path, name);
                given(&path, value, found);
                found.insert(path);
            }
        }
        Node::List(elements) => {
            for element in elements {
                given(&format!("{path}[]"), element, found);
            }
        }
        Node::Null | Node::Boolean(_) | Node::Integer(_) | Node::Fraction(_) | Node::Text(_) => {}
    }
}

#[test]
fn the_sample_of_everything_lacks_only_what_it_cannot_have() {
    let mut found = BTreeSet::new();
    given("", &document::tree(EVERYTHING).unwrap(), &mut found);
    let places = Schema::load().unwrap().places();
    let lacking: Vec<&String> = places.iter().filter(|place| !found.contains(*place)).collect();
    insta::assert_debug_snapshot!(lacking, @r#"
    [
        "TableCreationParameters.ProvisionedThroughput",
        "TableCreationParameters.GlobalSecondaryIndexes[].ProvisionedThroughput",
        "TableCreationParameters.ProvisionedThroughput.ReadCapacityUnits",
        "TableCreationParameters.ProvisionedThroughput.WriteCapacityUnits",
        "Headwater.LocalSecondaryIndexes[].Projection.NonKeyAttributes",
        "TableCreationParameters.GlobalSecondaryIndexes[].OnDemandThroughput.MaxReadRequestUnits",
        "TableCreationParameters.GlobalSecondaryIndexes[].ProvisionedThroughput.ReadCapacityUnits",
        "TableCreationParameters.GlobalSecondaryIndexes[].ProvisionedThroughput.WriteCapacityUnits",
        "TableCreationParameters.GlobalSecondaryIndexes[].WarmThroughput.ReadUnitsPerSecond",
    ]
    "#);
}

/// What people are told.
const DOCUMENT: &str = include_str!("../../../../../docs/import-manifest.md");

#[test]
fn the_document_tells_of_every_field() {
    let mut names = BTreeSet::new();
    for place in Schema::load().unwrap().places() {
        names.insert(place.rsplit('.').next().unwrap_or_default().to_owned());
    }
    let untold: Vec<&String> =
        names.iter().filter(|name| !DOCUMENT.contains(&format!("`{name}`"))).collect();
    assert_eq!(untold, Vec::<&String>::new());
}

#[test]
fn the_examples_in_the_document_are_taken() {
    let examples = DOCUMENT.split("```json\n").skip(1).filter_map(|it| it.split("```").next());
    let refused: Vec<ManifestError> =
        examples.clone().filter_map(|it| Manifest::parse(it.as_bytes()).err()).collect();
    assert_eq!((refused, examples.count()), (vec![], 4));
}

/// Values that stand in for others, right and wrong.
fn values() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!(null),
        json!(true),
        json!(0),
        json!(1),
        json!(-1),
        json!(1.5),
        json!(u64::MAX),
        json!(""),
        json!("CSV"),
        json!("id"),
        json!("HASH"),
        json!(","),
        json!([]),
        json!(["id"]),
        json!([[]]),
        json!({}),
        json!({"Csv": {}}),
        json!({"AttributeName": "id"}),
        json!({"AttributeName": "id", "KeyType": "HASH"}),
        json!([{"AttributeName": "id", "KeyType": "HASH"}]),
        json!({"id": "S"}),
    ])
}

/// Puts `value` in the place of the `at`-th value of a tree; says whether there is such a place.
fn replace(tree: &mut Value, at: &mut usize, value: &Value) -> bool {
    if *at == 0 {
        *tree = value.clone();
        return true;
    }
    *at -= 1;
    match tree {
        Value::Array(elements) => elements.iter_mut().any(|it| replace(it, at, value)),
        Value::Object(members) => members.values_mut().any(|it| replace(it, at, value)),
        _ => false,
    }
}

proptest! {
    #[test]
    fn what_the_schema_takes_the_types_take(at in 1_usize..120, value in values()) {
        let mut tree: Value = serde_json::from_str(EVERYTHING).unwrap();
        replace(&mut tree, &mut at.clone(), &value);
        let text = tree.to_string();
        let faults = Schema::load().unwrap().faults(&document::tree(&text).unwrap());
        let taken = serde_json::from_str::<Manifest>(&text);
        if ManifestError::unless_empty(faults).is_ok() {
            prop_assert!(taken.is_ok(), "{text}: {taken:?}");
        }
    }
}

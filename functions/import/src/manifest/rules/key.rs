//! The keys of the table and of its indexes.
//!
//! Sources:
//! [`CreateTable`](https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html),
//! and for the keys of global indexes [multi-attribute
//! keys](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.DesignPattern.MultiAttributeKeys.html).

use std::collections::BTreeSet;

use item::Excerpt;

use super::super::error::Faults;
use super::super::{KeySchemaElement, KeyType, Manifest};
use super::{TABLE, index, keys, repeated};

pub(super) fn check(manifest: &Manifest, faults: &mut Faults) {
    for (path, key_schema) in keys(manifest) {
        let each = if path.starts_with(index::GLOBAL) { 4 } else { 1 };
        order(&path, key_schema, each, faults);
    }
    let table = &manifest.table_creation_parameters;
    let no_indexes = table.global_secondary_indexes.is_empty()
        && manifest.headwater.local_secondary_indexes.is_empty();
    if table.attribute_definitions.is_empty() && no_indexes {
        return;
    }
    if table.key_schema.is_empty() {
        let reason = "beside AttributeDefinitions or indexes the key is not inferred; give it";
        return faults.add(format!("{TABLE}.KeySchema"), reason);
    }
    definitions(manifest, faults);
}

/// Partition keys come first, then sort keys, and of each there are `each` at most.
fn order(path: &str, key_schema: &[KeySchemaElement], each: usize, faults: &mut Faults) {
    let mut partitions = 0;
    for (at, element) in key_schema.iter().enumerate() {
        let sorts = at - partitions;
        let fault = match element.key_type {
            KeyType::Hash if sorts > 0 => Some("HASH comes before RANGE; swap them".to_owned()),
            KeyType::Range if partitions == 0 => Some(
                "HASH was expected, found RANGE; a key begins with its partition key".to_owned(),
            ),
            KeyType::Hash if partitions == each => Some(too_many("HASH", each)),
            KeyType::Range if sorts == each => Some(too_many("RANGE", each)),
            KeyType::Hash | KeyType::Range => None,
        };
        if let Some(reason) = fault {
            faults.add(format!("{path}[{at}].KeyType"), reason);
            break;
        }
        partitions += usize::from(element.key_type == KeyType::Hash);
    }
    let names: Vec<&str> = key_schema.iter().map(|it| it.attribute_name.as_str()).collect();
    for at in repeated(&names) {
        let reason = format!("{} is in the key already; name another", Excerpt::of(names[at]));
        faults.add(format!("{path}[{at}].AttributeName"), reason);
    }
}

fn too_many(place: &str, each: usize) -> String {
    match each {
        1 => format!("there is one {place} in this key; the attribute after it is its RANGE"),
        _ => format!("there are {each} {place} at most in this key; leave it out"),
    }
}

/// Every key has a type, and nothing else has.
fn definitions(manifest: &Manifest, faults: &mut Faults) {
    let definitions = &manifest.table_creation_parameters.attribute_definitions;
    let defined: Vec<&str> = definitions.iter().map(|it| it.attribute_name.as_str()).collect();
    for at in repeated(&defined) {
        let reason = format!("{} has a type already; keep one", Excerpt::of(defined[at]));
        faults.add(format!("{TABLE}.AttributeDefinitions[{at}].AttributeName"), reason);
    }
    let mut used = BTreeSet::new();
    for (path, key_schema) in keys(manifest) {
        for (at, KeySchemaElement { attribute_name: name, .. }) in key_schema.iter().enumerate() {
            if used.insert(name.as_str()) && !defined.contains(&name.as_str()) {
                let reason = format!(
                    "the type of {} is missing; give it in {TABLE}.AttributeDefinitions",
                    Excerpt::of(name)
                );
                faults.add(format!("{path}[{at}].AttributeName"), reason);
            }
        }
    }
    for (at, name) in defined.iter().enumerate().filter(|(_, name)| !used.contains(*name)) {
        let reason = format!(
            "{} is no key of the table or of an index, and only keys are defined here; leave it out",
            Excerpt::of(name)
        );
        faults.add(format!("{TABLE}.AttributeDefinitions[{at}].AttributeName"), reason);
    }
}

//! Secondary indexes.
//!
//! Source: [secondary
//! indexes](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/SecondaryIndexes.html)
//! and their
//! [quotas](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html#limits-secondary-indexes).

use item::Excerpt;

use super::super::error::Faults;
use super::super::table::attribute;
use super::super::{KeyType, Manifest, Projection, ProjectionType};
use super::{TABLE, repeated};

/// Where global indexes are.
pub(super) const GLOBAL: &str = "TableCreationParameters.GlobalSecondaryIndexes";
/// Where local indexes are.
const LOCAL: &str = "Headwater.LocalSecondaryIndexes";
/// Attributes that all indexes of a table name together.
const MAX_PROJECTED: usize = 100;

pub(super) fn global_path(at: usize) -> String {
    format!("{GLOBAL}[{at}]")
}

pub(super) fn local_path(at: usize) -> String {
    format!("{LOCAL}[{at}]")
}

/// What both kinds of index have.
struct Index<'m> {
    path: String,
    name: &'m str,
    projection: &'m Projection,
}

pub(super) fn check(manifest: &Manifest, faults: &mut Faults) {
    let indexes = indexes(manifest);
    for index in &indexes {
        name(index, faults);
        projection(index, faults);
    }
    let names: Vec<&str> = indexes.iter().map(|index| index.name).collect();
    for at in repeated(&names) {
        let reason =
            format!("another index is named {} already; rename one", Excerpt::of(names[at]));
        faults.add(format!("{}.IndexName", indexes[at].path), reason);
    }
    let projected: usize =
        indexes.iter().map(|index| index.projection.non_key_attributes.len()).sum();
    if projected > MAX_PROJECTED {
        let reason = format!(
            "the indexes of a table name {MAX_PROJECTED} NonKeyAttributes together, found {projected}; \
             name fewer, or project ALL"
        );
        faults.add(GLOBAL, reason);
    }
    local(manifest, faults);
}

fn indexes(manifest: &Manifest) -> Vec<Index<'_>> {
    let global = &manifest.table_creation_parameters.global_secondary_indexes;
    let global = global.iter().enumerate().map(|(at, index)| Index {
        path: global_path(at),
        name: &index.index_name,
        projection: &index.projection,
    });
    let local = &manifest.headwater.local_secondary_indexes;
    let local = local.iter().enumerate().map(|(at, index)| Index {
        path: local_path(at),
        name: &index.index_name,
        projection: &index.projection,
    });
    global.chain(local).collect()
}

fn name(index: &Index<'_>, faults: &mut Faults) {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if !index.name.bytes().all(allowed) {
        let reason = format!(
            "letters, digits, underscores, hyphens and dots were expected, found {}",
            Excerpt::of(index.name)
        );
        faults.add(format!("{}.IndexName", index.path), reason);
    }
}

fn projection(index: &Index<'_>, faults: &mut Faults) {
    let Projection { projection_type, non_key_attributes } = index.projection;
    match (projection_type, non_key_attributes.is_empty()) {
        (ProjectionType::Include, true) => faults.add(
            format!("{}.Projection", index.path),
            "INCLUDE needs NonKeyAttributes; name them, or project ALL or KEYS_ONLY",
        ),
        (ProjectionType::All | ProjectionType::KeysOnly, false) => faults.add(
            format!("{}.Projection.NonKeyAttributes", index.path),
            "only the ProjectionType INCLUDE names attributes; leave them out, or project INCLUDE",
        ),
        (ProjectionType::Include, false)
        | (ProjectionType::All | ProjectionType::KeysOnly, true) => {}
    }
}

/// A local index has the table's partition key, in a table that has a sort key.
fn local(manifest: &Manifest, faults: &mut Faults) {
    let local = &manifest.headwater.local_secondary_indexes;
    let table = &manifest.table_creation_parameters;
    let Some(partition) = table.partition_key().filter(|_| !local.is_empty()) else {
        return;
    };
    if table.sort_key().is_none() {
        let reason = format!(
            "a table with local indexes has a sort key; give it in {TABLE}.KeySchema, or make them \
             {GLOBAL}"
        );
        faults.add(LOCAL, reason);
    }
    for (at, index) in local.iter().enumerate() {
        let found = attribute(&index.key_schema, KeyType::Hash);
        if let Some(found) = found.filter(|found| *found != partition) {
            let reason = format!(
                "the table's partition key, {}, was expected, found {}; an index with another is one \
                 of {GLOBAL}",
                Excerpt::of(partition),
                Excerpt::of(found)
            );
            faults.add(format!("{}.KeySchema", local_path(at)), reason);
        }
        if attribute(&index.key_schema, KeyType::Range).is_none() {
            let reason = "a local index has a sort key (RANGE) of its own; give it";
            faults.add(format!("{}.KeySchema", local_path(at)), reason);
        }
    }
}

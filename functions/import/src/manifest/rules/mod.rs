//! What the whole of a manifest must keep to, beyond what each field does.
//!
//! | file | what it looks at |
//! |---|---|
//! | `key` | the key's order, and the types of all keys |
//! | `index` | names, projections, local indexes beside the table's key |
//! | `capacity` | capacity against the billing mode, encryption |
//! | `reading` | where the objects are; what is said of CSV |
//! | `options` | the engine against what only one has; tags; time to live |
//!
//! What DynamoDB would refuse, and what would be passed over in silence, is a fault here: nothing
//! that is given is ignored.

mod capacity;
mod index;
mod key;
mod options;
mod reading;

use item::Excerpt;
use item::limits::TableName;

use super::error::Faults;
use super::{KeySchemaElement, Manifest};

/// Where the table's parameters are.
const TABLE: &str = "TableCreationParameters";

/// All that speaks against a manifest whose fields are as they should be.
pub(super) fn faults(manifest: &Manifest) -> Faults {
    let mut faults = Faults::default();
    key::check(manifest, &mut faults);
    index::check(manifest, &mut faults);
    capacity::check(manifest, &mut faults);
    reading::check(manifest, &mut faults);
    options::check(manifest, &mut faults);
    faults
}

/// What speaks against a manifest in the folder of this table.
pub(super) fn faults_for_table(manifest: &Manifest, table: &TableName) -> Faults {
    let mut faults = Faults::default();
    match &manifest.table_creation_parameters.table_name {
        Some(name) if name != table.as_str() => faults.add(
            format!("{TABLE}.TableName"),
            format!(
                "{table}, the folder's name, was expected, found {}; leave it out, or move the folder",
                Excerpt::of(name)
            ),
        ),
        Some(_) | None => {}
    }
    faults
}

/// Every key there is, with its path: the table's, those of global indexes, those of local ones.
fn keys(manifest: &Manifest) -> impl Iterator<Item = (String, &[KeySchemaElement])> {
    let table = &manifest.table_creation_parameters;
    let of_table = (format!("{TABLE}.KeySchema"), table.key_schema.as_slice());
    let global = table.global_secondary_indexes.iter().enumerate();
    let local = manifest.headwater.local_secondary_indexes.iter().enumerate();
    std::iter::once(of_table)
        .chain(global.map(|(at, it)| (index::global_path(at) + ".KeySchema", &*it.key_schema)))
        .chain(local.map(|(at, it)| (index::local_path(at) + ".KeySchema", &*it.key_schema)))
}

/// The places at which a value stands that stood before.
fn repeated<T: PartialEq>(values: &[T]) -> impl Iterator<Item = usize> {
    (0..values.len()).filter(|&at| values[..at].contains(&values[at]))
}

//! Headwater's own options.

use std::collections::HashSet;

use item::Excerpt;
use item::key::KeyType;

use super::super::error::Faults;
use super::super::{ColumnType, Engine, Manifest};

/// What the keys of tags begin with that are not the user's to give, in whatever case.
///
/// Source for `aws:`: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Tagging.html>
const RESERVED: [&str; 2] = ["aws:", "headwater"];

pub(super) fn check(manifest: &Manifest, faults: &mut Faults) {
    engine(manifest, faults);
    time_to_live(manifest, faults);
    tags(manifest, faults);
}

fn engine(manifest: &Manifest, faults: &mut Faults) {
    if manifest.headwater.engine != Engine::Native {
        return;
    }
    for (option, why) in manifest.direct_only() {
        let reason = format!(
            "native is DynamoDB's ImportTable, and {option} needs direct ({why}); make it direct or auto, \
             or leave {option} out"
        );
        faults.add("Headwater.Engine", reason);
    }
}

/// An item whose time is no number would never go.
fn time_to_live(manifest: &Manifest, faults: &mut Faults) {
    let Some(name) = &manifest.headwater.time_to_live_attribute else { return };
    let key_type = manifest.table_creation_parameters.attribute_type(name);
    let column_type = manifest.headwater.column_types.get(name);
    if key_type.is_some_and(|kind| kind != KeyType::N)
        || column_type.is_some_and(|kind| *kind != ColumnType::N)
    {
        let reason = format!(
            "a number, seconds since 1970, was expected, and {} is given another type; make that N",
            Excerpt::of(name)
        );
        faults.add("Headwater.TimeToLiveAttribute", reason);
    }
}

fn tags(manifest: &Manifest, faults: &mut Faults) {
    let mut keys = HashSet::new();
    for (at, tag) in manifest.headwater.tags.iter().enumerate() {
        let path = format!("Headwater.Tags[{at}].Key");
        let begins = |reserved: &&&str| {
            tag.key.get(..reserved.len()).is_some_and(|it| it.eq_ignore_ascii_case(reserved))
        };
        if let Some(reserved) = RESERVED.iter().find(begins) {
            let reason = format!(
                "tags that begin with {reserved} are not given by hand, found {}; rename it",
                Excerpt::of(&tag.key)
            );
            faults.add(path.as_str(), reason);
        }
        if !keys.insert(tag.key.as_str()) {
            let reason = format!("another tag is {} already; keep one", Excerpt::of(&tag.key));
            faults.add(path, reason);
        }
        for (field, text) in [("Key", &tag.key), ("Value", &tag.value)] {
            characters(&format!("Headwater.Tags[{at}].{field}"), text, faults);
        }
    }
}

fn characters(path: &str, text: &str, faults: &mut Faults) {
    let allowed = |c: char| c.is_alphanumeric() || c == ' ' || "+-=._:/@".contains(c);
    if !text.chars().all(allowed) {
        let reason = format!(
            "letters, digits, spaces and + - = . _ : / @ were expected, found {}",
            Excerpt::of(text)
        );
        faults.add(path, reason);
    }
}

//! Column names are safe, distinct and stable as the registry grows.

use std::collections::HashSet;

use lake::{ColumnKey, Kind, Registry, name};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

fn keys() -> impl Strategy<Value = Vec<ColumnKey>> {
    let attribute = prop_oneof![
        4 => item::testing::names(),
        4 => "[aA_]{1,3}(__(string|double|json))?(_[23])?",
        1 => select(vec!["dt", "DT", "snapshot", "window_end", "_op", "a".repeat(300).leak(), "b".repeat(255).leak()])
            .prop_map(str::to_owned),
    ];
    let key = (attribute, select(Kind::ALL.as_slice()));
    vec(key.prop_map(|(attribute, kind)| ColumnKey { attribute, kind }), 0..12)
}

fn is_safe(name: &str) -> bool {
    name.len() <= name::MAX_NAME_BYTES
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && !name::RESERVED.contains(&name)
}

proptest! {
    #[test]
    fn names_are_safe_distinct_and_stay(batches in vec(keys(), 0..4), limit in 0..20_usize) {
        let mut registry = Registry::new();
        for keys in &batches {
            let before = registry.clone();
            let added = registry.assign(keys, limit);

            let mut again = before.clone();
            prop_assert_eq!(&again.assign(keys, limit), &added, "the same keys give the same names");
            prop_assert_eq!(&again, &registry);
            let kept = before.columns().len();
            prop_assert_eq!(&registry.columns()[..kept], before.columns());
            prop_assert_eq!(&registry.columns()[kept..], added.as_slice());

            let names: HashSet<_> = registry.columns().iter().map(|c| c.name.as_str()).collect();
            prop_assert_eq!(names.len(), registry.columns().len());
            prop_assert!(names.iter().all(|name| is_safe(name)), "{:?}", names);
            prop_assert!(registry.columns().len() <= limit);
        }
        let named = |key: &ColumnKey| registry.name_of(&key.attribute, key.kind).is_some();
        let full = registry.columns().len() == limit;
        prop_assert!(full || batches.iter().flatten().all(named));
    }
}

//! What the rules of a table do to its items.

use std::borrow::Cow;
use std::sync::Arc;

use super::hash::HashKey;
use super::rules::{Action, Fate, Paths};
use crate::{Item, Map, Value};

/// The rules of one table, and the key to hash by.
#[derive(Debug, Clone)]
pub struct Redaction {
    paths: Paths,
    key: Option<Arc<HashKey>>,
}

impl Redaction {
    pub(super) fn new(paths: Paths, key: Option<Arc<HashKey>>) -> Self {
        Self { paths, key }
    }

    /// The item as it may be written.
    pub fn redact<'b>(&'b self, item: &'b Item<'_>) -> Item<'b> {
        let (mut attributes, mut texts) = (Vec::with_capacity(item.len()), Vec::new());
        for at in 0..item.len() {
            let (name, value) = item.entry(at);
            let (value, text) = match self.paths.get(name) {
                None => (Some(value.reborrow()), item.text(at).unwrap_or_default()),
                Some(fate) => (self.meet(fate, value), ""),
            };
            if let Some(value) = value {
                attributes.push((Cow::Borrowed(name), value));
                texts.push(text);
            }
        }
        Item::with_texts(Map::from_distinct(attributes), texts)
    }

    /// Whether a rule is on an attribute, or on something within it.
    pub fn touches(&self, attribute: &str) -> bool {
        self.paths.contains_key(attribute)
    }

    /// Of the names of a key's attributes those that a rule is on. Such a rule takes the attribute's column alone: a key
    /// is what an item is known by, and stays.
    pub fn in_vain_on<'k>(&self, key: impl IntoIterator<Item = &'k str>) -> Vec<&'k str> {
        key.into_iter().filter(|name| self.touches(name)).collect()
    }

    /// Tells these rules and their key from others, without telling the key.
    pub fn mark(&self) -> String {
        let rules = format!("{:?}", self.paths);
        match &self.key {
            Some(key) => key.hash_text(&rules)[..16].to_owned(),
            None => format!("{:016x}", xxhash_rust::xxh64::xxh64(rules.as_bytes(), 0)),
        }
    }

    /// What becomes of a value.
    fn meet<'b>(&'b self, fate: &'b Fate, value: &'b Value<'_>) -> Option<Value<'b>> {
        match (fate, &self.key) {
            (Fate::Within(paths), _) => Some(self.within(paths, value)),
            (Fate::Whole(Action::Hash), Some(key)) => Some(Value::S(key.hash(value).into())),
            // Without a key there is no rule that hashes.
            (Fate::Whole(Action::Drop | Action::Hash), _) => None,
        }
    }

    /// A value that holds what rules are on: in maps, and in those of lists.
    fn within<'b>(&'b self, paths: &'b Paths, value: &'b Value<'_>) -> Value<'b> {
        match value {
            Value::M(map) => {
                let entry = |(name, value): (&'b str, &'b Value<'_>)| {
                    let value = match paths.get(name) {
                        None => Some(value.reborrow()),
                        Some(fate) => self.meet(fate, value),
                    };
                    value.map(|value| (Cow::Borrowed(name), value))
                };
                Value::M(Map::from_distinct(map.iter().filter_map(entry).collect()))
            }
            Value::L(list) => {
                Value::L(list.iter().map(|value| self.within(paths, value)).collect())
            }
            Value::S(_)
            | Value::N(_)
            | Value::B(_)
            | Value::Bool(_)
            | Value::Null
            | Value::Ss(_)
            | Value::Ns(_)
            | Value::Bs(_) => value.reborrow(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::format::dynamodb_json::{parse_item, write_item};
    use crate::privacy::{Privacy, Redaction};
    use crate::{canonical, testing};

    fn redaction(rules: &str) -> Redaction {
        let key = Some("0123456789abcdef0123456789abcdef");
        let privacy = Privacy::new(rules.parse().unwrap(), key).unwrap();
        Redaction::clone(&privacy.of("t").unwrap())
    }

    fn check(rules: &str, item: &str) -> String {
        let item = parse_item(item.as_bytes()).unwrap();
        let redaction = redaction(rules);
        let redacted = redaction.redact(&item);
        let mut text = String::new();
        write_item(&redacted, &mut text);
        // The texts that are left are those of their attributes.
        assert_eq!(canonical(&redacted), canonical(&redacted.clone().into_owned()));
        text
    }

    #[test]
    fn attributes_are_dropped_and_hashed_by_name() {
        let item = r#"{"a":{"S":"x"},"b":{"N":"1.0"},"A":{"S":"x"},"c":{"SS":["y","x"]}}"#;
        insta::assert_snapshot!(check("t:drop=a", item), @r#"{"b":{"N":"1"},"A":{"S":"x"},"c":{"SS":["y","x"]}}"#);
        insta::assert_snapshot!(check("t:hash=a,b", item), @r#"{"a":{"S":"2692243ad7d97b31aadd42e63dee9cbb119fef2b74cdff9dd78a2ec65ee1b5fe"},"b":{"S":"2e70e7beb6d29cd63d4fbc397766f68ef2de6143881f964b466f7a34a9a7b604"},"A":{"S":"x"},"c":{"SS":["y","x"]}}"#);
        insta::assert_snapshot!(check("t:drop=a,b,c,A", item), @"{}");
        insta::assert_snapshot!(check("t:drop=other", item), @r#"{"a":{"S":"x"},"b":{"N":"1"},"A":{"S":"x"},"c":{"SS":["y","x"]}}"#);
    }

    #[test]
    fn paths_go_through_maps_and_lists() {
        let item = r#"{"card":{"M":{"number":{"S":"4111"},"by":{"S":"x"}}},
            "cards":{"L":[{"M":{"number":{"S":"4111"}}},{"L":[{"M":{"number":{"N":"2"},"x":{"NULL":true}}}]},{"S":"4111"}]},
            "n":{"S":"4111"}}"#;
        insta::assert_snapshot!(check("t:drop=card.number,cards.number,n.number", item), @r#"{"card":{"M":{"by":{"S":"x"}}},"cards":{"L":[{"M":{}},{"L":[{"M":{"x":{"NULL":true}}}]},{"S":"4111"}]},"n":{"S":"4111"}}"#);
        insta::assert_snapshot!(check("t:hash=card.number; t:drop=cards", item), @r#"{"card":{"M":{"by":{"S":"x"},"number":{"S":"cf7a08615e35841954bdfa35d0e0491f1b1e872654b6eff309f6b50fc5d42109"}}},"n":{"S":"4111"}}"#);
        insta::assert_snapshot!(check("t:hash=card; t:drop=card.number,cards.number.x", item), @r#"{"card":{"S":"2519f842a6fdfb3e762926fdd443b540cf60a9d18f8f157ed51bd0f34003a1b5"},"cards":{"L":[{"M":{"number":{"S":"4111"}}},{"L":[{"M":{"number":{"N":"2"},"x":{"NULL":true}}}]},{"S":"4111"}]},"n":{"S":"4111"}}"#);
    }

    #[test]
    fn a_rule_on_a_key_attribute_is_in_vain() {
        let rules = redaction("t:drop=tailnum,seats; t:hash=owner.name");
        assert_eq!(rules.in_vain_on(["tailnum", "owner"]), ["tailnum", "owner"]);
        assert_eq!(rules.in_vain_on(["tailnum", "Seats"]), ["tailnum"], "names are as they are");
        assert!(rules.in_vain_on(["pk", "sk"]).is_empty());
    }

    #[test]
    fn a_mark_is_of_the_rules_and_of_the_key() {
        let key = Some("another key, of 32 bytes or more");
        let other_key = Privacy::new("t:drop=a".parse().unwrap(), key).unwrap().of("t").unwrap();
        let no_key = Privacy::new("t:drop=a".parse().unwrap(), None).unwrap().of("t").unwrap();
        let mark = redaction("t:drop=a").mark();
        assert_eq!(redaction("x:drop=b; *:drop=a").mark(), mark);
        for other in [redaction("t:hash=a").mark(), other_key.mark(), no_key.mark()] {
            assert_ne!(other, mark);
        }
    }

    proptest! {
        #[test]
        fn what_no_rule_is_on_stays(item in testing::items()) {
            let rules = redaction("t:drop=a; t:hash=A; t:drop=aa.a");
            let redacted = rules.redact(&item);
            for (name, value) in item.iter().filter(|(name, _)| !rules.touches(name)) {
                prop_assert_eq!(redacted.get(name), Some(value));
            }
            prop_assert!(redacted.get("a").is_none());
            prop_assert_eq!(redacted.get("A").is_some(), item.get("A").is_some());
        }

        #[test]
        fn equal_items_are_equal_when_redacted(item in testing::items()) {
            let rules = redaction("t:hash=a,A; t:hash=aa.a; t:drop=a b");
            let mut text = String::new();
            write_item(&item, &mut text);
            let read = parse_item(text.as_bytes()).unwrap();
            prop_assert_eq!(canonical(&rules.redact(&read)), canonical(&rules.redact(&item)));
        }
    }
}

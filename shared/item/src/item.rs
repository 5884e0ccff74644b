//! An item: its attributes, and their canonical texts where the source had them.

use std::borrow::Cow;
use std::ops::Deref;

use crate::{Map, Value};

/// An item: its attributes by name.
///
/// Read like the [`Map`] it is. Besides, an item that was read from DynamoDB JSON remembers which of its
/// attributes stood there in canonical text, so that [`write_canonical`](crate::write_canonical) copies
/// instead of writing them anew: exports and streams are compact and have canonical numbers, so that
/// is nearly all of them.
#[derive(Debug, Clone, Default)]
pub struct Item<'a> {
    attributes: Map<'a>,
    /// The canonical text of each attribute, `"name":{"S":"text"}`, or nothing where it is not known; shorter
    /// than the map where none of the rest is known.
    texts: Vec<&'a str>,
}

impl<'a> Item<'a> {
    /// An item without attributes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes attributes whose names the caller knows to differ from one another.
    pub fn from_distinct(attributes: Vec<(Cow<'a, str>, Value<'a>)>) -> Self {
        Map::from_distinct(attributes).into()
    }

    /// Takes attributes and the canonical text of each; an empty one is not known.
    pub(crate) fn with_texts(attributes: Map<'a>, texts: Vec<&'a str>) -> Self {
        Self { attributes, texts }
    }

    /// Sets an attribute and returns what it was before.
    pub fn insert(&mut self, name: impl Into<Cow<'a, str>>, value: Value<'a>) -> Option<Value<'a>> {
        self.texts.clear();
        self.attributes.insert(name, value)
    }

    /// The canonical text of the attribute at a place, counted from 0, where the source had it.
    pub(crate) fn text(&self, at: usize) -> Option<&'a str> {
        self.texts.get(at).copied().filter(|text| !text.is_empty())
    }

    /// The same item, borrowing its names and values from this one.
    pub fn reborrow(&self) -> Item<'_> {
        Item { attributes: self.attributes.reborrow(), texts: self.texts.clone() }
    }

    /// The same item, borrowing nothing.
    pub fn into_owned(self) -> Item<'static> {
        self.attributes.into_owned().into()
    }

    /// The attributes.
    pub fn into_map(self) -> Map<'a> {
        self.attributes
    }
}

impl<'a> Deref for Item<'a> {
    type Target = Map<'a>;

    fn deref(&self) -> &Map<'a> {
        &self.attributes
    }
}

impl<'a> From<Map<'a>> for Item<'a> {
    fn from(attributes: Map<'a>) -> Self {
        Self { attributes, texts: Vec::new() }
    }
}

impl PartialEq for Item<'_> {
    /// Whether the attributes are equal.
    fn eq(&self, other: &Self) -> bool {
        self.attributes == other.attributes
    }
}

impl Eq for Item<'_> {}

impl<'a> IntoIterator for Item<'a> {
    type Item = (Cow<'a, str>, Value<'a>);
    type IntoIter = <Map<'a> as IntoIterator>::IntoIter;

    fn into_iter(self) -> Self::IntoIter {
        self.attributes.into_iter()
    }
}

impl<'a> FromIterator<(Cow<'a, str>, Value<'a>)> for Item<'a> {
    /// Collects attributes; the last value of a repeated name holds.
    fn from_iter<T: IntoIterator<Item = (Cow<'a, str>, Value<'a>)>>(attributes: T) -> Self {
        Map::from_iter(attributes).into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::format::dynamodb_json::{parse_item, write_item};
    use crate::{Value, canonical, testing};

    /// Which attributes of an item were canonical in the text it was read from.
    fn known(text: &str) -> Vec<bool> {
        let item = parse_item(text.as_bytes()).unwrap();
        assert_eq!(canonical(&item), canonical(&item.clone().into_owned()), "{text}");
        (0..item.len()).map(|at| item.text(at).is_some()).collect()
    }

    #[test]
    fn canonical_texts_are_told_from_others() {
        for (value, canonical) in [
            (r#"{"S":"a b é"}"#, true),
            (r#"{"S":""}"#, true),
            (r#"{"S":"\"\\\b\f\n\r\t"}"#, true),
            (r#"{"S":"\/"}"#, false),
            (r#"{"S":"\u001f"}"#, false),
            (r#"{"S":"\u0041"}"#, false),
            (r#"{"S": "a"}"#, false),
            (r#"{ "S":"a"}"#, false),
            (r#"{"S":"a" }"#, false),
            (r#"{"\u0053":"a"}"#, false),
            (r#"{"N":"12.5"}"#, true),
            (r#"{"N":"12.50"}"#, false),
            (r#"{"N":"1.0"}"#, false),
            (r#"{"N":"-0.0"}"#, false),
            (r#"{"NS":["1.0","2"]}"#, false),
            (r#"{"M":{"a\n":{"NULL":true}}}"#, true),
            (r#"{"N":"1E3"}"#, false),
            (r#"{"B":"aGk="}"#, true),
            (r#"{"BOOL":true}"#, true),
            (r#"{"NULL":true}"#, true),
            (r#"{"SS":["a","b"]}"#, true),
            (r#"{"SS":["b","a"]}"#, false),
            (r#"{"NS":["10","2"]}"#, true),
            (r#"{"NS":["2","10"]}"#, false),
            (r#"{"BS":["AA==","AQ=="]}"#, true),
            (r#"{"BS":["AQ==","AA=="]}"#, false),
            (r#"{"L":[{"S":"b"},{"S":"a"}]}"#, true),
            (r#"{"L":[{"S":"b"}, {"S":"a"}]}"#, false),
            (r#"{"M":{"a":{"N":"1"},"b":{"N":"1"}}}"#, true),
            (r#"{"M":{"b":{"N":"1"},"a":{"N":"1"}}}"#, false),
            (r#"{"M":{"a":{"M":{"z":{"NULL":true},"y":{"NULL":true}}}}}"#, false),
            (r#"{"M":{}}"#, true),
        ] {
            let text = format!(r#"{{"z":{value},"a":{value},"x":{{"N":"1"}}}}"#);
            assert_eq!(known(&text), [canonical, canonical, true], "{value}");
        }
    }

    #[test]
    fn names_are_canonical_too() {
        for (name, canonical) in [
            (r#""a":"#, true),
            (r#""é\n":"#, true),
            (r#""\u0061":"#, false),
            (r#""a" :"#, false),
            (r#""a": "#, false),
            (r#" "a":"#, false),
        ] {
            let text = format!(r#"{{"x":{{"N":"1"}},{name}{{"N":"1"}},"y":{{"N":"1"}}}}"#);
            assert_eq!(known(&text), [true, canonical, true], "{name}");
        }
    }

    #[test]
    fn a_changed_item_forgets_its_texts() {
        let mut item = parse_item(br#"{"a":{"S":"old"}}"#).unwrap();
        item.insert("a", Value::Bool(true));
        assert_eq!(canonical(&item), r#"{"a":{"BOOL":true}}"#);
    }

    proptest! {
        #[test]
        fn texts_change_nothing(item in testing::items()) {
            let mut text = String::new();
            write_item(&item, &mut text);
            let read = parse_item(text.as_bytes()).unwrap();
            prop_assert_eq!(canonical(&read), canonical(&item));
        }
    }
}

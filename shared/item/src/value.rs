//! The ten attribute types of DynamoDB.

use std::borrow::Cow;

use crate::Number;
use crate::error::{Excerpt, Reason};
use crate::format::distinct::repeated_name;

/// An attribute value: one variant per DynamoDB type, named by its type descriptor.
///
/// Source: [Supported data types](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html).
///
/// Two values are equal when DynamoDB holds them equal: sets compare without order, and maps by
/// name. Numbers are canonical by construction, so `1`, `1.0` and `1E0` are one value.
#[derive(Debug, Clone)]
pub enum Value<'a> {
    /// A string of Unicode text.
    S(Cow<'a, str>),
    /// A number of up to 38 significant digits.
    N(Number<'a>),
    /// Bytes.
    B(Cow<'a, [u8]>),
    /// A boolean.
    Bool(bool),
    /// The null value.
    Null,
    /// A set of strings.
    Ss(Vec<Cow<'a, str>>),
    /// A set of numbers.
    Ns(Vec<Number<'a>>),
    /// A set of byte strings.
    Bs(Vec<Cow<'a, [u8]>>),
    /// A list of values of any type.
    L(Vec<Value<'a>>),
    /// A map from names to values.
    M(Map<'a>),
}

/// Named values in the order they were read; a name occurs once.
///
/// The order carries no meaning to DynamoDB and none to equality. It is kept because rows of one
/// source tend to repeat it, which readers further down use to find columns without hashing. Within
/// the maps of DynamoDB JSON nobody does, so those are read in the order of their names.
#[derive(Debug, Clone, Default)]
pub struct Map<'a> {
    entries: Vec<(Cow<'a, str>, Value<'a>)>,
}

impl<'a> Map<'a> {
    /// A map without entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes entries whose names the caller knows to differ from one another.
    ///
    /// Parsers check this as they read; use [`Map::insert`] where it is not known.
    pub fn from_distinct(entries: Vec<(Cow<'a, str>, Value<'a>)>) -> Self {
        debug_assert!(repeated_name(&entries).is_none(), "a name occurs twice");
        Self { entries }
    }

    /// Takes entries whose names the caller does not know; fails where a name repeats.
    pub fn from_entries(entries: Vec<(Cow<'a, str>, Value<'a>)>) -> Result<Self, Reason> {
        match repeated_name(&entries) {
            None => Ok(Self { entries }),
            Some(index) => Err(Reason::DuplicateName(Excerpt::of(&entries[index].0))),
        }
    }

    /// Sets `name` to `value` and returns what it was before.
    pub fn insert(&mut self, name: impl Into<Cow<'a, str>>, value: Value<'a>) -> Option<Value<'a>> {
        let name = name.into();
        if let Some((_, old)) = self.entries.iter_mut().find(|(n, _)| *n == name) {
            return Some(std::mem::replace(old, value));
        }
        self.entries.push((name, value));
        None
    }

    /// The value of `name`.
    pub fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.entries.iter().find(|(n, _)| n == name).map(|(_, value)| value)
    }

    /// Names and values in the order they were read.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value<'a>)> {
        self.entries.iter().map(|(name, value)| (name.as_ref(), value))
    }

    /// The name and value at a place, counted from 0 in the order they were read.
    pub(crate) fn entry(&self, at: usize) -> (&str, &Value<'a>) {
        let (name, value) = &self.entries[at];
        (name, value)
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The same map, borrowing its names and values from this one.
    pub fn reborrow(&self) -> Map<'_> {
        let lend = |(name, value)| (Cow::Borrowed(name), Value::reborrow(value));
        Map { entries: self.iter().map(lend).collect() }
    }

    /// The same map, borrowing nothing.
    pub fn into_owned(self) -> Map<'static> {
        Map {
            entries: self
                .entries
                .into_iter()
                .map(|(name, value)| (Cow::Owned(name.into_owned()), value.into_owned()))
                .collect(),
        }
    }
}

impl<'a> IntoIterator for Map<'a> {
    type Item = (Cow<'a, str>, Value<'a>);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

impl<'a> FromIterator<(Cow<'a, str>, Value<'a>)> for Map<'a> {
    /// Collects entries; the last value of a repeated name holds.
    fn from_iter<T: IntoIterator<Item = (Cow<'a, str>, Value<'a>)>>(entries: T) -> Self {
        let mut map = Self::new();
        for (name, value) in entries {
            map.insert(name, value);
        }
        map
    }
}

impl PartialEq for Map<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(name, value)| other.get(name) == Some(value))
    }
}

impl Eq for Map<'_> {}

impl PartialEq for Value<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::S(a), Self::S(b)) => a == b,
            (Self::N(a), Self::N(b)) => a == b,
            (Self::B(a), Self::B(b)) => a == b,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Null, Self::Null) => true,
            (Self::Ss(a), Self::Ss(b)) => same_members(a, b),
            (Self::Ns(a), Self::Ns(b)) => same_members(a, b),
            (Self::Bs(a), Self::Bs(b)) => same_members(a, b),
            (Self::L(a), Self::L(b)) => a == b,
            (Self::M(a), Self::M(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Value<'_> {}

/// Whether two sets have the same members; neither holds a member twice.
fn same_members<T: Ord>(a: &[T], b: &[T]) -> bool {
    let sorted = |set: &[T]| {
        let mut order: Vec<usize> = (0..set.len()).collect();
        order.sort_unstable_by(|&i, &j| set[i].cmp(&set[j]));
        order
    };
    a.len() == b.len() && sorted(a).iter().zip(sorted(b)).all(|(&i, j)| a[i] == b[j])
}

impl Value<'_> {
    /// The type descriptor, as DynamoDB JSON spells it.
    pub fn type_descriptor(&self) -> &'static str {
        match self {
            Self::S(_) => "S",
            Self::N(_) => "N",
            Self::B(_) => "B",
            Self::Bool(_) => "BOOL",
            Self::Null => "NULL",
            Self::Ss(_) => "SS",
            Self::Ns(_) => "NS",
            Self::Bs(_) => "BS",
            Self::L(_) => "L",
            Self::M(_) => "M",
        }
    }

    /// The same value, borrowing its texts and bytes from this one.
    pub fn reborrow(&self) -> Value<'_> {
        fn lend<'b, T: ToOwned + ?Sized>(set: &'b [Cow<'_, T>]) -> Vec<Cow<'b, T>> {
            set.iter().map(|member| Cow::Borrowed(member.as_ref())).collect()
        }
        match self {
            Self::S(text) => Value::S(Cow::Borrowed(text)),
            Self::N(number) => Value::N(number.reborrow()),
            Self::B(bytes) => Value::B(Cow::Borrowed(bytes)),
            Self::Bool(truth) => Value::Bool(*truth),
            Self::Null => Value::Null,
            Self::Ss(set) => Value::Ss(lend(set)),
            Self::Ns(set) => Value::Ns(set.iter().map(Number::reborrow).collect()),
            Self::Bs(set) => Value::Bs(lend(set)),
            Self::L(list) => Value::L(list.iter().map(Value::reborrow).collect()),
            Self::M(map) => Value::M(map.reborrow()),
        }
    }

    /// The same value, borrowing nothing.
    pub fn into_owned(self) -> Value<'static> {
        fn own<T: ToOwned + ?Sized>(set: Vec<Cow<'_, T>>) -> Vec<Cow<'static, T>> {
            set.into_iter().map(|member| Cow::Owned(member.into_owned())).collect()
        }
        match self {
            Self::S(text) => Value::S(Cow::Owned(text.into_owned())),
            Self::N(number) => Value::N(number.into_owned()),
            Self::B(bytes) => Value::B(Cow::Owned(bytes.into_owned())),
            Self::Bool(truth) => Value::Bool(truth),
            Self::Null => Value::Null,
            Self::Ss(set) => Value::Ss(own(set)),
            Self::Ns(set) => Value::Ns(set.into_iter().map(Number::into_owned).collect()),
            Self::Bs(set) => Value::Bs(own(set)),
            Self::L(list) => Value::L(list.into_iter().map(Value::into_owned).collect()),
            Self::M(map) => Value::M(map.into_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing;

    fn parse(text: &str) -> Value<'_> {
        crate::format::dynamodb_json::parse_value(text.as_bytes()).unwrap()
    }

    #[test]
    fn equals_what_dynamodb_holds_equal() {
        for (a, b, equal) in [
            (r#"{"N":"1.0"}"#, r#"{"N":"1E0"}"#, true),
            (r#"{"N":"1"}"#, r#"{"S":"1"}"#, false),
            (r#"{"SS":["a","b"]}"#, r#"{"SS":["b","a"]}"#, true),
            (r#"{"SS":["a","b"]}"#, r#"{"SS":["a","c"]}"#, false),
            (r#"{"SS":["a","b"]}"#, r#"{"SS":["a"]}"#, false),
            (r#"{"NS":["1"]}"#, r#"{"SS":["1"]}"#, false),
            (r#"{"L":[{"N":"1"},{"N":"2"}]}"#, r#"{"L":[{"N":"2"},{"N":"1"}]}"#, false),
            (
                r#"{"M":{"a":{"N":"1"},"b":{"N":"2"}}}"#,
                r#"{"M":{"b":{"N":"2"},"a":{"N":"1"}}}"#,
                true,
            ),
            (r#"{"M":{"a":{"N":"1"}}}"#, r#"{"M":{"A":{"N":"1"}}}"#, false),
        ] {
            assert_eq!(parse(a) == parse(b), equal, "{a} {b}");
        }
    }

    #[test]
    fn maps_hold_a_name_once() {
        let mut map = Map::from_iter([("a".into(), Value::Null), ("b".into(), Value::Null)]);
        assert_eq!(map.insert("a", Value::Bool(true)), Some(Value::Null));
        assert_eq!(map.insert("c", Value::Null), None);
        assert_eq!(map.get("a"), Some(&Value::Bool(true)));
        assert_eq!(map.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["a", "b", "c"]);
    }

    #[test]
    #[should_panic(expected = "a name occurs twice")]
    #[cfg(debug_assertions)]
    fn distinct_names_are_distinct() {
        Map::from_distinct(vec![("a".into(), Value::Null), ("a".into(), Value::Null)]);
    }

    proptest! {
        #[test]
        fn copies_are_equal(item in testing::items()) {
            prop_assert_eq!(&item.reborrow(), &item);
            prop_assert_eq!(item.reborrow().into_owned(), item);
        }
    }
}

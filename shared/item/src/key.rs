//! Primary keys: which attributes make one, and the key of an item.

use crate::error::{ItemError, Reason};
use crate::limits::{MAX_PARTITION_KEY_BYTES, MAX_SORT_KEY_BYTES};
use crate::{Item, Map, Value};

/// The attributes that make a table's primary key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeySchema {
    /// The partition (hash) key.
    pub partition: KeyAttribute,
    /// The sort (range) key, if the table has one.
    pub sort: Option<KeyAttribute>,
}

/// One attribute of a primary key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyAttribute {
    /// The attribute's name.
    pub name: String,
    /// The type all its values have.
    pub kind: KeyType,
}

/// The types a key attribute can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyType {
    /// A string, not empty.
    S,
    /// A number.
    N,
    /// Bytes, not empty.
    B,
}

impl KeyType {
    /// The type descriptor, as DynamoDB spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::S => "S",
            Self::N => "N",
            Self::B => "B",
        }
    }

    /// The type of a value, if a key can have it.
    pub fn of(value: &Value<'_>) -> Option<Self> {
        [Self::S, Self::N, Self::B]
            .into_iter()
            .find(|kind| kind.as_str() == value.type_descriptor())
    }
}

impl KeyAttribute {
    /// An attribute of this name and type.
    pub fn new(name: impl Into<String>, kind: KeyType) -> Self {
        Self { name: name.into(), kind }
    }

    /// Fails where an item has no such attribute that DynamoDB takes as a key of up to `limit` bytes.
    pub fn check(&self, item: &Item<'_>, limit: usize) -> Result<(), ItemError> {
        let checked = self.value_in(item, limit);
        checked.map(|_| ()).map_err(|reason| ItemError { path: self.name.clone(), reason })
    }

    /// The attribute's value in an item, if DynamoDB takes it as a key of up to `limit` bytes.
    fn value_in<'b>(
        &self,
        item: &'b Item<'_>,
        limit: usize,
    ) -> Result<(Value<'b>, &'b str), Reason> {
        let expected = self.kind.as_str();
        let at = item.iter().position(|(name, _)| name == self.name);
        let at = at.ok_or(Reason::KeyMissing { expected })?;
        let (_, value) = item.entry(at);
        if value.type_descriptor() != expected {
            return Err(Reason::KeyType { expected, found: value.type_descriptor() });
        }
        match key_bytes(value) {
            Some(0) => Err(Reason::KeyEmpty),
            Some(length) if length > limit => Err(Reason::KeyTooLong { length, limit }),
            Some(_) | None => Ok((value.reborrow(), item.text(at).unwrap_or_default())),
        }
    }
}

/// The length DynamoDB limits; a number has none.
fn key_bytes(value: &Value<'_>) -> Option<usize> {
    match value {
        Value::S(text) => Some(text.len()),
        Value::B(bytes) => Some(bytes.len()),
        Value::N(_)
        | Value::Bool(_)
        | Value::Null
        | Value::Ss(_)
        | Value::Ns(_)
        | Value::Bs(_)
        | Value::L(_)
        | Value::M(_) => None,
    }
}

impl KeySchema {
    /// A schema of a partition key alone.
    pub fn simple(partition: KeyAttribute) -> Self {
        Self { partition, sort: None }
    }

    /// A schema of partition and sort key.
    pub fn composite(partition: KeyAttribute, sort: KeyAttribute) -> Self {
        Self { partition, sort: Some(sort) }
    }

    /// The names of its attributes.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        [Some(&self.partition), self.sort.as_ref()].into_iter().flatten().map(|it| it.name.as_str())
    }

    /// The key attributes of an item and nothing else, partition key first.
    ///
    /// Their [canonical](crate::canonical()) text is the item's identity in its table. Fails when a key
    /// attribute is missing, of another type, empty, or longer than 2048 bytes (partition) or 1024
    /// bytes (sort).
    ///
    /// Source: [partition keys and sort keys](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-partition-sort-keys).
    pub fn key_of<'b>(&'b self, item: &'b Item<'_>) -> Result<Item<'b>, ItemError> {
        let limits = [MAX_PARTITION_KEY_BYTES, MAX_SORT_KEY_BYTES];
        let (mut entries, mut texts) = (Vec::with_capacity(2), Vec::with_capacity(2));
        for (attribute, limit) in std::iter::once(&self.partition).chain(&self.sort).zip(limits) {
            let value = attribute.value_in(item, limit);
            let (value, text) =
                value.map_err(|reason| ItemError::of_attribute(&attribute.name, reason))?;
            entries.push((attribute.name.as_str().into(), value));
            texts.push(text);
        }
        Ok(Item::with_texts(Map::from_distinct(entries), texts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical;
    use crate::format::dynamodb_json::parse_item;

    fn schema() -> KeySchema {
        KeySchema::composite(KeyAttribute::new("p", KeyType::S), KeyAttribute::new("s", KeyType::B))
    }

    fn check(item: &str, expected: &str) {
        let item = parse_item(item.as_bytes()).unwrap();
        let found = match schema().key_of(&item) {
            Ok(key) => canonical(&key),
            Err(error) => error.to_string(),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn takes_the_key_out_of_an_item() {
        check(
            r#"{"x":{"N":"1"},"s":{"B":"YQ=="},"p":{"S":"a"}}"#,
            r#"{"p":{"S":"a"},"s":{"B":"YQ=="}}"#,
        );
    }

    #[test]
    fn says_what_is_wrong_with_a_key() {
        check(
            r#"{"p":{"S":"a"}}"#,
            "attribute s: the key attribute is missing; every item needs it, of type B",
        );
        check(
            r#"{"p":{"N":"1"},"s":{"B":"YQ=="}}"#,
            "attribute p: a key of type S was expected, found type N",
        );
        check(
            r#"{"p":{"S":""},"s":{"B":"YQ=="}}"#,
            "attribute p: an empty key; DynamoDB takes no empty string or binary as key",
        );
    }

    #[test]
    fn measures_keys_in_bytes() {
        let key = |length: usize| {
            let text = "é".repeat(length / 2) + &"x".repeat(length % 2);
            format!(r#"{{"p":{{"S":"{text}"}},"s":{{"B":"YQ=="}}}}"#)
        };
        let item = key(2048);
        assert!(schema().key_of(&parse_item(item.as_bytes()).unwrap()).is_ok());
        check(&key(2049), "attribute p: a key of 2049 bytes, DynamoDB's limit is 2048");
    }
}

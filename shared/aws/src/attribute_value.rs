//! Items to the SDK's types and back.

use std::{borrow::Cow, collections::HashMap};

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use item::{Item, Map, Number, NumberError, Value};

/// An item as the SDK sends it. Copies: the caller keeps the item until AWS has taken it.
pub fn item_to_sdk(item: &Item<'_>) -> HashMap<String, AttributeValue> {
    map_to_sdk(item)
}

fn map_to_sdk(map: &Map<'_>) -> HashMap<String, AttributeValue> {
    map.iter().map(|(name, value)| (name.to_owned(), to_sdk(value))).collect()
}

fn to_sdk(value: &Value<'_>) -> AttributeValue {
    match value {
        Value::S(text) => AttributeValue::S(text.to_string()),
        Value::N(number) => AttributeValue::N(number.as_str().to_owned()),
        Value::B(bytes) => AttributeValue::B(Blob::new(bytes.to_vec())),
        Value::Bool(truth) => AttributeValue::Bool(*truth),
        Value::Null => AttributeValue::Null(true),
        Value::Ss(set) => AttributeValue::Ss(set.iter().map(ToString::to_string).collect()),
        Value::Ns(set) => AttributeValue::Ns(set.iter().map(|n| n.as_str().to_owned()).collect()),
        Value::Bs(set) => AttributeValue::Bs(set.iter().map(|b| Blob::new(b.to_vec())).collect()),
        Value::L(list) => AttributeValue::L(list.iter().map(to_sdk).collect()),
        Value::M(map) => AttributeValue::M(map_to_sdk(map)),
    }
}

/// Why an SDK item is not one of ours.
#[derive(Debug, thiserror::Error)]
pub enum UnknownValue {
    /// AWS sent a type this build does not know.
    #[error("attribute {name} has a type this version of Headwater does not know")]
    Type {
        /// The attribute.
        name: String,
    },
    /// AWS sent a number that breaks its own rules.
    #[error("attribute {name}: {source}")]
    Number {
        /// The attribute.
        name: String,
        /// What is wrong with it.
        source: NumberError,
    },
}

/// An item as the SDK received it.
pub fn item_from_sdk(
    item: impl IntoIterator<Item = (String, AttributeValue)>,
) -> Result<Item<'static>, UnknownValue> {
    map_from_sdk(item).map(Item::from)
}

fn map_from_sdk(
    map: impl IntoIterator<Item = (String, AttributeValue)>,
) -> Result<Map<'static>, UnknownValue> {
    let entries = map
        .into_iter()
        .map(|(name, value)| from_sdk(&name, value).map(|value| (Cow::Owned(name), value)))
        .collect::<Result<_, _>>()?;
    Ok(Map::from_distinct(entries))
}

fn from_sdk(name: &str, value: AttributeValue) -> Result<Value<'static>, UnknownValue> {
    let number = |text: String| {
        Number::parse(&text)
            .map(Number::into_owned)
            .map_err(|source| UnknownValue::Number { name: name.to_owned(), source })
    };
    Ok(match value {
        AttributeValue::S(text) => Value::S(text.into()),
        AttributeValue::N(text) => Value::N(number(text)?),
        AttributeValue::B(blob) => Value::B(blob.into_inner().into()),
        AttributeValue::Bool(truth) => Value::Bool(truth),
        AttributeValue::Null(_) => Value::Null,
        AttributeValue::Ss(set) => Value::Ss(set.into_iter().map(Cow::Owned).collect()),
        AttributeValue::Ns(set) => {
            Value::Ns(set.into_iter().map(number).collect::<Result<_, _>>()?)
        }
        AttributeValue::Bs(set) => {
            Value::Bs(set.into_iter().map(|blob| blob.into_inner().into()).collect())
        }
        AttributeValue::L(list) => {
            Value::L(list.into_iter().map(|value| from_sdk(name, value)).collect::<Result<_, _>>()?)
        }
        AttributeValue::M(map) => Value::M(map_from_sdk(map)?),
        _ => {
            return Err(UnknownValue::Type { name: name.to_owned() });
        }
    })
}

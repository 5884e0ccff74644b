//! The keys of a table's secondary indexes.
//!
//! An item need not have them. But one that has such an attribute with another type, empty, or too long,
//! DynamoDB refuses as a whole, and so does the survey.
//!
//! Source: [global secondary indexes](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html),
//! [limits](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-secondary-indexes).

use aws::sdk::dynamodb::types::{
    self as sdk, AttributeDefinition, KeySchemaElement, KeyType as KeyRole, ScalarAttributeType,
    TableDescription,
};
use item::{
    Item, ItemError,
    key::{KeyAttribute, KeyType},
    limits::{MAX_PARTITION_KEY_BYTES, MAX_SORT_KEY_BYTES},
};

use crate::manifest::{self, Manifest};

/// An attribute that is part of an index's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IndexKey {
    /// Name and type.
    pub(crate) attribute: KeyAttribute,
    /// The most bytes it may have.
    limit: usize,
}

impl IndexKey {
    fn new(name: &str, kind: KeyType, is_partition: bool) -> Self {
        let limit = if is_partition { MAX_PARTITION_KEY_BYTES } else { MAX_SORT_KEY_BYTES };
        Self { attribute: KeyAttribute::new(name, kind), limit }
    }

    /// Fails for an item that has the attribute and cannot have it so.
    pub(crate) fn check(&self, item: &Item<'_>) -> Result<(), ItemError> {
        match item.get(&self.attribute.name) {
            Some(_) => self.attribute.check(item, self.limit),
            None => Ok(()),
        }
    }
}

/// Of the indexes that a manifest asks for.
pub(crate) fn of_manifest(manifest: &Manifest) -> Vec<IndexKey> {
    let parameters = &manifest.table_creation_parameters;
    let global = parameters.global_secondary_indexes.iter().map(|index| &index.key_schema);
    let local = manifest.headwater.local_secondary_indexes.iter().map(|index| &index.key_schema);
    let keys = global.chain(local).flatten().filter_map(|element| {
        let name = &element.attribute_name;
        let is_partition = element.key_type == manifest::KeyType::Hash;
        Some(IndexKey::new(name, parameters.attribute_type(name)?, is_partition))
    });
    keys.collect()
}

/// Of the indexes of a table that is there.
pub(crate) fn of_table(description: &TableDescription) -> Vec<IndexKey> {
    let defined = description.attribute_definitions();
    let global = description
        .global_secondary_indexes()
        .iter()
        .map(sdk::GlobalSecondaryIndexDescription::key_schema);
    let local = description
        .local_secondary_indexes()
        .iter()
        .map(sdk::LocalSecondaryIndexDescription::key_schema);
    let keys = global.chain(local).flatten().filter_map(|element| of_element(element, defined));
    keys.collect()
}

fn of_element(element: &KeySchemaElement, defined: &[AttributeDefinition]) -> Option<IndexKey> {
    let name = element.attribute_name();
    let definition = defined.iter().find(|definition| definition.attribute_name() == name)?;
    let kind = match definition.attribute_type() {
        ScalarAttributeType::S => KeyType::S,
        ScalarAttributeType::N => KeyType::N,
        ScalarAttributeType::B => KeyType::B,
        _ => return None,
    };
    Some(IndexKey::new(name, kind, element.key_type() == &KeyRole::Hash))
}

#[cfg(test)]
mod tests {
    use item::format::json_lines::parse_item;

    use super::*;

    const MANIFEST: &str = r#"{"TableCreationParameters":{
        "AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"},{"AttributeName":"customer","AttributeType":"S"},{"AttributeName":"at","AttributeType":"N"}],
        "KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],
        "GlobalSecondaryIndexes":[{"IndexName":"by-customer","KeySchema":[{"AttributeName":"customer","KeyType":"HASH"},{"AttributeName":"at","KeyType":"RANGE"}],"Projection":{"ProjectionType":"ALL"}}]
    }}"#;

    fn told(item: &str) -> String {
        let keys = of_manifest(&Manifest::parse(MANIFEST.as_bytes()).unwrap());
        let item = parse_item(item.as_bytes()).unwrap();
        match keys.iter().try_for_each(|key| key.check(&item)) {
            Ok(()) => "fits".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn an_index_takes_an_item_without_its_key_and_none_with_a_wrong_one() {
        assert_eq!(told(r#"{"id":"a"}"#), "fits");
        assert_eq!(told(r#"{"id":"a","customer":"c","at":1}"#), "fits");
        insta::assert_snapshot!(told(r#"{"id":"a","customer":1}"#), @"attribute customer: a key of type S was expected, found type N");
        insta::assert_snapshot!(told(r#"{"id":"a","customer":""}"#), @"attribute customer: an empty key; DynamoDB takes no empty string or binary as key");
        let long = format!(r#"{{"id":"a","customer":"{}"}}"#, "c".repeat(2049));
        insta::assert_snapshot!(told(&long), @"attribute customer: a key of 2049 bytes, DynamoDB's limit is 2048");
    }
}

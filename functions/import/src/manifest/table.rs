//! The table that an import makes: `TableCreationParameters` of an `ImportTable` request.
//!
//! Numbers are signed, as in the API's own types; the schema holds them above zero.

use item::key::{KeyAttribute, KeySchema};
use serde::{Deserialize, Serialize};

/// The table that is made.
///
/// Source:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableCreationParameters.html>
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TableCreationParameters {
    /// The table's name. It is that of the folder; if given, it must be the same.
    pub table_name: Option<String>,
    /// The types of the attributes that are keys of the table and of its indexes, and of no others.
    ///
    /// Without indexes they may be left out; the key then has the types that the first row has.
    #[cfg_attr(test, schemars(length(max = 167)))]
    pub attribute_definitions: Vec<AttributeDefinition>,
    /// The table's key, partition key first. If not given, it is inferred, which needs it to be
    /// unique in every row.
    #[cfg_attr(test, schemars(length(min = 1, max = 2)))]
    pub key_schema: Vec<KeySchemaElement>,
    /// How capacity is paid for. If not given, it is `PROVISIONED` if `ProvisionedThroughput` is
    /// given, else `PAY_PER_REQUEST`.
    pub billing_mode: Option<BillingMode>,
    /// The capacity of a table that is `PROVISIONED`.
    pub provisioned_throughput: Option<ProvisionedThroughput>,
    /// The most that a table that is `PAY_PER_REQUEST` takes.
    pub on_demand_throughput: Option<OnDemandThroughput>,
    /// How the table is encrypted. If not given, it is with a key that AWS owns.
    #[serde(rename = "SSESpecification")]
    pub sse_specification: Option<SseSpecification>,
    /// Global secondary indexes, of which a table has 20.
    #[cfg_attr(test, schemars(length(max = 20)))]
    pub global_secondary_indexes: Vec<GlobalSecondaryIndex>,
}

/// The type of a key's attribute.
///
/// Source:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeDefinition.html>
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AttributeDefinition {
    /// The attribute.
    #[cfg_attr(test, schemars(length(min = 1, max = 255)))]
    pub attribute_name: String,
    /// Its type.
    pub attribute_type: ScalarAttributeType,
}

/// The types that the attribute of a key has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum ScalarAttributeType {
    /// Strings.
    S,
    /// Numbers.
    N,
    /// Binary.
    B,
}

/// An attribute's place in a key.
///
/// Source:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_KeySchemaElement.html>
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct KeySchemaElement {
    /// The attribute.
    #[cfg_attr(test, schemars(length(min = 1, max = 255)))]
    pub attribute_name: String,
    /// Its place.
    pub key_type: KeyType,
}

/// The places in a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum KeyType {
    /// The partition key.
    Hash,
    /// The sort key.
    Range,
}

/// How capacity is paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum BillingMode {
    /// By the hour, for what is provisioned.
    Provisioned,
    /// By the request.
    PayPerRequest,
}

/// Capacity that is provisioned.
///
/// Source:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ProvisionedThroughput.html>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ProvisionedThroughput {
    /// Strongly consistent reads of 4 KB, in a second.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub read_capacity_units: i64,
    /// Writes of 1 KB, in a second.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub write_capacity_units: i64,
}

/// The most that is taken on demand; one of the two at least. -1 is no limit.
///
/// Source:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_OnDemandThroughput.html>
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct OnDemandThroughput {
    /// Read units in a second.
    #[cfg_attr(test, schemars(range(min = -1)))]
    pub max_read_request_units: Option<i64>,
    /// Write units in a second.
    #[cfg_attr(test, schemars(range(min = -1)))]
    pub max_write_request_units: Option<i64>,
}

/// What a table or an index takes from the first second on; one of the two at least.
///
/// Source: <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_WarmThroughput.html>
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct WarmThroughput {
    /// Read units in a second. A new on-demand table has 12,000.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub read_units_per_second: Option<i64>,
    /// Write units in a second. A new on-demand table has 4,000.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub write_units_per_second: Option<i64>,
}

/// How a table is encrypted.
///
/// Source:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_SSESpecification.html>
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SseSpecification {
    /// Whether with a key of KMS instead of one that AWS owns.
    pub enabled: Option<bool>,
    /// The kind of encryption.
    #[serde(rename = "SSEType")]
    pub sse_type: Option<SseType>,
    /// The key's id, ARN, or alias, if it is not `alias/aws/dynamodb`.
    #[serde(rename = "KMSMasterKeyId")]
    #[cfg_attr(test, schemars(length(min = 1, max = 2048)))]
    pub kms_master_key_id: Option<String>,
}

/// The kinds of encryption; of those that the API names, DynamoDB takes this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum SseType {
    /// With a key of KMS.
    Kms,
}

/// A global secondary index.
///
/// Source:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GlobalSecondaryIndex.html>
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct GlobalSecondaryIndex {
    /// Its name: 3 to 255 letters, digits, underscores, hyphens and dots.
    #[cfg_attr(test, schemars(length(min = 3, max = 255)))]
    pub index_name: String,
    /// Its key: one to four partition keys, then up to four sort keys.
    #[cfg_attr(test, schemars(length(min = 1, max = 8)))]
    pub key_schema: Vec<KeySchemaElement>,
    /// What it holds of the items.
    pub projection: Projection,
    /// Its capacity, in a table that is `PROVISIONED`.
    pub provisioned_throughput: Option<ProvisionedThroughput>,
    /// The most it takes, in a table that is `PAY_PER_REQUEST`.
    pub on_demand_throughput: Option<OnDemandThroughput>,
    /// What it takes from the first second on.
    pub warm_throughput: Option<WarmThroughput>,
}

/// What an index holds of the items, beside the keys of table and index.
///
/// Source: <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Projection.html>
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Projection {
    /// All, nothing else, or what is named.
    pub projection_type: ProjectionType,
    /// The attributes, for `INCLUDE`; 100 in all indexes of a table together.
    #[serde(default)]
    #[cfg_attr(test, schemars(length(max = 20), inner(length(min = 1, max = 255))))]
    pub non_key_attributes: Vec<String>,
}

/// What an index holds beside the keys of table and index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum ProjectionType {
    /// All attributes.
    All,
    /// No others.
    KeysOnly,
    /// Those that `NonKeyAttributes` names.
    Include,
}

impl From<ScalarAttributeType> for item::key::KeyType {
    fn from(kind: ScalarAttributeType) -> Self {
        match kind {
            ScalarAttributeType::S => Self::S,
            ScalarAttributeType::N => Self::N,
            ScalarAttributeType::B => Self::B,
        }
    }
}

impl From<item::key::KeyType> for ScalarAttributeType {
    fn from(kind: item::key::KeyType) -> Self {
        match kind {
            item::key::KeyType::S => Self::S,
            item::key::KeyType::N => Self::N,
            item::key::KeyType::B => Self::B,
        }
    }
}

impl TableCreationParameters {
    /// The name of the partition key; nothing if the key is to be inferred.
    pub fn partition_key(&self) -> Option<&str> {
        attribute(&self.key_schema, KeyType::Hash)
    }

    /// The name of the sort key, if the table has one.
    pub fn sort_key(&self) -> Option<&str> {
        attribute(&self.key_schema, KeyType::Range)
    }

    /// The type that is given for an attribute.
    pub fn attribute_type(&self, name: &str) -> Option<item::key::KeyType> {
        let named = |definition: &&AttributeDefinition| definition.attribute_name == name;
        let definition = self.attribute_definitions.iter().find(named)?;
        Some(definition.attribute_type.into())
    }

    /// How the table's capacity is paid for, said or not.
    pub fn billing_mode(&self) -> BillingMode {
        match (self.billing_mode, self.provisioned_throughput) {
            (Some(mode), _) => mode,
            (None, Some(_)) => BillingMode::Provisioned,
            (None, None) => BillingMode::PayPerRequest,
        }
    }

    /// These, completed by the table's name, its key and how capacity is paid for.
    pub(crate) fn completed(&self, table: &str, key: &KeySchema) -> Self {
        let mut parameters = self.clone();
        parameters.table_name = Some(table.to_owned());
        parameters.billing_mode = Some(self.billing_mode());
        let attributes =
            [(Some(&key.partition), KeyType::Hash), (key.sort.as_ref(), KeyType::Range)];
        let attributes =
            attributes.into_iter().filter_map(|(key, place)| key.map(|key| (key, place)));
        parameters.key_schema = attributes
            .clone()
            .map(|(key, key_type)| KeySchemaElement { attribute_name: key.name.clone(), key_type })
            .collect();
        for (KeyAttribute { name, kind }, _) in attributes {
            if self.attribute_type(name).is_none() {
                parameters.attribute_definitions.push(AttributeDefinition {
                    attribute_name: name.clone(),
                    attribute_type: (*kind).into(),
                });
            }
        }
        parameters
    }
}

/// The first attribute that has a place in a key.
pub(super) fn attribute(key_schema: &[KeySchemaElement], place: KeyType) -> Option<&str> {
    let element = key_schema.iter().find(|element| element.key_type == place)?;
    Some(&element.attribute_name)
}

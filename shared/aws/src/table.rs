//! Tables: create, describe, wait, tag.

use std::time::Duration;

use aws_sdk_dynamodb::{
    Client,
    error::BuildError,
    types::{
        AttributeDefinition, BillingMode, KeySchemaElement, KeyType as KeyRole,
        ScalarAttributeType, StreamSpecification, StreamViewType, TableDescription, TableStatus,
        Tag,
    },
};
use item::key::{KeyAttribute, KeySchema, KeyType};

use crate::{Class, Failure};

/// How often a table in motion is looked at.
const POLL: Duration = Duration::from_millis(500);
/// How many looks are taken before the trigger's own retry takes over: four minutes.
const POLLS: u32 = 480;

/// The table as it stands, or nothing if there is none.
pub async fn describe(dynamodb: &Client, table: &str) -> Result<Option<TableDescription>, Failure> {
    let described = dynamodb
        .describe_table()
        .table_name(table)
        .send()
        .await
        .map_err(|error| Failure::of("DescribeTable", format!("table {table}"), error));
    match described {
        Ok(output) => Ok(output.table),
        Err(failure) if failure.has_code("ResourceNotFoundException") => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Creates an on-demand table with its stream (new and old images) and its tags.
///
/// A table of that name fails with code `ResourceInUseException`.
pub async fn create(
    dynamodb: &Client,
    table: &str,
    schema: &KeySchema,
    tags: &[(&str, &str)],
) -> Result<(), Failure> {
    let invalid = |error: BuildError| {
        Failure::stated(
            "CreateTable",
            format!("table {table}"),
            error.to_string(),
            Class::Permanent,
        )
    };
    let mut request = dynamodb
        .create_table()
        .table_name(table)
        .billing_mode(BillingMode::PayPerRequest)
        .stream_specification(new_and_old_images().map_err(invalid)?);
    let roles = [(Some(&schema.partition), KeyRole::Hash), (schema.sort.as_ref(), KeyRole::Range)];
    for (attribute, role) in roles {
        let Some(attribute) = attribute else { continue };
        request = request
            .attribute_definitions(definition(attribute).map_err(invalid)?)
            .key_schema(element(attribute, role).map_err(invalid)?);
    }
    for &(key, value) in tags {
        request = request.tags(Tag::builder().key(key).value(value).build().map_err(invalid)?);
    }
    let created = request.send().await;
    created.map_err(|error| Failure::of("CreateTable", format!("table {table}"), error))?;
    Ok(())
}

fn definition(attribute: &KeyAttribute) -> Result<AttributeDefinition, BuildError> {
    let scalar = match attribute.kind {
        KeyType::S => ScalarAttributeType::S,
        KeyType::N => ScalarAttributeType::N,
        KeyType::B => ScalarAttributeType::B,
    };
    AttributeDefinition::builder().attribute_name(&attribute.name).attribute_type(scalar).build()
}

fn element(attribute: &KeyAttribute, role: KeyRole) -> Result<KeySchemaElement, BuildError> {
    KeySchemaElement::builder().attribute_name(&attribute.name).key_type(role).build()
}

fn new_and_old_images() -> Result<StreamSpecification, BuildError> {
    StreamSpecification::builder()
        .stream_enabled(true)
        .stream_view_type(StreamViewType::NewAndOldImages)
        .build()
}

/// Switches the stream of a table on, with new and old images.
pub async fn enable_stream(dynamodb: &Client, table: &str) -> Result<(), Failure> {
    let resource = format!("table {table}");
    let specification = new_and_old_images().map_err(|error| {
        Failure::stated("UpdateTable", resource.clone(), error.to_string(), Class::Permanent)
    })?;
    let updated =
        dynamodb.update_table().table_name(table).stream_specification(specification).send().await;
    updated.map_err(|error| Failure::of("UpdateTable", resource, error))?;
    Ok(())
}

/// Waits until the table is `ACTIVE` and returns it; up to four minutes.
///
/// A table that disappears or is being deleted is a permanent failure.
pub async fn wait_until_active(
    dynamodb: &Client,
    table: &str,
) -> Result<TableDescription, Failure> {
    let failure = |message: String, class| {
        Err(Failure::stated("DescribeTable", format!("table {table}"), message, class))
    };
    for _ in 0..POLLS {
        let Some(description) = describe(dynamodb, table).await? else {
            return failure("table disappeared while it was waited for".into(), Class::Permanent);
        };
        match description.table_status() {
            Some(TableStatus::Active) => return Ok(description),
            Some(status @ (TableStatus::Deleting | TableStatus::Archived)) => {
                return failure(format!("table is {status}"), Class::Permanent);
            }
            _ => tokio::time::sleep(POLL).await,
        }
    }
    failure("table did not become ACTIVE within four minutes".into(), Class::Retryable)
}

/// The value of a table's tag, or nothing if the table does not carry it.
pub async fn tag(dynamodb: &Client, arn: &str, key: &str) -> Result<Option<String>, Failure> {
    let mut next = None;
    loop {
        let page = dynamodb
            .list_tags_of_resource()
            .resource_arn(arn)
            .set_next_token(next)
            .send()
            .await
            .map_err(|error| Failure::of("ListTagsOfResource", arn, error))?;
        if let Some(tag) = page.tags().iter().find(|tag| tag.key() == key) {
            return Ok(Some(tag.value().to_owned()));
        }
        next = page.next_token;
        if next.is_none() {
            return Ok(None);
        }
    }
}

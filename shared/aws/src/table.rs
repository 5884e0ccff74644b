//! Tables: create, describe, wait, tag.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    error::BuildError,
    operation::{
        create_table::builders::CreateTableInputBuilder,
        update_table::builders::UpdateTableInputBuilder,
    },
    types::{
        KeyType as KeyRole, ScalarAttributeType, StreamSpecification, StreamViewType,
        TableDescription, TableStatus, Tag, TimeToLiveSpecification,
    },
};
use item::key::{KeyAttribute, KeySchema, KeyType};

use crate::{Class, Failure};

/// How often a table in motion is looked at.
const POLL: Duration = Duration::from_millis(500);
/// How many looks are taken before the trigger's own retry takes over: four minutes.
const POLLS: u32 = 480;
/// How many of the first looks may find no table: right after `CreateTable` another server may not know
/// of it yet. Source: [DescribeTable](https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeTable.html).
const POLLS_WITHOUT: u32 = 60;

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

/// Creates a table as the request says, with its stream (new and old images).
///
/// A table of that name fails with code `ResourceInUseException`.
pub async fn create(
    dynamodb: &Client,
    table: &str,
    request: CreateTableInputBuilder,
) -> Result<(), Failure> {
    let invalid = |error: BuildError| {
        Failure::stated(
            "CreateTable",
            format!("table {table}"),
            error.to_string(),
            Class::Permanent,
        )
    };
    let request =
        request.table_name(table).stream_specification(new_and_old_images().map_err(invalid)?);
    let created = request.send_with(dynamodb).await;
    created.map_err(|error| Failure::of("CreateTable", format!("table {table}"), error))?;
    Ok(())
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

/// Adds tags to a table.
pub async fn set_tags(dynamodb: &Client, arn: &str, tags: Vec<Tag>) -> Result<(), Failure> {
    let sent = dynamodb.tag_resource().resource_arn(arn).set_tags(Some(tags)).send().await;
    sent.map_err(|error| Failure::of("TagResource", arn, error))?;
    Ok(())
}

/// Has DynamoDB delete items some time after the time that this attribute holds, in seconds since 1970.
pub async fn expire_by(dynamodb: &Client, table: &str, attribute: &str) -> Result<(), Failure> {
    let resource = format!("table {table}");
    let specification =
        TimeToLiveSpecification::builder().enabled(true).attribute_name(attribute).build();
    let specification = specification.map_err(|error| {
        Failure::stated("UpdateTimeToLive", &resource, error.to_string(), Class::Permanent)
    })?;
    let sent = dynamodb
        .update_time_to_live()
        .table_name(table)
        .time_to_live_specification(specification)
        .send()
        .await
        .map_err(|error| Failure::of("UpdateTimeToLive", resource, error));
    match sent {
        // An earlier attempt of ours did it.
        Err(failure) if failure.message.contains("TimeToLive is already enabled") => Ok(()),
        sent => sent.map(|_| ()),
    }
}

/// Changes a table, and waits until it is `ACTIVE` again; one change at a time, as DynamoDB wants it.
pub async fn update(
    dynamodb: &Client,
    table: &str,
    request: UpdateTableInputBuilder,
) -> Result<TableDescription, Failure> {
    let sent = request.table_name(table).send_with(dynamodb).await;
    sent.map_err(|error| Failure::of("UpdateTable", format!("table {table}"), error))?;
    wait_until_active(dynamodb, table).await
}

/// The key of a table that is there.
pub fn key_of(description: &TableDescription) -> Option<KeySchema> {
    let attribute = |role: &KeyRole| {
        let element = description.key_schema().iter().find(|element| element.key_type() == role)?;
        let name = element.attribute_name();
        let defined = description.attribute_definitions().iter();
        let kind = match defined.clone().find(|it| it.attribute_name() == name)?.attribute_type() {
            ScalarAttributeType::S => KeyType::S,
            ScalarAttributeType::N => KeyType::N,
            ScalarAttributeType::B => KeyType::B,
            _ => return None,
        };
        Some(KeyAttribute::new(name, kind))
    };
    Some(KeySchema { partition: attribute(&KeyRole::Hash)?, sort: attribute(&KeyRole::Range) })
}

/// Whether a table is there only until DynamoDB has deleted it; until then no other can have its name, and
/// what is written to it is lost.
///
/// Source: [DeleteTable](https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteTable.html).
pub fn is_being_deleted(description: &TableDescription) -> bool {
    description.table_status() == Some(&TableStatus::Deleting)
}

/// Such a table has to be gone first; that comes by itself.
pub fn being_deleted(description: &TableDescription) -> Failure {
    let message = "the table is being deleted; this goes on once it is gone";
    let resource = format!("table {}", description.table_name().unwrap_or_default());
    Failure::stated("DescribeTable", resource, message, Class::Retryable)
}

/// Waits until the table is `ACTIVE` and returns it; up to four minutes.
///
/// A table that is not there after half a minute, or is being deleted, is a permanent failure.
pub async fn wait_until_active(
    dynamodb: &Client,
    table: &str,
) -> Result<TableDescription, Failure> {
    let failure = |message: String, class| {
        Err(Failure::stated("DescribeTable", format!("table {table}"), message, class))
    };
    for poll in 0..POLLS {
        let Some(description) = describe(dynamodb, table).await? else {
            if poll < POLLS_WITHOUT {
                tokio::time::sleep(POLL).await;
                continue;
            }
            return failure("there is no such table".into(), Class::Permanent);
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
    Ok(tags(dynamodb, arn).await?.remove(key))
}

/// All tags of a table: 50 at most.
pub async fn tags(dynamodb: &Client, arn: &str) -> Result<BTreeMap<String, String>, Failure> {
    let mut tags = BTreeMap::new();
    let mut next = None;
    loop {
        let page = dynamodb
            .list_tags_of_resource()
            .resource_arn(arn)
            .set_next_token(next)
            .send()
            .await
            .map_err(|error| Failure::of("ListTagsOfResource", arn, error))?;
        tags.extend(page.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)));
        next = page.next_token;
        if next.is_none() {
            return Ok(tags);
        }
    }
}

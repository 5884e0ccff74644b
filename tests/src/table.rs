//! Tables that Headwater did not make.

use anyhow::{Context, Result};
use aws::sdk::dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
    StreamSpecification, StreamViewType, Tag,
};
use item::format::dynamodb_json::parse_item;

use crate::Stack;

impl Stack {
    /// Gives a table another tag, or another value of one.
    pub async fn tag(&self, table: &str, key: &str, value: &str) -> Result<()> {
        let dynamodb = self.clients.dynamodb();
        let described = aws::table::describe(dynamodb, table).await?.context("the table")?;
        let tag = Tag::builder().key(key).value(value).build()?;
        aws::table::set_tags(dynamodb, described.table_arn().unwrap_or_default(), vec![tag])
            .await?;
        Ok(())
    }

    /// Makes a table as someone who has no Headwater does, with the key `pk`, items in DynamoDB JSON, and
    /// the tag by which the next run enrols it.
    pub async fn existing_table(
        &self,
        name: &str,
        view: Option<StreamViewType>,
        items: &[&str],
    ) -> Result<()> {
        self.table_of_someone(name, Some("on"), view, items).await
    }

    /// The same with another value of that tag, or without it.
    pub async fn table_of_someone(
        &self,
        name: &str,
        tag: Option<&str>,
        view: Option<StreamViewType>,
        items: &[&str],
    ) -> Result<()> {
        let attribute = AttributeDefinition::builder().attribute_name("pk");
        let element = KeySchemaElement::builder().attribute_name("pk").key_type(KeyType::Hash);
        let dynamodb = self.clients.dynamodb();
        let mut create = dynamodb
            .create_table()
            .table_name(name)
            .billing_mode(BillingMode::PayPerRequest)
            .attribute_definitions(attribute.attribute_type(ScalarAttributeType::S).build()?)
            .key_schema(element.build()?);
        if let Some(value) = tag {
            create = create.tags(Tag::builder().key("headwater").value(value).build()?);
        }
        if let Some(view) = view {
            let stream = StreamSpecification::builder().stream_enabled(true).stream_view_type(view);
            create = create.stream_specification(stream.build()?);
        }
        create.send().await?;
        aws::table::wait_until_active(dynamodb, name).await?;
        for item in items {
            self.put(name, &parse_item(item.as_bytes())?).await?;
        }
        Ok(())
    }
}

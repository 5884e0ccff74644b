//! Which tables there are, with their tags: those with a tag, through the tagging API rather than table by
//! table, and those with a name.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::Client as DynamoDb;
use aws_sdk_resourcegroupstagging::{
    Client,
    types::{ResourceTagMapping, TagFilter},
};

use crate::{Failure, table};

/// A table and its tags.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TaggedTable {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// All its tags.
    pub tags: BTreeMap<String, String>,
}

/// Every table with a tag `key`, whatever its value, whose name begins with `prefix`, sorted by name.
pub async fn tables(
    tagging: &Client,
    key: &str,
    prefix: &str,
) -> Result<Vec<TaggedTable>, Failure> {
    let filter = TagFilter::builder().key(key).build();
    let mut tables = Vec::new();
    let mut token = None;
    loop {
        let page = tagging
            .get_resources()
            .resource_type_filters("dynamodb:table")
            .tag_filters(filter.clone())
            .set_pagination_token(token)
            .send()
            .await
            .map_err(|error| Failure::of("GetResources", format!("tag {key}"), error))?;
        let resources = page.resource_tag_mapping_list.unwrap_or_default().into_iter();
        tables.extend(resources.filter_map(|resource| table_of(resource, prefix)));
        token = page.pagination_token.filter(|token| !token.is_empty());
        if token.is_none() {
            break;
        }
    }
    tables.sort();
    tables.dedup();
    Ok(tables)
}

/// The names of all tables of the account and Region, sorted.
pub async fn names(dynamodb: &DynamoDb) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    let mut after = None;
    loop {
        let page = dynamodb.list_tables().set_exclusive_start_table_name(after).send().await;
        let page = page.map_err(|error| Failure::of("ListTables", "the account", error))?;
        names.extend(page.table_names.unwrap_or_default());
        after = page.last_evaluated_table_name;
        if after.is_none() {
            names.sort();
            return Ok(names);
        }
    }
}

/// A table by its name, with all its tags; nothing if it is not there any more.
pub async fn named(dynamodb: &DynamoDb, name: &str) -> Result<Option<TaggedTable>, Failure> {
    let Some(arn) = table::describe(dynamodb, name).await?.and_then(|table| table.table_arn) else {
        return Ok(None);
    };
    match table::tags(dynamodb, &arn).await {
        Ok(tags) => Ok(Some(TaggedTable { name: name.to_owned(), arn, tags })),
        Err(failure) if failure.has_code("ResourceNotFoundException") => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// The table an ARN names; nothing for a backup, a stream or a name outside the prefix.
fn table_of(resource: ResourceTagMapping, prefix: &str) -> Option<TaggedTable> {
    let arn = resource.resource_arn?;
    let name = arn.split_once(":table/")?.1.to_owned();
    let ours = !name.contains('/') && name.starts_with(prefix);
    let tags = resource.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value));
    ours.then(|| TaggedTable { name, tags: tags.collect(), arn })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_names_a_table_or_nothing() {
        let check = |arn: &str, expected: Option<&str>| {
            let resource = ResourceTagMapping::builder().resource_arn(arn).build();
            let name = table_of(resource, "prod-").map(|table| table.name);
            assert_eq!(name.as_deref(), expected, "{arn}");
        };
        check("arn:aws:dynamodb:us-east-1:123456789012:table/prod-orders", Some("prod-orders"));
        check("arn:aws:dynamodb:us-east-1:123456789012:table/orders", None);
        check("arn:aws:dynamodb:us-east-1:123456789012:table/prod-orders/backup/01", None);
        check("arn:aws:s3:::prod-orders", None);
    }
}

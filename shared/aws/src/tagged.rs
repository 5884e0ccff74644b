//! Tables by tag, through the tagging API rather than table by table.

use aws_sdk_resourcegroupstagging::{Client, types::TagFilter};

use crate::Failure;

/// A table that carries the tag.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TaggedTable {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
}

/// Every table with tag `key` = `value` whose name begins with `prefix`, sorted by name.
pub async fn tables(
    tagging: &Client,
    key: &str,
    value: &str,
    prefix: &str,
) -> Result<Vec<TaggedTable>, Failure> {
    let filter = TagFilter::builder().key(key).values(value).build();
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
            .map_err(|error| Failure::of("GetResources", format!("tag {key}={value}"), error))?;
        let arns = page.resource_tag_mapping_list.unwrap_or_default().into_iter();
        tables.extend(arns.filter_map(|resource| table_of(&resource.resource_arn?, prefix)));
        token = page.pagination_token.filter(|token| !token.is_empty());
        if token.is_none() {
            break;
        }
    }
    tables.sort();
    tables.dedup();
    Ok(tables)
}

/// The table an ARN names; nothing for a backup, a stream or a name outside the prefix.
fn table_of(arn: &str, prefix: &str) -> Option<TaggedTable> {
    let (_, name) = arn.split_once(":table/")?;
    let ours = !name.contains('/') && name.starts_with(prefix);
    ours.then(|| TaggedTable { name: name.to_owned(), arn: arn.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_names_a_table_or_nothing() {
        let check = |arn: &str, expected: Option<&str>| {
            let name = table_of(arn, "prod-").map(|table| table.name);
            assert_eq!(name.as_deref(), expected, "{arn}");
        };
        check("arn:aws:dynamodb:us-east-1:123456789012:table/prod-orders", Some("prod-orders"));
        check("arn:aws:dynamodb:us-east-1:123456789012:table/orders", None);
        check("arn:aws:dynamodb:us-east-1:123456789012:table/prod-orders/backup/01", None);
        check("arn:aws:s3:::prod-orders", None);
    }
}

//! A second opinion on which items are valid: AWS's own DynamoDB Local.
//!
//! ```text
//! DynamoDB JSON ─┬─▶ parse_item ─▶ limits::check ───────────────────┬─▶ taken by both, or by neither
//!                └─▶ batch_write, as it is ─▶ DynamoDB Local ─┬─────┘
//!                                                             └─▶ read back: the same item
//! ```
//!
//! | | |
//! |---|---|
//! | `cases` | what is valid, beside each limit; for what is not, what DynamoDB Local says about it |
//! | `departures` | what DynamoDB Local takes and Headwater refuses, and why |
//! | `generated` | items made up, whole and with one value at a limit |
//! | `table` | a table there, written by the direct engine's own writer |

mod cases;
mod departures;
mod generated;
mod table;

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use item::{
    canonical,
    format::dynamodb_json::parse_item,
    key::{
        KeySchema,
        KeyType::{B, N, S},
    },
    limits,
};

use crate::{cases::Case, table::Table};

/// Why Headwater refuses a text as an item; nothing if it takes it.
fn refusal(text: &str, schema: &KeySchema) -> Option<String> {
    match parse_item(text.as_bytes()) {
        Err(error) => Some(error.to_string()),
        Ok(item) => limits::check(&item, schema).err().map(|error| error.to_string()),
    }
}

/// Holds what is known of each case against both.
async fn check(table: &Table, cases: Vec<Case>) -> Result<()> {
    let mut wrong = Vec::new();
    for Case { name, item, refused } in cases {
        let ours = refusal(&item, table.schema());
        let theirs = table.refusal(&item).await?;
        let agreed = match (refused, &ours, &theirs) {
            (None, None, None) => true,
            (Some(reason), Some(_), Some(theirs)) => theirs.contains(reason),
            _ => false,
        };
        if !agreed {
            wrong.push(format!(
                "{name}: expected {refused:?}, ours {ours:?}, DynamoDB Local's {theirs:?}"
            ));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

#[tokio::test]
async fn values() -> Result<()> {
    check(&Table::create("values", S, None).await?, cases::values()).await
}

#[tokio::test]
async fn numbers() -> Result<()> {
    check(&Table::create("numbers", S, None).await?, cases::numbers()).await
}

#[tokio::test]
async fn names_nesting_and_sizes() -> Result<()> {
    check(&Table::create("limits", S, None).await?, cases::limits()).await
}

#[tokio::test]
async fn keys() -> Result<()> {
    for kind in [S, N, B] {
        let table = Table::create(&format!("keys-{}", kind.as_str()), kind, None).await?;
        check(&table, cases::partition_keys(kind)).await?;
        let table = Table::create(&format!("keys-S-{}", kind.as_str()), S, Some(kind)).await?;
        check(&table, cases::sort_keys(kind)).await?;
    }
    Ok(())
}

#[tokio::test]
async fn text_that_is_no_dynamodb_json() -> Result<()> {
    check(&Table::create("no-dynamodb-json", S, None).await?, cases::no_dynamodb_json()).await
}

#[tokio::test]
async fn departures_are_still_departures() -> Result<()> {
    let table = Table::create("departures", S, None).await?;
    let mut wrong = Vec::new();
    for (value, why) in departures::VALUES {
        let item = cases::with(value);
        let (ours, theirs) = (refusal(&item, table.schema()), table.refusal(&item).await?);
        if ours.is_none() || theirs.is_some() {
            wrong.push(format!("{value} ({why}): ours {ours:?}, DynamoDB Local's {theirs:?}"));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// Asks about generated items, and gives back those that both take.
async fn agreed<'t>(table: &Table, items: &'t [String]) -> Result<Vec<&'t String>> {
    let theirs = table.refusals(items).await?;
    let mut agreed = Vec::new();
    let mut wrong = Vec::new();
    for (item, theirs) in items.iter().zip(theirs) {
        match (refusal(item, table.schema()), theirs) {
            (None, None) => agreed.push(item),
            (Some(_), Some(_)) => {}
            (ours, theirs) => {
                wrong.push(format!("ours {ours:?}, DynamoDB Local's {theirs:?}: {}", shown(item)));
            }
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(agreed)
}

/// The item; of one that has been filled up to a limit, the beginning.
fn shown(item: &str) -> String {
    const LONGEST: usize = 10_000;
    item.chars().take(LONGEST).collect()
}

#[tokio::test]
async fn generated_items_come_back_as_they_went() -> Result<()> {
    let table = Table::create("generated", S, None).await?;
    let items = generated::some(400, generated::items())?;
    let mut expected = BTreeMap::new();
    for item in agreed(&table, &items).await? {
        let item = parse_item(item.as_bytes())?;
        expected.insert(canonical(&table.schema().key_of(&item)?), canonical(&item));
    }
    assert_eq!(expected.len(), items.len(), "every generated item is valid, and has its own key");
    assert_eq!(table.items().await?, expected);
    Ok(())
}

#[tokio::test]
async fn generated_items_beside_a_limit() -> Result<()> {
    let table = Table::create("beside-limits", S, None).await?;
    let items = generated::some(400, generated::beside_limits())?;
    let taken = agreed(&table, &items).await?.len();
    assert!((50..350).contains(&taken), "{taken} of 400 on one side of the limits says little");
    Ok(())
}

#[tokio::test]
async fn generated_items_count_as_many_bytes() -> Result<()> {
    let table = Table::create("sizes", S, None).await?;
    let items = generated::some(60, generated::filled_up())?;
    let taken = agreed(&table, &items).await?.len();
    assert!((1..60).contains(&taken), "some of the 60 are a byte too large, and some are not");
    Ok(())
}

#[tokio::test]
async fn generated_keys() -> Result<()> {
    for kind in [S, N, B] {
        let name = format!("generated-keys-{}", kind.as_str());
        let table = Table::create(&name, kind, Some(kind)).await?;
        agreed(&table, &generated::some(150, generated::keys(kind))?).await?;
    }
    Ok(())
}

//! Files of the lake, made without a table.

use anyhow::Result;
use item::{format::dynamodb_json::parse_item, key::KeySchema};
use lake::{Registry, SnapshotFile};

/// A snapshot of these items, given as DynamoDB JSON.
pub fn snapshot(schema: &KeySchema, items: &[&str]) -> Result<Vec<u8>> {
    const COLUMNS: usize = 500;
    let mut file = SnapshotFile::new(Vec::new(), "elsewhere", 0)?;
    for text in items {
        let item = parse_item(text.as_bytes())?;
        file.push(&schema.key_of(&item)?, &item)?;
    }
    let mut registry = Registry::new();
    registry.assign(&file.unnamed(&registry), COLUMNS);
    file.write_rows(&registry)?;
    Ok(file.finish()?)
}

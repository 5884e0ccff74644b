//! Files of the lake, made without a table.

use anyhow::Result;
use item::{format::dynamodb_json::parse_item, key::KeySchema};
use lake::{ExportFile, Registry, Row};

/// A snapshot of these items, given as DynamoDB JSON.
pub fn snapshot(schema: &KeySchema, items: &[&str]) -> Result<Vec<u8>> {
    const COLUMNS: usize = 500;
    let mut file = ExportFile::new(Vec::new(), "elsewhere")?;
    for text in items {
        let item = parse_item(text.as_bytes())?;
        file.push(&Row::of_snapshot(0, &schema.key_of(&item)?, &item))?;
    }
    let mut registry = Registry::new();
    registry.assign(&file.unnamed(&registry), COLUMNS);
    file.write_rows(&registry)?;
    Ok(file.finish()?)
}

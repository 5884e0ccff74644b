//! Text formats: bytes to items.

pub mod dynamodb_json;

mod distinct;
pub(crate) mod json;

//! The lake's own files, whose items come back exactly.

use ::parquet::file::metadata::FileMetaData;
use arrow::array::RecordBatch;
use arrow::datatypes::Fields;
use item::{Item, ItemError, Reason};

use crate::catalog::TABLE;
use crate::error::ReadError;
use crate::meta::RowOp;
use crate::parquet::COLUMNS;
use crate::read::{Attributes, Decoder, attributes, entry, optional_entry};
use crate::{Kind, StoredRow};

/// What a file of the lake says of itself.
#[derive(Debug)]
pub(super) struct Own {
    pub(super) table: String,
    attributes: Attributes,
}

/// The items of a batch, or why they are none.
pub(super) type Decoded = Vec<Result<Item<'static>, ItemError>>;

impl Own {
    /// Nothing for a file that others wrote.
    pub(super) fn of(metadata: &FileMetaData) -> Result<Option<Self>, ReadError> {
        if optional_entry(metadata, COLUMNS).is_none() {
            return Ok(None);
        }
        let table = entry(metadata, TABLE)?.to_owned();
        Ok(Some(Self { table, attributes: attributes(metadata)? }))
    }

    /// A line for each column that holds an attribute, in the file's order.
    pub(super) fn lines(&self, fields: &Fields) -> Vec<String> {
        let line = |column: &String| {
            let mut all = self.attributes.iter().flat_map(|(attribute, columns)| {
                columns.iter().map(move |(name, kind)| (attribute, name, *kind))
            });
            let (attribute, _, kind) = all.find(|(_, name, _)| *name == column)?;
            Some(format!("{column}: {kind} of attribute {attribute:?} -> {}", descriptor(kind)))
        };
        fields.iter().filter_map(|field| line(field.name())).collect()
    }

    /// The items of a batch that begins at a row, counted from 0.
    pub(super) fn decode(&self, batch: &RecordBatch, first: u64) -> Result<Decoded, ReadError> {
        let decoder = Decoder::new(batch, &self.attributes, 0)?;
        let rows = (0..batch.num_rows()).map(|at| match decoder.row(at) {
            Ok(row) if row.op == RowOp::Snapshot => Ok(item_of(row)),
            Ok(StoredRow { op, .. }) => {
                let (table, operation) = (self.table.clone(), op.as_str());
                Err(ReadError::Changes { table, row: first + at as u64, operation })
            }
            Err(error) => damaged(error).map(Err),
        });
        rows.collect()
    }
}

fn item_of(row: StoredRow) -> Result<Item<'static>, ItemError> {
    let intact = row.is_intact();
    let item = row.item.filter(|_| intact);
    item.ok_or_else(|| {
        let expected = "the item that was hashed when it was written";
        ItemError::of_item(Reason::Stored { expected })
    })
}

/// The row's error, unless it is the file's.
fn damaged(error: ReadError) -> Result<ItemError, ReadError> {
    if let ReadError::Value { column, expected, .. } = &error {
        return Ok(ItemError::of_attribute(column, Reason::Stored { expected }));
    }
    Err(error)
}

fn descriptor(kind: Kind) -> &'static str {
    match kind {
        Kind::String => "S",
        Kind::Bigint | Kind::Double => "N",
        Kind::Boolean => "BOOL",
        Kind::Binary => "B",
        Kind::StringSet => "SS",
        Kind::BigintSet | Kind::DoubleSet => "NS",
        Kind::BinarySet => "BS",
        Kind::Json => "M or L",
    }
}

//! A file's columns as Arrow types.
//!
//! Three Parquet types would lose something on their way through Arrow, so they are read as the bytes they
//! are, and [`Leaf`] remembers what those bytes mean:
//!
//! | Parquet | Arrow makes of it | what would be lost |
//! |---|---|---|
//! | INT96 | nanoseconds in 64 bits | years before 1677 and after 2262, which wrap around |
//! | INTERVAL | days and milliseconds | months |
//! | ENUM | binary | that it is text |
//!
//! The Arrow schema that some writers embed adds what Parquet has no type for (durations) and how values are
//! best held (dictionaries). Where it does not fit the file, or has types that are not read, it is passed over.

use std::collections::HashSet;
use std::sync::Arc;

use ::parquet::arrow::{
    FieldLevels, ProjectionMask, parquet_to_arrow_field_levels, parquet_to_arrow_schema,
};
use ::parquet::basic::{ConvertedType, LogicalType, Type as PhysicalType};
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::FileMetaData;
use ::parquet::schema::types::{SchemaDescriptor, Type, TypePtr};
use arrow::array::new_empty_array;
use arrow::datatypes::{DataType, Field, FieldRef, Fields};

use super::column::{self, Unsupported};
use crate::error::ReadError;
use crate::read::guarded;

/// Bytes of an INT96, and of an INTERVAL.
const TWELVE: i32 = 12;

/// What a leaf of the file's schema holds beyond what its Arrow type says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaf {
    /// Nothing beyond.
    Plain,
    /// A UUID in 16 bytes.
    Uuid,
    /// A time in 12 bytes: nanoseconds of the day, Julian day.
    Int96,
    /// A span in 12 bytes: months, days, milliseconds.
    Interval,
}

/// How a file's columns are read.
#[derive(Debug)]
pub(super) struct Schema {
    pub(super) fields: Fields,
    pub(super) levels: FieldLevels,
    /// The leaves of all columns, depth first.
    pub(super) leaves: Vec<Leaf>,
}

impl Schema {
    /// The columns of a file, all of which can become attributes.
    pub(super) fn of(metadata: &FileMetaData) -> Result<Self, ReadError> {
        let descriptor = metadata.schema_descr();
        let leaves = descriptor.columns().iter().map(|leaf| leaf_of(leaf.self_type()));
        let leaves: Vec<Leaf> = leaves.collect();
        let readable = SchemaDescriptor::new(guarded(|| Ok(readable(descriptor.root_schema())?))?);
        let fields =
            |metadata| guarded(|| Ok(parquet_to_arrow_schema(&readable, metadata)?.fields));
        let plain = fields(None)?;
        distinct(&plain, "")?;
        let embedded = fields(metadata.key_value_metadata()).ok();
        let fields = choose(&plain, embedded.as_ref(), &leaves)?;
        let all = ProjectionMask::all();
        let hint = Some(&fields);
        let levels = guarded(|| Ok(parquet_to_arrow_field_levels(&readable, all, hint)?))?;
        Ok(Self { fields, levels, leaves })
    }
}

/// Of each column the embedded type, if that can be read, else the plain one.
fn choose(plain: &Fields, embedded: Option<&Fields>, leaves: &[Leaf]) -> Result<Fields, ReadError> {
    let mut leaves = leaves.iter().copied();
    let choose = |(at, plain): (usize, &FieldRef)| {
        let embedded = embedded.and_then(|fields| fields.get(at));
        let readable = |field: &&FieldRef| check(field, &mut leaves.clone()).is_ok();
        let field = embedded.filter(readable).unwrap_or(plain);
        check(field, &mut leaves)?;
        Ok(Arc::clone(field))
    };
    plain.iter().enumerate().map(choose).collect()
}

/// Whether values of a column's type have a counterpart in DynamoDB; takes the column's leaves.
fn check(field: &Field, leaves: &mut dyn Iterator<Item = Leaf>) -> Result<(), ReadError> {
    let empty = guarded(|| Ok(new_empty_array(field.data_type())))?;
    let unsupported = |Unsupported(found)| {
        let column = field.name().clone();
        ReadError::UnsupportedColumn { column, found }
    };
    column::of(&empty, leaves, 1).map(drop).map_err(unsupported)
}

/// Whether no two columns, and no two fields of one struct, have one name.
fn distinct(fields: &Fields, within: &str) -> Result<(), ReadError> {
    let mut names = HashSet::new();
    for field in fields {
        let path = format!("{within}{}", field.name());
        if !names.insert(field.name()) {
            return Err(ReadError::RepeatedColumn { column: path });
        }
        let mut data_type = field.data_type();
        while let DataType::List(element)
        | DataType::LargeList(element)
        | DataType::FixedSizeList(element, _)
        | DataType::Map(element, _) = data_type
        {
            data_type = element.data_type();
        }
        if let DataType::Struct(fields) = data_type {
            distinct(fields, &format!("{path}."))?;
        }
    }
    Ok(())
}

fn leaf_of(leaf: &Type) -> Leaf {
    let info = leaf.get_basic_info();
    match (leaf.get_physical_type(), info.logical_type_ref(), info.converted_type()) {
        (PhysicalType::INT96, None, _) => Leaf::Int96,
        (PhysicalType::FIXED_LEN_BYTE_ARRAY, Some(LogicalType::Uuid), _) => Leaf::Uuid,
        (PhysicalType::FIXED_LEN_BYTE_ARRAY, None, ConvertedType::INTERVAL) => Leaf::Interval,
        _ => Leaf::Plain,
    }
}

/// The same type with leaves that the Parquet reader gives back whole.
fn readable(node: &Type) -> Result<TypePtr, ParquetError> {
    let info = node.get_basic_info();
    if node.is_primitive() {
        return readable_leaf(node);
    }
    let fields = node.get_fields().iter().map(|field| readable(field));
    let mut group = Type::group_type_builder(node.name())
        .with_fields(fields.collect::<Result<_, _>>()?)
        .with_converted_type(info.converted_type())
        .with_logical_type(info.logical_type_ref().cloned())
        .with_id(info.has_id().then(|| info.id()));
    if info.has_repetition() {
        group = group.with_repetition(info.repetition());
    }
    Ok(Arc::new(group.build()?))
}

fn readable_leaf(leaf: &Type) -> Result<TypePtr, ParquetError> {
    let info = leaf.get_basic_info();
    let is_enum = matches!(info.logical_type_ref(), Some(LogicalType::Enum))
        || info.converted_type() == ConvertedType::ENUM;
    let twelve_bytes = matches!(leaf_of(leaf), Leaf::Int96 | Leaf::Interval);
    let builder = if leaf.get_physical_type() == PhysicalType::BYTE_ARRAY && is_enum {
        Type::primitive_type_builder(leaf.name(), PhysicalType::BYTE_ARRAY)
            .with_logical_type(Some(LogicalType::String))
    } else if twelve_bytes {
        Type::primitive_type_builder(leaf.name(), PhysicalType::FIXED_LEN_BYTE_ARRAY)
            .with_length(TWELVE)
    } else {
        return Ok(Arc::new(leaf.clone()));
    };
    Ok(Arc::new(builder.with_repetition(info.repetition()).build()?))
}

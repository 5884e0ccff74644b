//! Which columns get a dictionary: those whose values repeat.
//!
//! On unique values a dictionary costs a fifth more time and a tenth more bytes than none, because it
//! is built before it is given up. So a sample of each column of each row group decides.

use std::collections::HashSet;

use arrow::array::{Array, ArrayRef, AsArray, ListArray};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type,
    TimestampMillisecondType, ToByteSlice,
};
use parquet::file::properties::WriterPropertiesBuilder;
use parquet::schema::types::ColumnPath;
use xxhash_rust::xxh3::xxh3_64;

/// How many values of a column decide about its dictionary.
const SAMPLE: usize = 1000;
/// Fewer values than this need no dictionary.
const MIN_SAMPLE: usize = 32;

/// Gives the column a dictionary if its values repeat.
pub(super) fn choose(
    properties: WriterPropertiesBuilder,
    name: &str,
    array: &ArrayRef,
) -> WriterPropertiesBuilder {
    let list: Option<&ListArray> = array.as_list_opt();
    let (path, values) = match list {
        Some(list) => (vec![name, "list", "element"], list.values()),
        None => (vec![name], array),
    };
    let path = ColumnPath::new(path.into_iter().map(str::to_owned).collect());
    properties.set_column_dictionary_enabled(path, repeats(values))
}

/// Whether, of a sample spread over the column, at most every second value is a new one.
fn repeats(array: &ArrayRef) -> bool {
    let step = (array.len() / SAMPLE).max(1);
    let places = (0..array.len()).step_by(step).filter(|at| array.is_valid(*at));
    let mut distinct = HashSet::new();
    let mut sampled = 0;
    for at in places {
        let Some(hash) = hash_at(array, at) else {
            return false;
        };
        distinct.insert(hash);
        sampled += 1;
    }
    sampled >= MIN_SAMPLE && distinct.len() * 2 <= sampled
}

/// A hash of one value; nothing for types that need no dictionary.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "Arrow has some thirty types that no column has"
)]
fn hash_at(array: &ArrayRef, at: usize) -> Option<u64> {
    let hash = match array.data_type() {
        DataType::Utf8 => xxh3_64(array.as_string::<i32>().value(at).as_bytes()),
        DataType::Binary => xxh3_64(array.as_binary::<i32>().value(at)),
        DataType::Int32 => hash_value::<Int32Type>(array, at),
        DataType::Date32 => hash_value::<Date32Type>(array, at),
        DataType::Int64 => hash_value::<Int64Type>(array, at),
        DataType::Float64 => hash_value::<Float64Type>(array, at),
        DataType::Timestamp(_, _) => hash_value::<TimestampMillisecondType>(array, at),
        DataType::Decimal128(_, _) => hash_value::<Decimal128Type>(array, at),
        // Truth values, for which Parquet has no dictionary.
        _ => return None,
    };
    Some(hash)
}

fn hash_value<T: ArrowPrimitiveType>(array: &ArrayRef, at: usize) -> u64 {
    xxh3_64(array.as_primitive::<T>().value(at).to_byte_slice())
}

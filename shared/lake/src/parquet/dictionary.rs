//! Which columns get a dictionary: those whose values repeat.
//!
//! On unique values a dictionary costs a fifth more time and a tenth more bytes than none, because it
//! is built before it is given up. So a sample of each column of each row group decides.

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, ListArray, StringArray};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type,
    TimestampMillisecondType, ToByteSlice,
};
use parquet::file::properties::WriterPropertiesBuilder;
use parquet::schema::types::ColumnPath;
use xxhash_rust::xxh3::xxh3_64;

/// How many values of a column decide about its dictionary.
const SAMPLE: usize = 1000;
/// How often a value has to repeat.
const REPEATS: usize = 4;
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

/// Whether a dictionary pays: by a sample spread over the column, its values repeat four times.
fn repeats(array: &ArrayRef) -> bool {
    let step = (array.len() / SAMPLE).max(1);
    let places = (0..array.len()).step_by(step).filter(|at| array.is_valid(*at));
    let Some(mut sample) = hashes(array, places) else {
        return false;
    };
    sample.len() >= MIN_SAMPLE
        && richness(&mut sample) * REPEATS <= array.len() - array.null_count()
}

/// About how many values there are in all, by how often those of a sample were seen.
///
/// Chao's estimate: values seen once tell of values not seen, and the more so the fewer were seen
/// twice. It holds for even and for skewed columns, where a share of distinct values would not.
///
/// Source: A. Chao, "Nonparametric estimation of the number of classes in a population" (1984).
fn richness(sample: &mut [u64]) -> usize {
    sample.sort_unstable();
    let (mut seen, mut once, mut twice) = (0, 0, 0);
    for same in sample.chunk_by(|a, b| a == b) {
        seen += 1;
        once += usize::from(same.len() == 1);
        twice += usize::from(same.len() == 2);
    }
    let unseen = match twice {
        0 => once * once.saturating_sub(1) / 2,
        _ => once * once / (2 * twice),
    };
    seen + unseen
}

/// Hashes of the values at some places; nothing for types that need no dictionary.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "Arrow has some thirty types that no column has"
)]
fn hashes(array: &ArrayRef, places: impl Iterator<Item = usize>) -> Option<Vec<u64>> {
    Some(match array.data_type() {
        DataType::Utf8 => {
            let texts: &StringArray = array.as_string();
            places.map(|at| xxh3_64(texts.value(at).as_bytes())).collect()
        }
        DataType::Binary => {
            let bytes: &BinaryArray = array.as_binary();
            places.map(|at| xxh3_64(bytes.value(at))).collect()
        }
        DataType::Int32 => hashes_of::<Int32Type>(array, places),
        DataType::Date32 => hashes_of::<Date32Type>(array, places),
        DataType::Int64 => hashes_of::<Int64Type>(array, places),
        DataType::Float64 => hashes_of::<Float64Type>(array, places),
        DataType::Timestamp(_, _) => hashes_of::<TimestampMillisecondType>(array, places),
        DataType::Decimal128(_, _) => hashes_of::<Decimal128Type>(array, places),
        // Truth values, for which Parquet has no dictionary.
        _ => return None,
    })
}

fn hashes_of<T: ArrowPrimitiveType>(
    array: &ArrayRef,
    places: impl Iterator<Item = usize>,
) -> Vec<u64> {
    let values = array.as_primitive::<T>();
    places.map(|at| xxh3_64(values.value(at).to_byte_slice())).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::Int64Array;

    use super::*;

    #[test]
    fn a_column_has_a_dictionary_where_its_values_repeat() {
        // Scattered, so that no step of the sample meets a pattern.
        let scattered = |n: i64| n.wrapping_mul(0x9E37_79B9_7F4A_7C15_u64.cast_signed()) >> 33;
        for (what, value, expected) in [
            ("one value", (|_, _| 7) as fn(i64, i64) -> i64, true),
            ("five values", |_, s| s.rem_euclid(5), true),
            ("a thousand values", |_, s| s.rem_euclid(1000), true),
            ("ten thousand values", |_, s| s.rem_euclid(10_000), false),
            ("every value another", |n, _| n, false),
            ("half one value, half unique", |n, s| if s % 2 == 0 { 7 } else { n }, false),
        ] {
            let values: Int64Array = (0..20_000).map(|n| value(n, scattered(n))).collect();
            let array: ArrayRef = Arc::new(values);
            assert_eq!(repeats(&array), expected, "{what}");
        }
        let few: ArrayRef = Arc::new(Int64Array::from(vec![7; MIN_SAMPLE - 1]));
        assert!(!repeats(&few));
    }
}

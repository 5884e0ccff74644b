//! Whatever the bytes are, reading ends, in items or a clear error.

use std::sync::{Arc, LazyLock};

use ::parquet::arrow::ArrowWriter;
use ::parquet::file::properties::WriterProperties;
use arrow::array::{
    ArrayRef, Decimal128Array, DictionaryArray, Int32Array, ListArray, RecordBatch, StringArray,
    StructArray, TimestampMillisecondArray,
};
use arrow::datatypes::{Int8Type, Int32Type};
use bytes::Bytes;
use lake::ReadError;
use lake::items::Items;
use proptest::collection::vec;
use proptest::prelude::*;

/// Columns of several types in two row groups.
static WHOLE: LazyLock<Bytes> = LazyLock::new(|| {
    let ids: ArrayRef = Arc::new((0..40).map(|n| Some(n.to_string())).collect::<StringArray>());
    let decimals: ArrayRef = Arc::new(Decimal128Array::from_iter_values(0..40));
    let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(
        (0..40).map(|n| (n % 3 > 0).then(|| vec![Some(n), None])),
    ));
    let words = (0..40).map(|n| if n % 2 > 0 { Some("odd") } else { None });
    let words: ArrayRef = Arc::new(words.collect::<DictionaryArray<Int8Type>>());
    let times: ArrayRef = Arc::new(TimestampMillisecondArray::from_iter_values(0..40));
    let numbers: ArrayRef = Arc::new(Int32Array::from_iter_values(0..40));
    let structs = StructArray::try_from(vec![("n", numbers), ("t", times)]).unwrap();
    let batch = RecordBatch::try_from_iter([
        ("id", ids),
        ("decimal", decimals),
        ("list", lists),
        ("word", words),
        ("struct", Arc::new(structs)),
    ]);
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(25)).build();
    let batch = batch.unwrap();
    let mut file = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut file, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    file.into()
});

/// The second half of a file that is mostly numbers.
fn beheaded() -> Bytes {
    let numbers: ArrayRef = Arc::new(Int32Array::from_iter_values(0..9999));
    let batch = RecordBatch::try_from_iter([("n", numbers)]).unwrap();
    let mut file = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    Bytes::from(file.split_off(file.len() / 2))
}

/// How many rows a file has, read to its end; and that after an error there are no more.
fn read(file: Bytes) -> Result<u64, ReadError> {
    let mut items = Items::open(file)?;
    let mut rows = 0;
    loop {
        match items.next_row() {
            Ok(Some(row)) => {
                rows += 1;
                if let Err(error) = row.item() {
                    assert_eq!(error.text, row.text());
                }
            }
            Ok(None) => break,
            Err(error) => {
                assert!(items.next_row()?.is_none());
                return Err(error);
            }
        }
    }
    assert_eq!(rows, items.rows());
    Ok(rows)
}

#[track_caller]
fn check(file: &[u8], expected: &str) {
    let error = read(Bytes::copy_from_slice(file)).unwrap_err();
    assert!(error.to_string().contains(expected), "{error}");
}

#[test]
fn files_that_are_none() {
    assert_eq!(read(WHOLE.clone()).unwrap(), 40);
    check(b"", "parquet file is damaged");
    check(b"PAR1", "parquet file is damaged");
    check(b"{\"id\":1}", "not a readable parquet file");
    check(&WHOLE[..WHOLE.len() - 1], "not a readable parquet file");
    check(&beheaded(), "the file is cut off or damaged; copy it again");
    check(b"PARE\x00\x00\x00\x00PARE", "parquet file is encrypted; write it without encryption");
    check(b"\xFF\xFF\xFF\x00PAR1", "parquet file is damaged");
    check(b"\xFF\xFF\xFF\xFFPAR1", "a footer of 4294967295 bytes, the limit is 67108864");
}

/// A file without rows whose one column is within so many structs.
fn nested(levels: usize) -> Vec<u8> {
    // In Thrift's compact protocol: the version, then the list of the schema's nodes. The root, structs and a
    // column each have their repetition, name and number of children; in the end no rows and row groups.
    let nodes = u32::try_from(levels + 2).unwrap();
    let length = [nodes & 0x7F | 0x80, nodes >> 7 & 0x7F | 0x80, nodes >> 14];
    let mut footer = vec![0x15, 2, 0x19, 0xFC];
    footer.extend(length.map(|byte| u8::try_from(byte).unwrap()));
    footer.extend(b"\x48\x01r\x15\x02\0");
    footer.extend(b"\x35\x02\x18\x01a\x15\x02\0".repeat(levels));
    footer.extend(b"\x15\x02\x25\x02\x18\x01a\0\x16\0\x19\x0C\0");
    let length = u32::try_from(footer.len()).unwrap().to_le_bytes();
    [b"PAR1".as_slice(), &footer, &length, b"PAR1"].concat()
}

#[test]
fn a_deep_schema_does_not_overflow_the_stack() {
    assert_eq!(read(nested(98).into()).unwrap(), 0);
    check(&nested(99), "columns are nested deeper than 100 levels; write them flatter");
    check(&nested(1_000_000), "columns are nested deeper than 100 levels; write them flatter");
}

#[test]
fn flipped_bytes_do_not_panic() {
    let mut failed = 0;
    for at in (0..WHOLE.len()).step_by(5) {
        for flip in [0xFF, 0x01, 0x80] {
            let mut file = WHOLE.to_vec();
            file[at] ^= flip;
            failed += usize::from(read(file.into()).is_err());
        }
    }
    assert!(failed > 0);
}

proptest! {
    #[test]
    fn any_damage_ends_in_rows_or_an_error(
        flips in vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
        cut in any::<prop::sample::Index>(),
        keep in 0..2_usize,
    ) {
        let mut file = WHOLE.to_vec();
        for (at, byte) in flips {
            let at = at.index(file.len());
            file[at] = byte;
        }
        let footer = file.len() - cut.index(file.len());
        // Either the file cut off, or bytes gone from its middle with the footer in place.
        let file = if keep == 0 { file[..footer].to_vec() } else { file[cut.index(64)..].to_vec() };
        let _ = read(file.into());
    }
}

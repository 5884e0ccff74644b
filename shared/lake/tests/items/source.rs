//! What is asked of the file's place, and what is not.

use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::{Compression, GzipLevel, ZstdLevel};
use ::parquet::file::properties::WriterProperties;
use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use bytes::Bytes;
use item::Value;
use lake::ReadError;
use lake::items::Items;
use lake::source::RangedRead;

/// A file that keeps its requests, and fails from a request on.
#[derive(Clone)]
struct Watched {
    file: Bytes,
    requests: Arc<Mutex<Vec<Range<u64>>>>,
    fails_at: usize,
}

impl Watched {
    fn new(file: Bytes) -> Self {
        Self { file, requests: Arc::default(), fails_at: usize::MAX }
    }

    fn requests(&self) -> Vec<Range<u64>> {
        self.requests.lock().unwrap().clone()
    }
}

impl RangedRead for Watched {
    fn length(&self) -> u64 {
        self.file.length()
    }

    fn read(&self, range: Range<u64>) -> io::Result<Bytes> {
        let mut requests = self.requests.lock().unwrap();
        requests.push(range.clone());
        if requests.len() > self.fails_at {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.file.read(range)
    }
}

/// Rows `0..rows` of a number, its text and `filler` bytes that do not compress, in row groups.
fn file(rows: i64, row_group: usize, filler: usize, compression: Compression) -> Bytes {
    let mut random = 1_u64;
    let mut text = |n: i64| {
        let mut text = n.to_string();
        for _ in 0..filler {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            text.push(char::from(b'!' + u8::try_from(random >> 58).unwrap()));
        }
        text
    };
    let texts: ArrayRef = Arc::new((0..rows).map(|n| Some(text(n))).collect::<StringArray>());
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows));
    let batch = RecordBatch::try_from_iter([("n", numbers), ("text", texts)]).unwrap();
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(row_group))
        .set_compression(compression)
        .set_dictionary_enabled(false)
        .build();
    let mut file = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut file, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    file.into()
}

/// The numbers of the rows that are left.
fn numbers(items: &mut Items) -> Result<Vec<i64>, ReadError> {
    let mut found = Vec::new();
    while let Some(row) = items.next_row()? {
        let item = row.item().unwrap();
        let number = i64::try_from(row.ordinal).unwrap();
        assert_eq!(item.get("n"), Some(&Value::N(number.into())));
        let text = item.get("text");
        let is_its = |text: &str| text.starts_with(&number.to_string());
        assert!(matches!(text, Some(Value::S(text)) if is_its(text)), "{text:?}");
        found.push(number);
    }
    Ok(found)
}

#[test]
fn a_small_row_group_is_one_request() {
    let source = Watched::new(file(5000, 2000, 100, Compression::UNCOMPRESSED));
    let mut items = Items::open(source.clone()).unwrap();
    assert_eq!(source.requests().len(), 1);
    assert_eq!(items.rows(), 5000);
    assert_eq!(numbers(&mut items).unwrap(), (0..5000).collect::<Vec<_>>());
    assert_eq!(source.requests().len(), 4);
}

#[test]
fn a_large_row_group_is_read_by_windows() {
    let bytes = file(20_000, 20_000, 1000, Compression::UNCOMPRESSED);
    let source = Watched::new(bytes.clone());
    let mut items = Items::open(source.clone()).unwrap();
    assert_eq!(numbers(&mut items).unwrap().len(), 20_000);
    let requests = source.requests();
    assert!(requests.len() < 8, "{requests:?}");
    let asked = requests.iter().map(|range| range.end - range.start);
    assert!(asked.clone().all(|length| length <= 9 * 1024 * 1024), "{requests:?}");
    // Nothing is fetched twice but the end of the file, which the footer came with.
    assert!(asked.sum::<u64>() <= bytes.length() + 64 * 1024, "{requests:?}");
}

#[test]
fn seeking_passes_over_row_groups() {
    let source = Watched::new(file(5000, 2000, 100, Compression::UNCOMPRESSED));
    let mut items = Items::open(source.clone()).unwrap();
    for (start, requests) in
        [(4500, 1), (4000, 1), (3999, 2), (1, 3), (0, 3), (5000, 0), (5001, 0), (u64::MAX, 0)]
    {
        let before = source.requests().len();
        items.seek(start);
        let expected: Vec<i64> = (0..5000).skip(usize::try_from(start).unwrap()).collect();
        assert_eq!(numbers(&mut items).unwrap(), expected);
        assert_eq!(source.requests().len() - before, requests, "{start}");
    }
}

#[test]
fn a_place_that_fails_is_told_from_a_damaged_file() {
    for filler in [10, 4000] {
        let whole = file(5000, 5000, filler, Compression::UNCOMPRESSED);
        for fails_at in 0..2 {
            let source = Watched { fails_at, ..Watched::new(whole.clone()) };
            let read = |source| numbers(&mut Items::open(source)?);
            let error = read(source).unwrap_err();
            let timed_out = |error: &io::Error| error.kind() == io::ErrorKind::TimedOut;
            assert!(matches!(&error, ReadError::Source(io) if timed_out(io)), "{error:?}");
        }
    }
}

#[test]
fn every_codec_is_read() {
    for compression in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::BROTLI(::parquet::basic::BrotliLevel::default()),
        Compression::LZ4,
        Compression::LZ4_RAW,
        Compression::ZSTD(ZstdLevel::default()),
    ] {
        let mut items = Items::open(file(100, 100, 10, compression)).unwrap();
        assert_eq!(numbers(&mut items).unwrap().len(), 100);
    }
}

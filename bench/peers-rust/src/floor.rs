//! The floor: what no reader of an export can do without.
//!
//! The very bytes of the export are inflated, and the very columns that we made of it are encoded with the very settings, row
//! group by row group. What a product takes beyond that, it takes for reading JSON and for keeping its promises.
//! The columns come from our own file; reading them is not timed.

use std::fs::File;
use std::io::{BufReader, Read, sink};
use std::sync::Arc;

use anyhow::{Context, Result};
use arrow::array::{Array, RecordBatch};
use arrow::compute::concat_batches;
use flate2::bufread::MultiGzDecoder;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use serde_json::{Value, json};

use crate::process::timed;

const BUFFER: usize = 256 * 1024;

pub(crate) fn measure(input: &str, ours: &str) -> Result<Value> {
    let (inflated, inflate) = timed(|| inflate(input))?;
    let Encoded { rows, bytes, cpu: encode } = encode(ours)?;
    Ok(json!({
        "rows": rows,
        "encoded_bytes": bytes,
        "inflated_bytes": inflated,
        "inflate_cpu_s": inflate,
        "encode_cpu_s": encode,
        "cpu_s": inflate + encode,
    }))
}

fn inflate(input: &str) -> Result<usize> {
    let open = File::open(input).with_context(|| format!("opening {input}"))?;
    let mut inflating = MultiGzDecoder::new(BufReader::with_capacity(BUFFER, open));
    let mut buffer = vec![0; BUFFER];
    let mut total = 0;
    loop {
        match inflating.read(&mut buffer)? {
            0 => return Ok(total),
            read => total += read,
        }
    }
}

/// What our file became, encoded anew.
struct Encoded {
    rows: usize,
    /// Without the footer.
    bytes: u64,
    cpu: f64,
}

fn encode(ours: &str) -> Result<Encoded> {
    let file = File::open(ours).with_context(|| format!("opening {ours}"))?;
    let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::default())?;
    let mut writer = lake::parquet::Writer::new(sink(), "bench")?;
    let mut total = 0.0;
    for group in 0..metadata.metadata().num_row_groups() {
        let batch = row_group(&file, &metadata, group)?;
        let ((), cpu) = timed(|| Ok(writer.write(&batch)?))?;
        total += cpu;
    }
    let (rows, bytes) = (writer.rows(), writer.bytes());
    let (_, cpu) = timed(|| Ok(writer.finish()?))?;
    Ok(Encoded { rows, bytes, cpu: total + cpu })
}

/// A row group as the batch that it was written from.
fn row_group(file: &File, metadata: &ArrowReaderMetadata, group: usize) -> Result<RecordBatch> {
    let rows = metadata.metadata().row_group(group).num_rows();
    let reader =
        ParquetRecordBatchReaderBuilder::new_with_metadata(file.try_clone()?, metadata.clone())
            .with_row_groups(vec![group])
            .with_batch_size(usize::try_from(rows)?)
            .build()?;
    let batches = reader.collect::<Result<Vec<_>, _>>()?;
    let batch = concat_batches(metadata.schema(), &batches)?;
    // The batch had only the columns with values; the footer gave it the others.
    let has_values = |at: &usize| batch.column(*at).null_count() < batch.num_rows();
    let columns: Vec<usize> = (0..batch.num_columns()).filter(has_values).collect();
    Ok(RecordBatch::try_new(
        Arc::new(batch.schema().project(&columns)?),
        columns.iter().map(|at| Arc::clone(batch.column(*at))).collect(),
    )?)
}

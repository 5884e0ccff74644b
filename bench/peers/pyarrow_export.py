"""An export to Parquet by pyarrow, line by line as most Lambda functions do it.

usage: pyarrow_export.py IN.json.gz OUT.parquet SCHEMA.json boto3|orjson
"""

import gzip
import sys

import pyarrow as pa
import pyarrow.parquet as pq
from conversion import columns_of, fields, reader

BATCH = 20_000


def main(source: str, target: str, schema_file: str, library: str) -> None:
    columns = columns_of(schema_file)
    schema = pa.schema(fields(columns))
    loads, convert = reader(library, columns)
    items = []
    with (
        pq.ParquetWriter(target, schema, compression="zstd", compression_level=3) as writer,
        gzip.open(source) as lines,
    ):
        for line in lines:
            items.append(convert(loads(line)["Item"]))
            if len(items) == BATCH:
                writer.write_batch(pa.RecordBatch.from_pylist(items, schema=schema), row_group_size=122880)
                items.clear()
        writer.write_batch(pa.RecordBatch.from_pylist(items, schema=schema), row_group_size=122880)


main(*sys.argv[1:])

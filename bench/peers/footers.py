"""What the footers of Parquet files say: rows, bytes, and the bytes of the columns that only Headwater has.

usage: footers.py FILE.parquet...
"""

import json
import os
import sys
from typing import Any

import pyarrow.parquet as pq


def footer(file: str) -> dict[str, Any]:
    metadata = pq.read_metadata(file)
    meta = columns = 0
    for group in range(metadata.num_row_groups):
        for at in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(at)
            columns += chunk.total_compressed_size
            # Columns of attributes never begin with an underscore: docs/lake-format.md.
            if chunk.path_in_schema.startswith("_"):
                meta += chunk.total_compressed_size
    return {
        "rows": metadata.num_rows,
        "row_groups": metadata.num_row_groups,
        "columns": len(metadata.schema.to_arrow_schema()),
        "bytes": os.path.getsize(file),
        "column_bytes": columns,
        "meta_bytes": meta,
    }


print(json.dumps({file: footer(file) for file in sys.argv[1:]}))

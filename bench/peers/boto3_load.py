"""JSON lines to a table by boto3's `batch_writer`.

usage: boto3_load.py IN.jsonl TABLE ENDPOINT
"""

import json
import sys
from decimal import Decimal

import boto3


def main(source: str, name: str, endpoint: str) -> None:
    dynamodb = boto3.resource(
        "dynamodb",
        region_name="us-east-1",
        endpoint_url=endpoint,
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    count = 0
    with open(source) as lines, dynamodb.Table(name).batch_writer() as batch:
        for line in lines:
            batch.put_item(Item=json.loads(line, parse_float=Decimal))
            count += 1
    print(f"{count} items")


main(*sys.argv[1:])

"""What the stream function is for."""

import functools
import json

import importing
from deployed import Deployed, expect

SEQUENCE = 4421584500000000017450439091


def event(table: str, attribute: str) -> dict:
    """A batch of one change, as the mapping gives it, with an attribute that may be new."""
    image = {"id": {"S": "a"}, attribute: {"S": "x"}}
    change = {
        "ApproximateCreationDateTime": 1795359601,
        "Keys": {"id": {"S": "a"}},
        "NewImage": image,
        "SequenceNumber": str(SEQUENCE),
        "SizeBytes": 20,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    stream = f"arn:aws:dynamodb:us-east-1:000000000000:table/{table}/stream/2026-11-22T15:00:00.000"
    return {"Records": [{"eventID": "1", "eventName": "INSERT", "eventSourceARN": stream, "dynamodb": change}]}


@functools.cache
def catalogued(aws: Deployed, use: str) -> str:
    """A table of one item whose changes are in the catalog. Each use has its own, which it may leave broken."""
    table = aws.new_name(use)
    aws.deliver("import", importing.dropped(aws, f"imports/{table}.csv", "id\na\n"))
    aws.unmap(table)
    return table


def fed(aws: Deployed) -> None:
    """A change with an attribute that is new gets it a column, and becomes a file."""
    table, attribute = catalogued(aws, "fed"), aws.new_name("attribute").replace("-", "_")
    aws.restart("stream")
    aws.remove(aws.lake, f"changes/{table}/")
    aws.invoke("stream", event(table, attribute))
    expect(aws.keys(aws.lake, f"changes/{table}/"), "no change file")
    columns = aws.client("glue").get_table(DatabaseName=aws.database, Name=catalog_name(table))["Table"]
    names = [column["Name"] for column in columns["StorageDescriptor"]["Columns"]]
    aws.forget_columns(catalog_name(table))
    expect(attribute in names, "the catalog has no column for the attribute, which travels in _rest")


def catalog_name(table: str, kind: str = "changes") -> str:
    return f"{table.replace('-', '_')}__{kind}"


def quarantined(aws: Deployed) -> None:
    """A change that can never become a row is kept."""
    table = catalogued(aws, "fed")
    poison = event(table, "n")
    poison["Records"][0]["dynamodb"]["NewImage"]["n"] = {"N": "abc"}
    aws.invoke("stream", poison)
    expect(aws.keys(aws.lake, f"quarantine/stream/{table}/"), "nothing in quarantine")


def redriven_batch(aws: Deployed) -> None:
    """A batch that Lambda gave up is written when it is asked for."""
    redriven(aws, "aws/lambda/redriven", lambda batch: {"payload": json.dumps(batch)})


def redriven_record(aws: Deployed) -> None:
    """So is a record in quarantine, once it is mended."""
    key = f"quarantine/stream/{catalogued(aws, 'fed')}/mended.json"
    redriven(aws, key, lambda batch: {"record": batch["Records"][0]})


def redriven(aws: Deployed, key: str, kept) -> None:
    table = catalogued(aws, "fed")
    aws.remove(aws.lake, f"changes/{table}/")
    aws.client("s3").put_object(Bucket=aws.lake, Key=key, Body=json.dumps(kept(event(table, "n"))).encode())
    aws.invoke("stream", {"redrive": key})
    expect(aws.keys(aws.lake, f"changes/{table}/"), "no change file")


def mapped(aws: Deployed) -> None:
    """A table's stream is mapped to the function, and what is given up goes to the lake's bucket."""
    mapping = aws.map_stream(streamed(aws))
    aws.client("lambda").delete_event_source_mapping(UUID=mapping)


@functools.cache
def streamed(aws: Deployed) -> dict:
    specification = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    return aws.make_table(aws.new_name("streamed"), StreamSpecification=specification)

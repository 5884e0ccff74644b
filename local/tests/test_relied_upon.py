"""What the project relies on and ministack does as AWS does it: no correction, but to be noticed if it changes."""

import pytest
from botocore.exceptions import ClientError
from conftest import unique


def test_an_object_is_written_only_if_it_is_not_there(aws):
    s3, bucket = aws.client("s3"), aws.make_bucket()
    s3.put_object(Bucket=bucket, Key="a", Body=b"1", IfNoneMatch="*")
    with pytest.raises(ClientError) as refused:
        s3.put_object(Bucket=bucket, Key="a", Body=b"2", IfNoneMatch="*")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412
    etag = s3.head_object(Bucket=bucket, Key="a")["ETag"]
    s3.put_object(Bucket=bucket, Key="a", Body=b"3", IfMatch=etag)
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket=bucket, Key="a", Body=b"4", IfMatch=etag)


def test_an_older_version_can_be_read_with_its_metadata(aws):
    s3, bucket = aws.client("s3"), aws.make_bucket()
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=bucket, Key="a", Body=b"first", Metadata={"partition-key": "id"})["VersionId"]
    s3.put_object(Bucket=bucket, Key="a", Body=b"second")
    found = s3.get_object(Bucket=bucket, Key="a", VersionId=first)
    assert (found["Body"].read(), found["Metadata"]) == (b"first", {"partition-key": "id"})


def test_a_glue_table_keeps_column_parameters_and_is_updated_only_at_its_version(aws):
    glue, database = aws.client("glue"), unique("db").replace("-", "_")
    glue.create_database(DatabaseInput={"Name": database})
    columns = [{"Name": "a", "Type": "string", "Parameters": {"headwater.attribute": "A"}}]
    table = {"Name": "t", "StorageDescriptor": {"Columns": columns}, "Parameters": {"p": "1"}}
    glue.create_table(DatabaseName=database, TableInput=table)
    found = glue.get_table(DatabaseName=database, Name="t")["Table"]
    assert found["StorageDescriptor"]["Columns"] == columns and found["Parameters"] == {"p": "1"}
    glue.update_table(DatabaseName=database, TableInput=table, VersionId=found["VersionId"], SkipArchive=True)
    with pytest.raises(ClientError, match="ConcurrentModificationException"):
        glue.update_table(DatabaseName=database, TableInput=table, VersionId=found["VersionId"], SkipArchive=True)


def test_tables_are_found_by_their_tags(aws):
    client, tagging = aws.client("dynamodb"), aws.client("resourcegroupstaggingapi")
    created, tagged, other = (
        aws.make_table(Tags=[{"Key": "headwater", "Value": "on"}]),
        aws.make_table(),
        aws.make_table(),
    )
    client.tag_resource(ResourceArn=tagged["TableArn"], Tags=[{"Key": "headwater", "Value": "on"}])
    client.tag_resource(ResourceArn=other["TableArn"], Tags=[{"Key": "headwater", "Value": "off"}])

    def found() -> set[str]:
        filters = [{"Key": "headwater", "Values": ["on"]}]
        pages = tagging.get_paginator("get_resources").paginate(
            TagFilters=filters, ResourceTypeFilters=["dynamodb:table"]
        )
        return {resource["ResourceARN"] for page in pages for resource in page["ResourceTagMappingList"]}

    assert found() == {created["TableArn"], tagged["TableArn"]}
    client.untag_resource(ResourceArn=tagged["TableArn"], TagKeys=["headwater"])
    assert found() == {created["TableArn"]}

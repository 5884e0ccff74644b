"""Users with some permissions, and what is denied to them."""

import json

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from conftest import unique


def allow(actions: list[str], *resources: str) -> dict:
    return {"Effect": "Allow", "Action": actions, "Resource": list(resources)}


def denied(call) -> None:
    with pytest.raises(ClientError) as refused:
        call()
    assert "Denied" in refused.value.response["Error"]["Code"], refused.value


def user(cloud, *statements: dict):
    """Makes a user with these permissions, and gives what makes clients for them."""
    iam, name = cloud.client("iam"), unique("user")
    iam.create_user(UserName=name)
    policy = {"Version": "2012-10-17", "Statement": list(statements)}
    iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name="us-east-1")
    config = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})
    return lambda service: session.client(service, endpoint_url=cloud.endpoint, config=config)

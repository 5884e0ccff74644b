"""The few calls that the command line itself makes to the emulator.

Run with the Python of `env-emulator`, which has boto3, and with the stack's environment:

    python -m stack.cloud make-bucket BUCKET
    python -m stack.cloud outputs STACK
    python -m stack.cloud variables STACK
    python -m stack.cloud logs [FUNCTION]
"""

import json
import sys
from datetime import UTC, datetime

import boto3
from botocore.config import Config

CONFIG = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})


def make_bucket(bucket: str) -> None:
    boto3.client("s3", config=CONFIG).create_bucket(Bucket=bucket)


def outputs(stack: str) -> None:
    described = boto3.client("cloudformation", config=CONFIG).describe_stacks(StackName=stack)["Stacks"][0]
    json.dump({output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}, sys.stdout)


def variables(stack: str) -> None:
    """What the functions of the stack find in their environment: of a name they all find the same."""
    resources = boto3.client("cloudformation", config=CONFIG).describe_stack_resources(StackName=stack)
    client, found = boto3.client("lambda", config=CONFIG), {}
    for resource in resources["StackResources"]:
        if resource["ResourceType"] != "AWS::Lambda::Function":
            continue
        configured = client.get_function_configuration(FunctionName=resource["PhysicalResourceId"])
        for name, value in configured["Environment"]["Variables"].items():
            if found.setdefault(name, value) != value:
                sys.exit(f"{name} is {found[name]!r} for one function and {value!r} for another; give one another name.")
    json.dump(found, sys.stdout)


def logs(function: str = "") -> None:
    """Every function's log in the order of time, or that of the functions whose name has this in it."""
    client = boto3.client("logs", config=CONFIG)
    groups = client.get_paginator("describe_log_groups").paginate().search("logGroups[].logGroupName")
    lines = []
    for group in groups:
        if function.lower() not in group.lower():
            continue
        pages = client.get_paginator("filter_log_events").paginate(logGroupName=group)
        lines += [(event["timestamp"], group, event["message"].rstrip()) for event in pages.search("events[]") if event]
    for timestamp, group, message in sorted(lines, key=lambda line: line[0]):
        time = datetime.fromtimestamp(timestamp / 1000, UTC).strftime("%H:%M:%S.%f")[:-3]
        print(f"{time} {group.rpartition('/')[2]}: {message}")


COMMANDS = {"make-bucket": make_bucket, "outputs": outputs, "variables": variables, "logs": logs}

if __name__ == "__main__":
    COMMANDS[sys.argv[1]](*sys.argv[2:])

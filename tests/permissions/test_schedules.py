"""What the roles of the schedules may do.

SAM makes them, and no scenario breaks without them: the local AWS calls what is scheduled in nobody's role.
"""

import json

import pytest
from deployed import STACK, Deployed
from roles import Role, texts

NAMES = ("BackupFunctionScheduleRole", "BackupFunctionExportRole", "BackupFunctionReconcileRole")


def test_each_schedule_has_one(schedules_roles: dict[str, Role]) -> None:
    assert sorted(schedules_roles) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_it_may_call_backup_and_keep_what_is_not_delivered(
    aws: Deployed, schedules_roles: dict[str, Role], name: str
) -> None:
    role, iam = schedules_roles[name], aws.client("iam")
    (trusted,) = iam.get_role(RoleName=role.name)["Role"]["AssumeRolePolicyDocument"]["Statement"]
    principals = {kind: texts(names) for kind, names in trusted["Principal"].items()}
    assert principals == {"Service": ["scheduler.amazonaws.com"]}
    queue = aws.client("sqs").get_queue_attributes(QueueUrl=aws.queues["backup"], AttributeNames=["QueueArn"])
    (stack,) = aws.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    given = {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in stack["Parameters"]}
    allowed = {
        (action, resource)
        for statement in role.statements()
        for action in texts(statement["Action"])
        for resource in texts(statement["Resource"])
    }
    assert allowed == {
        ("lambda:InvokeFunction", aws.function_arn("backup")),
        ("sqs:SendMessage", queue["Attributes"]["QueueArn"]),
        # The queue is encrypted with it.
        ("kms:Decrypt", given["KmsKeyArn"]),
        ("kms:GenerateDataKey", given["KmsKeyArn"]),
    }
    assert iam.list_attached_role_policies(RoleName=role.name)["AttachedPolicies"] == []


@pytest.mark.parametrize("name", NAMES)
def test_it_has_rights_on_a_key_only_if_one_is_given(aws: Deployed, name: str) -> None:
    template = aws.client("cloudformation").get_template(StackName=STACK, TemplateStage="Processed")["TemplateBody"]
    resources = template["Resources"]
    assert "kms:" not in json.dumps(resources[name]), "SAM's own part of it"
    policies = [resource for resource in resources.values() if resource["Type"] == "AWS::IAM::Policy"]
    conditions = [policy.get("Condition") for policy in policies if {"Ref": name} in policy["Properties"]["Roles"]]
    assert conditions == ["HasKmsKey"]
    assert template["Conditions"]["HasKmsKey"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "KmsKeyArn"}, ""]}]}

"""The statements of the deployed roles, and how a part of one is taken away for a while.

A part is an action of a statement that allows several, or a resource of a statement that names several, or
else the statement. Taking a part takes less than taking its statement, so what breaks without the part breaks without
the statement.
"""

import contextlib
import copy
import functools
import json
from collections.abc import Iterator
from dataclasses import dataclass

# The functions' roles, by their logical names in the template.
ROLES = {
    "ImportRole": "import",
    "StreamRole": "stream",
    "BackupRole": "backup",
    "CompactionRole": "compaction",
    "SnapshotRole": "snapshot",
}


@dataclass(frozen=True)
class Part:
    """Something that a role may do."""

    function: str
    sid: str
    # An action or a resource; empty if the statement is one of each.
    taken: str
    # The same as the tables of uses have it.
    name: str
    # What could be denied without it.
    actions: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join(filter(None, (self.function, self.sid, self.name)))


class Role:
    """The role of a function, or of a schedule."""

    def __init__(self, iam, function: str, name: str, logical_names: dict[str, str]):
        self.function, self.name, self._iam, self._logical_names = function, name, iam, logical_names
        policies = iam.list_role_policies(RoleName=name)["PolicyNames"]
        self._policies = {
            policy: iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"] for policy in policies
        }

    def statements(self) -> list[dict]:
        return [statement for policy in self._policies.values() for statement in policy["Statement"]]

    def parts(self) -> list[Part]:
        return [part for statement in self.statements() for part in self._parts_of(statement)]

    def _parts_of(self, statement: dict) -> list[Part]:
        actions, resources = texts(statement["Action"]), texts(statement["Resource"])
        part = functools.partial(Part, self.function, statement["Sid"])
        whole = part("", "", tuple(actions))
        by_action = [part(action, action, (action,)) for action in actions]
        by_resource = [part(resource, self._short(resource), whole.actions) for resource in resources]
        several = (by_action if len(actions) > 1 else []) + (by_resource if len(resources) > 1 else [])
        return several or [whole]

    def _short(self, resource: str) -> str:
        """A resource's ARN without what is the same everywhere, and with the template's name of it."""
        name, slash, rest = resource.split(":", 5)[-1].partition("/")
        return self._logical_names.get(name, name) + slash + rest

    @contextlib.contextmanager
    def without(self, part: Part) -> Iterator[None]:
        """The policy that has the part loses it, and gets it back."""
        policy, document = next(item for item in self._policies.items() if part.sid in sids(item[1]))
        try:
            self._put(policy, lessened(document, part))
            yield
        finally:
            self._put(policy, document)

    def _put(self, policy: str, document: dict) -> None:
        self._iam.put_role_policy(RoleName=self.name, PolicyName=policy, PolicyDocument=json.dumps(document))


def sids(document: dict) -> list[str]:
    return [statement["Sid"] for statement in document["Statement"]]


def lessened(document: dict, part: Part) -> dict:
    """The policy without the part."""
    document = copy.deepcopy(document)
    statement = next(statement for statement in document["Statement"] if statement["Sid"] == part.sid)
    if part.taken:
        for field in ("Action", "Resource"):
            statement[field] = [text for text in texts(statement[field]) if text != part.taken]
    if not (part.taken and statement["Action"] and statement["Resource"]):
        document["Statement"].remove(statement)
    if not document["Statement"]:
        # A policy has to have one, and this allows nothing.
        document["Statement"] = [{"Effect": "Deny", "Action": "none:None", "Resource": "*"}]
    return document


def texts(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def of_stack(iam, cloudformation, stack: str) -> dict[str, Role]:
    """The role of each function."""
    resources = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    names = {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in resources}
    logical = {physical: name for name, physical in names.items()}
    return {function: Role(iam, function, names[role], logical) for role, function in ROLES.items()}


def of_schedules(iam, cloudformation, stack: str) -> dict[str, Role]:
    """The roles that SAM makes, by their logical names: all that are no function's."""
    resources = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    found = [resource for resource in resources if resource["ResourceType"] == "AWS::IAM::Role"]
    names = {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in found}
    return {name: Role(iam, name, physical, {}) for name, physical in names.items() if name not in ROLES}

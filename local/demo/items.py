"""Items as text that two sides can compare."""

import base64
import json
from decimal import Decimal
from typing import Any


def comparable(item: dict[str, Any]) -> str:
    """DynamoDB JSON with sorted names, sorted sets and numbers by their value."""
    return json.dumps({name: _typed(value) for name, value in item.items()}, sort_keys=True)


def _typed(value: dict[str, Any]) -> dict[str, Any]:
    ((kind, content),) = value.items()
    match kind:
        case "N":
            content = _number(content)
        case "B":
            content = _base64(content)
        case "SS":
            content = sorted(content)
        case "NS":
            content = sorted(map(_number, content))
        case "BS":
            content = sorted(map(_base64, content))
        case "L":
            content = [_typed(member) for member in content]
        case "M":
            content = {name: _typed(member) for name, member in content.items()}
    return {kind: content}


def _number(text: str) -> str:
    # Not normalize(), which rounds to the context's 28 digits.
    sign, digits, exponent = Decimal(text).as_tuple()
    while len(digits) > 1 and digits[-1] == 0:
        digits, exponent = digits[:-1], exponent + 1
    return "0" if digits == (0,) else f"{'-' if sign else ''}{''.join(map(str, digits))}E{exponent}"


def _base64(content: bytes | str) -> str:
    return base64.b64encode(content).decode() if isinstance(content, bytes) else content

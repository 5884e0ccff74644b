"""How GetQueryResults writes values.

AWS: everything is text, as Trino writes it: an array `[a, b]`, a row or a map `{k=v}`, a timestamp with
milliseconds, a double as Java does (`1.0E10`), binary as hexadecimal bytes
(https://docs.aws.amazon.com/athena/latest/APIReference/API_Datum.html; the page does not say how, this is
from results seen).

ministack 1.5.33: writes them as Python does: `['a', 'b']`, a timestamp with microseconds, `10000000000.0`.

Changed: those. The result file in the bucket stays as it is.
"""

import datetime
from decimal import Decimal

from ministack.services import athena

from .patching import original


def apply() -> None:
    original(athena, "_datum_text", "090aa43235254bd8")
    athena._datum_text = text_of


def text_of(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case float():
            return double(value)
        case Decimal():
            return f"{value:f}"
        case bytes() | bytearray():
            return value.hex(" ")
        case datetime.datetime():
            zone = " UTC" if value.tzinfo else ""
            return value.strftime("%Y-%m-%d %H:%M:%S.") + f"{value.microsecond // 1000:03d}{zone}"
        case list() | tuple():
            return "[" + ", ".join(map(text_of, value)) + "]"
        case dict():
            return "{" + ", ".join(f"{text_of(key)}={text_of(item)}" for key, item in value.items()) + "}"
        case _:
            return str(value)


def double(value: float) -> str:
    """Java's Double.toString."""
    if value != value or value in (float("inf"), float("-inf")):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return str(value)
    sign, number, shift = Decimal(repr(value)).as_tuple()
    figures = "".join(map(str, number)).rstrip("0") or "0"
    power = len(number) + shift - 1
    return f"{'-' if sign else ''}{figures[0]}.{figures[1:] or '0'}E{power}"

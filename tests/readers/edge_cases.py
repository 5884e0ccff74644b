"""Items that are hard to keep, by the name of what is hard about them."""

from typing import Any

from canonical import Item, Value


def nested(depth: int, inner: Value, list_: bool) -> Value:
    """A value within `depth` lists or maps."""
    value = inner
    for _ in range(depth):
        value = {"L": [value]} if list_ else {"M": {"m": value}}
    return value


NINES = "9" * 38

VALUES: dict[str, Any] = {
    "empty string": {"S": ""},
    "string of all that JSON escapes": {"S": '"\\/\b\f\n\r\t\u0000\u001f\u007f\u2028\u2029'},
    "string beyond the basic plane": {"S": "日本 é e\u0301 🦀 \U0010ffff \ufeff"},
    "string that reads as a number": {"S": "007"},
    "string that reads as null": {"S": "null"},
    "string that reads as JSON": {"S": '{"S": "x"}'},
    "string of spaces": {"S": "  "},
    "long string": {"S": "x" * 70_000},
    "empty binary": {"B": ""},
    "binary of all bytes": {
        "B": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v8PHy8/T19vf4+fr7/P3+/w=="
    },
    "binary that is no UTF-8": {"B": "/w=="},
    "zero": {"N": "0"},
    "negative zero": {"N": "-0"},
    "zero with a fraction": {"N": "0.000"},
    "integral with a fraction": {"N": "1.0"},
    "integral with an exponent": {"N": "1E3"},
    "leading zeros": {"N": "00012"},
    "greatest bigint": {"N": "9223372036854775807"},
    "least bigint": {"N": "-9223372036854775808"},
    "one over the greatest bigint": {"N": "9223372036854775808"},
    "one under the least bigint": {"N": "-9223372036854775809"},
    "two to the 64": {"N": "18446744073709551616"},
    "bigint that no double holds": {"N": "9007199254740993"},
    "38 digits": {"N": NINES},
    "38 digits after the point": {"N": f"-0.{NINES}"},
    "38 digits around the point": {"N": "1234567890123456789.0123456789012345678"},
    "greatest number": {"N": f"{NINES[0]}.{NINES[1:]}E+125"},
    "least number": {"N": f"-{NINES[0]}.{NINES[1:]}E+125"},
    "closest to zero": {"N": "1E-130"},
    "a power of ten": {"N": "1E125"},
    "a tenth": {"N": "0.1"},
    "a tenth and a little": {"N": "0.10000000000000000001"},
    "17 digits that are a double": {"N": "0.30000000000000004"},
    "17 digits that are none": {"N": "0.30000000000000003"},
    "halfway between two doubles": {"N": "9007199254740993.5"},
    "below a double that is halfway": {"N": "1000000000000000.2"},
    "above a double that is halfway": {"N": "1000000000000000.3"},
    "a double that is halfway": {"N": "1000000000000000.25"},
    "true": {"BOOL": True},
    "false": {"BOOL": False},
    "null": {"NULL": True},
    "set of strings": {"SS": ["b", "", "a", "é", "🦀", "a,b", "[a]", "null"]},
    "set of one string": {"SS": ["x"]},
    "set of bigints": {"NS": ["10", "9", "-1", "9223372036854775807"]},
    "set of doubles": {"NS": ["0.5", "-2.25", "1E30"]},
    "set of a double and a bigint": {"NS": ["7", "0.5"]},
    "set of numbers that no double holds": {"NS": ["0.1", NINES]},
    "set of two numbers with one nearest double": {"NS": ["0.1", "0.10000000000000000001"]},
    "set of a bigint that no double holds, and a double": {"NS": ["9007199254740993", "0.5"]},
    "set of numbers on both sides of a double that is halfway": {"NS": ["70368744177664.12", "70368744177664.13"]},
    "set of binaries": {"BS": ["", "AA==", "/w==", "AAA="]},
    "empty list": {"L": []},
    "empty map": {"M": {}},
    "list of everything plain": {
        "L": [{"S": "x"}, {"N": "1.50"}, {"BOOL": False}, {"NULL": True}, {"L": []}, {"M": {}}]
    },
    "list of everything else": {
        "L": [{"B": "AP8="}, {"SS": ["b", "a"]}, {"NS": ["2", "10"]}, {"BS": ["/w==", "AA=="]}]
    },
    "list of numbers": {"L": [{"N": "1E-130"}, {"N": f"{NINES}"}, {"N": "-0.10"}, {"N": "1E125"}]},
    "map with hard names": {
        "M": {"z": {"S": "1"}, "Z": {"S": "2"}, "": {"S": "3"}, "é": {"S": "4"}, '"\\\n': {"S": "5"}}
    },
    "map with names that sort apart by bytes": {"M": {"\uffff": {"N": "1"}, "🦀": {"N": "2"}, "a": {"N": "3"}}},
    "map with a set inside": {"M": {"plain": {"S": "x"}, "set": {"SS": ["a"]}}},
    "list to the limit": nested(31, {"N": "1"}, list_=True),
    "map to the limit": nested(31, {"S": "x"}, list_=False),
    "map to the limit with a set inside": nested(31, {"SS": ["x"]}, list_=False),
}

NAMES: dict[str, Item] = {
    "lower and upper case": {"aa": {"N": "1"}, "aA": {"N": "2"}, "AA": {"S": "3"}, "Aa": {"N": "0.5"}},
    "names of meta columns": {name: {"S": name} for name in ("_op", "_ts", "_seq", "_key", "_hash", "_rest", "_OP")},
    "names that collide with those of meta columns": {"c_op": {"S": "x"}, "c_rest": {"S": "y"}, "_Rest": {"N": "1"}},
    "names of partition columns": {
        "dt": {"S": "x"},
        "DT": {"S": "y"},
        "snapshot": {"N": "1"},
        "window_end": {"S": "z"},
    },
    "names that further kinds would get": {"k__string": {"N": "1"}, "k": {"N": "2"}, "k__double": {"S": "x"}},
    "further kinds of those": {"k": {"S": "x"}, "k__string": {"S": "y"}, "k__double": {"N": "0.5"}},
    "one more kind of those": {"k": {"N": "0.5"}, "k_2": {"N": "1"}, "k-2": {"N": "2"}, "k.2": {"N": "3"}},
    "quotes": {'"': {"S": "a"}, "'": {"S": "b"}, "`": {"S": "c"}, '"; DROP TABLE t; --': {"S": "d"}},
    "dots and brackets": {"a.b": {"S": "a"}, "a[0]": {"S": "b"}, ".": {"S": "c"}, "a.b.c": {"M": {"a.b": {"S": "d"}}}},
    "spaces and control characters": {
        " ": {"S": "a"},
        "a b": {"S": "b"},
        " a": {"S": "c"},
        "a\nb": {"S": "d"},
        "\t": {"N": "1"},
    },
    "every script": {
        "größe": {"N": "1"},
        "日本": {"N": "2"},
        "имя": {"N": "3"},
        "שם": {"N": "4"},
        "🦀": {"N": "5"},
        "İ": {"N": "6"},
    },
    "characters that are a letter in lower case": {
        "K": {"N": "1"},
        "\u212a": {"N": "2"},
        "k": {"N": "3"},
        "ſ": {"N": "4"},
    },
    "words of SQL": {"select": {"S": "a"}, "ORDER": {"S": "b"}, "null": {"S": "c"}, "Table": {"S": "d"}},
    "names that start with a digit": {"2fa": {"BOOL": True}, "1": {"N": "1"}, "c_2fa": {"BOOL": False}},
    "255 bytes and more": {"n" * 255: {"N": "1"}, "n" * 256: {"N": "2"}, "N" * 256: {"N": "3"}, "n" * 300: {"N": "4"}},
    "further kinds of those long names": {"n" * 255: {"S": "x"}, "n" * 256: {"S": "y"}, "n" * 250: {"N": "5"}},
    "one more kind of those long names": {"n" * 250: {"S": "z"}, "é" * 300: {"S": "u"}},
}


def items() -> list[Item]:
    """One item for each case, whose partition key says which."""
    values = {f"value: {name}": {"v": value} for name, value in VALUES.items()}
    names = {f"name: {name}": attributes for name, attributes in NAMES.items()}
    cases: dict[str, Item] = values | names | {"only its key": {}}
    return [
        {"pk": {"S": name}, "sk": {"N": str(at)}, **attributes} for at, (name, attributes) in enumerate(cases.items())
    ]

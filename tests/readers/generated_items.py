"""Random items, the same for the same seed: all ten types under names that systems trip over.

An attribute has values of several types, many are in few items only, and values are of few letters and short, so that
they collide, except for numbers, which are of one to 38 digits over the whole range.
"""

import base64
import random
from collections.abc import Callable
from typing import Any

from canonical import Item, Value, number

NAMES = [
    *("a", "A", "aA", "a b", "a.b", "a-b", " a", "_", "_op", "_rest", "_OP", "op", "dt", "snapshot", "select", "null"),
    *('"', "'", "`", "\\", "a\nb", "ä", "Ä", "ß", "日本", "🦀", "имя", "2fa", "a__double", "a__bigint_2", "a_2"),
    *("long" * 60, "long" * 70, "LONG" * 70, "é" * 200),
]
LETTERS = 'ab,[]{}:"\\\n\t\u0000\u007fé日🦀 '
LEAST_POWER, GREATEST_POWER = -130, 125


class Generator:
    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._leaves: list[Callable[[], Value]] = [
            lambda: {"S": self.text()},
            lambda: {"N": self.number()},
            lambda: {"N": self.number()},
            lambda: {"B": self.binary()},
            lambda: {"BOOL": self._random.random() < 0.5},
            lambda: {"NULL": True},
            lambda: {"SS": self._set(self.text)},
            lambda: {"NS": self._set(self.number, number)},
            lambda: {"NS": self._set(lambda: str(self._random.randint(-99, 99)))},
            lambda: {"BS": self._set(self.binary)},
        ]

    def items(self, count: int, attributes: int = 8, names: list[str] | None = None) -> list[Item]:
        """Items with a key of a string and any number, and up to so many attributes more."""
        return [self._item(at, attributes, names or NAMES) for at in range(count)]

    def _item(self, at: int, attributes: int, names: list[str]) -> Item:
        chosen = self._random.sample(names, self._random.randint(0, attributes))
        key = {"pk": {"S": f"{self._random.choice('abc')}{at}"}, "sk": {"N": self.number()}}
        item = [*key.items(), *((name, self.value()) for name in chosen)]
        self._random.shuffle(item)
        return dict(item)

    def value(self, depth: int = 3) -> Value:
        if depth == 0 or self._random.random() < 0.75:
            return self._random.choice(self._leaves)()
        members = [self.value(depth - 1) for _ in range(self._random.randint(0, 3))]
        if self._random.random() < 0.5:
            return {"L": members}
        return {"M": dict(zip(self._random.sample(NAMES, len(members)), members, strict=True))}

    def text(self) -> str:
        return "".join(self._random.choices(LETTERS, k=self._random.choice((0, 1, 2, 3, 12, 40))))

    def binary(self) -> str:
        return base64.b64encode(self._random.randbytes(self._random.choice((0, 1, 2, 3, 30)))).decode()

    def number(self) -> str:
        shape = self._random.randrange(6)
        if shape == 0:
            return str(self._random.randint(-99, 99))
        if shape == 1:
            return str(self._random.randint(-(2**63), 2**63 - 1))
        if shape == 2:
            return f"{self._random.randint(-9999, 9999) / 100:.2f}"
        return self._number_of_any_size()

    def _number_of_any_size(self) -> str:
        """Sometimes in plain notation and sometimes with an exponent, never beyond what DynamoDB holds."""
        digits = self._random.choice((1, 2, 15, 16, 17, 18, 19, 20, 37, 38))
        text = str(self._random.randint(10 ** (digits - 1), 10**digits - 1))
        near = self._random.random() < 0.7
        power = self._random.randint(-40, 40) if near else self._random.randint(LEAST_POWER, GREATEST_POWER)
        power = min(max(power, LEAST_POWER + digits - 1), GREATEST_POWER)
        scientific = f"{self._random.choice(('', '-'))}{text[0]}.{text[1:] or '0'}E{power:+d}"
        return self._random.choice((scientific, number(scientific)))

    def _set(self, member: Callable[[], str], same: Callable[[str], Any] = str) -> list[str]:
        members = [member() for _ in range(self._random.randint(1, 4))]
        return list({same(each): each for each in members}.values())


def sparse(seed: int, count: int) -> list[Item]:
    """Items with more attributes between them than a table has columns."""
    generator = Generator(seed)
    names = [f"{generator.text()}{at}" for at in range(900)]
    return generator.items(count, 12, names)

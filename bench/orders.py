"""Items of the shape `orders`, and stream records of them. The same seed gives the same items.

An item has 17 attributes and up to three more: about 580 bytes by DynamoDB's rule, 926 as a line of an export. Numbers
have up to 38 digits, texts have quotes and scripts other than Latin, and one attribute is a number here and a string
there.
"""

import base64
from random import Random
from typing import Any

Item = dict[str, dict[str, Any]]

WORDS = (
    "amber basket cobalt delta ember falcon garnet harbor indigo juniper kettle lantern "
    "meadow nectar orchid pepper quartz ribbon saffron thicket umbra velvet willow xenon "
    'yonder zephyr café naïve 東京 "quoted" back\\slash'
).split()
CITIES = ("Tokyo", "Osaka", "Berlin", "São Paulo", "Nairobi", "Seattle", "Dublin", "Mumbai", "Sydney", "Paris")
STATUS = ("NEW", "PAID", "SHIPPED", "DELIVERED", "RETURNED")
LABELS = ("vip", "beta", "eu", "us", "apac", "fraud-check", "gift", "b2b")


def words(random: Random, count: int) -> str:
    return " ".join(random.choices(WORDS, k=count))


def place(random: Random) -> dict[str, Any]:
    """An address with coordinates: a map in a map."""
    below = random.randrange
    geo = {"lat": {"N": f"{random.random() * 180 - 90:.6f}"}, "lon": {"N": f"{random.random() * 360 - 180:.6f}"}}
    return {
        "street": {"S": f"{below(999)} {random.choice(WORDS)} street"},
        "city": {"S": random.choice(CITIES)},
        "zip": {"S": f"{below(10**5):05d}"},
        "geo": {"M": geo},
    }


def item(number: int, random: Random) -> Item:
    below = random.randrange
    chance = random.random
    # Every 500th has more digits than a double holds.
    score = f"{chance():.12f}" if number % 500 else f"{below(10**18)}.{below(10**18):018d}1"
    made: Item = {
        "pk": {"S": f"CUST#{below(1 << 40):012x}"},
        "sk": {"S": f"ORDER#2025-{1 + number % 12:02d}-{1 + number % 28:02d}#{number:09d}"},
        "email": {"S": f"user{below(10**7)}@example{number % 50}.com"},
        "name": {"S": words(random, 2)},
        "note": {"S": words(random, 24 + below(24))},
        "status": {"S": random.choice(STATUS)},
        "age": {"N": str(18 + below(70))},
        "price": {"N": f"{below(10**6) / 100:.2f}"},
        "score": {"N": score},
        "created_at": {"N": str(1735689600000 + number * 137 + below(100))},
        "active": {"BOOL": chance() < 0.8},
        "address": {"M": place(random)},
        "tags": {"L": [{"S": random.choice(WORDS)} for _ in range(below(5))]},
        "labels": {"SS": sorted(random.sample(LABELS, 1 + below(3)))},
        "deleted_at": {"NULL": True} if chance() < 0.9 else {"S": "2025-06-01T00:00:00Z"},
        "thumb": {"B": base64.b64encode(random.randbytes(24)).decode()},
        "ref": {"N": str(below(10**9))} if chance() < 0.97 else {"S": f"legacy-{below(10**6)}"},
    }
    if chance() < 0.2:
        made["nick"] = {"S": random.choice(WORDS)}
    if chance() < 0.05:
        made["coupon"] = {"S": f"SAVE{below(100)}"}
    if chance() < 0.1:
        made["ratings"] = {"NS": sorted({str(1 + below(10)) for _ in range(3)})}
    return made


def record(number: int, random: Random, small: bool) -> dict[str, Any]:
    """A stream record with both images; a small one is of an item with three short attributes."""
    operation = random.choices(("INSERT", "MODIFY", "REMOVE"), (5, 4, 1))[0]
    new = item(number, random)
    if small:
        new = {name: new[name] for name in ("pk", "sk", "status")}
    old = dict(new)
    if operation == "MODIFY":
        old["status"] = {"S": random.choice(STATUS)}
        if not small:
            old["age"] = {"N": str(18 + random.randrange(70))}
    change: dict[str, Any] = {
        "ApproximateCreationDateTime": 1735689600 + number // 100,
        "Keys": {"pk": new["pk"], "sk": new["sk"]},
    }
    if operation != "REMOVE":
        change["NewImage"] = new
    if operation != "INSERT":
        change["OldImage"] = old
    change["SequenceNumber"] = f"{100000000000000000000 + number * 17}"
    change["SizeBytes"] = sum(map(size, (new, old))) if operation == "MODIFY" else size(new)
    change["StreamViewType"] = "NEW_AND_OLD_IMAGES"
    return {
        "eventID": f"{random.getrandbits(128):032x}",
        "eventName": operation,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": change,
        "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2025-01-01T00:00:00.000",
    }


def size(attributes: Item) -> int:
    """The bytes of an item by DynamoDB's rule."""
    return sum(len(name) + _size_of(value) for name, value in attributes.items())


def _size_of(value: dict[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return len(content) // 2 + 1
        case "B":
            return len(content) * 3 // 4
        case "BOOL" | "NULL":
            return 1
        case "M":
            return 3 + sum(1 + len(name) + _size_of(member) for name, member in content.items())
        case "L":
            return 3 + sum(1 + _size_of(member) for member in content)
        case _:
            return sum(map(len, content))

"""Items of the shape `entities`: a single-table design. The same seed gives the same items.

Thirteen entities share one table with generic keys. Each has attributes of its own, of which an item has some: 8 to 20
in all, out of about 200 in the table.
"""

import base64
from collections.abc import Callable
from random import Random
from typing import Any

from .orders import LABELS, STATUS, WORDS, Item, place, words

# What every item has, and what is there for an index or a lifetime.
ALWAYS = "PK:identifier SK:identifier entity:word createdAt:moment version:count"
SOMETIMES = "GSI1PK:identifier GSI1SK:identifier GSI2PK:identifier GSI2SK:moment updatedAt:moment expiresAt:epoch"

# Names that two entities share have one type, as they would have in a table that someone means to query.
ENTITIES = {
    "Customer": "customerId:identifier givenName:word familyName:word email:email phone:identifier birthday:moment"
    " homeAddress:place loyaltyPoints:count loyaltyTier:word marketingConsent:flag preferredLanguage:word"
    " segments:set lifetimeValue:money avatar:bytes notes:text",
    "Account": "accountId:identifier ownerId:identifier accountName:words plan:word seatsUsed:count seatsLimit:count"
    " monthlyFee:money billingEmail:email taxNumber:identifier headquarters:place enabledFeatures:set"
    " trialEndsAt:moment isSuspended:flag suspendedReason:text annualGrowth:ratio",
    "Order": "orderId:identifier customerId:identifier orderStatus:word orderTotal:money orderTax:money"
    " orderCurrency:word placedAt:moment shippedAt:moment shippingAddress:place itemsCount:count"
    " couponCodes:set giftMessage:text isGift:flag riskScore:ratio salesChannel:word fulfilmentNotes:list",
    "OrderLine": "orderId:identifier lineNumber:count sku:identifier lineTitle:words quantity:count unitPrice:money"
    " lineDiscount:money lineTax:money lineStatus:word warehouseCode:word weightGrams:count"
    " serialNumbers:set personalisation:text returnable:flag backorderedUntil:moment",
    "Product": "sku:identifier productTitle:words productText:text brand:word categoryPath:list listPrice:money"
    " costPrice:money stockOnHand:count reorderLevel:count dimensions:numbers colours:set"
    " averageRating:ratio ratingCount:count discontinued:flag thumbnail:bytes manufacturerUrl:address",
    "Invoice": "invoiceId:identifier accountId:identifier invoiceNumber:count invoiceTotal:money invoiceTax:money"
    " dueAt:moment paidAt:moment paymentTerms:word purchaseOrder:identifier invoiceAddress:place"
    " dunningLevel:count invoiceUrl:address isDisputed:flag disputeText:text exchangeRate:ratio",
    "Payment": "paymentId:identifier invoiceId:identifier paymentAmount:money paymentFee:money paymentMethod:word"
    " cardFingerprint:bytes cardCountry:word authorisedAt:moment capturedAt:moment refundedAmount:money"
    " failureCode:word failureText:text attempts:count threeDSecure:flag settlementRate:ratio",
    "Shipment": "shipmentId:identifier orderId:identifier carrier:word trackingNumber:identifier trackingUrl:address"
    " originPlace:place destinationPlace:place parcels:count totalWeight:ratio customsCodes:numbers"
    " customsValue:money pickedUpAt:moment deliveredAt:moment signedBy:words scanEvents:list insured:flag",
    "Device": "deviceId:identifier ownerId:identifier model:word firmware:word hardwareRevision:count"
    " batteryLevel:ratio signalStrength:ratio lastSeenAt:moment bootCount:count publicKey:bytes"
    " installedAt:place channels:set openPorts:numbers isOnline:flag lastErrorText:text",
    "Reading": "deviceId:identifier readAt:epoch temperature:ratio humidity:ratio pressure:ratio carbonDioxide:count"
    " luminosity:ratio noiseLevel:ratio supplyVoltage:ratio samplesCount:count quality:word rawFrame:bytes"
    " calibrated:flag outliers:numbers",
    "Session": "sessionId:identifier userId:identifier ipAddress:identifier userAgent:words startedAt:epoch"
    " endedAt:epoch pagesViewed:count landingUrl:address referrerUrl:address experiments:set"
    " converted:flag revenue:money scrollDepth:ratio clickPath:list fingerprint:bytes",
    "Ticket": "ticketId:identifier requesterId:identifier assigneeId:identifier subject:words body:text"
    " priority:word ticketStatus:word ticketTags:set openedAt:moment resolvedAt:moment replies:count"
    " satisfaction:ratio escalated:flag watchers:list slaMinutes:count",
    "AuditEntry": "actorId:identifier actorKind:word action:word targetId:identifier targetKind:word"
    " requestId:identifier sourceAddress:identifier changedFields:set beforeText:text afterText:text"
    " durationMicros:count signature:bytes succeeded:flag happenedAt:epoch",
}

FEWEST, MOST = 8, 20


def _moment(random: Random) -> str:
    below = random.randrange
    return f"2025-{1 + below(12):02d}-{1 + below(28):02d}T{below(24):02d}:{below(60):02d}:{below(60):02d}Z"


# What a value is made of, by the word behind the colon.
MAKERS: dict[str, Callable[[Random], dict[str, Any]]] = {
    "identifier": lambda r: {"S": f"{r.getrandbits(48):012x}"},
    "word": lambda r: {"S": r.choice(STATUS)},
    "words": lambda r: {"S": words(r, 2 + r.randrange(4))},
    "text": lambda r: {"S": words(r, 8 + r.randrange(24))},
    "email": lambda r: {"S": f"user{r.randrange(10**7)}@example{r.randrange(50)}.com"},
    "address": lambda r: {"S": f"https://example{r.randrange(50)}.com/{r.choice(WORDS)}/{r.randrange(10**6)}"},
    "moment": lambda r: {"S": _moment(r)},
    "count": lambda r: {"N": str(r.randrange(1000))},
    "epoch": lambda r: {"N": str(1735689600000 + r.randrange(10**9))},
    "money": lambda r: {"N": f"{r.randrange(10**6) / 100:.2f}"},
    "ratio": lambda r: {"N": f"{r.random() * 100:.6f}"},
    "flag": lambda r: {"BOOL": r.random() < 0.5},
    "bytes": lambda r: {"B": base64.b64encode(r.randbytes(16)).decode()},
    "list": lambda r: {"L": [{"S": r.choice(WORDS)} for _ in range(1 + r.randrange(4))]},
    "set": lambda r: {"SS": sorted(r.sample(LABELS, 1 + r.randrange(3)))},
    "numbers": lambda r: {"NS": sorted({str(r.randrange(100)) for _ in range(3)})},
    "place": lambda r: {"M": place(r)},
}


def _pairs(text: str) -> list[tuple[str, str]]:
    return [(name, maker) for name, _, maker in (word.partition(":") for word in text.split())]


_ALWAYS = _pairs(ALWAYS)
_SOMETIMES = _pairs(SOMETIMES)
_OWN = [(entity, _pairs(text)) for entity, text in ENTITIES.items()]


def attributes() -> dict[str, str]:
    """All attributes of the table, with what makes their values."""
    found: dict[str, str] = {}
    for pairs in (_ALWAYS, _SOMETIMES, *(own for _, own in _OWN)):
        for name, maker in pairs:
            if found.setdefault(name, maker) != maker:
                raise ValueError(f"{name} is {found[name]} in one entity and {maker} in another")
    return found


def item(number: int, random: Random) -> Item:
    entity, own = _OWN[random.randrange(len(_OWN))]
    extra = random.sample(_SOMETIMES, random.randrange(len(_SOMETIMES) + 1))
    room = MOST - len(_ALWAYS) - len(extra)
    fewest = max(FEWEST - len(_ALWAYS) - len(extra), 1)
    chosen = random.sample(own, random.randrange(fewest, min(len(own), room) + 1))
    made: Item = {name: MAKERS[maker](random) for name, maker in (*_ALWAYS, *extra, *chosen)}
    made["PK"] = {"S": f"{entity}#{random.getrandbits(40):010x}"}
    made["SK"] = {"S": f"{entity}#{number:09d}"}
    made["entity"] = {"S": entity}
    return made

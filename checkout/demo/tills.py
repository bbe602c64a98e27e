"""Tills for the demo: each plays sales over HTTP, some with a locked offer, some sent twice, voided or never sent."""

import base64
import http.client
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import orjson

GOODS = (("COFFEE", "3.50"), ("TEA", "2.80"), ("MUG", "12.00"), ("BEANS", "9.90"), ("CAKE", "4.20"))
MOST_LINES = 5
SILENCE_SECONDS = 20
# Out of a hundred sales.
LOCKED, ABANDONED, TWICE, VOIDED = 60, 5, 10, 3


@dataclass(frozen=True, slots=True)
class Door:
    """Where the tills call, and as whom."""

    base: str
    client_id: str
    secret: str
    store_id: str


@dataclass(slots=True)
class Tally:
    """What a till did, and how long its sends took in milliseconds."""

    counts: Counter[str] = field(default_factory=Counter)
    sends: list[int] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)


class Till:
    """One till with a connection and a random number generator of its own."""

    def __init__(self, door: Door, shoppers: list[tuple[UUID, list[UUID]]], seed: int, now: datetime) -> None:
        self.door, self.shoppers, self.now = door, shoppers, now
        self.chance = random.Random(seed)
        self.tally = Tally()
        place = urlsplit(door.base)
        assert place.hostname is not None
        kind = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
        self.line = kind(place.hostname, place.port, timeout=SILENCE_SECONDS)
        pair = base64.b64encode(f"{door.client_id}:{door.secret}".encode()).decode()
        self.headers = {"Authorization": f"Basic {pair}", "Content-Type": "application/json"}

    def sell(self) -> None:
        """Play one sale to its end."""
        user, offers = self.chance.choice(self.shoppers)
        sale = self.sale(user)
        if offers and self.chance.randrange(100) < LOCKED:
            self.lock(sale, self.chance.choice(offers))
        if self.chance.randrange(100) < ABANDONED:
            self.tally.counts["abandoned"] += 1
            return
        self.send(sale)
        if self.chance.randrange(100) < TWICE:
            self.tally.counts["sent again"] += 1
            self.send(sale, counted=False)
        if self.chance.randrange(100) < VOIDED:
            self.tally.counts["voided"] += 1
            self.send({**sale, "is_voided": "true"}, counted=False)

    def sale(self, user: UUID) -> dict[str, Any]:
        picked = [self.chance.choice(GOODS) for _ in range(self.chance.randint(1, MOST_LINES))]
        cents = sum(int(price.replace(".", "")) for _, price in picked)
        total = f"{cents // 100}.{cents % 100:02}"
        moment = self.now.isoformat()
        return {
            "is_closed": "true",
            "transaction_id": f"sim-{uuid4()}",
            "channel": "STORE",
            "subtotal": total,
            "tax_total": "0.00",
            "open_time": moment,
            "modified_time": moment,
            "items": [
                {"line_id": str(at), "item_id": item, "quantity": "1", "unit_price": price, "subtotal": price}
                for at, (item, price) in enumerate(picked)
            ],
            "payments": [
                {
                    "payment_id": f"pay-{uuid4()}",
                    "amount": total,
                    "type": "CREDIT",
                    "payment_time": moment,
                    "user_id": str(user),
                    "user_id_type": "SessionM_ID",
                }
            ],
            "discounts": [],
        }

    def lock(self, sale: dict[str, Any], offer: UUID) -> None:
        wanted = {"offer_lookup_code": str(offer), "offer_lookup_type": "userofferid", "transaction": sale}
        status, answer = self.call("offers/redemption/lock", wanted)
        if status == 200:
            self.tally.counts["locked"] += 1
            sale["discounts"] = [answer["payload"]]
        else:
            self.tally.counts[f"lock refused: {answer['errors']['code']}"] += 1

    def send(self, sale: dict[str, Any], *, counted: bool = True) -> None:
        began = time.monotonic_ns()
        status, _ = self.call("offers/send_transaction", sale)
        self.tally.sends.append((time.monotonic_ns() - began) // 1_000_000)
        self.tally.counts["OK" if status == 200 else f"answered {status}"] += 1
        if counted and status == 200:
            self.tally.sent.append(sale["transaction_id"])

    def call(self, path: str, payload: dict[str, Any]) -> tuple[int, Any]:
        body = {
            "store_id": self.door.store_id,
            "client_id": self.door.client_id,
            "request_id": str(uuid4()),
            "request_payload": payload,
        }
        self.line.request("POST", f"/api/2.0/{path}", orjson.dumps(body), self.headers)
        answer = self.line.getresponse()
        return answer.status, orjson.loads(answer.read())

"""A counter for the flows of the offer dialect: a retailer set up from a document, its till and its worker."""

import json
from datetime import UTC, datetime
from typing import Any

from django.test import Client as DjangoClient

from checkout import transaction_queue
from checkout.management.commands.configure import answer_to
from offers.lib import clock
from tests.api.client import Answer
from tests.api.sessionm.client import basic
from tests.api.sessionm.sales import sale

PER_DOLLAR: dict[str, Any] = {
    "name": "Per dollar",
    "scope": "economy",
    "section": "purchase",
    "in_force_from": "2015-01-01T00:00:00Z",
    "outcomes": [{"type": "points_per", "account": "main", "rate": 1, "unit": "1.00"}],
}


class Counter:
    """One retailer with stores A and B, points and two members; calls as its till."""

    def __init__(self, *rules: dict[str, Any], levels: dict[str, str] | None = None, **document: Any) -> None:
        """Set up by `document` besides; `levels` says who begins on which level of the club, by their refs."""
        people: list[dict[str, Any]] = [
            {"ref": ref, "first_name": ref, "external_ids": [{"type": "crm", "id": f"X-{ref}"}], "tags": tags}
            for ref, tags in (("ada", ["local"]), ("ben", []))
        ]
        for person in people:
            person["tiers"] = {"club": levels[person["ref"]]} if levels else {}
        made = answer_to(
            json.dumps(
                {
                    "retailer": {"name": "Counter"},
                    "clients": [{"ref": "main"}],
                    "stores": [{"ref": "A", "name": "A"}, {"ref": "B", "name": "B"}],
                    "accounts": [{"ref": "main", "name": "main", "default": True}],
                    "members": people,
                    "rules": list(rules),
                    **document,
                }
            ).encode()
        )
        assert made["errors"] == []
        self.retailer, self.stores, self.members = made["retailer_id"], made["stores"], made["members"]
        self.key = made["clients"]["main"]["client_id"]
        self.headers = {"Authorization": basic(self.key, made["clients"]["main"]["client_secret"])}
        self.django = DjangoClient(raise_request_exception=False)
        self.number = 0

    def post(self, path: str, body: dict[str, Any]) -> Answer:
        return Answer(self.django.post(f"/api/2.0/{path}", body, "application/json", headers=self.headers))

    def offer(self, path: str, **fields: Any) -> Answer:
        return self.post(f"offers/{path}", {"retailer_id": self.retailer, **fields})

    def pos(self, path: str, payload: dict[str, Any], *, store: str = "A", request_id: str = "") -> Answer:
        self.number += 1
        named = {"store_id": self.stores[store], "client_id": self.key, "request_id": request_id or f"r{self.number}"}
        return self.post(path, {**named, "request_payload": payload})

    def lock(self, entry: str, transaction: dict[str, Any], *, path: str = "lock", **more: Any) -> Answer:
        wanted = {"offer_lookup_code": entry, "offer_lookup_type": "userofferid", "transaction": transaction}
        return self.pos(path, wanted, **more)

    def make(self, kind: str = "fixed_check_discount", config: dict[str, Any] | None = None, **common: Any) -> str:
        made = self.offer(
            "management/create",
            offer_type=kind,
            publish=True,
            text_config=[{"culture": "en", "title": "5 off"}],
            common_config={"validity_unit": "years", "validity_period": 1, **common},
            discount_config={"amount": "5.00"} if config is None else config,
        )
        assert made.status == 200, made
        return str(made["payload"]["offer_id"])

    def issue(self, offer: str, user: str = "ada") -> str:
        given = self.offer("acquisition/issue", offer_id=offer, user_id=self.members[user])
        return str(given["payload"]["status_list"][0]["user_offer_id"])

    def send(self, number: str, amount: str, user: str = "ada", **fields: Any) -> Answer:
        fields.setdefault("modified_time", datetime.now(UTC).isoformat())
        return self.pos("send_transaction", sale(number, amount, user_id=self.members[user], **fields))

    def work(self) -> None:
        transaction_queue.drain(now=clock.now())

    def points(self, user: str = "ada") -> int:
        found = self.pos("Lookup", {"external_customer_id": f"X-{user}"})["payload"][0]
        return int(found["points"])

    def wallet(self, user: str = "ada") -> list[dict[str, Any]]:
        found = self.offer("get_user_offers", user_id=self.members[user])
        return list(found["payload"]["user_offers"])

    def history(self, user: str = "ada", **fields: Any) -> Any:
        """Return the payload of the history of a wallet."""
        asked = {"rollback_option": 0, "skip": 0, "take": 50, **fields}
        return self.offer("user_offer_history", user_ids=[self.members[user]], **asked)["payload"]

    def status(self, entry: str, user: str = "ada") -> int:
        told = self.history(user)
        return int(next(row["status"] for row in told["results"] if row["user_offer_id"] == entry))

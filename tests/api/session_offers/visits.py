"""Two shoppers' browsers, and the engine that shows offers to one of them, as tests need them."""

from collections.abc import Mapping
from typing import Any

import orjson
from django.test import Client as DjangoClient

from checkout import showcase
from checkout.configure import operations
from checkout.demo.people import ACME
from offers.lib import clock
from offers.models import Retailer, SessionCampaign
from tests import factories

CODE, TEN = "FP_FREESHIP", "FP_TENOFF"


def ops(*each: Mapping[str, Any]) -> list[dict[str, Any]]:
    return operations.carry_out(list(each), now=clock.now())


def lay_out(**channel: Any) -> tuple[Retailer, str]:
    """Return the demo's retailer with a channel, two of its codes with campaigns, WELCOME10; and its secret key."""
    shop = Retailer.objects.create(name=ACME)
    done = ops(
        {"op": "ensure", "kind": "channel", "fields": {"name": "FP", "prefix": "FP_", **channel}},
        {
            "op": "create",
            "kind": "voucher",
            "fields": {"code": CODE, "discount": {"type": "FREE_SHIPPING"}, "channel": "FP_"},
        },
        {
            "op": "create",
            "kind": "voucher",
            "fields": {"code": TEN, "discount": {"type": "PERCENT", "percent_off": 10}, "channel": "FP_"},
        },
        {
            "op": "create",
            "kind": "voucher",
            "fields": {"code": "WELCOME10", "discount": {"type": "PERCENT", "percent_off": 10}},
        },
        {"op": "create", "kind": "campaign", "fields": {"name": "Free shipping", "channel": "FP_", "code": CODE}},
        {
            "op": "create",
            "kind": "campaign",
            "fields": {"name": "Ten", "channel": "FP_", "code": TEN, "segment": {"cart_total_min": 5000}},
        },
    )
    assert not [one for one in done if "error" in one], done
    _, secret = factories.credential(shop, "secret")
    return shop, secret


class Shopper:
    """One browser with its cookies."""

    def __init__(self, shop: Retailer, key: str) -> None:
        self.shop, self.key = shop, key
        self.browser = DjangoClient(raise_request_exception=False)

    def open(self) -> str:
        """Look at a page of the shop; return the fingerprint it printed."""
        text = self.browser.get("/session-offers/config.js").content.decode()
        line = next(line for line in text.splitlines() if "sessionFingerprint" in line)
        return str(orjson.loads(line.partition(" = ")[2].rstrip(";")))

    def authorize(self, code: str, grant: str | None = None, **headers: str) -> Any:
        query = {"code": code, **({"grant": grant} if grant is not None else {})}
        return self.browser.get(
            "/session-offers/authorize",
            query,
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )

    def held(self) -> list[str]:
        answer = self.browser.get("/session-offers/v1/authorizations", headers={"X-Publishable-Key": self.key})
        assert answer.status_code == 200, answer.content
        return [one["code"] for one in answer.json()["data"]]


def grant_for(shop: Retailer, fingerprint: str, code: str = CODE) -> str:
    shown = showcase.present(retailer_id=shop.pk, session_hash=fingerprint, now=clock.now(), cart_total=10**6)
    return next(one.grant for one in shown if one.code == code)


def post(path: str, secret: str, body: Any) -> Any:
    return DjangoClient(raise_request_exception=False).post(
        path, orjson.dumps(body), content_type="application/json", headers={"Authorization": f"Bearer {secret}"}
    )


def change(code: str = TEN, **fields: Any) -> dict[str, Any]:
    """Change a campaign as a document of `configure` does."""
    ident = SessionCampaign.objects.get(code=code).public_id
    return ops({"op": "update", "kind": "campaign", "id": ident, "fields": fields})[0]


def authorize(shop: Retailer, session: str, code: str = TEN) -> Any:
    return post("/session-offers/v1/authorize", shop.secret, {"session": session, "code": code})  # type: ignore[attr-defined]


def presented(shop: Retailer, session: str) -> list[dict[str, Any]]:
    body = {"session": session, "facts": {"cart_total": 10_000}}
    answer = post("/session-offers/v1/present", shop.secret, body)  # type: ignore[attr-defined]
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()
    return found


def codes(shop: Retailer, session: str) -> list[str]:
    return sorted(one["code"] for one in presented(shop, session))


def refused(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["key"]

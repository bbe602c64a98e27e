"""A shop's words for the flow tests: make a code, validate it, lock it, redeem it, release it."""

from typing import Any

from offers.models import Campaign, PromotionTier, Retailer, Voucher
from tests.api.client import Answer, ApiClient

TEN_PERCENT = {"type": "PERCENT", "percent_off": 10, "effect": "APPLY_TO_ORDER"}
TWENTY_PERCENT = {"type": "PERCENT", "percent_off": 20, "effect": "APPLY_TO_ORDER"}


def campaign(shop: Retailer, name: str = "20% off", **fields: Any) -> Campaign:
    fields.setdefault("discount", TWENTY_PERCENT)
    return Campaign.objects.create(retailer=shop, name=name, **fields)


def code(shop: Retailer, text: str = "CODE", *, limit: int | None = 1, **fields: Any) -> Voucher:
    if "campaign" not in fields:
        fields.setdefault("discount", TWENTY_PERCENT)
    return Voucher.objects.create(retailer=shop, code=text, redemption_limit=limit, **fields)


def card(shop: Retailer, text: str = "CARD", *, credits: int, limit: int | None = None) -> Voucher:
    return Voucher.objects.create(
        retailer=shop, code=text, type=Voucher.Type.GIFT, gift_amount=credits, redemption_limit=limit
    )


def points_card(shop: Retailer, text: str = "POINTS", *, points: int, ratio: str = "1", per: int = 1) -> Voucher:
    """A card of a loyalty program, where `per` points pay `ratio` minor units."""
    program = campaign(
        shop, f"Club {text}", campaign_type="LOYALTY_PROGRAM", discount=None, exchange_ratio=ratio, points_ratio=per
    )
    return Voucher.objects.create(
        retailer=shop, campaign=program, code=text, type=Voucher.Type.LOYALTY, gift_amount=points
    )


def tier(shop: Retailer, **fields: Any) -> PromotionTier:
    owner = campaign(shop, name="Promo", campaign_type="PROMOTION", discount=None)
    fields.setdefault("discount", {"type": "AMOUNT", "amount_off": 8000, "effect": "APPLY_TO_ORDER"})
    return PromotionTier.objects.create(retailer=shop, campaign=owner, name="Tier", **fields)


def redeemable(text: str, credits: int | None = None, kind: str = "voucher") -> dict[str, Any]:
    return {"object": kind, "id": text} | ({} if credits is None else {"gift": {"credits": credits}})


def with_points(text: str, points: int | None = None, reward: str = "rew_pay") -> dict[str, Any]:
    asked = {"id": reward} | ({} if points is None else {"points": points})
    return {"object": "voucher", "id": text, "reward": asked}


def body(*codes: str | dict[str, Any], amount: int = 200000, **more: Any) -> dict[str, Any]:
    wanted = [redeemable(one) if isinstance(one, str) else one for one in codes]
    return {"redeemables": wanted, "order": {"amount": amount}, **more}


def lock_of(key: str | None = None, **more: Any) -> dict[str, Any]:
    return {"type": "LOCK", **({} if key is None else {"key": key}), **more}


def validate(api: ApiClient, *codes: str | dict[str, Any], key: str | None = None, **more: Any) -> Answer:
    if key is not None:
        more["session"] = lock_of(key)
    return api.post("/v1/validations", body(*codes, **more))


def lock(api: ApiClient, *codes: str | dict[str, Any], key: str | None = None, **session: Any) -> Answer:
    return api.post("/v1/validations", body(*codes, session=lock_of(key, **session)))


def redeem(api: ApiClient, *codes: str | dict[str, Any], key: str | None = None, **more: Any) -> Answer:
    if key is not None:
        more["session"] = lock_of(key)
    return api.post("/v1/redemptions", body(*codes, **more))


def release(api: ApiClient, text: str, key: str) -> Answer:
    return api.delete(f"/v1/vouchers/{text}/sessions/{key}")


def why(answer: Answer, position: int = 0) -> str:
    """The key of the reason why a redeemable of a validation does not apply."""
    return str(answer["redeemables"][position]["result"]["error"]["key"])

"""What is asked about one redeemable that the address or the query names, as the verbs take it."""

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from checkout.api.common import parse
from checkout.asks import Ask, CartAsk, GiftAsk, RedeemableAsk, RewardAsk
from offers.lib.errors import InvalidPayload

DEEPEST = 5


class SingleAsk(CartAsk, frozen=True):
    """A validation or redemption of one redeemable."""

    gift: GiftAsk | None = None
    reward: RewardAsk | None = None

    def of(self, ident: str, kind: Literal["voucher", "promotion_tier"] = "voucher") -> Ask:
        """Return the request for this voucher or tier."""
        return self.ask([RedeemableAsk(ident, kind, self.gift, self.reward)])

    def ask(self, redeemables: list[RedeemableAsk]) -> Ask:
        return Ask(
            redeemables=redeemables,
            order=self.order,
            customer=self.customer,
            session=self.session,
            tracking_id=self.tracking_id,
            metadata=self.metadata,
            options=self.options,
            shopper=self.shopper,
        )


def of_query(pairs: Iterable[tuple[str, Any]]) -> SingleAsk:
    """Return what a page asks by its query: `amount`, `item[0][price]`, `session_key`, `customer[metadata][level]`.

    Numbers are texts there. Refuses `invalid_payload` by the field it would be in a body.
    """
    found = _nested(pairs)
    order = found.get("order")
    order = dict(order) if isinstance(order, dict) else {}
    if "amount" in found:
        order["amount"] = found["amount"]
    if isinstance(found.get("item"), dict):
        items = found["item"]
        order["items"] = [items[index] for index in sorted(items, key=lambda text: (len(text), text))]
    body: dict[str, Any] = {name: found[name] for name in ("gift", "reward", "customer", "metadata") if name in found}
    body |= {"tracking_id": found["tracking_id"]} if found.get("tracking_id") else {}
    if order:
        body["order"] = order
    session = {
        name: found[f"session_{name}"] for name in ("type", "key", "ttl", "ttl_unit") if found.get(f"session_{name}")
    }
    if session:
        body["session"] = session
    parse.refuse_nul(body)
    return msgspec.convert(body, SingleAsk, strict=False)


def _nested(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return `a[b][c]=d` as {"a": {"b": {"c": "d"}}}."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        *path, last = [part for part in name.replace("]", "").split("[") if part] or [""]
        if len(path) >= DEEPEST:
            raise InvalidPayload("The query is nested too deep")
        place = found
        for part in path:
            inner = place.setdefault(part, {})
            if not isinstance(inner, dict):
                raise InvalidPayload(f"The query says two things of {part[:100]}")
            place = inner
        place[last] = value
    return found

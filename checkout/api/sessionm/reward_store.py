"""The reward store over the wire: what points can buy, and buying it."""

from typing import Any

from checkout.api.sessionm import offer_shapes, scalars
from checkout.api.sessionm.envelope import ConnectView, at
from checkout.api.sessionm.offers import culture_of, page_of
from checkout.api.sessionm.user_offers import UserView
from loyalty import members, rewards
from offers import offer_templates


class Shelf(ConnectView):
    """List the reward store: what points can buy now."""

    scopes = ("offers.read",)

    def handle(self, **_: str) -> Any:
        (skip, take), culture = page_of(self.body), culture_of(self.body)
        rows = offer_templates.for_sale(retailer_id=self.retailer_id, now=self.now)
        return {
            "total_records": rows.count(),
            "offers": [
                offer_shapes.offer(row, shop=self.shop, culture=culture, now=self.now)
                for row in rows[skip : skip + take]
            ],
            "skip": skip,
            "take": take,
        }


class Purchase(UserView):
    """Buy from the reward store: spends the points and issues the offer, both or neither; a reference counts once."""

    scopes = ("offers.manage",)
    writes = True

    def handle(self, **_: str) -> Any:
        offer_id = scalars.uuid(scalars.needed(self.body, "offer_id"), "offer_id")
        given = self.body.get("reference")
        reference = "" if given in (None, "") else scalars.text(given, "reference", most=100)
        member = self.member()
        entry = rewards.buy(
            retailer_id=self.retailer_id,
            member=member,
            offer_id=offer_id,
            actor=self.actor,
            now=self.now,
            reference=reference,
        )
        shown = offer_shapes.brief(entry, user_id=members.shown_id(member), now=self.now)
        return {**shown, "points_spent": entry.source["points"]}


urlpatterns = [
    *at("offers/reward_store", view=Shelf),
    *at("offers/reward_store/purchase", view=Purchase),
]

"""Offers over the wire: create, update, publish, pause, expire, archive, and fetch them."""

from collections.abc import Callable
from typing import Any, ClassVar

from checkout.api.sessionm import offer_shapes, scalars
from checkout.api.sessionm.envelope import ConnectView, at
from offers import offer_templates

MOST_TAKEN = 1000


class ManagedView(ConnectView):
    """Base of what marketers' tools call."""

    scopes = ("offers.manage",)
    writes = True

    def after_refusal(self, refusal: Any) -> Any:
        """Say what is wrong with the terms field by field, once in each of the two places clients look."""
        if isinstance(refusal, offer_templates.OfferInvalid):
            errors = refusal.data["validation_errors"]
            refusal.data["payload"] = offer_shapes.refused(errors)
            refusal.data["details"] = [
                {"field": name, "code": "invalid", "message": message}
                for name, messages in errors.items()
                for message in messages
            ]
        return super().after_refusal(refusal)


class Create(ManagedView):
    """Make an offer: a draft, or published at once."""

    def handle(self, **_: str) -> Any:
        made = offer_templates.create(retailer_id=self.retailer_id, body=self.body, actor=self.actor, now=self.now)
        return offer_shapes.change(made)


class Update(ManagedView):
    """Change an offer: what holders have keeps its terms, as an earlier revision."""

    def handle(self, **_: str) -> Any:
        offer_id = scalars.uuid(scalars.needed(self.body, "offer_id"), "offer_id")
        made = offer_templates.update(
            retailer_id=self.retailer_id, offer_id=offer_id, body=self.body, actor=self.actor, now=self.now
        )
        return offer_shapes.change(made, offer_templates.status_of(made.offer, self.now))


class Move(ManagedView):
    """Base of the changes of status; a subclass names its verb."""

    verb: ClassVar[Callable[..., offer_templates.Change]]

    def handle(self, **_: str) -> Any:
        offer_id = scalars.uuid(scalars.needed(self.body, "offer_id"), "offer_id")
        made = type(self).verb(retailer_id=self.retailer_id, offer_id=offer_id, actor=self.actor, now=self.now)
        return offer_shapes.change(made)


class Publish(Move):
    """Publish an offer: it can be issued from now on."""

    verb = staticmethod(offer_templates.publish)


class Pause(Move):
    """Pause an offer: nobody gets it any more, and what is in wallets stays good."""

    verb = staticmethod(offer_templates.pause)


class Expire(Move):
    """End an offer: before its date."""

    verb = staticmethod(offer_templates.expire)


class Archive(Move):
    """Archive an offer: no new locks."""

    verb = staticmethod(offer_templates.archive)


class Fetch(ConnectView):
    """Show an offer: with its texts, the one for the culture first."""

    scopes = ("offers.read",)

    def handle(self, **_: str) -> Any:
        offer_id = scalars.uuid(scalars.needed(self.body, "offer_id"), "offer_id")
        row = offer_templates.find(retailer_id=self.retailer_id, ident=offer_id)
        shown = offer_shapes.offer(row, shop=self.shop, culture=culture_of(self.body), now=self.now)
        return {"offer": shown}


class FetchMany(ConnectView):
    """Show several offers: those that exist, a page of them."""

    scopes = ("offers.read",)

    def handle(self, **_: str) -> Any:
        raw = scalars.needed(self.body, "offer_ids")
        if not isinstance(raw, list) or len(raw) > MOST_TAKEN:
            raise scalars.ArgumentError("offer_ids", f"is not a list of at most {MOST_TAKEN} ids", "not_a_list")
        ids = [scalars.uuid(value, f"offer_ids[{index}]") for index, value in enumerate(raw)]
        skip, take = page_of(self.body)
        found = offer_templates.many(retailer_id=self.retailer_id, offer_ids=ids)
        culture = culture_of(self.body)
        return {
            "total_records": len(found),
            "offers": [
                offer_shapes.offer(row, shop=self.shop, culture=culture, now=self.now)
                for row in found[skip : skip + take]
            ],
            "skip": skip,
            "take": take,
        }


def culture_of(body: dict[str, Any]) -> str | None:
    """Return the culture a body asks for, None for none."""
    raw = body.get("culture")
    return None if raw in (None, "") else scalars.text(raw, "culture", most=35)


def page_of(body: dict[str, Any], *, take: int = 50) -> tuple[int, int]:
    """Return skip and take of a body; refuses `argument_error`."""
    skip, wanted = body.get("skip"), body.get("take")
    return (
        0 if skip is None else scalars.integer(skip, "skip"),
        take if wanted is None else scalars.integer(wanted, "take", most=MOST_TAKEN),
    )


urlpatterns = [
    *at("offers/management/create", view=Create),
    *at("offers/management/update", view=Update),
    *at("offers/management/publish", view=Publish),
    *at("offers/management/pause", view=Pause),
    *at("offers/management/expire", view=Expire),
    *at("offers/management/archive", view=Archive),
    *at("offers/fetch_offer", view=Fetch),
    *at("offers/fetch_offers_details", view=FetchMany),
]

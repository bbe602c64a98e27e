"""/v1/promotions/…/tiers: list, create, get, update, delete, enable, disable."""

from typing import Annotated, Any

from django.http import HttpRequest
from django.urls import path
from msgspec import UNSET, Meta, Struct, UnsetType

from checkout.api.common import lists
from checkout.api.common.views import ApiView
from checkout.api.voucherify import bodies
from checkout.api.voucherify.tier_shapes import tiers_json
from offers import promotions
from offers.lib.errors import InvalidPayload
from offers.models import PromotionTier

MAX_RULES = 5


class ActionBody(Struct):
    discount: Any = None


class RulesBody(Struct):
    """What binds rules to a tier at once: {"data": [{"rule_id": …}]}."""

    data: list[dict[str, Any]] = []


class TierBody(Struct):
    name: bodies.Name | UnsetType | None = UNSET
    banner: bodies.LongText | UnsetType | None = UNSET
    action: ActionBody | UnsetType | None = UNSET
    metadata: bodies.Metadata | UnsetType | None = UNSET
    hierarchy: Annotated[int, Meta(ge=0, le=2**31 - 1)] | UnsetType | None = UNSET
    active: bool | UnsetType | None = UNSET
    start_date: str | UnsetType | None = UNSET
    expiration_date: str | UnsetType | None = UNSET
    validity_timeframe: Any = UNSET
    validity_day_of_week: Any = UNSET
    validity_hours: Any = UNSET
    category: bodies.Text | UnsetType | None = UNSET
    category_id: bodies.Text | UnsetType | None = UNSET
    validation_rules: list[bodies.Text] | UnsetType | None = UNSET
    validation_rule_assignments: RulesBody | UnsetType | None = UNSET

    def fields(self) -> promotions.Fields:
        plain = ("name", "banner", "metadata", "validity_timeframe", "validity_day_of_week", "validity_hours")
        fields = bodies.sent(self, *plain)
        # Null says nothing where there must be a value.
        fields |= {name: value for name, value in bodies.sent(self, "hierarchy", "active").items() if value is not None}
        for name, text in bodies.sent(self, "start_date", "expiration_date").items():
            fields[name] = bodies.moment(text, f".{name}")
        for value in bodies.sent(self, "category", "category_id").values():
            fields["category"] = value or fields.get("category")
        if isinstance(self.action, ActionBody):
            fields["discount"] = self.action.discount
        return fields  # type: ignore[return-value]

    def rule_idents(self) -> list[str]:
        idents = list(self.validation_rules or [])
        if isinstance(self.validation_rule_assignments, RulesBody):
            idents += [str(entry.get("rule_id")) for entry in self.validation_rule_assignments.data]
        if len(idents) > MAX_RULES:
            raise InvalidPayload(f"Property .validation_rules should have no more than {MAX_RULES} items")
        return idents


class TierView(ApiView):
    """What the addresses of tiers share."""

    scope = "promotions"

    def shape(self, tier: PromotionTier) -> dict[str, Any]:
        return tiers_json([tier])[0]


class AllTiers(TierView):
    """List the tiers of all campaigns."""

    def get(self, request: HttpRequest) -> Any:
        query = lists.read(request.GET, order=promotions.ORDERS)
        available = lists.flag(request.GET, "is_available")
        rows = promotions.search(
            retailer_id=self.retailer_id, available_at=self.now if available else None, order=query.order
        )
        found = lists.answer(rows, query, "tiers", lambda row: row, has_more=True)
        return found | {"tiers": tiers_json(found["tiers"])}


class TiersOfCampaign(TierView):
    """List a campaign's tiers, or add one."""

    def get(self, request: HttpRequest, campaign: str) -> Any:
        """List a campaign's promotion tiers."""
        rows = promotions.of(campaign=promotions.find_campaign(retailer_id=self.retailer_id, ident=campaign))
        tiers = tiers_json(rows)
        return lists.envelope("tiers", tiers, len(tiers), has_more=False)

    def post(self, request: HttpRequest, campaign: str) -> Any:
        """Add a promotion tier to a campaign."""
        body = bodies.read(self.read_object(), TierBody)
        tier = promotions.create(
            campaign=promotions.find_campaign(retailer_id=self.retailer_id, ident=campaign),
            fields=body.fields(),
            rule_idents=body.rule_idents(),
            actor=self.actor,
            now=self.now,
        )
        return self.shape(tier)


class OneTier(TierView):
    """Get, change or delete a tier."""

    def get(self, request: HttpRequest, ident: str) -> Any:
        """Get a promotion tier."""
        return self.shape(promotions.get(retailer_id=self.retailer_id, ident=ident))

    def put(self, request: HttpRequest, ident: str) -> Any:
        """Update a promotion tier: only the fields that are sent change."""
        body = bodies.read(self.read_object(), TierBody)
        tier = promotions.update(
            retailer_id=self.retailer_id,
            ident=ident,
            fields=body.fields(),
            rule_idents=body.rule_idents(),
            actor=self.actor,
            now=self.now,
        )
        return self.shape(tier)

    def delete(self, request: HttpRequest, ident: str) -> Any:
        """Delete a promotion tier."""
        promotions.delete(retailer_id=self.retailer_id, ident=ident, actor=self.actor, now=self.now)


class EnableTier(TierView):
    """Switch a tier on."""

    def post(self, request: HttpRequest, ident: str) -> Any:
        return self.shape(promotions.enable(retailer_id=self.retailer_id, ident=ident, actor=self.actor, now=self.now))


class DisableTier(TierView):
    """Switch a tier off."""

    def post(self, request: HttpRequest, ident: str) -> Any:
        return self.shape(promotions.disable(retailer_id=self.retailer_id, ident=ident, actor=self.actor, now=self.now))


urlpatterns = [
    path("promotions/tiers", AllTiers.as_view()),
    path("promotions/tiers/<str:ident>/enable", EnableTier.as_view()),
    path("promotions/tiers/<str:ident>/disable", DisableTier.as_view()),
    path("promotions/tiers/<str:ident>", OneTier.as_view()),
    path("promotions/<code:campaign>/tiers", TiersOfCampaign.as_view()),
]

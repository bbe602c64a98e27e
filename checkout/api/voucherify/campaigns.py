"""/v1/campaigns: create, list, get, update, delete, enable, disable, add vouchers, summary."""

from collections.abc import Iterable
from datetime import date
from typing import Any, ClassVar

from django.db.models import Value
from django.http import HttpRequest
from django.urls import path

from checkout import campaign_summary
from checkout.api.common import filters, lists
from checkout.api.common.views import ApiView
from checkout.api.voucherify import bodies
from checkout.api.voucherify.campaign_bodies import CampaignBody
from checkout.api.voucherify.campaign_filters import FILTERS, VOUCHER_TYPE
from checkout.api.voucherify.campaign_shapes import campaigns_json, summary_json
from checkout.api.voucherify.voucher_bodies import VoucherBody
from checkout.api.voucherify.voucher_shapes import vouchers_json
from offers import campaigns, worth
from offers.lib.errors import InvalidPayload
from offers.models import Campaign, Voucher

LATER = {"REFERRAL_PROGRAM"}


class CampaignView(ApiView):
    """What the addresses of campaigns share."""

    scope = "campaigns"

    def shape(self, campaign: Campaign) -> dict[str, Any]:
        return campaigns_json([campaign])[0]

    def shape_voucher(self, voucher: Voucher) -> dict[str, Any]:
        return vouchers_json([voucher], now=self.now)[0]


class Campaigns(CampaignView):
    """List campaigns, or make one."""

    def get(self, request: HttpRequest) -> Any:
        params = request.GET
        query = lists.read(params, filters=FILTERS)
        _choice(params, "expand", {"category", "access_settings_assignments"})
        rows = campaigns.search(
            retailer_id=self.retailer_id,
            campaign_type=_choice(params, "campaign_type", {*Campaign.CampaignType.values, *LATER}),
            status=_choice(params, "campaign_status", {*Campaign.Generation.values, "DRAFT", "MODIFYING"}),
        )
        if lists.flag(params, "is_referral_code") or _of_areas(params):
            rows = rows.none()  # there are none here
        rows = rows.annotate(voucher_type=VOUCHER_TYPE, is_referral_code=Value(False))
        rows = lists.apply(rows, query, fields=FILTERS, now=self.now)
        found = lists.answer(rows, query, "campaigns", lambda row: row)
        return found | {"campaigns": campaigns_json(found["campaigns"])}

    def post(self, request: HttpRequest) -> Any:
        body = bodies.read(self.read_object(), CampaignBody)
        if not isinstance(body.name, str):
            raise InvalidPayload("Payload should have required property 'name'")
        campaign = campaigns.create(
            retailer_id=self.retailer_id,
            name=body.name,
            campaign_type=body.kind(),
            fields=body.new(),
            vouchers_count=worth.whole(body.vouchers_count or 0, ".vouchers_count"),
            tiers=body.tiers(),
            actor=self.actor,
            now=self.now,
            request_id=self.request_id,
        )
        return self.shape(campaign)


class OneCampaign(CampaignView):
    """Get, change or delete a campaign by id or name."""

    def get(self, request: HttpRequest, campaign: str) -> Any:
        return self.shape(campaigns.get(retailer_id=self.retailer_id, ident=campaign))

    def put(self, request: HttpRequest, campaign: str) -> Any:
        changed = campaigns.update(
            retailer_id=self.retailer_id,
            ident=campaign,
            fields=bodies.read(self.read_object(), CampaignBody).changes(),
            actor=self.actor,
            now=self.now,
            request_id=self.request_id,
        )
        return self.shape(changed)

    def delete(self, request: HttpRequest, campaign: str) -> Any:
        action = campaigns.delete(
            retailer_id=self.retailer_id,
            ident=campaign,
            actor=self.actor,
            now=self.now,
            request_id=self.request_id,
        )
        return 202, {"async_action_id": action.public_id}


class SwitchCampaign(CampaignView):
    """Enable or disable a campaign and all its codes."""

    active: ClassVar[bool]

    def post(self, request: HttpRequest, campaign: str) -> Any:
        campaigns.switch(
            retailer_id=self.retailer_id, ident=campaign, active=self.active, actor=self.actor, now=self.now
        )
        return {}


class EnableCampaign(SwitchCampaign):
    """Enable a campaign."""

    active = True


class DisableCampaign(SwitchCampaign):
    """Disable a campaign."""

    active = False


class VouchersOfCampaign(CampaignView):
    """Add one voucher at once, or `vouchers_count` of them in the background."""

    def post(self, request: HttpRequest, campaign: str) -> Any:
        count = _count(request.GET.get("vouchers_count"))
        body = bodies.read(self.read_object(), VoucherBody)
        if count == 1:
            voucher = campaigns.add_voucher(
                retailer_id=self.retailer_id,
                ident=campaign,
                code=body.code if isinstance(body.code, str) else None,
                code_config=body.code_config or None,
                fields=body.overrides(),
                actor=self.actor,
                now=self.now,
            )
            return self.shape_voucher(voucher)
        action = campaigns.add_vouchers(
            retailer_id=self.retailer_id,
            ident=campaign,
            count=count,
            code_config=body.code_config or None,
            fields=body.overrides(),
            actor=self.actor,
            now=self.now,
            request_id=self.request_id,
        )
        return 202, {"async_action_id": action.public_id}


class VoucherOfCampaign(CampaignView):
    """Add a voucher with the code of the address."""

    def post(self, request: HttpRequest, campaign: str, code: str) -> Any:
        body = bodies.read(self.read_object(), VoucherBody)
        voucher = campaigns.add_voucher(
            retailer_id=self.retailer_id,
            ident=campaign,
            code=code,
            fields=body.overrides(),
            actor=self.actor,
            now=self.now,
        )
        return self.shape_voucher(voucher)


class Summary(CampaignView):
    """What a campaign has brought, in all or between two days, both counted in."""

    def get(self, request: HttpRequest, campaign: str) -> Any:
        found = campaigns.get(retailer_id=self.retailer_id, ident=campaign)
        first, last = (_day(request.GET.get(name), name) for name in ("start_date", "end_date"))
        return summary_json(found, campaign_summary.of(found, first=first, last=last))


def _day(text: str | None, name: str) -> date | None:
    return filters.moment(text[:10], name).date() if text else None


def _count(text: str | None) -> int:
    if text is None or text == "":
        return 1
    if not (text.isascii() and text.isdigit() and int(text[:9]) >= 1 and len(text) < 10):
        raise filters.InvalidQuery("Query parameter vouchers_count should be a whole number from 1")
    return int(text)


def _of_areas(params: Iterable[str]) -> bool:
    """Say whether only campaigns of some areas or stores are asked for."""
    return any(name.replace("][", "[").lstrip("[").startswith("access_settings") for name in params)


def _choice(params: Any, name: str, choices: set[str]) -> str | None:
    value = params.get(name)
    if value and value not in choices:
        raise filters.InvalidQuery(f"Query parameter {name} should be one of {', '.join(sorted(choices))}")
    return value or None


urlpatterns = [
    path("campaigns/<code:campaign>/vouchers/<code:code>", VoucherOfCampaign.as_view()),
    path("campaigns/<code:campaign>/vouchers", VouchersOfCampaign.as_view()),
    path("campaigns/<code:campaign>/enable", EnableCampaign.as_view()),
    path("campaigns/<code:campaign>/disable", DisableCampaign.as_view()),
    path("campaigns/<code:campaign>/summary", Summary.as_view()),
    path("campaigns/<code:campaign>", OneCampaign.as_view()),
    path("campaigns", Campaigns.as_view()),
]

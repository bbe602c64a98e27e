"""Campaigns: made with terms, tiers and codes, changed, switched, archived, deleted."""

from datetime import timedelta
from typing import Any

import pytest

from offers import async_actions, campaign_terms, campaigns, codes, rules, vouchers
from offers.ledger import counters, holds
from offers.lib.errors import Duplicate, InvalidPayload, NotFound
from offers.models import AuditEntry, Campaign, PromotionTier, Retailer, RuleAssignment, Voucher
from tests.offers.test_vouchers import ALICE, NOW, TEN

GIFT: dict[str, Any] = {"gift": {"amount": 5000}}


def make(shop: Retailer, name: str = "Spring", **given: Any) -> Campaign:
    whole = {"campaign_type", "vouchers_count", "tiers"}
    own = {key: value for key, value in given.items() if key in whole}
    fields: Any = {key: value for key, value in given.items() if key not in whole}
    if own.get("campaign_type", "DISCOUNT_COUPONS") == "DISCOUNT_COUPONS":
        fields = {"discount": TEN, **fields}
    return campaigns.create(retailer_id=shop.pk, actor=ALICE, now=NOW, name=name, fields=fields, **own)


def change(campaign: Campaign, **fields: Any) -> Campaign:
    return campaigns.update(
        retailer_id=campaign.retailer_id,
        ident=campaign.name,
        fields=fields,  # type: ignore[arg-type]
        actor=ALICE,
        now=NOW,
    )


def test_a_campaign_is_found_by_name_and_id_and_only_by_its_retailer(shop_a: Retailer, shop_b: Retailer) -> None:
    campaign = make(shop_a, "Black Friday / 2026")
    for ident in (campaign.name, campaign.public_id):
        assert campaigns.get(retailer_id=shop_a.pk, ident=ident) == campaign
        with pytest.raises(NotFound):
            campaigns.get(retailer_id=shop_b.pk, ident=ident)


def test_a_name_is_taken_until_its_campaign_is_deleted(
    shop_a: Retailer, shop_b: Retailer, django_capture_on_commit_callbacks: Any
) -> None:
    make(shop_a)
    make(shop_b)
    with pytest.raises(Duplicate):
        make(shop_a)
    campaigns.delete(retailer_id=shop_a.pk, ident="Spring", actor=ALICE, now=NOW)
    make(shop_a)


def test_a_kind_of_later_is_refused_by_name(shop_a: Retailer) -> None:
    with pytest.raises(vouchers.InvalidCampaign, match="not available"):
        make(shop_a, campaign_type="REFERRAL_PROGRAM")


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"discount": None}, vouchers.InvalidCampaign),
        ({"campaign_type": "GIFT_VOUCHERS"}, vouchers.InvalidCampaign),
        ({"campaign_type": "PROMOTION", "vouchers_count": 1}, vouchers.InvalidCampaign),
        ({"type": "STANDALONE", "vouchers_count": 2}, vouchers.InvalidCampaign),
        ({"type": "X"}, InvalidPayload),
        ({"campaign_type": "X"}, InvalidPayload),
        ({"name": ""}, InvalidPayload),
        ({"name": "x" * 201}, InvalidPayload),
        ({"name": "a\nb"}, InvalidPayload),
        ({"vouchers_count": -1}, campaign_terms.InvalidCampaignParams),
        ({"vouchers_count": 10**8}, campaign_terms.InvalidCampaignParams),
        ({"vouchers_count": 101, "code_config": {"pattern": "##", "charset": "0123456789"}}, codes.InvalidCodeConfig),
        ({"budget": -1}, InvalidPayload),
        ({"redemption_limit": 1.5}, InvalidPayload),
        ({"timezone": "Mars"}, InvalidPayload),
        ({"category": "none"}, NotFound),
        ({"rules": ["val_none"]}, NotFound),
    ],
)
def test_an_impossible_campaign_leaves_nothing(shop_a: Retailer, given: dict[str, Any], refusal: type) -> None:
    with pytest.raises(refusal):
        make(shop_a, **given)
    assert not Campaign.objects.exists()


def test_tiers_come_with_a_promotion(shop_a: Retailer) -> None:
    tiers = [campaigns.NewTier({"name": f"Tier {n}", "discount": TEN}, []) for n in (1, 2)]
    campaign = make(shop_a, campaign_type="PROMOTION", tiers=tiers)
    assert list(campaign.tiers.order_by("hierarchy").values_list("name", "hierarchy")) == [("Tier 1", 1), ("Tier 2", 2)]


def test_a_voucher_copies_the_terms_and_a_call_may_override_them(shop_a: Retailer) -> None:
    campaign = make(shop_a, campaign_type="GIFT_VOUCHERS", redemption_limit=3, customer_limit=1, **GIFT)
    what: dict[str, Any] = {"retailer_id": shop_a.pk, "ident": campaign.name, "actor": ALICE, "now": NOW}
    plain = campaigns.add_voucher(**what, fields={})
    own = campaigns.add_voucher(**what, code="OWN", fields={"redemption_limit": 9, "metadata": {"a": 1}})
    assert (plain.type, plain.gift_amount, plain.redemption_limit, plain.customer_limit) == ("GIFT_VOUCHER", 5000, 3, 1)
    assert (own.code, own.redemption_limit, own.metadata) == ("OWN", 9, {"a": 1})
    campaign.refresh_from_db()
    assert campaign.vouchers_count == 2
    with pytest.raises(Duplicate):
        campaigns.add_voucher(**what, code="OWN", fields={})


def test_gift_codes_are_beyond_guessing(shop_a: Retailer) -> None:
    assert make(shop_a, campaign_type="GIFT_VOUCHERS", **GIFT).code_config["length"] == 11
    assert make(shop_a, "Other").code_config["length"] == 8


@pytest.mark.parametrize("given", [{"type": "STANDALONE"}, {"campaign_type": "PROMOTION"}])
def test_no_codes_are_added_where_none_belong(shop_a: Retailer, given: dict[str, Any]) -> None:
    make(shop_a, **given)
    what: dict[str, Any] = {"retailer_id": shop_a.pk, "ident": "Spring", "actor": ALICE, "now": NOW, "fields": {}}
    with pytest.raises(vouchers.InvalidCampaign):
        campaigns.add_voucher(**what)
    with pytest.raises(vouchers.InvalidCampaign):
        campaigns.add_vouchers(**what, count=5)


def test_only_sent_fields_change(shop_a: Retailer) -> None:
    campaign = make(shop_a, metadata={"a": 1, "b": 2}, description="old", expiration_date=NOW + timedelta(days=9))
    changed = change(campaign, metadata={"c": 3}, unset_metadata_fields=["a", "none"], expiration_date=None)
    changed.refresh_from_db()
    assert changed.metadata == {"b": 2, "c": 3}
    assert (changed.description, changed.expiration_date) == ("old", None)


def test_a_new_budget_reaches_the_ledger_and_the_audit_trail(shop_a: Retailer) -> None:
    campaign = make(shop_a, budget=1000)
    counter = counters.Name(kind=campaigns.BUDGET, owner=campaign.pk)
    want = holds.Want(kind=campaigns.BUDGET, owner=campaign.pk, amount=900, granted=1000, entry="r_1")
    holds.take(retailer_id=shop_a.pk, wants=[want], reference="", settle=True, now=NOW)
    change(campaign, budget=5000)
    state = counters.state(counter, now=NOW)
    assert state is not None
    assert state.available == 4100
    row = AuditEntry.objects.get(action="campaign.update")
    assert (row.before, row.after) == ({"budget": 1000}, {"budget": 5000})


def test_new_limits_hold_for_later_codes_only(shop_a: Retailer) -> None:
    campaign = make(shop_a, redemption_limit=1, vouchers_count=1)
    change(campaign, redemption_limit=5)
    later = campaigns.add_voucher(retailer_id=shop_a.pk, ident="Spring", actor=ALICE, now=NOW, fields={})
    assert list(campaign.vouchers.order_by("id").values_list("redemption_limit", flat=True)) == [1, 5]
    assert later.redemption_limit == 5


@pytest.mark.parametrize(
    "fields",
    [{"discount": {"type": "AMOUNT", "amount_off": 5}}, {"type": "STANDALONE"}, {"gift": {"amount": 5}}],
)
def test_what_a_campaign_is_cannot_change(shop_a: Retailer, fields: dict[str, Any]) -> None:
    with pytest.raises(vouchers.InvalidCampaign):
        change(make(shop_a), **fields)


def test_static_and_auto_update_change_into_one_another(shop_a: Retailer) -> None:
    assert change(make(shop_a), type="AUTO_UPDATE").type == "AUTO_UPDATE"


def test_switching_and_archiving_are_traced(shop_a: Retailer) -> None:
    make(shop_a)
    what: dict[str, Any] = {"retailer_id": shop_a.pk, "ident": "Spring", "actor": ALICE, "now": NOW}
    assert not campaigns.switch(**what, active=False).active
    assert campaigns.switch(**what, active=True).active
    archived = campaigns.archive(**what, reason="over")
    assert (archived.active, archived.archived_at) == (False, NOW)
    actions = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert actions == ["campaign.create", "campaign.disable", "campaign.enable", "campaign.archive"]


def test_rules_are_assigned_at_creation(shop_a: Retailer) -> None:
    rule = rules.create(retailer_id=shop_a.pk, fields={"name": "any", "rules": {"logic": ""}}, actor=ALICE, now=NOW)
    campaign = make(shop_a, rules=[rule.public_id])
    assert RuleAssignment.objects.get().target_id == campaign.pk


@pytest.mark.django_db(transaction=True)
def test_a_deleted_campaign_takes_its_vouchers_along(shop_a: Retailer) -> None:
    campaign = make(shop_a, vouchers_count=12)
    tiers = [campaigns.NewTier({"name": "T", "discount": TEN}, [])]
    make(shop_a, "Promo", campaign_type="PROMOTION", tiers=tiers)
    assert Voucher.objects.filter(campaign=campaign).count() == 12
    for name in ("Spring", "Promo"):
        action = campaigns.delete(retailer_id=shop_a.pk, ident=name, actor=ALICE, now=NOW)
        action.refresh_from_db()
        assert (action.status, action.operation_status) == ("DONE", "SUCCESS")
        with pytest.raises(NotFound):
            campaigns.get(retailer_id=shop_a.pk, ident=name)
    assert not vouchers.search(retailer_id=shop_a.pk).exists()
    assert not PromotionTier.objects.filter(deleted_at=None).exists()
    assert async_actions.search(retailer_id=shop_a.pk).count() == 3

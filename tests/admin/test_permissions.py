"""Who may open and do what in the back office: every address, every role; refused, not only hidden."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from checkout.models import Redemption
from offers.models import Campaign
from tests.admin.conftest import office
from tests.admin.scene import Scene

MARKETER, REVIEWER, ADMIN = "marketer", "reviewer", "chief"
EVERYBODY = {MARKETER, REVIEWER, ADMIN}
MAKERS = {MARKETER, ADMIN}
KEEPERS = {REVIEWER, ADMIN}

# What may be looked at, as "<app>_<model>" of its list and of one of its rows.
SEEN = {
    **dict.fromkeys(
        [
            "offers_campaign",
            "offers_voucher",
            "offers_promotiontier",
            "offers_validationrule",
            "offers_category",
            "offers_customer",
            "offers_product",
            "offers_sku",
            "offers_productcollection",
            "offers_asyncaction",
            "checkout_redemption",
            "checkout_order",
            "checkout_locksession",
            "checkout_validation",
            "checkout_transaction",
            "offers_store",
            "offers_offer",
            "loyalty_rule",
            "loyalty_tiersystem",
            "offers_useroffer",
            "admission_distribution",
            "admission_admission",
            "admission_flag",
            "offers_channel",
            "offers_sessioncampaign",
            "checkout_authorization",
        ],
        EVERYBODY,
    ),
    "offers_auditentry": KEEPERS,
    "offers_client": {ADMIN},
    "offers_retailer": {ADMIN},
    "offers_signingkey": {ADMIN},
    "auth_user": {ADMIN},
}
# What may be made or done, by the name of its address.
DONE = {
    **{f"offers_{model}_add": MAKERS for model in ("campaign", "voucher", "promotiontier", "validationrule")},
    **{f"offers_{model}_add": MAKERS for model in ("category", "customer", "product", "productcollection")},
    **{f"offers_{model}_add": {ADMIN} for model in ("client", "retailer", "store")},
    "auth_user_add": {ADMIN},
    **{f"offers_signingkey_{name}": {ADMIN} for name in ("add", "rotate", "retire")},
    **{f"offers_campaign_{name}": MAKERS for name in ("example", "edit", "enable", "disable", "archive")},
    **{f"offers_campaign_{name}": MAKERS for name in ("more_codes", "assign", "unassign")},
    **{f"offers_voucher_{name}": MAKERS for name in ("edit", "enable", "disable", "credits")},
    **{f"offers_voucher_{name}": MAKERS for name in ("assign", "unassign")},
    **{f"offers_promotiontier_{name}": MAKERS for name in ("assign", "unassign")},
    **{f"offers_promotiontier_{name}": MAKERS for name in ("edit", "enable", "disable")},
    **{f"offers_validationrule_{name}": MAKERS for name in ("edit", "remove")},
    "offers_productcollection_remove": MAKERS,
    "offers_customer_edit": MAKERS,
    "offers_product_edit": MAKERS,
    "offers_product_new_variant": MAKERS,
    "offers_client_revoke": {ADMIN},
    "offers_client_new_secret": {ADMIN},
    "offers_client_rename": {ADMIN},
    "offers_asyncaction_progress": EVERYBODY,
    "checkout_redemption_export": EVERYBODY,
    "checkout_redemption_roll_back": KEEPERS,
    "checkout_locksession_release": KEEPERS,
    "checkout_transaction_retry": KEEPERS,
    "checkout_transaction_discard": KEEPERS,
    "offers_useroffer_revoke": KEEPERS,
    "offers_useroffer_reinstate": KEEPERS,
    "offers_useroffer_unlock": KEEPERS,
    "offers_offer_add": MAKERS,
    **{f"loyalty_tiersystem_{name}": MAKERS for name in ("add", "edit")},
    **{f"loyalty_rule_{name}": MAKERS for name in ("add", "try", "say", "edit", "switch")},
    **{f"offers_offer_{name}": MAKERS for name in ("edit", "publish", "pause", "expire", "archive")},
    "offers_store_edit": {ADMIN},
    **{f"offers_channel_{name}": {ADMIN} for name in ("add", "edit", "rotate")},
    **{f"offers_sessioncampaign_{name}": MAKERS for name in ("add", "edit")},
    "checkout_authorization_revoke": KEEPERS,
    "admission_distribution_live": EVERYBODY,
    **{f"admission_flag_{name}": MAKERS for name in ("move", "deny")},
    **{f"admission_admission_{name}": KEEPERS for name in ("revoke", "extend")},
    **{f"admission_distribution_{name}": MAKERS for name in ("add", "edit", "pause", "resume", "admit", "deny")},
    **{f"admission_distribution_{name}": MAKERS for name in ("move", "run", "settle")},
    **{f"admission_distribution_{name}": EVERYBODY for name in ("order", "published", "bids")},
}
# Addresses Django mounts for every model; ours lead nowhere (403) or are the page itself.
CLOSED = ("_delete", "_history")
COMMON = {
    "index",
    "login",
    "logout",
    "password_change",
    "password_change_done",
    "autocomplete",
    "jsi18n",
    "view_on_site",
}
COMMON |= {"search", "app_list", ""}
OTHERS = {"ledger", "outbox"}  # shown to admins only; tested where they are made


def names(patterns: Any = None) -> Iterator[str]:
    """Every named address of the back office."""
    mounted: Any = next(one for one in get_resolver().url_patterns if getattr(one, "namespace", "") == "admin")
    for one in patterns or mounted.url_patterns:
        if isinstance(one, URLResolver):
            yield from names(one.url_patterns)
        elif isinstance(one, URLPattern) and one.name:
            yield one.name


def rows(scene: Scene) -> dict[str, Any]:
    client, _ = scene.credential
    return {
        "offers_campaign": scene.campaign,
        "offers_voucher": scene.card,
        "offers_promotiontier": scene.tier,
        "offers_validationrule": scene.rule,
        "offers_category": scene.category,
        "offers_customer": scene.customer,
        "offers_product": scene.product,
        "offers_sku": scene.sku,
        "offers_productcollection": scene.collection,
        "offers_asyncaction": scene.job,
        "offers_retailer": scene.shop,
        "offers_client": client,
        "offers_signingkey": scene.signing_key,
        "checkout_redemption": scene.redemption,
        "checkout_order": scene.order,
        "checkout_locksession": scene.lock,
        "checkout_validation": scene.validation,
        "checkout_transaction": scene.transaction,
        "offers_store": scene.store,
        "offers_offer": scene.offer,
        "loyalty_rule": scene.earning,
        "loyalty_tiersystem": scene.club,
        "offers_useroffer": scene.held,
        "offers_auditentry": scene.audit_entry,
        "admission_distribution": scene.launch,
        "admission_admission": scene.admission,
        "admission_flag": scene.flag,
        "offers_channel": scene.shown.channel,
        "offers_sessioncampaign": scene.shown.campaign,
        "checkout_authorization": scene.shown,
        "auth_user": User.objects.get(username="adam"),
    }


def address(found: dict[str, Any], scene: Scene, name: str) -> str:
    """The address of what is done, to the whole or to a row that has such a page."""
    app, model, verb = name.split("_", 2)
    row = found[f"{app}_{model}"]
    if name.startswith("admission_distribution_"):
        row = {"order": scene.draw, "published": scene.draw, "run": scene.draw}.get(verb, row)
        row = {"bids": scene.auction, "settle": scene.auction}.get(verb, row)
    key = "" if verb in {"add", "try", "say", "example", "export"} else f"{row.pk}/"
    return f"/admin/{app}/{model}/{key}{verb.replace('_', '-')}/"


@pytest.fixture
def offices(marketer: Client, reviewer: Client, chief: Client) -> dict[str, Client]:
    return {MARKETER: marketer, REVIEWER: reviewer, ADMIN: chief}


def expect(offices: dict[str, Client], allowed: set[str], path: str) -> None:
    got = {role: client.get(path).status_code for role, client in offices.items()}
    assert got == {role: 200 if role in allowed else 403 for role in offices}, path


def test_every_address_is_in_the_table() -> None:
    known = set(DONE) | {f"{model}_{page}" for model in SEEN for page in ("changelist", "change")}
    unknown = {
        name
        for name in names()
        if name not in known
        and name not in COMMON
        and not name.endswith(CLOSED)
        and name.partition("_")[0] not in OTHERS
    }
    # Read-only models mount an address for adding, too; nobody gets through it.
    assert {name.removesuffix("_add") for name in unknown} <= set(SEEN)
    assert all(name.endswith("_add") for name in unknown - {"auth_user_password_change"})


def test_lists_and_rows_open_for_those_who_may_look(offices: dict[str, Client], scene: Scene) -> None:
    for model, row in rows(scene).items():
        path = f"/admin/{model.replace('_', '/', 1)}/"
        expect(offices, SEEN[model], path)
        page = f"{path}{row.pk}/change/"
        expect(offices, SEEN[model], page)


def test_what_is_done_is_open_to_those_who_may(offices: dict[str, Client], scene: Scene) -> None:
    found = rows(scene)
    for name, allowed in DONE.items():
        expect(offices, allowed, address(found, scene, name))


def test_posting_is_refused_as_looking_is(offices: dict[str, Client], scene: Scene) -> None:
    """An empty post changes nothing where it is allowed (422) and is refused elsewhere."""
    found = rows(scene)
    for name, allowed in DONE.items():
        verb = name.split("_", 2)[2]
        if verb in {"example", "say", "export", "progress", "enable", "disable", "unassign", "remove", "new_secret"}:
            continue
        path = address(found, scene, name)
        for role in set(offices) - allowed:
            assert offices[role].post(path, {"reason": "because"}).status_code == 403, (role, path)


def test_nothing_is_deleted_behind_the_verbs(chief: Client, scene: Scene) -> None:
    for model, row in rows(scene).items():
        path = f"/admin/{model.replace('_', '/', 1)}/{row.pk}"
        assert chief.post(f"{path}/delete/", {"post": "yes"}).status_code == 403, path
        assert chief.get(f"{path}/history/").status_code == 302, path
    assert Campaign.objects.filter(pk=scene.campaign.pk).exists()


def test_a_reviewer_cannot_make_a_campaign(reviewer: Client, scene: Scene) -> None:
    before = Campaign.objects.count()
    answer = reviewer.post("/admin/offers/campaign/add/", {"name": "Mine", "campaign_type": "PROMOTION"})
    assert answer.status_code == 403
    assert Campaign.objects.count() == before


def test_a_marketer_cannot_roll_back(marketer: Client, scene: Scene) -> None:
    path = f"/admin/checkout/redemption/{scene.redemption.pk}/roll-back/"
    assert marketer.post(path, {"reason": "please"}).status_code == 403
    assert not Redemption.objects.filter(kind="redemption_rollback").exists()


def test_the_menu_and_buttons_show_only_what_one_may(marketer: Client, reviewer: Client, scene: Scene) -> None:
    page = f"/admin/checkout/redemption/{scene.redemption.pk}/change/"
    assert "Roll back" not in marketer.get(page).content.decode()
    assert "Roll back" in reviewer.get(page).content.decode()
    assert "API credentials" not in marketer.get("/admin/").content.decode()
    assert "New campaign" not in reviewer.get("/admin/").content.decode()


def test_staff_without_a_role_see_nothing(bob: User, charlie: User, scene: Scene) -> None:
    said = office(bob).get("/admin/").content.decode()
    assert "You have no role yet" in said
    assert office(bob).get("/admin/offers/campaign/").status_code == 403
    assert office(charlie).get("/admin/offers/campaign/").status_code == 302  # not staff: to the login
    assert Client().get("/admin/offers/campaign/").status_code == 302


def test_an_admin_cannot_touch_an_owner_or_himself(chief: Client, alice: User) -> None:
    path = f"/admin/auth/user/{alice.pk}/change/"
    assert chief.post(path, {"username": "alice", "role": "admin", "password": "correct horse 2"}).status_code == 403
    me = User.objects.get(username="adam")
    answer = chief.post(f"/admin/auth/user/{me.pk}/change/", {"username": "adam", "role": "marketer", "active": "on"})
    assert answer.status_code == 422
    assert list(me.groups.values_list("name", flat=True)) == ["admin"]


def test_every_model_of_ours_has_its_page() -> None:
    mounted = {f"{model._meta.app_label}_{model._meta.model_name}" for model in admin.site._registry}
    assert {name for name in mounted if name.partition("_")[0] not in OTHERS} == set(SEEN)

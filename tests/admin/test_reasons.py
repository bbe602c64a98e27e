"""What changes money, limits or rights asks why and leaves who, what was and what is: conditions, rules, secrets."""

from typing import Any

import pytest
from django.test import Client

from loyalty.models import Rule, RuleVersion
from offers import clients, rules
from offers.admin import audit
from offers.lib.errors import InvalidPayload, NotFound
from offers.models import AuditEntry, RuleAssignment, ValidationRule
from tests import factories
from tests.admin import scene as scenes
from tests.admin.scene import Scene

KINDS = {"campaign": "campaign", "voucher": "card", "promotiontier": "tier"}


def last(action: str) -> AuditEntry:
    return AuditEntry.objects.filter(action=action).latest("pk")


@pytest.mark.parametrize("kind", KINDS)
def test_binding_a_condition_asks_why(kind: str, marketer: Client, scene: Scene) -> None:
    target = getattr(scene, KINDS[kind])
    RuleAssignment.objects.filter(target_id=target.pk).delete()
    base = f"/admin/offers/{kind}/{target.pk}"
    assert marketer.post(f"{base}/assign/", {"rule": scene.rule.pk, "reason": " "}).status_code == 422
    assert not rules.of([target])[target.pk]
    assert marketer.post(f"{base}/assign/", {"rule": scene.rule.pk, "reason": "Too dear"}).status_code == 302
    made = last("rule.assign")
    assert (made.actor, made.reason, made.before) == ("mara", "Too dear", {})
    assert list((made.after or {}).values()) == [target.public_id]

    [bound] = rules.of([target])[target.pk]
    remove = f"{base}/unassign/?assignment={bound.public_id}"
    assert marketer.post(remove, {}).status_code == 422
    assert rules.of([target])[target.pk]
    assert marketer.post(remove, {"reason": "Slow"}).status_code == 302
    gone = last("rule.unassign")
    assert (gone.actor, gone.reason, gone.after) == ("mara", "Slow", None)
    assert list((gone.before or {}).values()) == [target.public_id]
    assert not rules.of([target])[target.pk]


def test_changing_what_a_condition_asks_for_asks_why(marketer: Client, scene: Scene) -> None:
    path = f"/admin/offers/validationrule/{scene.rule.pk}/edit/"
    form = shown(marketer, path)
    assert marketer.post(path, {**form, "name": "Only another name"}).status_code == 302
    form = shown(marketer, path)
    assert marketer.post(path, {**form, "min_amount": "30"}).status_code == 422
    assert marketer.post(path, {**form, "min_amount": "30", "reason": "Margins"}).status_code == 302
    entry = last("rule.update")
    assert entry.reason == "Margins"
    assert (entry.before or {}).keys() == (entry.after or {}).keys() == {"rules"}


def test_deleting_a_condition_asks_why(marketer: Client, scene: Scene) -> None:
    path = f"/admin/offers/validationrule/{scene.rule.pk}/remove/"
    assert marketer.post(path, {}).status_code == 422
    assert ValidationRule.objects.filter(pk=scene.rule.pk).exists()
    assert marketer.post(path, {"reason": "Nobody needs it"}).status_code == 302
    assert last("rule.delete").reason == "Nobody needs it"


def test_a_new_version_of_a_loyalty_rule_asks_why(marketer: Client, scene: Scene) -> None:
    path = f"/admin/loyalty/rule/{scene.earning.pk}/edit/"
    form = shown(marketer, path)
    before = RuleVersion.objects.filter(rule=scene.earning).count()
    answer = marketer.post(path, {**form, "rate_1": "3"})
    assert answer.status_code == 422
    assert "Say why" in answer.content.decode()
    assert RuleVersion.objects.filter(rule=scene.earning).count() == before
    assert marketer.post(path, {**form, "rate_1": "3", "reason": "Double points week"}).status_code == 302
    entry = last("loyalty_rule.change")
    assert (entry.actor, entry.reason) == ("mara", "Double points week")
    assert str((entry.before or {})["definition"]["outcomes"][0]["rate"]) == "1"
    assert str((entry.after or {})["definition"]["outcomes"][0]["rate"]) == "3"
    assert audit.words(entry.action) == "Loyalty rule changed"


def test_only_another_name_of_a_loyalty_rule_needs_no_reason(marketer: Client, scene: Scene) -> None:
    path = f"/admin/loyalty/rule/{scene.earning.pk}/edit/"
    assert marketer.post(path, {**shown(marketer, path), "name": "Base"}).status_code == 302
    assert Rule.objects.get(pk=scene.earning.pk).name == "Base"


def test_a_new_secret_asks_why(chief: Client, scene: Scene) -> None:
    row, _ = scene.credential
    path = f"/admin/offers/client/{row.pk}/new-secret/"
    held = bytes(row.secret_hash)
    assert chief.post(path, {}).status_code == 422
    row.refresh_from_db()
    assert bytes(row.secret_hash) == held
    answer = chief.post(path, {"reason": "It was in a log"})
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    row.refresh_from_db()
    assert bytes(row.secret_hash) != held
    assert last("client.rotate").reason == "It was in a log"


def test_a_credential_is_renamed_and_the_trail_says_so(chief: Client, scene: Scene) -> None:
    row, _ = scene.credential
    page, path = f"/admin/offers/client/{row.pk}/change/", f"/admin/offers/client/{row.pk}/rename/"
    assert path in chief.get(page).content.decode()
    was, held = row.name, bytes(row.secret_hash)
    for wrong in ("", "  ", "x" * 101):
        assert chief.post(path, {"name": wrong}).status_code == 422
    assert chief.post(path, {"name": "Tills of the north"}).status_code == 302
    row.refresh_from_db()
    assert (row.name, bytes(row.secret_hash)) == ("Tills of the north", held)
    entry = last("client.rename")
    assert (entry.before, entry.after) == ({"name": was}, {"name": "Tills of the north"})
    assert "API credential renamed" in chief.get("/admin/offers/auditentry/").content.decode()


def test_the_same_name_is_no_change(scene: Scene) -> None:
    row, _ = scene.credential
    clients.rename(key=row.key, name=f" {row.name} ", **scenes.who(scene.shop))
    assert not AuditEntry.objects.filter(action="client.rename").exists()


def test_a_revoked_or_another_s_credential_is_not_renamed(chief: Client, scene: Scene) -> None:
    row, _ = scene.credential
    other = factories.retailer(name="Elsewhere")
    with pytest.raises(NotFound):
        clients.rename(key=row.key, name="Mine", **scenes.who(other))
    with pytest.raises(InvalidPayload):
        clients.rename(key=row.key, name=" ", **scenes.who(scene.shop))
    clients.revoke(key=row.key, **scenes.who(scene.shop))
    with pytest.raises(NotFound):
        clients.rename(key=row.key, name="Late", **scenes.who(scene.shop))
    assert chief.post(f"/admin/offers/client/{row.pk}/rename/", {"name": "Late"}).status_code == 422


def shown(client: Client, path: str) -> dict[str, Any]:
    """Return what a browser would send of a form that nobody touched."""
    form = client.get(path).context["form"]
    sent = {}
    for bound in form:
        value = bound.value()
        if value is not None and value is not False:
            sent[bound.html_name] = "on" if value is True else value
    return sent

"""Staff find the locks of promotion tiers by name, release them with a reason, and read afterwards who did and why."""

from typing import Any

import msgspec
import pytest
from django.test import Client

from checkout import validation
from checkout.asks import Ask
from checkout.models import LockSession
from offers import promotions
from offers.models import AuditEntry
from tests.admin import scene as scenes
from tests.admin.scene import SHOP, Scene
from tests.admin.test_figures import figures

LIST = "/admin/checkout/locksession/"


@pytest.fixture
def lock(scene: Scene) -> LockSession:
    body = {
        "redeemables": [
            {"object": "promotion_tier", "id": scene.tier.public_id},
            {"object": "voucher", "id": "SUMMER10"},
        ],
        "order": scenes.order(9000, "T-1"),
        "session": {"type": "LOCK", "key": "cart-9", "ttl": 2, "ttl_unit": "HOURS"},
    }
    validation.validate(ask=msgspec.convert(body, Ask), **scenes.who(scene.shop))
    return LockSession.objects.get(object="promotion_tier", key="cart-9")


def keys(client: Client, query: str) -> list[tuple[str, str]]:
    rows = client.get(f"{LIST}{query}").context["cl"].result_list
    return sorted((row.object, row.key) for row in rows)


def page(client: Client, lock: LockSession) -> Any:
    return client.get(f"{LIST}{lock.pk}/change/")


def test_a_reviewer_releases_a_lock_of_a_tier_with_a_reason(reviewer: Client, scene: Scene, lock: LockSession) -> None:
    path = f"{LIST}{lock.pk}/release/"
    assert "Release…" in page(reviewer, lock).content.decode()
    assert "Release Five off?" in reviewer.get(path).content.decode()
    assert reviewer.post(path, {"reason": " "}).status_code == 422
    answer = reviewer.post(path, {"reason": "Stuck cart"}, follow=True)
    assert "Five off has been released" in answer.content.decode()
    said = page(reviewer, lock)
    facts = dict(said.context["page"].blocks[1].facts)
    assert (facts["Why"], facts["Ended by"]) == ("Stuck cart", "rita")
    assert "Release…" not in said.content.decode()
    assert LockSession.objects.get(object="voucher", key="cart-9").state == "live"
    entry = AuditEntry.objects.get(action="session.release")
    assert (entry.object_type, entry.actor, entry.reason) == ("promotion_tier", "rita", "Stuck cart")
    assert "Five off" in reviewer.get(f"/admin/offers/auditentry/{entry.pk}/change/").content.decode()
    assert reviewer.post(path, {"reason": "Again"}).status_code == 422


def test_a_marketer_does_not_release(marketer: Client, scene: Scene, lock: LockSession) -> None:
    assert marketer.post(f"{LIST}{lock.pk}/release/", {"reason": "x"}).status_code == 403


def test_a_tier_tells_who_released_its_lock(reviewer: Client, scene: Scene, lock: LockSession) -> None:
    reviewer.post(f"{LIST}{lock.pk}/release/", {"reason": "Stuck cart"})
    shown = reviewer.get(f"/admin/offers/promotiontier/{scene.tier.pk}/change/").context["page"]
    (changes,) = (block for block in shown.blocks if block.title == "Changes")
    told = next(event for event in changes.happenings if event.text == "Lock released")
    assert (told.by, told.note) == ("rita", "Session: cart-9 · Stuck cart")


def test_locks_of_tiers_go_by_their_names(reviewer: Client, scene: Scene, lock: LockSession) -> None:
    both = [("promotion_tier", "cart-9"), ("voucher", "cart-9")]
    assert keys(reviewer, "?q=cart-9") == both
    assert keys(reviewer, "?q=five") == both[:1]
    assert keys(reviewer, f"?q={scene.tier.public_id}") == both[:1]
    assert keys(reviewer, f"?code={scene.tier.public_id}") == both[:1]
    assert keys(reviewer, "?q=nothing-like-it") == []
    assert "Five off" in reviewer.get(LIST).content.decode()
    assert "The same key also locks: <a" in page(reviewer, lock).content.decode()


def test_the_tier_leads_to_its_locks(reviewer: Client, scene: Scene, lock: LockSession) -> None:
    shown = reviewer.get(f"/admin/offers/promotiontier/{scene.tier.pk}/change/").context["page"]
    locked = next(figure for block in shown.blocks[:1] for figure in block.figures if figure.label == "Locked now")
    assert locked.value == "1"
    assert [row.pk for row in reviewer.get(locked.url).context["cl"].result_list] == [lock.pk]
    assert figures(reviewer, scene.tier)["Locked now"] == "1"


def test_a_lock_of_a_deleted_tier_has_no_dead_link(reviewer: Client, scene: Scene, lock: LockSession) -> None:
    ident = scene.tier.public_id
    promotions.delete(ident=ident, **scenes.who(scene.shop, SHOP))
    facts = dict(page(reviewer, lock).context["page"].blocks[1].facts)
    assert facts["Locks"] == "Five off"
    assert reviewer.post(f"{LIST}{lock.pk}/release/", {"reason": "Gone"}).status_code == 302

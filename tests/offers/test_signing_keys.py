"""Key rings: one key signs, the one before is believed for a while, a retired one is believed nowhere at once."""

import io
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from checkout.demo.people import ACME
from checkout.management.commands.configure import answer_to
from offers import signing_keys
from offers.lib.actors import SYSTEM
from offers.lib.errors import NotFound
from offers.models import AuditEntry, Retailer, SigningKey
from offers.tasks import retire_keys
from tests import factories

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
ADMISSION = signing_keys.ADMISSION


def rotate(shop: Retailer, now: datetime = NOW) -> SigningKey:
    return signing_keys.rotate(retailer_id=shop.pk, purpose=ADMISSION, actor=SYSTEM, now=now)


def believed(key: SigningKey, now: datetime = NOW) -> bool:
    return signing_keys.believed(kid=key.kid, purpose=ADMISSION, now=now) is not None


def test_the_first_use_makes_a_key_and_the_next_finds_it(shop_a: Retailer, shop_b: Retailer) -> None:
    first = signing_keys.active(retailer_id=shop_a.pk, purpose=ADMISSION, now=NOW)
    assert signing_keys.active(retailer_id=shop_a.pk, purpose=ADMISSION, now=NOW) == first
    others = [
        signing_keys.active(retailer_id=shop_b.pk, purpose=ADMISSION, now=NOW),
        signing_keys.active(retailer_id=shop_a.pk, purpose=signing_keys.ORDERS, now=NOW),
    ]
    secrets = {signing_keys.secret(key) for key in (first, *others)}
    assert len(secrets) == 3 and all(len(text) == 64 for text in secrets)
    assert signing_keys.believed(kid=first.kid, purpose=signing_keys.ORDERS, now=NOW) is None


def test_the_row_alone_does_not_betray_the_secret(shop_a: Retailer, settings: Any) -> None:
    key = signing_keys.active(retailer_id=shop_a.pk, purpose=ADMISSION, now=NOW)
    secret = signing_keys.secret(key)
    assert secret not in str(SigningKey.objects.filter(pk=key.pk).values().get())
    settings.SECRET_KEY = "another" * 8
    assert signing_keys.secret(key) != secret


def test_a_rotation_leaves_the_key_before_believed_for_its_overlap(shop_a: Retailer) -> None:
    old = signing_keys.active(retailer_id=shop_a.pk, purpose=ADMISSION, now=NOW)
    new = rotate(shop_a)
    assert signing_keys.active(retailer_id=shop_a.pk, purpose=ADMISSION, now=NOW) == new
    until = NOW + timedelta(hours=2)
    assert believed(old, until - timedelta(seconds=1)) and not believed(old, until)
    assert [key.kid for key in signing_keys.all_believed(retailer_id=shop_a.pk, purpose=ADMISSION, now=NOW)] == [
        new.kid,
        old.kid,
    ]
    assert signing_keys.retire_due(now=until - timedelta(seconds=1)) == 0
    assert signing_keys.retire_due(now=until) == 1
    old.refresh_from_db()
    assert (old.state, old.retired_at) == ("retired", until)
    row = AuditEntry.objects.values("before__kid", "after__kid").get(action="signing_key.rotate")
    assert row == {"before__kid": old.kid, "after__kid": new.kid}


def test_a_worker_writes_down_what_is_due(shop_a: Retailer, set_clock: Callable[[datetime], None]) -> None:
    old = signing_keys.active(retailer_id=shop_a.pk, purpose=ADMISSION, now=NOW)
    rotate(shop_a)
    set_clock(NOW + timedelta(hours=2))
    retire_keys()
    assert SigningKey.objects.get(pk=old.pk).state == "retired"


def test_a_retired_key_is_believed_nowhere_and_a_new_one_signs(shop_a: Retailer, shop_b: Retailer) -> None:
    key = signing_keys.active(retailer_id=shop_a.pk, purpose=ADMISSION, now=NOW)
    with pytest.raises(NotFound):
        signing_keys.retire(retailer_id=shop_b.pk, kid=key.kid, actor=SYSTEM, now=NOW)
    for _ in range(2):
        signing_keys.retire(retailer_id=shop_a.pk, kid=key.kid, actor=SYSTEM, now=NOW, reason="leaked")
    assert not believed(key)
    assert signing_keys.active(retailer_id=shop_a.pk, purpose=ADMISSION, now=NOW).kid != key.kid
    assert SigningKey.objects.count() == 2
    assert [row.reason for row in AuditEntry.objects.filter(action="signing_key.retire")] == ["leaked"]


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_twenty_that_rotate_and_twenty_that_sign_first_leave_one_active_key(shop_a: Retailer) -> None:
    def go(number: int) -> None:
        try:
            if number % 2:
                rotate(shop_a)
            else:
                signing_keys.active(retailer_id=shop_a.pk, purpose=ADMISSION, now=NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(go, range(40)))
    assert SigningKey.objects.filter(state="active").count() == 1
    assert SigningKey.objects.exclude(state="active").count() == 20


def test_configure_rotates_and_retires() -> None:
    factories.retailer(name=ACME)

    def carry_out(op: str, ident: str | None = None, **fields: str) -> dict[str, Any]:
        line = {"op": op, "kind": "signing_key", "fields": fields, "id": ident}
        found: dict[str, Any] = answer_to(json.dumps({"ops": [line]}).encode())["results"][0]
        return found

    first = carry_out("rotate")
    assert set(first) == {"kid"} and carry_out("rotate")["kid"] != first["kid"]
    assert carry_out("retire", first["kid"]) == first
    assert SigningKey.objects.get(kid=first["kid"]).state == "retired"
    assert len(carry_out("rotate", purpose="orders")["secret"]) == 64
    assert "not_found" in carry_out("retire", "key_none")["error"]
    assert "unknown_purpose" in carry_out("rotate", purpose="cake")["error"]


def test_the_command_lists_rotates_and_retires(shop_a: Retailer) -> None:
    def said(*words: str) -> str:
        out = io.StringIO()
        call_command("signing_keys", *words, "--retailer", shop_a.name, stdout=out)
        return out.getvalue()

    assert said("list") == ""
    lines = said("rotate").splitlines()
    assert len(lines) == 2 and lines[0].endswith("active") and "verify until" in lines[1]
    kid = lines[0].split()[1]
    assert f"{kid}  retired" in said("retire", "--kid", kid)
    with pytest.raises(CommandError):
        said("retire", "--kid", "none")
    with pytest.raises(CommandError):
        call_command("signing_keys", "list", "--retailer", "nobody")

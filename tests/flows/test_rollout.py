"""While a release is rolled out: processes of the one before go on, and the way back is open."""

from importlib import import_module

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations import Migration

from offers.models import Retailer
from tests.api.client import ApiClient
from tests.flows import shop
from tests.flows.long_ways import long_ways

pytestmark = pytest.mark.django_db


def migration(app: str, name: str) -> Migration:
    found = import_module(f"{app}.migrations.{name}")
    made: Migration = found.Migration(name, app.rpartition(".")[2])
    return made


# In the order in which they are applied.
TYPED_CALLS = [("offers.ledger", "0009_take_one"), ("checkout", "0021_typed_calls")]

NEW = (
    "checkout_lock_one(",
    "checkout_read(bigint,",
    "checkout_redeem_held(",
    "ledger_take_one(bigint,text,",
    "ledger_use_hold(",
)


def run(step: Migration, *, backwards: bool = False) -> None:
    """Run a migration of functions alone: no tables, so no state."""
    with connection.schema_editor() as editor:
        for operation in reversed(step.operations) if backwards else step.operations:
            go = operation.database_backwards if backwards else operation.database_forwards
            go(step.app_label, editor, None, None)  # type: ignore[arg-type]


def functions() -> list[tuple[str, str]]:
    """All functions of ours: name, arguments and what they do."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.oid::regprocedure::text, md5(p.prosrc) FROM pg_proc p"
            " WHERE p.pronamespace = 'public'::regnamespace AND p.proname ~ '^(ledger|checkout)_' ORDER BY 1"
        )
        return [(str(name), str(body)) for name, body in cursor.fetchall()]


def sell(api: ApiClient, owner: Retailer, text: str) -> None:
    """Lock and redeem a code for one use, one for several and a card."""
    for code in (
        shop.code(owner, text),
        shop.code(owner, f"{text}-9", limit=9),
        shop.card(owner, f"{text}-C", credits=9),
    ):
        assert shop.lock(api, code.code, key=text)["valid"] is True
        assert shop.redeem(api, code.code, key=text).status == 200


def test_typed_calls_can_be_taken_back_and_made_again(
    api: ApiClient, shop_a: Retailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = [migration(app, name) for app, name in TYPED_CALLS]
    before = functions()
    sell(api, shop_a, "NEW")
    with monkeypatch.context() as patch:
        long_ways(patch)
        sell(api, shop_a, "BESIDE")
        for step in reversed(steps):
            run(step, backwards=True)
        back = functions()
        assert sorted({name for name, _ in before} - {name for name, _ in back}) == [
            name for name, _ in before if name.startswith(NEW)
        ]
        sell(api, shop_a, "BACK")
    for step in steps:
        run(step)
    assert functions() == before
    sell(api, shop_a, "AGAIN")
    call_command("prove_ledger")

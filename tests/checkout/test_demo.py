"""The demo loads once, through the verbs, and leaves a ledger without a difference."""

from pathlib import Path

import pytest
from django.contrib.auth import authenticate
from django.core.management import call_command

from checkout.models import LockSession, Redemption
from offers.models import Campaign, Retailer, Voucher
from project import env
from tests.api.client import ApiClient
from tests.flows.shop import lock, redeem, release

pytestmark = pytest.mark.django_db


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    call_command("load_demo")
    return env.read_file(tmp_path / "demo.env")


def test_it_is_a_small_world(demo: dict[str, str]) -> None:
    assert Retailer.objects.count() == 2
    assert Campaign.objects.count() >= 9
    assert Voucher.objects.count() > 550
    assert Redemption.objects.filter(succeeded=True).count() > 30
    assert Redemption.objects.filter(succeeded=False).exists()
    assert Redemption.objects.filter(kind="redemption_rollback").exists()
    assert LockSession.objects.filter(state="live").count() == 4
    call_command("prove_ledger")


def test_its_keys_and_logins_work(demo: dict[str, str]) -> None:
    shop = ApiClient({"X-App-Id": demo["APP_ID"], "X-App-Token": demo["APP_TOKEN"]})
    code = demo["EXAMPLE_CODE"]
    assert lock(shop, code, key="cart-1")["valid"]
    assert redeem(shop, code, key="cart-1").status == 200
    assert lock(shop, code, key="cart-2")["valid"]
    assert release(shop, code, "cart-2").status == 204
    assert (
        ApiClient({"X-App-Id": demo["APP_ID_B"], "X-App-Token": demo["APP_TOKEN_B"]}).get("/v1/vouchers").status == 200
    )
    page = {"X-Client-Application-Id": demo["CLIENT_ID"], "X-Client-Token": demo["CLIENT_TOKEN"]}
    asked = {"redeemables": [{"id": code}], "order": {"amount": 100}}
    answer = ApiClient({**page, "Origin": demo["CLIENT_ORIGIN"]}).post("/client/v1/validations", asked)
    assert answer["valid"]
    for role in ("ADMIN", "MARKETER", "REVIEWER"):
        assert authenticate(username=demo[f"{role}_LOGIN"], password=demo[f"{role}_PASSWORD"]) is not None


def test_a_second_time_changes_nothing(demo: dict[str, str]) -> None:
    call_command("load_demo")
    assert Retailer.objects.count() == 2

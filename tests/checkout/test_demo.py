"""The demo loads once, through the verbs, and leaves a ledger without a difference."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.core.management import call_command

from checkout import shop_accounts, showcase
from checkout.models import LockSession, Redemption, Revision
from loyalty import members
from loyalty.models import PointLot
from offers import clients, stock, wallets
from offers.lib import clock
from offers.models import Campaign, Client, Retailer, Store, UserOffer, Voucher
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


def test_tills_find_the_first_member_and_each_retailer_only_its_own(demo: dict[str, str]) -> None:
    shop = Retailer.objects.get(uuid=demo["RETAILER_ID"])
    ada = members.find(retailer_id=shop.pk, user_id=demo["MEMBER_ID"])
    assert wallets.wallet(retailer_id=shop.pk, customer_id=ada.customer_id, now=clock.now())[1] == 3
    for user, secret, name in (
        ("BASIC_USER", "BASIC_PASS", shop.name),
        ("BASIC_USER2", "BASIC_PASS2", "Borealis Books"),
    ):
        row = Client.objects.get(key=demo[user])
        assert (row.retailer.name, bytes(row.secret_hash)) == (name, clients.hash_secret(demo[secret]))
    stores = {str(row.uuid): row.retailer.name for row in Store.objects.select_related("retailer")}
    assert {stores[demo[name]] for name in ("STORE_A", "STORE_B")} == {"Acme Outdoor"}
    assert stores[demo["STORE_A2"]] == "Borealis Books"


def test_a_day_of_sales_was_worked_off_but_for_the_last(demo: dict[str, str]) -> None:
    states = Counter(Revision.objects.values_list("state", flat=True))
    assert states == {"processed": 35, "queued": 3}
    assert PointLot.objects.count() > 10
    assert UserOffer.objects.filter(offer__key="five-dollars").exists()
    call_command("prove_ledger")


def test_a_second_time_changes_nothing(demo: dict[str, str]) -> None:
    call_command("load_demo")
    assert Retailer.objects.count() == 2


def test_its_shop_sells_from_stock_and_shows_one_visit_an_offer(demo: dict[str, str]) -> None:
    shop = Retailer.objects.get(uuid=demo["RETAILER_ID"])
    tent = stock.find(retailer_id=shop.pk, sku="tent-2")
    assert (tent.price, stock.figures(sku=tent, now=clock.now()).available) == (18900, 25)
    shown = showcase.present(retailer_id=shop.pk, session_hash="a" * 64, now=clock.now(), cart_total=5000)
    assert [one.code for one in shown] == [demo["SESSION_CODE"]]
    assert showcase.present(retailer_id=shop.pk, session_hash="b" * 64, now=clock.now(), cart_total=4999) == []
    email, password = demo["SHOPPER_EMAIL"], demo["SHOPPER_PASSWORD"]
    assert shop_accounts.signed_in(retailer_id=shop.pk, email=email, password=password) is not None
    assert shop_accounts.signed_in(retailer_id=shop.pk, email=email, password="another") is None


def test_its_codes_work_over_v1_too_but_for_the_one_of_a_visit(demo: dict[str, str]) -> None:
    shop = ApiClient({"X-App-Id": demo["APP_ID"], "X-App-Token": demo["APP_TOKEN"]})

    def ask(code: str, amount: int) -> Any:
        return shop.post("/v1/validations", {"redeemables": [{"id": code}], "order": {"amount": amount}})

    assert ask(demo["SAVE_CODE"], 5000)["valid"]
    assert not ask(demo["SAVE_CODE"], 4999)["valid"]
    assert not ask(demo["SESSION_CODE"], 5000)["valid"]

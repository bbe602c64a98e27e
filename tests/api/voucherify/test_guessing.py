"""Asking for codes that do not exist locks the asker out, whichever call he asks by."""

import pytest
from pytest_django.fixtures import Settings

from checkout.api.common import limits
from offers.models import Retailer
from tests.api.client import ApiClient

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_counts() -> None:
    limits.reset()


@pytest.mark.parametrize(("path", "usual"), [("/v1/validations", 200), ("/v1/redemptions", 404)])
def test_unknown_codes_lock_out(shop_a: Retailer, settings: Settings, path: str, usual: int) -> None:
    settings.GUESS_LIMIT_SERVER = 5
    limited = ApiClient.of(shop_a, rate_limited=True)

    def ask(number: int) -> int:
        answer = limited.post(path, {"redeemables": [{"object": "voucher", "id": f"GUESS{number}"}]})
        return int(answer.status)

    assert [ask(number) for number in range(8)] == [usual] * 6 + [429] * 2


def test_thirty_codes_in_one_request_count_thirty_times(shop_a: Retailer, settings: Settings) -> None:
    """In PARTIAL mode each of them is answered; in ALL mode only the first is, and only that one counts."""
    settings.GUESS_LIMIT_BROWSER = 40
    shop_a.stacking = {"redeemables_application_mode": "PARTIAL"}
    shop_a.save()
    page = ApiClient.of(shop_a, "browser", rate_limited=True)
    body = {"redeemables": [{"object": "voucher", "id": f"GUESS{number}"} for number in range(30)]}
    assert [page.post("/client/v1/validations", body).status for _ in range(3)] == [200, 200, 429]


def test_an_exempt_credential_is_not_counted(api: ApiClient, settings: Settings) -> None:
    settings.GUESS_LIMIT_SERVER = 2
    body = {"redeemables": [{"object": "voucher", "id": "GUESS"}]}
    assert {api.post("/v1/validations", body).status for _ in range(6)} == {200}

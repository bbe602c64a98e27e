"""Redemption history, locks and validations: found, exported, explained, rolled back, released."""

import csv
from io import BytesIO, StringIO
from typing import Any

import openpyxl
import pytest
from django.test import Client

from checkout import rollback
from checkout.models import LockSession, Redemption
from offers import voucher_figures
from offers.lib import clock
from offers.models import AuditEntry
from tests.admin import scene as scenes
from tests.admin.scene import Scene

LIST = "/admin/checkout/redemption/"
EXPORT = f"{LIST}export/"


def found(client: Client, query: str = "", path: str = LIST) -> set[str]:
    """The codes a list shows."""
    return {row.code for row in client.get(f"{path}{query}").context["cl"].result_list}


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ("", {"SUMMER10", "GIFT-50", "NOSUCHCODE"}),
        ("?code=SUMMER10", {"SUMMER10"}),
        ("?code=summer10", {"SUMMER10"}),
        ("?code=NOSUCHCODE", {"NOSUCHCODE"}),
        ("?code=NEVERSEEN", set()),
        ("?customer=cust-1", {"SUMMER10", "GIFT-50"}),
        ("?customer=ada@example.com", {"SUMMER10", "GIFT-50"}),
        ("?customer=nobody", set()),
        ("?campaign=summer", {"SUMMER10"}),
        ("?order=O-3", {"GIFT-50"}),
        ("?order=O-99", set()),
        ("?result=failed", {"SUMMER10", "NOSUCHCODE"}),
        ("?result=redeemed", {"SUMMER10", "GIFT-50"}),
        ("?result=rollback", set()),
        ("?result=nonsense", {"SUMMER10", "GIFT-50", "NOSUCHCODE"}),
        ("?since=2000-01-01&until=2000-01-02", set()),
        ("?since=2000-01-01", {"SUMMER10", "GIFT-50", "NOSUCHCODE"}),
        ("?since=garbage", {"SUMMER10", "GIFT-50", "NOSUCHCODE"}),
        ("?q=GIFT-50", {"GIFT-50"}),
        ("?q=O-2", {"SUMMER10"}),
        ("?q=cust-1", {"SUMMER10", "GIFT-50"}),
        ("?q=%00", {"SUMMER10", "GIFT-50", "NOSUCHCODE"}),
        ("?code=GIFT-50&result=failed", set()),
    ],
)
def test_history_is_filtered_and_searched(query: str, codes: set[str], reviewer: Client, scene: Scene) -> None:
    assert found(reviewer, query) == codes


def test_another_retailer_s_twin_of_a_code_is_told_apart_by_the_filter(
    reviewer: Client, scene: Scene, shop_b: Any
) -> None:
    assert found(reviewer, f"?retailer={shop_b.pk}") == set()
    assert found(reviewer, f"?retailer={scene.shop.pk}") == {"SUMMER10", "GIFT-50", "NOSUCHCODE"}


def read_csv(response: Any) -> list[dict[str, str]]:
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(StringIO(text)))


def test_the_export_holds_the_filtered_rows(reviewer: Client, scene: Scene) -> None:
    rows = read_csv(reviewer.get(f"{EXPORT}?result=redeemed&as=csv"))
    assert {(row["Code"], row["Money off"], row["Order"]) for row in rows} == {
        ("SUMMER10", "10.00", "O-2"),
        ("GIFT-50", "30.00", "O-3"),
    }
    answer = reviewer.get(f"{EXPORT}?code=GIFT-50&as=xlsx")
    sheet = openpyxl.load_workbook(BytesIO(answer.content)).active
    assert sheet is not None
    lines = list(sheet.iter_rows(values_only=True))
    assert [line[2] for line in lines[1:]] == ["GIFT-50"]
    assert reviewer.get(f"{EXPORT}?as=exe").status_code == 400


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        " =1",
        "x;=1",
        "x,@a",
        'x",=1',
        "x\n=1",
        "x|+1",
        "＝1+1",
        "\x01=1",
    ],
)
def test_an_export_runs_no_formula(text: str, reviewer: Client, scene: Scene) -> None:
    Redemption.objects.filter(pk=scene.failed.pk).update(code=text, failure_message=text)
    for cell in (cell for row in read_csv(reviewer.get(f"{EXPORT}?as=csv")) for cell in row.values()):
        assert not cell.lstrip().startswith(("=", "+", "-", "@", "＝")), cell
        for separator in (";", ",", "\n", "|"):
            for part in cell.split(separator)[1:]:
                assert not part.lstrip().startswith(("=", "+", "-", "@", "＝")), cell
    book = openpyxl.load_workbook(BytesIO(reviewer.get(f"{EXPORT}?as=xlsx").content))
    assert all(cell.data_type != "f" for row in book.active.iter_rows() for cell in row)


def test_a_reviewer_rolls_back_with_a_reason(reviewer: Client, scene: Scene) -> None:
    redemption = scene.redemption
    path = f"{LIST}{redemption.pk}/roll-back/"
    assert reviewer.post(path, {"reason": " "}).status_code == 422
    assert reviewer.post(path, {"reason": "Returned parcel"}).status_code == 302
    assert Redemption.objects.get(pk=redemption.pk).rolled_back_at is not None
    assert voucher_figures.of([scene.voucher], now=clock.now())[scene.voucher.pk].redeemed == 0
    entry = AuditEntry.objects.get(action="redemption.rollback")
    assert (entry.actor_kind, entry.actor, entry.reason) == ("USER", "rita", "Returned parcel")
    page = reviewer.get(f"{LIST}{redemption.pk}/change/").content.decode()
    assert "Rolled back" in page
    assert "Roll back…" not in page


def test_rolling_back_twice_is_refused_and_recorded(reviewer: Client, scene: Scene) -> None:
    redemption = scene.redemption
    rollback.roll_back(redemption_public_id=redemption.public_id, **scenes.who(scene.shop))
    answer = reviewer.post(f"{LIST}{redemption.pk}/roll-back/", {"reason": "Again"})
    assert answer.status_code == 422
    assert Redemption.objects.filter(kind="redemption_rollback", succeeded=False).count() == 1


def test_a_stack_is_rolled_back_as_a_whole(reviewer: Client, scene: Scene) -> None:
    scenes.redeem(scene.shop, "SUMMER10", "GIFT-50", order=scenes.order(4000, "O-7"), customer={"source_id": "cust-1"})
    parent = Redemption.objects.filter(voucher=None, tier=None, succeeded=True).latest("pk")
    child = parent.children.first()
    assert child is not None
    assert "Open the whole stack" in reviewer.get(f"{LIST}{child.pk}/change/").content.decode()
    assert reviewer.post(f"{LIST}{child.pk}/roll-back/", {"reason": "x"}).status_code == 422
    assert reviewer.post(f"{LIST}{parent.pk}/roll-back/", {"reason": "x"}).status_code == 302
    assert not Redemption.objects.filter(parent=parent, rolled_back_at=None, kind="redemption").exists()


def test_v29_a_reviewer_releases_a_lock_with_a_reason(reviewer: Client, scene: Scene) -> None:
    lock = scene.lock
    path = f"/admin/checkout/locksession/{lock.pk}/release/"
    assert reviewer.post(path, {}).status_code == 422
    assert reviewer.post(path, {"reason": "Stuck cart"}).status_code == 302
    lock.refresh_from_db()
    assert (lock.state, lock.ended_by) == ("released", "rita")
    assert voucher_figures.of([scene.voucher], now=clock.now())[scene.voucher.pk].locked == 0
    assert AuditEntry.objects.get(action="session.release").reason == "Stuck cart"
    assert reviewer.post(path, {"reason": "Again"}).status_code == 422


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ("", {"cart-3"}),
        ("?state=released", {"cart-1"}),
        ("?state=redeemed", {"cart-2"}),
        ("?state=all", {"cart-1", "cart-2", "cart-3"}),
        ("?state=all&code=SUMMER10", {"cart-1", "cart-2", "cart-3"}),
        ("?code=GIFT-50", set()),
        ("?key=cart-3", {"cart-3"}),
        ("?customer=cust-1", {"cart-3"}),
        ("?q=SUMMER10", {"cart-3"}),
        ("?q=cart-3", {"cart-3"}),
    ],
)
def test_locks_are_live_unless_asked_for_the_others(query: str, keys: set[str], reviewer: Client, scene: Scene) -> None:
    rows = reviewer.get(f"/admin/checkout/locksession/{query}").context["cl"].result_list
    assert {row.key for row in rows} == keys


def test_a_lock_past_its_time_is_not_live_even_unswept(reviewer: Client, scene: Scene) -> None:
    LockSession.objects.filter(key="cart-3").update(expires_at=clock.now())
    path = "/admin/checkout/locksession/"
    assert not reviewer.get(path).context["cl"].result_list
    assert [row.key for row in reviewer.get(f"{path}?state=expired").context["cl"].result_list] == ["cart-3"]


def test_a_code_s_timeline_tells_its_life(reviewer: Client, scene: Scene) -> None:
    rollback.roll_back(redemption_public_id=scene.redemption.public_id, reason="Sent back", **scenes.who(scene.shop))
    page = reviewer.get(f"/admin/offers/voucher/{scene.voucher.pk}/change/").context["page"]
    (timeline,) = (block for block in page.blocks if block.title == "Timeline")
    told = [event.text for event in timeline.happenings]
    said = " ".join(map(str, told))
    for word in ("Created", "Locked", "Released", "Redeemed", "Lock used for a redemption", "Roll-back", "Refused"):
        assert word in said, word
    assert str(told[-1]) == "Created"
    assert "Webshop" in reviewer.get(f"/admin/offers/voucher/{scene.voucher.pk}/change/").content.decode()


def test_a_refusal_is_explained_as_a_checklist(reviewer: Client, scene: Scene) -> None:
    refused = Redemption.objects.get(succeeded=False, voucher=scene.voucher)
    page = reviewer.get(f"{LIST}{refused.pk}/change/").context["page"]
    steps = [step for block in page.blocks for step in getattr(block, "steps", ())]
    (failed,) = (step for step in steps if not step.ok)
    assert (failed.name, failed.needed, failed.actual) == ("Order amount", "at least 20.00 USD", "10.00 USD")
    assert failed.hint == "10.00 USD more would do"


def test_a_validation_is_explained_step_by_step(reviewer: Client, scene: Scene) -> None:
    said = reviewer.get(f"/admin/checkout/validation/{scene.validation.pk}/change/").content.decode()
    assert "SUMMER10 applies" in said
    assert "Its campaign is switched on" in said

"""Staff see a draw's commitment and its entries, run it once with a reason, read who got what, and prove it."""

import json
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from checkout.admission import claims, distributions, drawing, draws
from checkout.admission.models import Admission, Consumer, Distribution, DrawRun
from offers.lib import clock
from offers.lib.actors import SYSTEM
from offers.models import AuditEntry, Retailer
from tests.checkout.admission.launch import NOW, at


def make(shop: Retailer, entries: int = 5, **fields: Any) -> Distribution:
    """A draw that has closed and waits to be run by hand."""
    given = {"open_at": at(-60), "close_at": at(60), "winner_count": 2, **fields}
    row = distributions.create(
        retailer_id=shop.pk, mechanism="draw", fields=given, experience={"name": "Shoes"}, actor=SYSTEM, now=NOW
    )
    for _ in range(entries):
        draws.enter(draw=row, consumer=Consumer.objects.create(retailer=shop, created_at=at(-120)), now=NOW)
    return row


def page(row: Distribution) -> str:
    return f"/admin/admission/distribution/{row.pk}"


def read(client: Client, row: Distribution, name: str = "change") -> str:
    answer = client.get(f"{page(row)}/{name}/")
    assert answer.status_code == 200
    return answer.content.decode()


def test_before_the_run_there_is_the_commitment_and_nothing_that_reveals(owner: Client, shop_a: Retailer) -> None:
    row = make(shop_a)
    shown = read(owner, row)
    run = DrawRun.objects.get(distribution=row)
    assert drawing.commitment(bytes(run.seed)) in shown and "Run now…" in shown
    assert ">5</strong>" in shown
    for name in ("change", "run", "order", "published", "edit"):
        said = read(owner, row, name)
        assert bytes(run.seed).hex() not in said
        assert not any(str(entry) in said for entry in row.entries.values_list("uuid", flat=True))
    assert owner.get(f"{page(row)}/published/").json() == {
        "commit": drawing.commitment(bytes(run.seed)),
        "winner_count": 2,
    }


def test_it_is_run_by_hand_once_with_a_reason(owner: Client, shop_a: Retailer) -> None:
    row = make(shop_a)
    assert owner.post(f"{page(row)}/run/", {"reason": ""}).status_code == 422
    assert not Admission.objects.exists()
    assert owner.post(f"{page(row)}/run/", {"reason": "the show begins"}).status_code == 302
    assert Admission.objects.count() == 2
    entry = AuditEntry.objects.get(action="draw.run")
    assert (entry.actor, entry.reason) == ("alice", "the show begins")
    shown = read(owner, row)
    assert "Run now…" not in shown and (entry.after or {})["frozen_hash"] in shown
    again = owner.post(f"{page(row)}/run/", {"reason": "once more"}, follow=True)
    assert "It was drawn already: 2 of 5 entries have won." in again.content.decode()
    assert AuditEntry.objects.filter(action="draw.run").count() == 1


def test_an_open_draw_is_not_run(owner: Client, shop_a: Retailer) -> None:
    row = make(shop_a, close_at=clock.now().replace(year=2099))
    assert "Run now…" not in read(owner, row)
    answer = owner.post(f"{page(row)}/run/", {"reason": "now"})
    assert answer.status_code == 422 and "run after it has closed" in answer.content.decode()


def test_the_result_names_the_winners_in_order_with_their_admissions_and_is_proven(
    owner: Client, shop_a: Retailer, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    row = make(shop_a, alternates=1)
    run = draws.run(draw=row, now=at(90))
    shown = read(owner, row)
    places = [shown.index(ident) for ident in run.ranking]
    assert places == sorted(places)
    assert (shown.count(">Winner</span>"), shown.count(">Alternate</span>")) == (2, 1)
    assert all(f"/admin/admission/admission/{one.pk}/change/" in shown for one in Admission.objects.all())
    file = tmp_path / "draw.json"
    file.write_bytes(owner.get(f"{page(row)}/published/").content)
    assert sorted(json.loads(file.read_text())["entries"]) == sorted(run.ranking)
    call_command("verify_draw", str(file))
    assert "proven: 2 winners of 5 entries" in capsys.readouterr().out


def test_who_moves_up_is_told_apart(owner: Client, shop_a: Retailer) -> None:
    row = make(shop_a)
    draws.run(draw=row, now=at(90))
    claims.release(admission_id=Admission.objects.earliest("pk").pk, now=at(95))
    draws.backfill(draw=row, now=at(100))
    assert read(owner, row).count(">Winner, moved up</span>") == 1


def test_the_whole_order_is_paged_and_takes_no_more_queries_for_more(owner: Client, shop_a: Retailer) -> None:
    row = make(shop_a, entries=30, winner_count=25)
    draws.run(draw=row, now=at(90))
    assert "The whole order drawn" in read(owner, row)
    whole = read(owner, row, "order")
    assert all(str(uuid) in whole for uuid in row.entries.values_list("uuid", flat=True))
    last = DrawRun.objects.get(distribution=row).ranking[-1]
    behind = owner.get(f"{page(row)}/order/?from=30").content.decode()
    assert last in behind and "Previous" in behind and ">30<" in behind
    assert owner.get(f"{page(row)}/order/?from=-4x").status_code == 200
    small = make(shop_a, entries=2, winner_count=1)
    draws.run(draw=small, now=at(90))
    with CaptureQueriesContext(connection) as few:
        read(owner, small, "order")
    with CaptureQueriesContext(connection) as many:
        read(owner, row, "order")
    assert len(few) == len(many)


def test_what_is_no_draw_has_no_such_page(owner: Client, shop_a: Retailer) -> None:
    queue = distributions.create(retailer_id=shop_a.pk, mechanism="queue", fields={}, actor=SYSTEM, now=NOW)
    for name in ("run", "order", "published", "settle", "bids"):
        assert owner.get(f"{page(queue)}/{name}/").status_code == 404

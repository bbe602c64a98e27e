"""/admission/v1 draws over HTTP and at the verbs: one entry each, one run, and a result anybody can recompute."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import orjson
import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client as DjangoClient
from django.test.utils import CaptureQueriesContext

from checkout.admission import admissions, auctions, claims, distributions, drawing, draws
from checkout.admission import told as telling
from checkout.admission.models import Admission, Distribution
from offers.lib.actors import SYSTEM
from offers.models import Retailer
from offers.outbox.models import Endpoint, Event
from tests import factories
from tests.api.admission.guests import Guest
from tests.api.client import Answer, ApiClient
from tests.checkout.admission import launch
from tests.checkout.admission.launch import NOW, at

pytestmark = pytest.mark.django_db
SetClock = Callable[[datetime], None]


def draw(shop: Retailer, **fields: Any) -> Distribution:
    given = {"open_at": at(-60), "close_at": at(60), "draw_at": at(70), "winner_count": 1, **fields}
    return distributions.create(retailer_id=shop.pk, mechanism="draw", fields=given, actor=SYSTEM, now=NOW)


class Entrant(Guest):
    def do(self, row: Distribution, what: str) -> Answer:
        address = f"/admission/v1/draws/{row.uuid}/{what}"
        return self.api.get(address) if what == "status" else self.api.post(address, {})


def test_a2_a6_only_those_drawn_get_a_token(
    page: ApiClient, server: ApiClient, shop_a: Retailer, set_clock: SetClock
) -> None:
    set_clock(NOW)
    row = draw(shop_a, winner_count=2)
    before = page.get(f"/admission/v1/draws/{row.uuid}")
    assert (len(before["commit"]), "seed" in before.json, "winners" in before.json) == (64, False, False)
    people = [Entrant(page) for _ in range(5)]
    entries = [one.do(row, "enter").json for one in people]
    assert {one["stage"] for one in entries} == {"participating"}
    assert [one.do(row, "enter")["entry_id"] for one in people] == [one["entry_id"] for one in entries]
    address = f"/admission/v1/draws/{row.uuid}/run"
    assert page.post(address, {}).status == 401
    early = server.post(address, {})
    assert (early.status, early["error"]["code"]) == (409, "draw_not_closed")
    set_clock(at(60))
    assert all(one.do(row, "status")["admission"] is None for one in people)
    result = server.post(address, {}).json
    assert result["commit"] == before["commit"]
    assert server.post(address, {}).json == result
    assert drawing.faults(result) == [] and result["winner_count"] == 2
    assert (result["state"], result["alternates_admitted"]) == ("DRAWN", [])
    assert sorted(result["entries"]) == sorted(one["entry_id"] for one in entries)
    told = [one.do(row, "status").json for one in people]
    won = {one["entry_id"] for one in told if one["admission"]}
    assert won == set(result["winners"]) and len(won) == 2
    assert sorted(one["status"] for one in told) == ["LOST"] * 3 + ["WON"] * 2
    assert page.get(f"/admission/v1/draws/{row.uuid}")["winners"] == result["winners"]


def test_early_late_and_full_are_refused(page: ApiClient, shop_a: Retailer, set_clock: SetClock) -> None:
    set_clock(NOW)
    refused = Entrant(page).do(draw(shop_a, open_at=at(30)), "enter")
    assert (refused.status, refused.headers["Retry-After"]) == (423, "30")
    assert Entrant(page).do(draw(shop_a, close_at=at(0), draw_at=at(0)), "enter")["error"]["code"] == "closed"
    small = draw(shop_a, capacity=1)
    assert Entrant(page).do(small, "enter").status == 200
    full = Entrant(page).do(small, "enter")
    assert (full.status, full["error"]["code"]) == (429, "queue_full")


def test_one_may_withdraw_until_it_closes(page: ApiClient, shop_a: Retailer, set_clock: SetClock) -> None:
    set_clock(NOW)
    row = draw(shop_a)
    one, two = Entrant(page), Entrant(page)
    for person in (one, two):
        person.do(row, "enter")
    assert one.do(row, "leave")["status"] == "LEFT"
    assert one.do(row, "enter")["status"] == "ENTERED"
    one.do(row, "leave")
    set_clock(at(60))
    assert two.do(row, "leave")["error"]["code"] == "closed"
    set_clock(at(70))
    assert two.do(row, "status")["status"] == "WON"  # the moment has come: looking runs it
    assert page.get(f"/admission/v1/draws/{row.uuid}")["entries"] == [two.do(row, "status")["entry_id"]]


def test_winners_who_let_their_time_pass_make_room_in_the_order_drawn(shop_a: Retailer) -> None:
    row = draw(shop_a, admission_ttl_seconds=30)
    for person in launch.consumers(shop_a, 4):
        draws.enter(draw=row, consumer=person, now=NOW)
    for moment in (70, 101, 140):
        draws.work(now=at(moment))
    told = draws.published(row)
    assert (len(told["winners"]), len(told["alternates_admitted"]), told["winner_count"]) == (1, 2, 1)
    assert drawing.faults(told) == []
    assert Admission.objects.filter(state__in=Admission.OPEN).count() == 1


def test_no_room_no_winner_more_than_there_are_places(shop_a: Retailer) -> None:
    row = draw(shop_a, winner_count=3, total_admissions=2)
    for person in launch.consumers(shop_a, 4):
        draws.enter(draw=row, consumer=person, now=NOW)
    draws.work(now=at(70))
    assert launch.states(row) == {"ADMITTED": 2, "LOST": 2}


def test_a_part_of_the_lists_is_sent_to_who_asks_for_one(
    page: ApiClient, server: ApiClient, shop_a: Retailer, set_clock: SetClock
) -> None:
    row = draw(shop_a, winner_count=3, admission_ttl_seconds=30)
    address = f"/admission/v1/draws/{row.uuid}"
    set_clock(NOW)
    assert page.get(f"{address}?limit=2").json == page.get(address).json
    for person in launch.consumers(shop_a, 7):
        draws.enter(draw=row, consumer=person, now=NOW)
    draws.work(now=at(70))
    draws.work(now=at(101))
    set_clock(at(102))
    whole = page.get(address).json
    assert (len(whole["entries"]), len(whole["winners"]), len(whole["alternates_admitted"])) == (7, 3, 3)
    assert "entries_total" not in whole
    lists = ("entries", "winners", "alternates_admitted")
    for first, most in ((0, 0), (0, 2), (2, 2), (5, 10_000), (7, 1), (10_000_000, 1)):
        part = page.get(f"{address}?limit={most}&offset={first}").json
        assert {name: part[name] for name in lists} == {name: whole[name][first : first + most] for name in lists}
        assert [part[f"{name}_total"] for name in lists] == [7, 3, 3]
        assert part.keys() == whole.keys() | {f"{name}_total" for name in lists}
        assert all(part[name] == whole[name] for name in whole.keys() - set(lists))
    assert page.get(f"{address}?offset=3").json == whole
    assert server.post(f"{address}/run?limit=1", {})["winners"] == whole["winners"][:1]


@pytest.mark.parametrize(
    "query", ["limit=-1", "limit=10001", "limit=", "limit=1e3", "limit=²", "offset=x", "offset=-1"]
)
def test_a_part_that_cannot_be_is_refused(page: ApiClient, shop_a: Retailer, set_clock: SetClock, query: str) -> None:
    set_clock(NOW)
    answer = page.get(f"/admission/v1/draws/{draw(shop_a).uuid}?{query}")
    assert (answer.status, answer["error"]["code"]) == (400, "invalid_payload")


def test_another_retailer_s_draw_is_not_found(page: ApiClient, shop_b: Retailer, set_clock: SetClock) -> None:
    set_clock(NOW)
    row = draw(shop_b)
    assert Entrant(page).do(row, "enter").status == 404
    assert page.get("/admission/v1/draws/x").status == 404


def test_the_page_says_how_one_stands(shop_a: Retailer, set_clock: SetClock) -> None:
    set_clock(NOW)
    row = draw(shop_a)
    people = [DjangoClient(), DjangoClient()]
    address = f"/shop/waiting/{row.uuid}/"
    assert "Enter the draw" in people[0].get(address).content.decode()
    for person in people:
        person.post(f"{address}join")
        assert "You are in the draw" in person.get(address).content.decode()
    set_clock(at(70))
    shown = [person.get(address).content.decode() for person in people]
    assert sum("Not drawn this time" in text for text in shown) == 1
    assert sum("Checkout" in text and "your turn" in text for text in shown) == 1


def test_a_draw_that_never_closes_holds_up_no_other(shop_a: Retailer) -> None:
    draw(shop_a, close_at=None)
    row = draw(shop_a)
    draws.enter(draw=row, consumer=launch.consumer(shop_a), now=NOW)
    draws.work(now=at(70))
    assert launch.states(row) == {"ADMITTED": 1}


# --- what is published proves it, also after others came in the winners' stead ---


def test_what_is_published_proves_the_draw_also_after_backfill(
    page: ApiClient, shop_a: Retailer, set_clock: SetClock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    set_clock(NOW)
    row = draw(shop_a, winner_count=2, admission_ttl_seconds=30)
    address = f"/admission/v1/draws/{row.uuid}"
    assert page.get(address)["winner_count"] == 2
    for person in launch.consumers(shop_a, 6):
        draws.enter(draw=row, consumer=person, now=NOW)
    draws.work(now=at(70))
    first = page.get(address).json
    distributions.update(
        retailer_id=shop_a.pk, uuid=str(row.uuid), fields={"winner_count": 3}, actor=SYSTEM, now=at(90)
    )
    draws.work(now=at(100))
    later = page.get(address).json
    assert later["winners"] == first["winners"] and len(first["winners"]) == 2
    assert (first["alternates_admitted"], len(later["alternates_admitted"])) == ([], 3)
    assert (first["winner_count"], later["winner_count"]) == (2, 2)  # as it was when it was drawn
    assert drawing.ranking(seed=bytes.fromhex(later["seed"]), entries=later["entries"])[:5] == [
        *later["winners"],
        *later["alternates_admitted"],
    ]
    file = tmp_path / "draw.json"
    file.write_bytes(orjson.dumps(later))
    call_command("verify_draw", str(file))
    assert capsys.readouterr().out == "proven: 2 winners of 6 entries, 3 admitted later in their stead\n"
    file.write_bytes(orjson.dumps({**later, "alternates_admitted": later["alternates_admitted"][::-1]}))
    with pytest.raises(SystemExit):
        call_command("verify_draw", str(file))
    assert "those admitted later are not the next drawn" in capsys.readouterr().out


def test_short_of_places_it_is_proven_all_the_same(shop_a: Retailer) -> None:
    row = draw(shop_a, winner_count=3, total_admissions=2)
    for person in launch.consumers(shop_a, 4):
        draws.enter(draw=row, consumer=person, now=NOW)
    draws.work(now=at(70))
    told = draws.published(row)
    assert (told["winner_count"], len(told["winners"])) == (2, 2)
    assert drawing.faults(told) == []


# --- states, and what costs nothing any more ---


def test_it_is_drawn_and_completed_when_nothing_is_left_to_offer(
    page: ApiClient, shop_a: Retailer, set_clock: SetClock
) -> None:
    set_clock(NOW)
    row = draw(shop_a, admission_ttl_seconds=30)
    states = []
    for person in launch.consumers(shop_a, 2):
        draws.enter(draw=row, consumer=person, now=NOW)
    for moment in (0, 60, 70, 99, 100, 101, 130, 131):
        set_clock(at(moment))
        draws.work(now=at(moment))
        states.append(page.get(f"/admission/v1/draws/{row.uuid}")["state"])
    # the winner's time is up at 100, the next one's at 130; then nobody is left
    assert states == ["OPEN", "CLOSED", "DRAWN", "DRAWN", "DRAWN", "DRAWN", "COMPLETED", "COMPLETED"]
    distributions.update(retailer_id=shop_a.pk, uuid=str(row.uuid), fields={"paused": True}, actor=SYSTEM, now=at(140))
    assert page.get(f"/admission/v1/draws/{row.uuid}")["state"] == "DRAWN"
    draws.work(now=at(140))
    assert page.get(f"/admission/v1/draws/{row.uuid}")["state"] == "COMPLETED"


def test_a_draw_whose_winners_have_bought_is_completed(shop_a: Retailer) -> None:
    row = draw(shop_a)
    for person in launch.consumers(shop_a, 3):
        draws.enter(draw=row, consumer=person, now=NOW)
    draws.work(now=at(70))
    claims.complete(admission_id=Admission.objects.get().pk, order_id="o", amount=1, currency="USD", now=at(71))
    draws.work(now=at(72))
    row.refresh_from_db()
    assert distributions.state_of(row, at(72)) == "COMPLETED"
    assert Admission.objects.count() == 1


def test_without_backfill_what_ran_out_is_written_down_and_it_is_completed(shop_a: Retailer) -> None:
    row = draw(shop_a, backfill=False, admission_ttl_seconds=30)
    for person in launch.consumers(shop_a, 3):
        draws.enter(draw=row, consumer=person, now=NOW)
    draws.work(now=at(70))
    admissions.expire_everywhere(now=at(100))
    draws.work(now=at(100))
    row.refresh_from_db()
    assert distributions.state_of(row, at(100)) == "COMPLETED"
    assert launch.states(row) == {"EXPIRED": 1, "LOST": 2}


def test_what_is_finished_costs_one_look_up(shop_a: Retailer) -> None:
    for _ in range(5):
        row = draw(shop_a)
        draws.enter(draw=row, consumer=launch.consumer(shop_a), now=NOW)
    draws.work(now=at(70))
    for admission in Admission.objects.all():
        claims.complete(admission_id=admission.pk, order_id=str(admission.pk), amount=1, currency="USD", now=at(71))
    draws.work(now=at(72))
    with CaptureQueriesContext(connection) as queries:
        assert draws.work(now=at(74)) == 0
        assert auctions.work(now=at(74)) == 0
    assert len(queries.captured_queries) == 2
    assert all('over_at" IS NULL' in one["sql"] for one in queries.captured_queries)


def test_what_cannot_be_given_away_is_offered_for_two_days(shop_a: Retailer) -> None:
    row = draw(shop_a, total_admissions=1, admission_ttl_seconds=30)
    for person in launch.consumers(shop_a, 2):
        draws.enter(draw=row, consumer=person, now=NOW)
    draws.work(now=at(70))
    distributions.update(
        retailer_id=shop_a.pk, uuid=str(row.uuid), fields={"total_admissions": 0}, actor=SYSTEM, now=NOW
    )
    two_days = 2 * 24 * 3600
    for moment, state in ((101, "DRAWN"), (two_days, "DRAWN"), (two_days + 70, "COMPLETED")):
        draws.work(now=at(moment))
        row.refresh_from_db()
        assert distributions.state_of(row, at(moment)) == state


def test_a_paused_draw_takes_entries_but_is_not_drawn_by_itself(shop_a: Retailer) -> None:
    row = draw(shop_a, paused=True)
    person = launch.consumer(shop_a)
    assert draws.enter(draw=row, consumer=person, now=NOW).entry
    draws.work(now=at(70))
    assert draws.stand(draw=row, consumer_id=person.pk, now=at(70)).admission is None
    distributions.update(retailer_id=shop_a.pk, uuid=str(row.uuid), fields={"paused": False}, actor=SYSTEM, now=at(71))
    draws.work(now=at(72))
    assert Admission.objects.count() == 1


def test_no_statement_of_a_run_has_a_parameter_per_entry(shop_a: Retailer, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL takes 65,535 of them; a draw may have more entries."""
    monkeypatch.setattr(telling, "BATCH", 20)
    row, most = draw(shop_a), 0
    Endpoint.objects.create(retailer=shop_a, url="https://a.example/", secret="s", events=["draw.consumer.lost"])
    for person in launch.consumers(shop_a, 120):
        draws.enter(draw=row, consumer=person, now=NOW)

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal most
        most = max(most, len(params or ()))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        draws.run(draw=row, now=at(70))
    assert launch.states(row) == {"ADMITTED": 1, "LOST": 119}
    assert Event.objects.filter(type="draw.consumer.lost").count() == 119
    assert most < 60


def test_looking_at_what_is_drawn_locks_nothing_and_reads_no_list(shop_a: Retailer) -> None:
    row, person = draw(shop_a), launch.consumer(shop_a)
    draws.enter(draw=row, consumer=person, now=NOW)
    draws.work(now=at(70))
    row = distributions.find(retailer_id=shop_a.pk, uuid=str(row.uuid))
    with CaptureQueriesContext(connection) as queries:
        assert draws.stand(draw=row, consumer_id=person.pk, now=at(71)).admission
    assert not any("FOR UPDATE" in one["sql"] or "drawrun" in one["sql"] for one in queries.captured_queries)


def test_one_that_fails_holds_up_no_other(shop_a: Retailer, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = draw(shop_a), draw(shop_a)
    for row in (bad, good):
        draws.enter(draw=row, consumer=launch.consumer(shop_a), now=NOW)
    issue = admissions.issue

    def fail(**given: Any) -> Any:
        if given["distribution"] == bad:
            raise RuntimeError("the disk is full")
        return issue(**given)

    monkeypatch.setattr(admissions, "issue", fail)
    draws.work(now=at(70))
    assert (launch.states(bad), launch.states(good)) == ({"ENTERED": 1}, {"ADMITTED": 1})


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_ten_runs_at_once_draw_once(transactional_db: None) -> None:
    shop = factories.retailer()
    row = draw(shop, winner_count=3)
    for person in launch.consumers(shop, 8):
        draws.enter(draw=row, consumer=person, now=NOW)
    start, told = Barrier(10), list[Any]()

    def call() -> None:
        try:
            start.wait()
            told.append(draws.run(draw=Distribution.objects.get(pk=row.pk), now=at(70)).winners)
        finally:
            connection.close()

    threads = [Thread(target=call) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 10 and all(one == told[0] for one in told)
    assert Admission.objects.count() == 3

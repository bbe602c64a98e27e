"""What the schedule does to the ledger: sweep, tally, prove; each safe to run twice."""

import logging
from collections.abc import Callable
from datetime import datetime

import pytest

from offers.ledger import tallies, tasks
from offers.ledger.counters import Name
from offers.ledger.models import Counter
from project.celery import app
from tests.ledger.words import CODE, LATER, figures, hold, open_counter, sql, taken, use, want

pytestmark = pytest.mark.django_db


def test_all_of_them_are_on_the_schedule() -> None:
    scheduled = {line["task"] for line in app.conf.beat_schedule.values()}
    assert {"ledger.sweep", "ledger.tally", "ledger.prove", "checkout.expire_sessions"} <= scheduled
    app.loader.import_default_modules()
    assert scheduled <= set(app.tasks)


def test_sweeping(set_clock: Callable[[datetime], None]) -> None:
    hold("s1", want(granted=1))
    set_clock(LATER)
    tasks.sweep.delay(added_later="ignored")
    tasks.sweep.delay()
    assert taken() == 0


def use_often(name: Name, times: int) -> None:
    for n in range(times):
        use("", want(granted=1000, name=name, entry=f"{name.owner}-{n}"))


def age_the_journal() -> None:
    """A tally covers transactions that ended; a test is one that has not, so its lines are given an older one."""
    sql("set session_replication_role = replica")
    sql("update ledger_entry set xact = 5")
    sql("set session_replication_role = origin")


def test_only_long_tails_are_tallied_and_only_once() -> None:
    other = Name(kind="voucher.uses", owner=8)
    use_often(CODE, 12)
    use_often(other, 3)
    age_the_journal()
    assert tallies.tally(tail=10) == 1
    assert tallies.tally(tail=10) == 0
    assert dict(Counter.objects.values_list("owner", "tallied")) == {7: 12, 8: 0}
    assert (figures(), figures(other)) == ((0, 12), (0, 3))


def test_lines_further_back_are_left_to_the_daily_round() -> None:
    use_often(CODE, 12)
    open_counter(5, Name(kind="voucher.uses", owner=9), shards=5, opening=5)
    age_the_journal()
    assert tallies.tally(tail=10, recent=5) == 0
    assert tallies.tally(tail=10, recent=None) == 1


def test_proving_says_nothing_when_all_is_well(caplog: pytest.LogCaptureFixture) -> None:
    use("", want(granted=5, entry="r_1"))
    with caplog.at_level(logging.INFO, "offerkeep.ledger"):
        tasks.tally.delay()
        tasks.prove.delay()
    assert [record for record in caplog.records if record.name == "offerkeep.ledger"] == []


@pytest.mark.spoils_the_ledger
def test_proving_cries_out_by_name(caplog: pytest.LogCaptureFixture) -> None:
    use("", want(granted=5, entry="r_1"))
    sql("update ledger_counter set taken = 3")
    tasks.prove.delay()
    errors = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert errors[0] == "the ledger does not add up: 1 differences in 1 counters"
    assert "(voucher.uses of 7): taken is 3, journal and holds say 1" in errors[1]

"""prove_ledger: 0 differences, or each of them by name and an exit code."""

import orjson
import pytest
from django.core.management import call_command

from offers.ledger import audit, counters, holds
from offers.ledger.counters import Name
from offers.ledger.models import Counter
from tests.ledger.words import CODE, NOW, figures, hold, open_counter, sql, use, want

pytestmark = pytest.mark.django_db

OTHER = Name(kind="voucher.uses", owner=8)


@pytest.fixture
def some_history() -> None:
    use("", want(3, granted=10, entry="r_1"))
    hold("s1", want(2))
    holds.pin(reference="s1", now=NOW)
    hold("s2", want(4))
    holds.settle(reference="s2", entry="r_2", now=NOW, amount=1)
    use("", want(2, name=OTHER, entry="r_3"))
    open_counter(64, Name(kind="voucher.uses", owner=9), shards=64)
    counters.set_limit(CODE, 3, reference="l1", now=NOW)
    for counter in Counter.objects.filter(owner=7):
        sql("select ledger_tally(%s)", counter.pk)


@pytest.mark.usefixtures("some_history")
def test_nothing_differs(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("prove_ledger")
    assert capsys.readouterr().out == "0 differences in 66 counters\n"


@pytest.mark.usefixtures("some_history")
def test_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("prove_ledger", "--json")
    assert orjson.loads(capsys.readouterr().out) == {"counters": 66, "total": 0, "differences": []}


def test_an_empty_ledger_stands() -> None:
    assert audit.prove() == audit.Proof(counters=0, total=0, differences=[])


def test_a_proof_takes_the_time_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = "SELECT 5, 0, NULL, '', 0, '', 0, 0 FROM pg_sleep(1.2) WHERE %s > 0"
    monkeypatch.setattr(audit, "_PROOF", slow)
    sql("set local statement_timeout = 1000")
    assert audit.prove().counters == 5


@pytest.mark.spoils_the_ledger
@pytest.mark.usefixtures("some_history")
@pytest.mark.parametrize(
    ("tampering", "figure"),
    [
        ("update ledger_counter set taken = taken - 1 where owner = 7", "taken"),
        ("update ledger_hold set amount = amount + 1 where state = 'live'", "taken"),
        ("delete from ledger_hold where state = 'live'", "taken"),
        ("update ledger_entry set delta = delta + 1 where kind = 'settle' and reference = 'r_1'", "taken"),
        ("delete from ledger_entry where kind = 'settle' and reference = 'r_2'", "taken"),
        ("update ledger_hold set amount = 99, settled_amount = 99 where state = 'settled'", "settled holds"),
        ("update ledger_counter set tallied = 99, tallied_xact = 1 where owner = 8", "tallied"),
        ("update ledger_counter set overdrawn = overdrawn + 1 where owner = 7", "overdrawn"),
        ("update ledger_counter set granted = granted + 1 where owner = 9 and shard = 5", "granted"),
        ("delete from ledger_entry where kind = 'grant' and reference = 'open'", "granted"),
        ("delete from ledger_counter where owner = 9 and shard = 63", "shards"),
        ("delete from ledger_counter where owner = 8", "entries without a counter"),
    ],
)
def test_a_tampered_row_is_named(tampering: str, figure: str, capsys: pytest.CaptureFixture[str]) -> None:
    sql("set session_replication_role = replica")  # no triggers
    sql(tampering)
    sql("set session_replication_role = origin")
    with pytest.raises(SystemExit) as ending:
        call_command("prove_ledger")
    assert ending.value.code == 1
    out = capsys.readouterr().out
    assert not out.startswith("0 differences")
    assert figure in {difference.figure for difference in audit.prove().differences}
    assert f": {figure} is " in out


@pytest.mark.usefixtures("some_history")
def test_tallies_of_another_cluster_can_be_forgotten() -> None:
    """After a logical restore transaction ids start anew: a new line would hide behind an old horizon."""
    sql("update ledger_counter set tallied_xact = 9000000000, tallied = 4 where owner = 7")
    use("s3", want(0, entry="r_9"), want(2, name=OTHER, item="b", entry="r_9"))
    holds.settle(reference="s1", entry="r_10", now=NOW)
    assert audit.prove().differences[0].figure == "tallied"
    call_command("prove_ledger", "--forget-tallies")
    assert figures() == (0, 6)


@pytest.mark.spoils_the_ledger
def test_many_differences_are_counted_and_some_are_shown() -> None:
    open_counter(640, shards=64)
    sql("update ledger_counter set taken = 1")
    proof = audit.prove(show=5)
    assert (proof.total, len(proof.differences)) == (64, 5)

"""Limits: granted more, withdrawn, lowered below what is taken, brought by rules, unlimited."""

import pytest

from offers.ledger import counters, entries, holds
from offers.ledger.counters import Name
from offers.ledger.models import Counter, Entry
from tests.ledger.words import CODE, LATER, NOW, RETAILER, figures, hold, left, open_counter, sql, taken, use, want

pytestmark = pytest.mark.django_db

CARD = Name(kind="voucher.credits", owner=5)


def set_limit(limit: int | None, reference: str = "l1", name: Name = CODE) -> None:
    counters.set_limit(name, limit, reference=reference, now=NOW, retailer_id=RETAILER)


class TestGranting:
    def test_raises_what_is_left_once_per_reference(self) -> None:
        open_counter(100, CARD)
        counters.grant(CARD, 50, reference="t1", now=NOW)
        counters.grant(CARD, 50, reference="t1", now=NOW)
        assert left(CARD) == 150

    def test_needs_an_open_counter(self) -> None:
        with pytest.raises(counters.CounterNotOpen):
            counters.grant(CARD, 50, reference="t1", now=NOW)

    @pytest.mark.parametrize("amount", [0, -5])
    def test_takes_positive_amounts_only(self, amount: int) -> None:
        with pytest.raises(ValueError, match="positive"):
            counters.grant(CARD, amount, reference="t1", now=NOW)
        with pytest.raises(ValueError, match="positive"):
            counters.withdraw(CARD, amount, reference="t1", now=NOW)

    def test_of_something_unlimited_means_nothing(self) -> None:
        open_counter(None, CARD)
        with pytest.raises(ValueError, match="unlimited"):
            counters.grant(CARD, 5, reference="t1", now=NOW)

    def test_pays_off_an_overdraft_first(self) -> None:
        use("", want(80, granted=100, name=CARD, entry="r_1"))
        set_limit(50, name=CARD)
        counters.grant(CARD, 40, reference="t1", now=NOW)
        assert left(CARD) == 10


class TestWithdrawing:
    def test_lowers_what_is_left_once_per_reference(self) -> None:
        open_counter(100, CARD)
        counters.withdraw(CARD, 30, reference="t1", now=NOW)
        counters.withdraw(CARD, 30, reference="t1", now=NOW)
        state = counters.state(CARD, now=NOW)
        assert state == counters.State(granted=70, withdrawn=30, held=0, settled=0)

    def test_takes_nothing_that_is_held_or_used(self) -> None:
        hold("s1", want(60, granted=100, name=CARD))
        with pytest.raises(counters.NotEnoughLeft) as refusal:
            counters.withdraw(CARD, 41, reference="t1", now=NOW)
        assert refusal.value.data == {"available": 40}
        assert left(CARD) == 40

    def test_takes_what_holds_past_their_time_held(self) -> None:
        hold("s1", want(60, granted=100, name=CARD))
        counters.withdraw(CARD, 100, reference="t1", now=LATER)
        assert left(CARD, LATER) == 0


class TestChangingTheLimit:
    def test_of_a_counter_never_used_opens_it_with_the_new_limit(self) -> None:
        """A request that read the old limit just before must not open it with that."""
        set_limit(1)
        hold("s1", want(granted=10))
        with pytest.raises(holds.Exceeded):
            hold("s2", want(granted=10))

    def test_without_a_retailer_leaves_a_counter_never_used_alone(self) -> None:
        counters.set_limit(CODE, 5, reference="l1", now=NOW)
        assert counters.state(CODE, now=NOW) is None

    def test_raises_and_lowers_with_a_line_in_the_journal(self) -> None:
        open_counter(5)
        set_limit(8, "l1")
        set_limit(2, "l2")
        assert left() == 2
        lines = Entry.objects.order_by("id").values_list("kind", "delta")
        assert list(lines) == [("grant", 5), ("grant", 3), ("withdraw", -6)]

    def test_several_at_once(self) -> None:
        hold("s1", want(granted=5), want(5, granted=9, name=CARD))
        counters.set_limits({CARD: 7, CODE: 1}, reference="l1", now=NOW)
        assert (left(), left(CARD)) == (0, 2)

    @pytest.mark.parametrize("shards", [1, 4, 64])
    def test_below_what_is_taken_blocks_until_enough_is_given_back(self, shards: int) -> None:
        for n in range(8):
            hold(f"s{n}", want(granted=100, shards=shards))
        set_limit(5)
        for n in range(3):
            assert left() == 0
            with pytest.raises(holds.Exceeded) as refusal:
                hold("new", want())
            assert refusal.value.data["available"] == 0
            holds.void(reference=f"s{n}", now=NOW)
        with pytest.raises(holds.Exceeded):
            hold("new", want())
        holds.void(reference="s3", now=NOW)
        hold("new", want())
        assert left() == 0
        with pytest.raises(holds.Exceeded):
            hold("newer", want())

    @pytest.mark.parametrize("shards", [1, 64])
    def test_what_was_held_before_it_was_lowered_can_still_be_used(self, shards: int) -> None:
        hold("s1", want(2, granted=100, shards=shards))
        set_limit(1)
        hold("s1", want(2, granted=100, shards=shards))
        use("s1", want(2, entry="r_1"))
        assert figures() == (0, 2)

    def test_an_overdraft_given_back_by_reversal_counts_too(self) -> None:
        use("", want(3, granted=3, entry="r_1"))
        use("", want(1, granted=3, name=CARD, entry="r_2"))
        set_limit(1)
        entries.reverse(references=["r_1"], now=NOW)
        assert left() == 1

    def test_short_of_it_says_what_the_request_may_keep(self) -> None:
        hold("s1", want(3, granted=9))
        set_limit(2)
        with pytest.raises(holds.Exceeded) as refusal:
            hold("s1", want(4))
        assert refusal.value.data["available"] == 3
        hold("s1", want(3))


class TestUnlimited:
    def test_writes_no_counter_row(self) -> None:
        open_counter(None)
        before = sql("select xmin::text, ctid::text from ledger_counter")
        hold("s1", want())
        hold("s1", want(3))
        holds.settle(reference="s1", entry="r_1", now=NOW, amount=2)
        use("", want(entry="r_2"))
        hold("s2", want())
        holds.void(reference="s2", now=NOW)
        entries.reverse(references=["r_2"], now=NOW)
        assert sql("select xmin::text, ctid::text from ledger_counter") == before
        assert figures() == (0, 2)
        assert left() is None

    def test_any_number(self) -> None:
        for n in range(50):
            hold(f"s{n}", want(10**9))
        assert figures() == (50 * 10**9, 0)

    def test_counts_all_the_same_when_asked_to(self) -> None:
        hold("s1", want(2, counted=True))
        holds.void(reference="s1", now=NOW)
        hold("s2", want(3, counted=True))
        assert taken() == 3

    def test_becomes_limited_and_counts_what_is_out(self) -> None:
        hold("s1", want())
        hold("s2", want())
        use("", want(entry="r_1"))
        set_limit(4)
        assert left() == 1
        holds.void(reference="s1", now=NOW)
        holds.settle(reference="s2", entry="r_2", now=NOW)
        assert (taken(), left()) == (2, 2)

    def test_becomes_limited_below_what_is_out(self) -> None:
        hold("s1", want(5))
        set_limit(3)
        with pytest.raises(holds.Exceeded):
            hold("s2", want())
        holds.void(reference="s1", now=NOW)
        assert left() == 3

    @pytest.mark.parametrize("shards", [1, 64])
    def test_limited_becomes_unlimited_and_limited_again(self, shards: int) -> None:
        hold("s1", want(2, granted=200, shards=shards))
        set_limit(None, "l1")
        assert left() is None
        for n in range(5):
            hold(f"t{n}", want(100))
        set_limit(600, "l2")
        assert left() == 98


class TestLimitsThatRulesBring:
    RULE = Name(kind="voucher.rule", owner=7, scope="4:per_day", period="2026-11-21")

    def limited(self, reference: str, limit: int | None, amount: int = 1) -> None:
        hold(reference, want(amount, granted=limit, name=self.RULE, fixed=True, counted=True))

    def test_the_limit_of_the_moment_holds(self) -> None:
        self.limited("s1", 1)
        self.limited("s2", 2)
        with pytest.raises(holds.Exceeded):
            self.limited("s3", 2)
        with pytest.raises(holds.Exceeded):
            self.limited("s3", 1)
        self.limited("s3", None)
        self.limited("s4", 4)
        assert left(self.RULE) == 0

    def test_also_on_something_that_was_not_counted(self) -> None:
        hold("s1", want(name=self.RULE))
        self.limited("s2", 2)
        with pytest.raises(holds.Exceeded):
            self.limited("s3", 2)

    def test_each_period_counts_for_itself(self) -> None:
        tomorrow = Name(kind="voucher.rule", owner=7, scope="4:per_day", period="2026-11-22")
        self.limited("s1", 1)
        hold("s2", want(granted=1, name=tomorrow, fixed=True))
        assert (left(self.RULE), left(tomorrow)) == (0, 0)


class TestReading:
    def test_many_owners_in_one_statement(self, django_assert_num_queries: object) -> None:
        hold("s1", want(granted=9), want(30, granted=100, name=CARD, item="b"))
        with django_assert_num_queries(1):  # type: ignore[operator]
            found = counters.states(kinds=["voucher.uses", "voucher.credits"], owners=[5, 7, 9], now=NOW)
        assert {name.owner: state.available for name, state in found.items()} == {7: 8, 5: 70}

    def test_holds_past_their_time_are_not_held(self) -> None:
        hold("s1", want(granted=9))
        assert figures(now=LATER) == (0, 0)
        assert left(now=LATER) == 9

    def test_subjects_scopes_and_periods_are_counters_of_their_own(self) -> None:
        names = [
            CODE,
            Name(kind="voucher.uses", owner=7, subject=1),
            Name(kind="voucher.uses", owner=7, scope="x"),
            Name(kind="voucher.uses", owner=7, period="2026-11"),
        ]
        hold("s1", *[want(granted=1, name=name) for name in names])
        assert [left(name) for name in names] == [0, 0, 0, 0]
        assert Counter.objects.count() == 4


class TestTally:
    def test_changes_no_figure(self) -> None:
        use("", want(3, granted=10, entry="r_1"))
        counter = Counter.objects.get()
        sql("select ledger_tally(%s)", counter.pk)
        use("", want(2, granted=10, entry="r_2"))
        assert figures() == (0, 5)

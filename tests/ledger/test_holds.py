"""Holding, settling, voiding, pinning: what each verb promises and refuses."""

from datetime import timedelta

import pytest

from offers.ledger import counters, entries, holds
from offers.ledger.counters import Name
from offers.ledger.models import Entry, Hold
from offers.lib.errors import Refusal
from tests.ledger.words import CODE, LATER, NOW, figures, hold, left, open_counter, sql, taken, use, want

pytestmark = pytest.mark.django_db

OTHER = Name(kind="voucher.uses", owner=8)
BUDGET = Name(kind="campaign.budget", owner=3)


def test_holding_opens_the_counter_with_the_limit_it_brings() -> None:
    assert counters.state(CODE, now=NOW) is None
    hold("s1", want(granted=3))
    assert figures() == (1, 0)
    assert left() == 2


def test_a_counter_opens_with_what_was_taken_before_it_existed() -> None:
    hold("s1", want(granted=10, opening=4))
    assert figures() == (1, 4)
    with pytest.raises(holds.Exceeded) as refusal:
        hold("s2", want(6, granted=10))
    assert refusal.value.data == {"item": "a", "kind": "voucher.uses", "available": 5}


def test_a_counter_may_open_beyond_its_limit() -> None:
    with pytest.raises(holds.Exceeded):
        hold("s1", want(granted=3, opening=5))
    assert left() == 0


def test_the_limit_of_an_open_counter_is_its_own() -> None:
    hold("s1", want(granted=3))
    hold("s2", want(granted=1))
    assert left() == 1


def test_shortage_says_what_ran_out_and_what_is_left() -> None:
    hold("s1", want(4, granted=5))
    with pytest.raises(holds.Exceeded) as refusal:
        hold("s2", want(2, granted=5, item="b"))
    assert refusal.value.code == "quantity_exceeded"
    assert refusal.value.data == {"item": "b", "kind": "voucher.uses", "available": 1}


def test_a_request_is_all_or_nothing() -> None:
    open_counter(5)
    open_counter(0, OTHER)
    open_counter(100, BUDGET)
    with pytest.raises(holds.Exceeded):
        hold("s1", want(), want(name=OTHER, item="b"), want(50, name=BUDGET))
    assert (taken(), taken(OTHER), taken(BUDGET)) == (0, 0, 0)
    assert not Hold.objects.exists()


def test_settling_leaves_the_counter_alone_and_writes_the_journal() -> None:
    hold("s1", want(granted=3))
    before = sql("select xmin::text, taken from ledger_counter")
    (ended,) = holds.settle(reference="s1", entry="r_1", now=NOW)
    assert (ended.state, ended.amount) == ("settled", 1)
    assert sql("select xmin::text, taken from ledger_counter") == before
    assert figures() == (0, 1)
    assert Entry.objects.filter(kind="settle", reference="r_1", delta=1).count() == 1


def test_settling_part_frees_the_rest() -> None:
    hold("s1", want(100, granted=100))
    holds.settle(reference="s1", entry="r_1", now=NOW, amount=30)
    assert figures() == (0, 30)
    assert left() == 70


def test_settling_nothing_of_it_is_a_void() -> None:
    hold("s1", want(5, granted=5))
    (ended,) = holds.settle(reference="s1", entry="r_1", now=NOW, amount=0)
    assert ended.state == "voided"
    assert left() == 5


def test_settling_more_than_is_held_is_refused_and_keeps_the_hold() -> None:
    hold("s1", want(5, granted=50))
    with pytest.raises(holds.Exceeded) as refusal:
        holds.settle(reference="s1", entry="r_1", now=NOW, amount=6)
    assert refusal.value.data["available"] == 5
    assert figures() == (5, 0)


def test_voiding_gives_back() -> None:
    hold("s1", want(2, granted=2))
    holds.void(reference="s1", now=NOW)
    assert left() == 2


def test_one_item_of_a_reference_ends_alone() -> None:
    hold("s1", want(granted=5), want(granted=5, name=OTHER, item="b"))
    holds.void(reference="s1", item="b", now=NOW)
    assert (figures(), figures(OTHER)) == ((1, 0), (0, 0))
    holds.settle(reference="s1", entry="r_1", now=NOW)
    assert figures() == (0, 1)


def test_two_items_on_one_counter_settle_into_one_entry() -> None:
    hold("s1", want(30, granted=100, name=BUDGET), want(20, granted=100, name=BUDGET, item="b"))
    holds.settle(reference="s1", entry="r_1", now=NOW)
    assert figures(BUDGET) == (0, 50)


def test_using_at_once_needs_no_hold() -> None:
    use("", want(granted=1, entry="r_1"))
    with pytest.raises(holds.Exceeded):
        use("", want(granted=1, entry="r_2"))
    assert figures() == (0, 1)


def test_using_uses_up_what_the_reference_holds() -> None:
    hold("s1", want(granted=1))
    use("s1", want(granted=1, entry="r_1"))
    assert figures() == (0, 1)
    assert Hold.objects.get().state == "settled"


def test_using_less_than_held_frees_the_rest() -> None:
    hold("s1", want(100, granted=100))
    use("s1", want(30, granted=100, entry="r_1"))
    assert (figures(), left()) == ((0, 30), 70)
    assert Hold.objects.get().settled_amount == 30


def test_using_more_than_held_takes_the_rest() -> None:
    hold("s1", want(30, granted=100))
    use("s1", want(80, granted=100, entry="r_1"))
    assert (figures(), left()) == ((0, 80), 20)


def settle() -> None:
    holds.settle(reference="s1", entry="r_2", now=NOW)


def void() -> None:
    holds.void(reference="s1", now=NOW)


def pin() -> None:
    holds.pin(reference="s1", now=NOW)


def extend() -> None:
    holds.extend(reference="s1", ttl_seconds=60, now=NOW)


@pytest.mark.parametrize("verb", [settle, void, pin, extend])
class TestAHoldEndsOnce:
    def refusal(self, verb: object) -> str:
        with pytest.raises(Refusal) as refusal:
            verb()  # type: ignore[operator]
        return refusal.value.code

    def test_after_settling(self, verb: object) -> None:
        hold("s1", want(granted=1))
        holds.settle(reference="s1", entry="r_1", now=NOW)
        assert self.refusal(verb) == "hold_already_settled"
        assert figures() == (0, 1)

    def test_after_voiding(self, verb: object) -> None:
        hold("s1", want(granted=1))
        holds.void(reference="s1", now=NOW)
        assert self.refusal(verb) == "hold_already_voided"
        assert figures() == (0, 0)

    def test_past_its_time_though_nobody_swept(self, verb: object) -> None:
        hold("s1", want(granted=1), now=NOW - timedelta(seconds=600))
        assert self.refusal(verb) == "hold_expired"
        assert left() == 1

    def test_never_held(self, verb: object) -> None:
        assert self.refusal(verb) == "hold_not_found"


def test_a_pinned_hold_does_not_expire() -> None:
    hold("s1", want(granted=1))
    assert holds.pin(reference="s1", now=NOW) == 1
    with pytest.raises(holds.Exceeded):
        hold("s2", want(granted=1), now=LATER)
    holds.settle(reference="s1", entry="r_1", now=LATER)
    assert figures() == (0, 1)


def test_an_extended_hold_lives_from_now_on() -> None:
    hold("s1", want(granted=1), ttl_seconds=10)
    holds.extend(reference="s1", ttl_seconds=7200, now=NOW + timedelta(seconds=9))
    assert figures(now=LATER) == (1, 0)


class TestReplacing:
    def test_the_same_reference_never_counts_against_itself(self) -> None:
        for _ in range(3):
            hold("s1", want(granted=1))
        assert figures() == (1, 0)
        assert Hold.objects.filter(state="live").count() == 1

    @pytest.mark.parametrize(("first", "second", "free"), [(100, 30, 70), (30, 100, 0), (100, 100, 0), (40, 0, 100)])
    def test_the_new_amount_counts(self, first: int, second: int, free: int) -> None:
        hold("s1", want(first, granted=100))
        hold("s1", want(second, granted=100))
        assert left() == free

    def test_more_than_is_left_keeps_what_was_held(self) -> None:
        hold("s1", want(30, granted=100))
        hold("s2", want(50, granted=100))
        with pytest.raises(holds.Exceeded) as refusal:
            hold("s1", want(60, granted=100))
        assert refusal.value.data["available"] == 50  # its own 30 and the 20 that are free
        assert figures() == (80, 0)

    def test_the_time_begins_anew(self) -> None:
        hold("s1", want(granted=1), ttl_seconds=60)
        hold("s1", want(granted=1), ttl_seconds=60, now=NOW + timedelta(seconds=50))
        assert figures(now=NOW + timedelta(seconds=100)) == (1, 0)

    def test_other_items_of_the_reference_stay(self) -> None:
        hold("s1", want(granted=9), want(granted=9, name=OTHER, item="b"))
        hold("s1", want(2, granted=9))
        assert (figures(), figures(OTHER)) == ((2, 0), (1, 0))

    def test_items_named_but_no_longer_wanted_go_free(self) -> None:
        hold("s1", want(granted=9), want(granted=9, name=OTHER, item="b"))
        holds.take(
            retailer_id=1,
            wants=[want(granted=9)],
            reference="s1",
            items=["a", "b"],
            settle=False,
            now=NOW,
            ttl_seconds=60,
        )
        assert (figures(), figures(OTHER)) == ((1, 0), (0, 0))

    def test_an_item_may_move_to_another_counter(self) -> None:
        hold("s1", want(granted=1))
        hold("s1", want(granted=1, name=OTHER))
        assert (figures(), figures(OTHER)) == ((0, 0), (1, 0))

    def test_a_hold_past_its_time_is_taken_again_if_it_is_free(self) -> None:
        hold("s1", want(granted=1), ttl_seconds=10)
        hold("s1", want(granted=1), now=LATER)
        assert figures(now=LATER) == (1, 0)
        holds.settle(reference="s1", entry="r_1", now=LATER)
        assert figures(now=LATER) == (0, 1)

    def test_a_hold_past_its_time_is_gone_when_somebody_took_it(self) -> None:
        hold("s1", want(granted=1), ttl_seconds=10)
        hold("s2", want(granted=1), now=LATER)
        with pytest.raises(holds.Exceeded):
            use("s1", want(granted=1, entry="r_1"), now=LATER)
        with pytest.raises(holds.HoldExpired):
            holds.settle(reference="s1", entry="r_1", now=LATER)


class TestReversing:
    def test_gives_back_once(self) -> None:
        use("", want(3, granted=5, entry="r_1"), want(70, granted=100, name=BUDGET, entry="r_1"))
        given = entries.reverse(references=["r_1"], now=NOW, reason="returned")
        assert sorted(given.values()) == [3, 70]
        assert entries.reverse(references=["r_1"], now=NOW) == {}
        assert (left(), left(BUDGET)) == (5, 100)

    def test_of_something_unknown_gives_nothing(self) -> None:
        assert entries.reverse(references=["r_404"], now=NOW) == {}

    def test_leaves_both_lines_in_the_journal(self) -> None:
        use("", want(3, granted=5, entry="r_1"))
        entries.reverse(references=["r_1"], now=NOW, reason="returned")
        lines = Entry.objects.filter(reference="r_1").order_by("id").values_list("kind", "delta", "reason")
        assert list(lines) == [("settle", 3, ""), ("reverse", -3, "returned")]


def test_a_hold_is_one_round_trip(django_assert_num_queries: object) -> None:
    open_counter(5)
    with django_assert_num_queries(1):  # type: ignore[operator]
        hold("s1", want(), want(10, granted=100, name=BUDGET))
    with django_assert_num_queries(1):  # type: ignore[operator]
        holds.settle(reference="s1", entry="r_1", now=NOW)


def test_an_item_wants_a_counter_once() -> None:
    with pytest.raises(AssertionError):
        hold("s1", want(1, granted=5), want(2, granted=5))


def test_what_is_used_names_its_entry() -> None:
    with pytest.raises(AssertionError):
        use("", want(granted=5))


def test_what_one_item_gives_back_another_may_take() -> None:
    hold("s1", want(10, granted=100, name=BUDGET), want(90, granted=100, name=BUDGET, item="b"))
    hold("s1", want(70, granted=100, name=BUDGET), want(30, granted=100, name=BUDGET, item="b"))
    assert figures(BUDGET) == (100, 0)


def test_reversing_several_references_gives_all_of_them_back() -> None:
    use("", want(3, granted=5, entry="r_1"))
    use("", want(2, granted=5, entry="r_2"), want(70, granted=100, name=BUDGET, entry="r_2"))
    assert sorted(entries.reverse(references=["r_2", "r_1"], now=NOW).values()) == [5, 70]
    assert (left(), left(BUDGET)) == (5, 100)


def test_one_hold_is_used_up_only_as_it_was_seen() -> None:
    hold("s1", want(2, granted=3))
    held = Hold.objects.get()

    def use_up(**other: object) -> object:
        seen = {"id": held.pk, "reference": "s1", "item": "a", "amount": 2, "now": NOW, **other}
        ((done,),) = sql(
            "select ledger_use_hold(%s, %s, %s, %s, 'r_1', %s)", *(seen[name] for name in seen)
        )  # fmt: skip
        return done

    wrong: list[dict[str, object]] = [
        {"reference": "s2"},
        {"item": "b"},
        {"amount": 1},
        {"id": held.pk + 1},
        {"now": LATER},
    ]
    for other in wrong:
        assert use_up(**other) is False
    assert figures() == (2, 0)
    assert use_up() is True
    assert figures() == (0, 2)
    assert use_up() is False
    assert figures() == (0, 2)

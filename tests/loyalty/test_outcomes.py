"""Rewards: once per sale, following its revisions, and back again, with the worked examples over the database."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from loyalty import members, outcomes, points, points_standing, rules
from loyalty.models import Award, Member, PointAccount, Rule, TierLevel, TierSystem
from loyalty.runs import Result
from offers import user_offers
from offers.ledger import audit as proof
from offers.lib.actors import SYSTEM
from offers.models import Offer, Retailer, UserOffer
from tests.loyalty.people import kind, person
from tests.loyalty.sales import NOON, line, points_fixed, points_per, sale

pytestmark = pytest.mark.django_db
REACHES_200 = {"metric": "earned_points", "account": "main", "op": "crosses", "value": 200}
FIVE = {"type": "offer", "offer": "five-dollars"}
ONCE = {"per_user": {"count": 1, "period": "lifetime"}}
PER_DOLLAR: dict[str, Any] = {"outcomes": [points_per()]}


@pytest.fixture
def main(shop_a: Retailer) -> PointAccount:
    return kind(shop_a)


@pytest.fixture
def ada(shop_a: Retailer, main: PointAccount) -> Member:
    return person(shop_a)


@pytest.fixture
def five(shop_a: Retailer) -> Offer:
    return offer(shop_a, "five-dollars")


def offer(shop: Retailer, key: str, **fields: Any) -> Offer:
    row = Offer(
        retailer=shop,
        key=key,
        offer_type="fixed_check_discount",
        status=Offer.Status.PUBLISHED,
        texts=[{"id": "1", "culture": "en", "title": "$5 off", "description": "", "terms": ""}],
        discount_config={"amount": "5.00"},
        created_at=NOON,
        **fields,
    )
    row.root = row.uuid
    row.save()
    return row


def save(shop: Retailer, name: str = "Rule", scope: str = "economy", **definition: Any) -> Rule:
    fields = {key: definition.pop(key) for key in ("in_force_from", "active", "rule_uuid") if key in definition}
    fields.setdefault("in_force_from", NOON - timedelta(days=1000))
    return rules.save(
        retailer_id=shop.pk, name=name, scope=scope, definition=definition, actor=SYSTEM, now=NOON, **fields
    )


def buy(who: Member, dollars: int, number: int = 1, **fields: Any) -> Result:
    now = fields.pop("now", NOON)
    goods = (line(dollars * 100, line_id="0"),) if dollars else ()
    basket = sale(*goods, occasion=f"transaction:a:{number}", **fields)
    return outcomes.reward(retailer_id=who.retailer_id, sale=basket, member=who, now=now, actor=SYSTEM)


def void(who: Member, number: int = 1, **fields: Any) -> Result:
    basket = sale(occasion=f"transaction:a:{number}", **{"revision": 2, **fields})
    return outcomes.take_back(retailer_id=who.retailer_id, sale=basket, member=who, now=NOON, actor=SYSTEM)


def stand(who: Member) -> tuple[int, int]:
    only = points_standing.balances(member=who, now=NOON)[0]
    return only.available, only.lifetime


def wallet(who: Member, status: int = UserOffer.Status.ISSUED) -> int:
    return UserOffer.objects.filter(customer_id=who.customer_id, status=status).count()


def redeem_all(who: Member) -> None:
    for held in UserOffer.objects.filter(customer_id=who.customer_id, status=UserOffer.Status.ISSUED):
        user_offers.redeem(user_offer_id=held.pk, redeemed_in="a:9", amount=500, actor=SYSTEM, now=NOON)


@pytest.fixture
def five_at_200(shop_a: Retailer, ada: Member, five: Offer) -> Rule:
    save(shop_a, "Per dollar", **PER_DOLLAR)
    return save(shop_a, "Five at 200", trigger="points_changed", conditions=[REACHES_200], outcomes=[FIVE], limits=ONCE)


@pytest.mark.usefixtures("five_at_200")
def test_example_1_five_dollars_at_200_earned_points_once(ada: Member) -> None:
    buy(ada, 199, 1)
    assert wallet(ada) == 0
    assert len(buy(ada, 1, 2).offers) == 1
    assert wallet(ada) == 1
    buy(ada, 300, 3)
    assert wallet(ada) == 1


@pytest.mark.usefixtures("five_at_200")
def test_example_1_spending_does_not_delay_it(ada: Member, main: PointAccount) -> None:
    buy(ada, 190, 1)
    points.spend(member=ada, account=main, amount=100, reference="gift", now=NOON)
    buy(ada, 40, 2)
    assert wallet(ada) == 1


@pytest.mark.usefixtures("five_at_200")
def test_example_1_a_return_below_200_takes_the_offer_and_200_again_gives_one_again(ada: Member) -> None:
    buy(ada, 150, 1)
    buy(ada, 80, 2)
    assert wallet(ada) == 1
    found = void(ada, 2)
    assert (stand(ada), wallet(ada), len(found.revoked)) == ((150, 150), 0, 1)
    buy(ada, 60, 3)
    assert wallet(ada) == 1


@pytest.mark.usefixtures("five_at_200")
def test_example_1_an_offer_that_was_used_stays_used_and_no_second_one_comes(ada: Member) -> None:
    buy(ada, 150, 1)
    buy(ada, 80, 2)
    redeem_all(ada)
    assert any(note.startswith("already_redeemed") for note in void(ada, 2).notes)
    buy(ada, 100, 3)
    assert (wallet(ada), wallet(ada, UserOffer.Status.REDEEMED)) == (0, 1)


def test_example_1_repeated_every_200(shop_a: Retailer, ada: Member, five: Offer) -> None:
    save(shop_a, "Per dollar", **PER_DOLLAR)
    save(shop_a, "Every", trigger="points_changed", conditions=[{**REACHES_200, "repeat_every": 200}], outcomes=[FIVE])
    buy(ada, 450, 1)
    assert wallet(ada) == 2
    buy(ada, 149, 2)
    assert wallet(ada) == 2
    buy(ada, 1, 3)
    assert wallet(ada) == 3
    void(ada, 3)
    assert wallet(ada) == 2


def test_example_1_as_an_automatic_purchase(shop_a: Retailer, ada: Member, five: Offer) -> None:
    save(shop_a, "Per dollar", **PER_DOLLAR)
    buys = {"type": "auto_purchase", "offer": "five-dollars", "account": "main", "points": 200}
    save(shop_a, "Buys", trigger="points_changed", outcomes=[buys])
    buy(ada, 250, 1)
    assert (stand(ada), wallet(ada)) == ((50, 250), 1)
    buy(ada, 149, 2)
    assert (stand(ada), wallet(ada)) == ((199, 399), 1)


def test_example_2_gift_cards_earn_nothing(shop_a: Retailer, ada: Member) -> None:
    save(shop_a, exclusions=[{"match": "category", "values": ["giftcard"]}], **PER_DOLLAR)
    basket = sale(line(4000), line(2500, "GC25", category="giftcard"))
    outcomes.reward(retailer_id=shop_a.pk, sale=basket, member=ada, now=NOON, actor=SYSTEM)
    assert stand(ada) == (40, 40)


@pytest.fixture
def club(shop_a: Retailer) -> TierSystem:
    system = TierSystem.objects.create(retailer=shop_a, key="club", name="Club")
    for rank, (key, entry) in enumerate([("base", None), ("silver", 100), ("gold", 300)], start=1):
        TierLevel.objects.create(
            system=system,
            key=key,
            name=key.title(),
            rank=rank,
            entry=entry and {"metric": "lifetime_points", "op": ">=", "value": entry},
        )
    return system


@pytest.mark.usefixtures("club")
def test_example_3_gold_earns_double(shop_a: Retailer, ada: Member) -> None:
    save(shop_a, "Base", tier_system="Club", levels=["Base", "silver"], **PER_DOLLAR)
    save(shop_a, "Gold", tier_system="club", levels=["Gold"], outcomes=[points_per(2)])
    assert buy(ada, 300, 1).levels == ["club/gold"]
    assert stand(ada) == (300, 300)
    buy(ada, 40, 2)
    assert stand(ada) == (380, 380)


def test_example_4_double_points_on_gloves_in_november(shop_a: Retailer, ada: Member) -> None:
    save(shop_a, "Base", **PER_DOLLAR)
    save(
        shop_a,
        "Gloves",
        "campaign",
        starts_at="2026-11-01T00:00:00Z",
        ends_at="2026-12-01T00:00:00Z",
        catalog_restrictions=[{"match": "category", "values": ["gloves"]}],
        **PER_DOLLAR,
    )
    basket = sale(line(3000, category="gloves"), line(1000))
    outcomes.reward(retailer_id=shop_a.pk, sale=basket, member=ada, now=NOON, actor=SYSTEM)
    assert stand(ada) == (70, 70)
    assert Award.objects.count() == 2


@pytest.mark.parametrize(("pieces", "expected"), [(2, 0), (3, 150), (4, 200)])
def test_example_5_saplings(shop_a: Retailer, ada: Member, pieces: int, expected: int) -> None:
    save(
        shop_a,
        catalog_restrictions=[{"match": "item", "values": ["sapling"]}],
        outcomes=[points_per(50, unit="1", basis="quantity", hurdle=3)],
    )
    basket = sale(line(700 * pieces, "sapling", pieces))
    outcomes.reward(retailer_id=shop_a.pk, sale=basket, member=ada, now=NOON, actor=SYSTEM)
    assert stand(ada)[0] == expected


def test_example_6_happy_hour_at_the_kiosk_for_locals(shop_a: Retailer, main: PointAccount) -> None:
    save(
        shop_a,
        "Happy hour",
        "campaign",
        audience={"tags": ["local"]},
        conditions=[
            {"metric": "channel", "op": "in", "value": ["kiosk"]},
            {"metric": "time", "op": "between", "value": ["15:00", "18:00"]},
        ],
        outcomes=[points_fixed(30)],
    )
    local, other = person(shop_a, tags=["local"]), person(shop_a)
    at = datetime(2026, 11, 10, 16, tzinfo=UTC)
    for who, number in ((local, 1), (other, 2)):
        buy(who, 1, number, channel="Kiosk", closed_at=at)
    buy(local, 1, 3, channel="kiosk", closed_at=at + timedelta(hours=2))
    assert (stand(local)[0], stand(other)[0]) == (30, 0)


@pytest.mark.usefixtures("club", "five")
def test_example_7_a_welcome_offer_at_silver_once_for_ever(shop_a: Retailer, ada: Member) -> None:
    save(shop_a, "Per dollar", **PER_DOLLAR)
    save(shop_a, "Welcome", trigger="tier_entered", tier_system="club", levels=["silver"], outcomes=[FIVE])
    buy(ada, 120, 1)
    assert wallet(ada) == 1
    base = TierLevel.objects.get(key="base")
    members_tier = ada.tiers.get()
    members_tier.level = base
    members_tier.save()
    assert buy(ada, 1, 2).levels == ["club/silver"]
    assert wallet(ada) == 1


@pytest.mark.usefixtures("five")
def test_example_8_the_budget_ends_without_an_error(shop_a: Retailer, main: PointAccount) -> None:
    save(shop_a, "Budget", "campaign", budget={"offers": 2}, outcomes=[FIVE])
    people = [person(shop_a) for _ in range(3)]
    results = [buy(who, 1, number) for number, who in enumerate(people)]
    assert [len(one.offers) for one in results] == [1, 1, 0]
    assert results[2].notes == ["limit_reached:Budget:loyalty.offers"]
    assert [wallet(who) for who in people] == [1, 1, 0]
    void(people[0], 0)
    assert len(buy(people[2], 1, 9).offers) == 1
    assert proof.prove().total == 0


def test_a_sale_is_rewarded_once_however_often_it_is_processed(shop_a: Retailer, ada: Member) -> None:
    save(shop_a, **PER_DOLLAR)
    for _ in range(3):
        buy(ada, 40)
    assert stand(ada) == (40, 40)
    assert Award.objects.count() == 1


def test_a_revision_books_the_difference_and_a_void_everything(shop_a: Retailer, ada: Member) -> None:
    save(shop_a, **PER_DOLLAR)
    buy(ada, 40)
    buy(ada, 25, revision=2)
    assert stand(ada) == (25, 25)
    buy(ada, 60, revision=3)
    assert stand(ada) == (60, 60)
    void(ada)
    assert stand(ada) == (0, 0)
    buy(ada, 10, revision=5)
    assert stand(ada) == (10, 10)
    void(ada)
    void(ada)
    assert stand(ada) == (0, 0)
    assert proof.prove().total == 0


def test_a_full_return_takes_fixed_points_and_gives_the_limit_back(shop_a: Retailer, ada: Member) -> None:
    save(shop_a, outcomes=[points_fixed(50)], limits=ONCE)
    buy(ada, 40, 1)
    buy(ada, 40, 2)
    assert stand(ada) == (50, 50)
    buy(ada, 0, 1, revision=2)
    assert stand(ada) == (0, 0)
    buy(ada, 40, 3)
    assert stand(ada) == (50, 50)


@pytest.mark.usefixtures("five")
def test_an_offer_a_sale_gave_is_revoked_with_it_unless_it_was_used(shop_a: Retailer, ada: Member) -> None:
    save(shop_a, outcomes=[FIVE, points_fixed(5)])
    buy(ada, 40, 1)
    void(ada, 1)
    assert (wallet(ada), wallet(ada, UserOffer.Status.REVOKED), stand(ada)) == (0, 1, (0, 0))
    buy(ada, 40, 2)
    redeem_all(ada)
    void(ada, 2)
    assert (wallet(ada, UserOffer.Status.REDEEMED), stand(ada)) == (1, (0, 0))
    buy(ada, 40, 2, revision=3)
    assert (wallet(ada), wallet(ada, UserOffer.Status.REDEEMED), stand(ada)) == (0, 1, (5, 5))


@pytest.mark.parametrize(
    ("later", "left"),
    [(datetime(2027, 11, 10, 12, tzinfo=UTC), 0), (datetime(2027, 11, 10, 12, 0, 1, tzinfo=UTC), 40)],
)
def test_t64_the_window_of_returns_is_twelve_months(shop_a: Retailer, ada: Member, later: datetime, left: int) -> None:
    save(shop_a, **PER_DOLLAR)
    buy(ada, 40)
    found = void(ada, modified_at=later)
    assert stand(ada) == (left, left)
    assert found.skipped == ("skipped_return_window" if left else "")


def test_late_processing_pays_what_was_promised_at_the_sale(shop_a: Retailer, ada: Member) -> None:
    one = save(shop_a, "Rate", **PER_DOLLAR)
    save(shop_a, "Rate", rule_uuid=str(one.uuid), in_force_from=NOON + timedelta(hours=1), outcomes=[points_per(9)])
    later = NOON + timedelta(days=3)
    buy(ada, 10, 1, now=later)
    assert stand(ada) == (10, 10)
    buy(ada, 10, 2, now=later, closed_at=NOON + timedelta(hours=1))
    assert stand(ada) == (100, 100)
    buy(ada, 20, 1, now=later, revision=2)
    assert stand(ada) == (110, 110)


def test_t72_a_rule_switched_off_gives_nothing_more_and_takes_nothing(shop_a: Retailer, ada: Member) -> None:
    one = save(shop_a, **PER_DOLLAR)
    buy(ada, 10, 1)
    off = NOON + timedelta(hours=1)
    rules.set_active(retailer_id=shop_a.pk, rule_uuid=str(one.uuid), active=False, actor=SYSTEM, now=off)
    buy(ada, 10, 2, closed_at=off)
    buy(ada, 10, 1, now=off)
    assert stand(ada) == (10, 10)
    rules.set_active(
        retailer_id=shop_a.pk, rule_uuid=str(one.uuid), active=True, actor=SYSTEM, now=off + timedelta(hours=1)
    )
    buy(ada, 10, 3, closed_at=off + timedelta(hours=1))
    assert stand(ada) == (20, 20)


def test_limits_per_day_follow_the_retailers_calendar(shop_a: Retailer, ada: Member) -> None:
    shop_a.timezone = "America/New_York"
    shop_a.save()
    save(shop_a, outcomes=[points_fixed(5)], limits={"per_user": {"count": 1, "period": "day"}})
    for number, hour in enumerate((5, 12, 23)):
        buy(ada, 1, number, closed_at=NOON.replace(hour=hour))
    assert stand(ada)[0] == 5
    buy(ada, 1, 4, closed_at=NOON.replace(hour=4))
    assert stand(ada)[0] == 10


def test_points_of_one_rule_may_fire_another_but_not_for_ever(shop_a: Retailer, ada: Member) -> None:
    save(shop_a, "Start", outcomes=[{"type": "event", "event": "ping"}])
    save(
        shop_a,
        "Loop",
        trigger="custom_event",
        conditions=[{"metric": "event", "value": ["ping"]}],
        outcomes=[points_fixed(1), {"type": "event", "event": "ping"}],
    )
    found = buy(ada, 1)
    assert "rules_too_deep" in found.notes
    assert stand(ada)[0] == 5


def test_rules_can_tag_and_move_members(shop_a: Retailer, ada: Member, club: TierSystem) -> None:
    save(shop_a, outcomes=[{"type": "tag", "tag": "buyer"}, {"type": "tier_move", "level": "gold"}])
    assert buy(ada, 1).levels == ["club/gold"]
    ada.refresh_from_db()
    assert ada.tags == ["buyer"]
    assert ada.tiers.get().level.key == "gold"


def test_an_offer_that_cannot_be_issued_is_a_note_and_costs_no_limit(shop_a: Retailer, ada: Member) -> None:
    save(shop_a, "Missing", outcomes=[FIVE], limits=ONCE)
    assert len(buy(ada, 1, 1).notes) == 1
    offer(shop_a, "five-dollars")
    buy(ada, 1, 2)
    assert wallet(ada) == 1


@pytest.mark.usefixtures("five_at_200")
def test_a_deposit_counts_as_earned_once_and_brings_what_it_reaches(ada: Member, main: PointAccount) -> None:
    for _ in range(2):
        outcomes.deposit(
            retailer_id=ada.retailer_id, member=ada, account=main, amount=200, reference="x", now=NOON, actor=SYSTEM
        )
    assert (stand(ada), wallet(ada)) == ((200, 200), 1)


def test_who_pays_no_longer_gives_back_and_who_pays_now_earns(shop_a: Retailer, ada: Member) -> None:
    save(shop_a, **PER_DOLLAR)
    bea = person(shop_a, first_name="Bea")
    buy(ada, 40)
    buy(bea, 40, revision=2)
    assert {who.pk for who in outcomes.rewarded(occasion="transaction:a:1")} == {ada.pk, bea.pk}
    void(ada)
    assert (stand(ada)[0], stand(bea)[0]) == (0, 40)
    assert [who.pk for who in outcomes.rewarded(occasion="transaction:a:1")] == [bea.pk]


@pytest.mark.usefixtures("five_at_200")
def test_a_preview_stores_nothing(shop_a: Retailer, ada: Member, main: PointAccount) -> None:
    buy(ada, 150, 1)
    drafts = rules.in_force(retailer_id=shop_a.pk, at=NOON)
    found = outcomes.preview(member=ada, sale=sale(line(6000), occasion="try"), rules=drafts, now=NOON)
    assert (found.points, found.offers) == ({str(main.uuid): 60}, ["five-dollars"])
    assert (stand(ada), wallet(ada)) == ((150, 150), 0)


def together(count: int, work: Callable[[int], object]) -> None:
    def one(number: int) -> None:
        try:
            work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(one, range(count)))


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_sales_crossing_200_together_give_one_offer(shop_a: Retailer) -> None:
    ada, _, _ = person(shop_a), kind(shop_a), offer(shop_a, "five-dollars")
    save(shop_a, "Per dollar", **PER_DOLLAR)
    save(shop_a, "Five", trigger="points_changed", conditions=[REACHES_200], outcomes=[FIVE])
    buy(ada, 150, 100)
    together(6, lambda number: buy(ada, 60, number))
    assert (stand(ada), wallet(ada)) == ((510, 510), 1)
    assert proof.prove().total == 0


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_t61_one_sale_processed_many_times_together_is_rewarded_once(shop_a: Retailer) -> None:
    ada, _ = person(shop_a), kind(shop_a)
    save(shop_a, **PER_DOLLAR)
    together(8, lambda number: buy(ada, 40))
    assert stand(ada) == (40, 40)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_a_budget_is_exact_under_a_rush(shop_a: Retailer) -> None:
    kind(shop_a)
    offer(shop_a, "five-dollars")
    save(shop_a, "Budget", "campaign", budget={"offers": 5}, outcomes=[FIVE])
    people = [person(shop_a) for _ in range(12)]
    together(12, lambda number: buy(people[number], 1, number))
    assert UserOffer.objects.count() == 5
    assert proof.prove().total == 0


def test_members_are_locked_in_order(shop_a: Retailer) -> None:
    people = [person(shop_a) for _ in range(3)]
    assert list(members.lock([one.pk for one in reversed(people)])) == [one.pk for one in people]


def test_an_account_that_is_gone_is_a_note_and_the_rest_is_given(shop_a: Retailer, ada: Member) -> None:
    extra = kind(shop_a, "extra")
    save(shop_a, "Extra", outcomes=[{**points_fixed(5), "account": "extra"}])
    save(shop_a, **PER_DOLLAR)
    extra.delete()
    assert buy(ada, 40).notes == ["argument_error:Extra"]
    assert stand(ada) == (40, 40)


def test_rewarding_an_ordinary_sale_takes_few_statements(
    shop_a: Retailer, ada: Member, django_assert_max_num_queries: Any
) -> None:
    save(shop_a, **PER_DOLLAR)
    buy(ada, 40, 1)
    with django_assert_max_num_queries(13):
        buy(ada, 40, 2)


def test_what_a_sale_led_to_does_not_raise_its_own_revision(shop_a: Retailer, ada: Member, main: PointAccount) -> None:
    save(shop_a, "Per dollar", **PER_DOLLAR)
    save(shop_a, "Tags", trigger="points_changed", outcomes=[{"type": "tag", "tag": "vip"}])
    vip, rich = {"metric": "user_tag", "op": "in", "value": ["vip"]}, {"metric": "balance", "op": ">=", "value": 50}
    for name, condition in (("Vip", vip), ("Rich", {**rich, "account": str(main.uuid)})):
        save(shop_a, name, conditions=[condition], outcomes=[points_fixed(1000)])
    buy(ada, 60)
    assert stand(ada) == (60, 60)
    buy(ada, 50, revision=2)
    assert stand(ada) == (50, 50)
    buy(ada, 1, 2)
    assert stand(ada) == (2051, 2051)


def test_a_budget_of_points_follows_the_revisions_of_a_sale(shop_a: Retailer, ada: Member) -> None:
    save(shop_a, "Fifty", "campaign", budget={"points": 50}, limits=ONCE, outcomes=[points_per()])
    bea = person(shop_a)
    buy(ada, 10)
    assert buy(ada, 500, revision=2).notes == ["limit_reached:Fifty:loyalty.points"]
    assert stand(ada) == (10, 10)
    buy(ada, 45, revision=3)
    assert stand(ada) == (45, 45)
    assert buy(bea, 6, 2).notes == ["limit_reached:Fifty:loyalty.points"]
    buy(ada, 30, revision=4)
    buy(bea, 20, 2, revision=2)
    assert (stand(ada), stand(bea)) == ((30, 30), (20, 20))
    assert buy(ada, 31, revision=5).notes == ["limit_reached:Fifty:loyalty.points"]
    void(ada, revision=6)
    buy(ada, 30, 3)
    assert (stand(ada), stand(bea)) == ((30, 30), (20, 20))
    assert proof.prove().total == 0

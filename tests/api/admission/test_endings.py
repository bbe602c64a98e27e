"""How an admission ends, and only once: by the clock, given up, taken away; and leaving a launch altogether."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from checkout.admission import admissions, claims, distributions, draws, line, queue_log, queue_ticks, queues
from checkout.admission.models import Admission, Distribution, Entry
from offers.ledger.models import Hold
from offers.lib import clock
from offers.lib.actors import SYSTEM
from offers.models import AuditEntry, Retailer
from tests import factories
from tests.api.admission.guests import Guest
from tests.api.client import Answer, ApiClient
from tests.checkout.admission import launch
from tests.checkout.admission.launch import NOW, at

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("line_at_noon")]
SetClock = Callable[[datetime], None]
ORDER = {"order_id": "R-1", "order_amount": "49.00", "currency": "USD"}


class Scene:
    """A queue with one place in the checkout, whom it admitted, and the checkout's server."""

    def __init__(self, shop: Retailer, **fields: Any) -> None:
        self.page = ApiClient({"X-Publishable-Key": factories.credential(shop, "publishable", origins=["*"])[0].key})
        self.server = ApiClient({"Authorization": f"Bearer {factories.credential(shop, 'secret')[1]}"})
        self.queue: Distribution = launch.queue(shop, max_active=1, **fields)
        self.way = f"/admission/v1/queues/{self.queue.uuid}"
        self.guest = Guest(self.page)
        self.token = self.come(self.guest)

    def come(self, guest: Guest) -> str:
        guest.api.post(f"{self.way}/enter", {})
        queue_ticks.tick(distribution=self.queue, now=clock.now())
        found = guest.api.get(f"{self.way}/status")
        return str((found["admission"] or {"token": ""})["token"])

    def do(self, what: str, **more: object) -> Answer:
        return self.server.post(f"/admission/v1/admissions/{what}", {"admission_token": self.token, **more})

    @property
    def states(self) -> tuple[str, str]:
        row = Admission.objects.select_related("entry").earliest("id")
        return row.state, row.entry.state


@pytest.fixture
def scene(shop_a: Retailer) -> Scene:
    return Scene(shop_a)


def code(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["error"]["code"]


@pytest.mark.parametrize("what", ["release", "payment_failed", "claim", "begin_payment", "extend", "complete"])
def test_after_the_end_every_call_says_so_and_the_row_says_expired(
    scene: Scene, set_clock: SetClock, what: str
) -> None:
    body = {"session": "cart-1", **ORDER}
    scene.do("claim", session="cart-1")
    set_clock(at(900))
    assert code(scene.do(what, **body)) == (410, "admission_expired")
    assert scene.states[0] == "CLAIMED"  # nothing was written that is not so
    queue_ticks.tick(distribution=scene.queue, now=at(901))
    assert scene.states == ("EXPIRED", "EXPIRED")
    assert code(scene.do(what, **body)) == (410, "admission_expired")
    assert scene.states == ("EXPIRED", "EXPIRED")


def test_what_has_expired_is_not_revoked(scene: Scene, set_clock: SetClock) -> None:
    set_clock(at(900))
    with pytest.raises(claims.AdmissionExpired):
        claims.revoke(admission_id=Admission.objects.get().pk, actor=SYSTEM, reason="fraud", now=at(900))
    assert not AuditEntry.objects.filter(action="admission.revoke").exists()


@pytest.mark.parametrize(
    ("how", "told", "repeated"),
    [
        ("release", "admission_over", "RELEASED"),
        ("revoke", "admission_over", None),
        ("complete", "admission_already_completed", None),
    ],
)
def test_what_has_ended_stays_so_and_other_calls_are_refused(
    scene: Scene, how: str, told: str, repeated: str | None
) -> None:
    if how == "revoke":
        claims.revoke(admission_id=Admission.objects.get().pk, actor=SYSTEM, reason="fraud", now=NOW)
    else:
        scene.do(how, **ORDER)
    ended = scene.states
    again = scene.do("release")
    assert again["state"] == repeated if repeated else code(again) == (409, told)
    assert code(scene.do("payment_failed")) == (409, told)
    assert code(scene.do("extend")) == (409, told)
    if how != "revoke":
        with pytest.raises((claims.AdmissionOver, claims.AlreadyCompleted)):
            claims.revoke(admission_id=Admission.objects.get().pk, actor=SYSTEM, reason="fraud", now=NOW)
    assert scene.states == ended


def test_a_payment_that_fails_after_the_end_leaves_an_expired_admission(scene: Scene, set_clock: SetClock) -> None:
    scene.do("begin_payment", session="cart-1")
    set_clock(at(950))
    assert scene.do("payment_failed")["state"] == "EXPIRED"
    assert scene.states == ("EXPIRED", "EXPIRED")
    assert not Hold.objects.filter(state=Hold.State.LIVE).exists()
    assert scene.guest.api.get(f"{scene.way}/status")["stage"] == "admission_expired"


def test_a_shopper_gives_nothing_away_while_his_payment_may_succeed(scene: Scene) -> None:
    scene.do("begin_payment", session="cart-1")
    body = {"admission_token": scene.token}
    assert code(scene.guest.api.post("/admission/v1/admissions/release", body)) == (409, "payment_under_way")
    assert code(scene.guest.api.post(f"{scene.way}/leave", {})) == (409, "payment_under_way")
    assert scene.do("complete", **ORDER)["state"] == "COMPLETED"
    other = Scene(factories.retailer())
    other.do("begin_payment", session="cart-1")
    other.do("payment_failed")
    assert other.guest.api.post(f"{other.way}/leave", {})["status"] == "LEFT"


def test_a_decline_of_one_payment_gives_away_nothing_of_another(scene: Scene, set_clock: SetClock) -> None:
    for name in ("pay_1", "pay_2"):
        scene.do("begin_payment", session="cart-1", payment_id=name)
    for _ in range(2):
        assert scene.do("payment_failed", payment_id="pay_1")["state"] == "CLAIMED"
    assert Admission.objects.get().declines == 1
    body = {"admission_token": scene.token}
    assert code(scene.guest.api.post("/admission/v1/admissions/release", body)) == (409, "payment_under_way")
    set_clock(at(950))
    admissions.expire_due(distribution=scene.queue, now=at(950))
    assert scene.do("complete", **ORDER)["state"] == "COMPLETED"


def test_a_payment_announced_again_as_no_answer_came_is_the_same_one(scene: Scene) -> None:
    first, again = (scene.do("begin_payment", session="cart-1") for _ in range(2))
    assert (first.status, first.json) == (again.status, again.json)
    assert scene.do("payment_failed", reason="card_declined")["state"] == "CLAIMED"
    body = {"admission_token": scene.token}
    assert scene.guest.api.post("/admission/v1/admissions/release", body)["state"] == "RELEASED"


@pytest.mark.parametrize("wrong", [5, "", "x" * 256, ["pay_1"], "tab\there", {}, True])
@pytest.mark.parametrize("what", ["begin_payment", "payment_failed"])
def test_a_payment_s_name_is_a_text_of_the_checkout_s(scene: Scene, what: str, wrong: object) -> None:
    answer = scene.do(what, session="cart-1", payment_id=wrong)
    assert (answer.status, answer.json["error"]["code"]) == (400, "invalid_payload")
    assert Admission.objects.get().payment_started_at is None


def test_leaving_gives_the_admission_up_and_the_next_comes_in_at_once(scene: Scene) -> None:
    second = Guest(scene.page)
    assert scene.come(second) == ""
    left = scene.guest.api.post(f"{scene.way}/leave", {})
    assert (left.status, left["status"], left["admission"]) == (200, "LEFT", None)
    assert scene.states == ("RELEASED", "LEFT")
    queue_ticks.tick(distribution=scene.queue, now=NOW)
    assert second.api.get(f"{scene.way}/status")["stage"] == "admitted"
    assert scene.guest.api.post(f"{scene.way}/leave", {})["status"] == "LEFT"


def test_who_ran_out_of_time_may_come_again_before_anybody_wrote_it_down(scene: Scene, set_clock: SetClock) -> None:
    set_clock(at(900))
    assert scene.guest.api.post(f"{scene.way}/enter", {})["stage"] == "participating"
    assert Admission.objects.get().state == "EXPIRED"
    Distribution.objects.update(allow_reentry=False)
    other = Scene(Retailer.objects.get(), allow_reentry=False)
    set_clock(at(1800))
    assert other.guest.api.post(f"{other.way}/enter", {})["stage"] == "admission_expired"


def test_a_payment_keeps_the_place_in_the_checkout_two_minutes_longer(scene: Scene, set_clock: SetClock) -> None:
    second = Guest(scene.page)
    scene.do("begin_payment", session="cart-1")
    for seconds in (899, 900, 1019):
        set_clock(at(seconds))
        assert scene.come(second) == "", seconds
    set_clock(at(1020))
    assert scene.come(second) != ""
    assert code(scene.do("complete", **ORDER)) == (410, "admission_expired")


def test_leaving_the_experience_gives_the_admission_up_too(scene: Scene) -> None:
    experience = scene.queue.sequence.experience
    assert scene.guest.api.delete(f"/admission/v1/experiences/{experience.uuid}/leave").status == 204
    assert scene.states == ("RELEASED", "LEFT")


def test_who_gave_his_admission_up_may_come_again_to_the_back(scene: Scene) -> None:
    second = Guest(scene.page)
    scene.come(second)
    scene.do("release")
    assert scene.guest.api.post(f"{scene.way}/enter", {})["people_ahead"] == 1
    Distribution.objects.update(allow_reentry=False)
    scene.guest.api.post(f"{scene.way}/leave", {})
    assert scene.guest.api.post(f"{scene.way}/enter", {})["stage"] == "participating"  # from the line, always
    queue_ticks.tick(distribution=scene.queue, now=NOW)
    assert second.api.get(f"{scene.way}/status")["stage"] == "admitted"
    second.api.post(f"{scene.way}/leave", {})
    assert second.api.post(f"{scene.way}/enter", {})["stage"] == "active_enterable"  # was in, and that was it


@pytest.mark.parametrize("copied", [False, True])
def test_who_leaves_the_line_is_written_down_at_once(shop_a: Retailer, copied: bool) -> None:
    queue = launch.queue(shop_a, paused=True)
    one, two = launch.consumers(shop_a, 2)
    launch.enter(queue, one, two)
    if copied:
        queue_log.copy(distribution=queue, now=NOW)
    assert queues.leave(distribution=queue, consumer_id=one.pk, now=at(1)).entry is not None
    assert Entry.objects.get(consumer=one).state == "LEFT"
    launch.enter(queue, one, seconds=1)
    launch.tick(queue, seconds=2)  # the log, late: it undoes nothing
    assert {row.consumer_id: (row.number, row.state) for row in Entry.objects.all()} == {
        one.pk: (3, "QUEUED"),
        two.pk: (2, "QUEUED"),
    }
    queues.leave(distribution=queue, consumer_id=one.pk, now=at(3))
    queues.leave(distribution=queue, consumer_id=one.pk, now=at(4))
    launch.tick(queue, seconds=5)
    assert launch.states(queue) == {"LEFT": 1, "QUEUED": 1}


def test_who_left_does_not_come_back_with_a_refilled_line(shop_a: Retailer) -> None:
    queue = launch.queue(shop_a, paused=True)
    one, two = launch.consumers(shop_a, 2)
    launch.enter(queue, one, two)
    queue_log.copy(distribution=queue, now=NOW)
    queues.leave(distribution=queue, consumer_id=one.pk, now=at(1))
    line.forget(queue.uuid.hex)  # before the log was copied
    assert queues.stand(distribution=queue, consumer_id=one.pk, now=at(2), may_tick=False).place is None
    second = queues.stand(distribution=queue, consumer_id=two.pk, now=at(2), may_tick=False).place
    assert second is not None and second.ahead == 0


def test_a_winner_who_leaves_makes_room_in_the_order_drawn(shop_a: Retailer) -> None:
    draw = distributions.create(
        retailer_id=shop_a.pk,
        mechanism="draw",
        fields={"open_at": NOW - timedelta(minutes=1), "close_at": at(10), "draw_at": at(10)},
        actor=SYSTEM,
        now=NOW,
    )
    for person in launch.consumers(shop_a, 2):
        draws.enter(draw=draw, consumer=person, now=NOW)
    draws.run(draw=draw, now=at(10))
    won = Admission.objects.get()
    left = draws.leave(draw=draw, consumer_id=won.consumer_id, now=at(11))
    assert left.entry is not None and left.entry.state == "LEFT"
    draws.work(now=at(12))
    assert Admission.objects.filter(state="ISSUED").exclude(consumer_id=won.consumer_id).count() == 1

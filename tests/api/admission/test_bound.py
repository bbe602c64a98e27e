"""Validate and complete of one distribution, and in the public integration's words; what an admission is not for."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from checkout.admission import auctions, distributions, draws, queue_ticks, tokens
from checkout.admission.models import Admission, Distribution
from offers.lib import clock
from offers.lib.actors import SYSTEM
from offers.models import Retailer
from tests import factories
from tests.api.client import Answer, ApiClient
from tests.checkout.admission import launch
from tests.checkout.admission.launch import NOW, at

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("line_at_noon")]
SetClock = Callable[[datetime], None]
ORDER = {"order_id": "R-1", "order_amount": "49.00", "currency": "USD"}


class Admitted:
    """Somebody whom a distribution of some mechanism has admitted."""

    def __init__(self, shop: Retailer, mechanism: str) -> None:
        self.shop, self.mechanism = shop, mechanism
        self.row: Distribution = distributions.create(
            retailer_id=shop.pk,
            mechanism=mechanism,
            fields={"open_at": NOW - timedelta(minutes=1)},
            actor=SYSTEM,
            now=NOW,
        )
        self.consumer = launch.consumer(shop)
        self.server = ApiClient({"Authorization": f"Bearer {factories.credential(shop, 'secret')[1]}"})
        self.admit()

    def admit(self) -> None:
        now = clock.now()
        if self.mechanism == "queue":
            launch.enter(self.row, self.consumer, seconds=int((now - NOW).total_seconds()))
            queue_ticks.tick(distribution=self.row, now=now)
        elif self.mechanism == "draw":
            draws.enter(draw=self.row, consumer=self.consumer, now=now)
            Distribution.objects.filter(pk=self.row.pk).update(close_at=now)
            self.row.refresh_from_db()
            draws.run(draw=self.row, now=now)
        else:
            auctions.bid(auction=self.row, consumer=self.consumer, amount=1000, now=now)
            auctions.settle(auction=self.row, now=now, actor=SYSTEM)
        self.admission = Admission.objects.filter(distribution=self.row).latest("id")
        self.token = tokens.token_of(self.admission, now=NOW)

    def post(self, what: str, body: dict[str, Any]) -> Answer:
        return self.server.post(f"/admission/v1/{self.mechanism}s/{self.row.uuid}/{what}", body)

    def public(self, **more: object) -> dict[str, Any]:
        return {
            "distribution_id": str(self.row.uuid),
            "distribution_type": self.mechanism,
            "consumer_id": str(self.consumer.uuid),
            "order_id": "R-1",
            "amount": "49.00",
            **more,
        }


def code(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["error"]["code"]


@pytest.mark.parametrize("mechanism", ["queue", "draw", "auction"])
def test_every_mechanism_validates_and_completes_its_own(shop_a: Retailer, mechanism: str) -> None:
    mine, other = Admitted(shop_a, mechanism), Admitted(shop_a, mechanism)
    neutral = mine.server.post("/admission/v1/admissions/validate", {"admission_token": mine.token})
    assert mine.post("validate", {"admission_token": mine.token}).json == neutral.json
    assert neutral["valid"] is True
    told = mine.post("validate", {"admission_token": other.token})
    assert (told.status, told.json) == (200, {"valid": False, "reason": "wrong_distribution"})
    assert mine.post("validate", {"admission_token": "x"}).json == {"valid": False, "reason": "malformed"}
    for named in ({"admission_token": other.token}, {"admission_id": str(other.admission.uuid)}):
        assert code(mine.post("complete", {**named, **ORDER})) == (409, "wrong_distribution")
    done = mine.post("complete", {"admission_token": mine.token, **ORDER})
    assert (done.status, done["state"], done["order_id"]) == (200, "COMPLETED", "R-1")
    assert mine.post("complete", {"admission_id": str(mine.admission.uuid), **ORDER}).json == done.json
    assert mine.post("validate", {"admission_token": mine.token}).json == {"valid": False, "reason": "completed"}
    assert other.admission.state == "ISSUED"


@pytest.mark.parametrize("mechanism", ["queue", "draw", "auction"])
def test_the_public_integrations_words_complete_too(shop_a: Retailer, mechanism: str) -> None:
    scene = Admitted(shop_a, mechanism)
    neutral = "/admission/v1/admissions/complete"
    wrong = {"queue": "draw", "draw": "auction", "auction": "queue"}[mechanism]
    assert code(scene.server.post(neutral, scene.public(distribution_type=wrong))) == (409, "wrong_distribution")
    assert scene.server.post(neutral, scene.public(distribution_id="none")).status == 404
    assert code(scene.server.post(neutral, scene.public(consumer_id="none"))) == (404, "unknown_admission")
    assert scene.server.post(neutral, scene.public(amount=49)).status == 400
    assert scene.server.post(neutral, scene.public(currency="usd")).status == 400
    done = scene.server.post(neutral, scene.public())
    assert (done.status, done["state"], done["order_id"]) == (200, "COMPLETED", "R-1")
    scene.admission.refresh_from_db()
    assert (scene.admission.order_amount, scene.admission.currency) == (4900, "USD")
    assert scene.server.post(neutral, scene.public()).json == done.json
    bound = {"consumer_id": str(scene.consumer.uuid), **ORDER}
    assert scene.post("complete", bound).json == done.json
    assert code(scene.post("complete", {**bound, "order_id": "R-2"})) == (409, "admission_already_completed")


def test_a_timed_release_is_a_queue(shop_a: Retailer) -> None:
    scene = Admitted(shop_a, "queue")
    done = scene.server.post("/admission/v1/admissions/complete", scene.public(distribution_type="timed_release"))
    assert done["state"] == "COMPLETED"


def test_telling_of_an_order_again_never_uses_up_the_next_admission(shop_a: Retailer) -> None:
    scene = Admitted(shop_a, "queue")
    assert scene.post("complete", scene.public())["order_id"] == "R-1"
    first = scene.admission
    scene.admit()
    assert scene.admission != first
    again = scene.post("complete", scene.public())
    assert (again["admission_id"], again["order_id"]) == (str(first.uuid), "R-1")
    scene.admission.refresh_from_db()
    assert scene.admission.state == "ISSUED"
    assert scene.post("complete", scene.public(order_id="R-2"))["admission_id"] == str(scene.admission.uuid)


def test_an_order_is_told_of_though_the_launch_was_withdrawn(shop_a: Retailer) -> None:
    scene = Admitted(shop_a, "queue")
    Distribution.objects.update(published=False)
    assert scene.post("complete", scene.public())["state"] == "COMPLETED"


def test_too_late_is_410(shop_a: Retailer, set_clock: SetClock) -> None:
    scene = Admitted(shop_a, "queue")
    set_clock(at(900))
    assert code(scene.post("complete", scene.public())) == (410, "admission_expired")


def test_a_claim_for_something_else_is_refused_and_binds_nothing(shop_a: Retailer) -> None:
    scene, other = Admitted(shop_a, "queue"), Admitted(shop_a, "draw")
    Admission.objects.filter(pk=scene.admission.pk).update(sku="Sneaker")

    def claim(**more: object) -> Answer:
        body = {"admission_token": scene.token, "session": "cart-1", **more}
        return scene.server.post("/admission/v1/admissions/claim", body)

    assert code(claim(distribution_id=str(other.row.uuid))) == (409, "wrong_distribution")
    assert code(claim(distribution_type="auction")) == (409, "wrong_distribution")
    assert code(claim(consumer_id=str(other.consumer.uuid))) == (409, "wrong_consumer")
    assert code(claim(sku="Watch")) == (409, "sku_not_admitted")
    assert Admission.objects.get(pk=scene.admission.pk).state == "ISSUED"
    right = {"distribution_id": str(scene.row.uuid).upper(), "consumer_id": str(scene.consumer.uuid), "sku": "Sneaker"}
    assert claim(**right)["state"] == "CLAIMED"


def test_only_a_servers_key_may_and_only_in_its_own_launches(shop_a: Retailer, shop_b: Retailer) -> None:
    mine, foreign = Admitted(shop_a, "queue"), Admitted(shop_b, "queue")
    page = ApiClient({"X-Publishable-Key": factories.credential(shop_a, "publishable", origins=["*"])[0].key})
    for what in ("validate", "complete"):
        address = f"/admission/v1/queues/{mine.row.uuid}/{what}"
        assert page.post(address, {"admission_token": mine.token, **ORDER}).status == 401
        assert foreign.server.post(address, {"admission_token": mine.token, **ORDER}).status == 404
        assert mine.server.post(f"/admission/v1/draws/{mine.row.uuid}/{what}", {}).status == 404
        assert mine.post(what, {}).status == 400

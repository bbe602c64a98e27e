"""/draws/*: what is drawn and what is published of it, entering, withdrawing, one's own status, and running it."""

from typing import Any

from django.http import HttpRequest
from django.urls import path

from checkout.admission import distributions, draws, journeys, queues, tokens
from checkout.admission.models import Consumer, Distribution
from checkout.api.admission.access import AdmissionView
from checkout.api.admission.schema import CONSUMER, PAGE, SERVER


class DrawView(AdmissionView):
    def draw(self, ident: str) -> Distribution:
        return distributions.find(retailer_id=self.retailer_id, uuid=ident, mechanism=Distribution.Mechanism.DRAW)

    def answer(self, standing: queues.Standing, consumer: Consumer) -> dict[str, Any]:
        return journeys.document(standing, consumer=consumer, now=self.now, token_of=tokens.token_of)

    def shape(self, row: Distribution) -> dict[str, Any]:
        return {
            "id": str(row.uuid),
            "experience_id": str(row.sequence.experience.uuid),
            "mechanism": row.mechanism,
            "name": row.sequence.experience.name,
            "state": distributions.state_of(row, self.now),
            "open_at": row.open_at,
            "close_at": row.close_at,
            "draw_at": row.draw_at,
            "capacity": row.capacity,
            "admission_ttl_seconds": row.admission_ttl_seconds,
            "server_time": self.now,
            **draws.published(row),
        }


class Draw(DrawView):
    """What a draw is: its commitment always; seed, frozen list and winners after the run, for anyone to recompute."""

    who = {"GET": PAGE}

    def get(self, request: HttpRequest, ident: str) -> Any:
        return self.shape(self.draw(ident))


class Enter(DrawView):
    """Take part: once, however often one asks; answers the status document."""

    who = {"POST": CONSUMER}

    def post(self, request: HttpRequest, ident: str) -> Any:
        self.read_object()
        standing = draws.enter(draw=self.draw(ident), consumer=self.consumer, now=self.now)
        return self.answer(standing, self.consumer)


class Leave(DrawView):
    """Withdraw, until the draw closes."""

    who = {"POST": CONSUMER}

    def post(self, request: HttpRequest, ident: str) -> Any:
        self.read_object()
        standing = draws.leave(draw=self.draw(ident), consumer_id=self.consumer.pk, now=self.now)
        return self.answer(standing, self.consumer)


class Status(DrawView):
    """One's own status document; the token stands in it once one has won."""

    who = {"GET": CONSUMER}

    def get(self, request: HttpRequest, ident: str) -> Any:
        draw = self.draw(ident)
        standing = draws.stand(draw=draw, consumer_id=self.consumer.pk, now=self.now)
        return self.answer(standing, self.consumer)


class Run(DrawView):
    """Draw now, after it has closed; a second time it is the same result."""

    who = {"POST": SERVER}

    def post(self, request: HttpRequest, ident: str) -> Any:
        self.read_object()
        draw = self.draw(ident)
        draws.run(draw=draw, now=self.now, actor=self.actor)
        return self.shape(draw)


urlpatterns = [
    path("draws/<ident>", Draw.as_view()),
    path("draws/<ident>/enter", Enter.as_view()),
    path("draws/<ident>/leave", Leave.as_view()),
    path("draws/<ident>/status", Status.as_view()),
    path("draws/<ident>/run", Run.as_view()),
]

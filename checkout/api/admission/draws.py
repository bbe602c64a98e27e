"""/draws/*: what is drawn and what is published of it, entering, withdrawing, one's own status, and running it."""

from typing import Any

from django.http import HttpRequest
from django.urls import path

from checkout.admission import draws, journeys
from checkout.admission.models import Distribution
from checkout.api.admission.mechanisms import BoundComplete, BoundValidate, MechanismView
from checkout.api.admission.schema import CONSUMER, PAGE, SERVER
from checkout.api.common import entrance, shopper_limits


class DrawView(MechanismView):
    mechanism = Distribution.Mechanism.DRAW

    def shape(self, row: Distribution) -> dict[str, Any]:
        return {
            **self.facts(row),
            "draw_at": row.draw_at,
            "capacity": row.capacity,
            "admission_ttl_seconds": row.admission_ttl_seconds,
            **draws.published(row),
        }


class Draw(DrawView):
    """What a draw is: its commitment always; seed, frozen list and winners after the run, for anyone to recompute."""

    who = {"GET": PAGE}

    def get(self, request: HttpRequest, ident: str) -> Any:
        return self.shape(self.named(ident))


class Enter(DrawView):
    """Take part: once, however often one asks; answers the status document.

    `access_code` in the body where the launch asks for one: without it the stage is needs_access_code.
    """

    who = {"POST": CONSUMER}

    def post(self, request: HttpRequest, ident: str) -> Any:
        body = self.read_object()
        draw = self.named(ident)
        shopper_limits.entry(request, self.consumer.pk)
        if gate := self.gate(draw, body):
            return journeys.before_gate(gate, now=self.now)
        entrance.check(request, draw, self.consumer, proof=body.get("challenge"), now=self.now)
        standing = draws.enter(draw=draw, consumer=self.consumer, now=self.now)
        return self.answer(standing, self.consumer)


class Leave(DrawView):
    """Withdraw, until the draw closes."""

    who = {"POST": CONSUMER}

    def post(self, request: HttpRequest, ident: str) -> Any:
        self.read_object()
        standing = draws.leave(draw=self.named(ident), consumer_id=self.consumer.pk, now=self.now)
        return self.answer(standing, self.consumer)


class Status(DrawView):
    """One's own status document; the token stands in it once one has won."""

    who = {"GET": CONSUMER}

    def get(self, request: HttpRequest, ident: str) -> Any:
        draw = self.named(ident)
        standing = draws.stand(draw=draw, consumer_id=self.consumer.pk, now=self.now)
        return self.polled(standing, self.consumer)


class Run(DrawView):
    """Draw now, after it has closed; a second time it is the same result."""

    who = {"POST": SERVER}

    def post(self, request: HttpRequest, ident: str) -> Any:
        self.read_object()
        draw = self.named(ident)
        draws.run(draw=draw, now=self.now, actor=self.actor)
        return self.shape(draw)


class Validate(BoundValidate):
    mechanism = Distribution.Mechanism.DRAW


class Complete(BoundComplete):
    mechanism = Distribution.Mechanism.DRAW


urlpatterns = [
    path("draws/<ident>", Draw.as_view()),
    path("draws/<ident>/enter", Enter.as_view()),
    path("draws/<ident>/leave", Leave.as_view()),
    path("draws/<ident>/status", Status.as_view()),
    path("draws/<ident>/run", Run.as_view()),
    path("draws/<ident>/validate", Validate.as_view()),
    path("draws/<ident>/complete", Complete.as_view()),
]

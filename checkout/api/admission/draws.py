"""/draws/*: what is drawn and what is published of it, entering, withdrawing, one's own status, and running it."""

from typing import Any

from django.http import HttpRequest
from django.urls import path

from checkout.admission import draws, journeys
from checkout.admission.models import Distribution
from checkout.api.admission.mechanisms import BoundComplete, BoundValidate, MechanismView
from checkout.api.admission.schema import CONSUMER, PAGE, SERVER
from checkout.api.common import entrance, shopper_limits
from offers.lib.errors import InvalidPayload

PART_MOST, OFFSET_MOST = 10_000, 10_000_000
PARTS: list[dict[str, Any]] = [
    {
        "name": name,
        "in": "query",
        "schema": {"type": "integer", "minimum": 0, "maximum": most},
        "description": about,
    }
    for name, most, about in (
        ("limit", PART_MOST, "So many of each list, and their lengths as `…_total`; without it the lists are whole."),
        ("offset", OFFSET_MOST, "From this place on, with a `limit`."),
    )
]


class DrawView(MechanismView):
    mechanism = Distribution.Mechanism.DRAW

    def shape(self, row: Distribution) -> dict[str, Any]:
        """Return a draw: whole, or where `limit` is asked for a part of its lists (`offset` on) and their lengths."""
        most, first = self.whole_number("limit", PART_MOST), self.whole_number("offset", OFFSET_MOST)
        return {
            **self.facts(row),
            "draw_at": row.draw_at,
            "capacity": row.capacity,
            "admission_ttl_seconds": row.admission_ttl_seconds,
            **draws.published(row, first=first or 0, most=most),
        }

    def whole_number(self, name: str, most: int) -> int | None:
        """Return a number of the address; None without one."""
        text = self.request.GET.get(name)
        if text is None:
            return None
        if not (text.isascii() and text.isdecimal() and len(text) <= 8 and int(text) <= most):
            raise InvalidPayload(f"{name} should be a whole number from 0 to {most}", field=name)
        return int(text)


class Draw(DrawView):
    """What a draw is: its commitment always; seed, frozen list and winners after the run, for anyone to recompute.

    `?limit=` (0 to 10,000) and `?offset=` ask for a part of each list, with `entries_total`, `winners_total` and
    `alternates_admitted_total`; without a limit the lists are whole.
    """

    who = {"GET": PAGE}
    parameters = PARTS

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
    """Draw now, after it has closed; a second time it is the same result, whole or a part as asked for."""

    who = {"POST": SERVER}
    parameters = PARTS

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

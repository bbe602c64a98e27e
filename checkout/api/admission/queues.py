"""/queues/*: entering, leaving, one's own status, what is the same for all, and what servers may do."""

import threading
import time
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path

from checkout.admission import consumers, distributions, journeys, queue_overrides, queue_pace, queues
from checkout.admission.models import Distribution
from checkout.api.admission.access import AdmissionView
from checkout.api.admission.mechanisms import BoundComplete, BoundValidate, MechanismView
from checkout.api.admission.schema import CONSUMER, PAGE, PUBLIC, SERVER
from checkout.api.common import entrance, render, shopper_limits
from offers.lib.errors import InvalidPayload, NotFound

TICKET = "HTTP_X_WAITING_TICKET"
KEPT_NS = 1_000_000_000
KEPT_MOST = 1000
# queue -> (until, the serving document): one for all who wait, made at most once a second per process
_kept: dict[str, tuple[int, bytes]] = {}
_making = threading.Lock()


class QueueView(MechanismView):
    mechanism = Distribution.Mechanism.QUEUE

    def consumer_named(self) -> tuple[dict[str, Any], str]:
        body = self.read_object()
        named = body.get("consumer_id")
        if not isinstance(named, str):
            raise InvalidPayload("consumer_id should be a text", field="consumer_id")
        return body, named

    def reason_in(self, body: dict[str, Any]) -> str:
        reason = body.get("reason") or ""
        if not isinstance(reason, str):
            raise InvalidPayload("reason should be a text", field="reason")
        return reason


class Queue(QueueView):
    """What a queue is and which state it is in."""

    who = {"GET": PAGE}

    def get(self, request: HttpRequest, ident: str) -> Any:
        row = self.named(ident)
        return {
            **self.facts(row),
            "paused": row.paused,
            "enterable_from": distributions.enterable_from(row),
            "time_zone": row.time_zone,
            "max_capacity": row.max_capacity,
            "admission_ttl_seconds": row.admission_ttl_seconds,
        }


class Enter(QueueView):
    """Join the line: the same place as often as one asks; answers the status document.

    `access_code` in the body where the launch asks for one: without it the stage is needs_access_code.
    """

    who = {"POST": CONSUMER}

    def post(self, request: HttpRequest, ident: str) -> Any:
        body = self.read_object()
        queue = self.named(ident)
        shopper_limits.entry(request, self.consumer.pk)
        if gate := self.gate(queue, body):
            return journeys.before_gate(gate, now=self.now)
        entrance.check(request, queue, self.consumer, proof=body.get("challenge"), now=self.now)
        standing = queues.enter(
            distribution=queue, consumer=self.consumer, now=self.now, ticket=ticket_in(request, body)
        )
        return self.answer(standing, self.consumer)


class Leave(QueueView):
    """Give the place up, in line or in the checkout."""

    who = {"POST": CONSUMER}

    def post(self, request: HttpRequest, ident: str) -> Any:
        queue = self.named(ident)
        return self.answer(queues.leave(distribution=queue, consumer_id=self.consumer.pk, now=self.now), self.consumer)


class Status(QueueView):
    """One's own status document; the token stands in it once one is admitted."""

    who = {"GET": CONSUMER}

    def get(self, request: HttpRequest, ident: str) -> Any:
        queue = self.named(ident)
        standing = queues.stand(
            distribution=queue, consumer_id=self.consumer.pk, now=self.now, ticket=ticket_in(request, {})
        )
        return self.polled(standing, self.consumer)


class Serving(AdmissionView):
    """What is the same for all who wait, kept for a second: poll this far back, and your own status near the front."""

    who = {"GET": PUBLIC}

    def get(self, request: HttpRequest, ident: str) -> HttpResponse:
        name = distributions.as_uuid(ident)
        until, text = _kept.get(name, (0, b""))
        if time.monotonic_ns() >= until:
            with _making:
                text = self.make(name, ident)
        response = HttpResponse(text, content_type="application/json")
        response["Cache-Control"] = "public, max-age=1"
        return response

    def make(self, name: str, ident: str) -> bytes:
        until, text = _kept.get(name, (0, b""))
        if time.monotonic_ns() < until:
            return text
        queue = Distribution.objects.filter(uuid=name, published=True, mechanism=Distribution.Mechanism.QUEUE).first()
        if queue is None:
            raise NotFound("queue", ident)
        text = render.dumps(queue_pace.serving(distribution=queue, now=self.now))
        if len(_kept) >= KEPT_MOST:
            _kept.clear()
        _kept[name] = (time.monotonic_ns() + KEPT_NS, text)
        return text


class Admit(QueueView):
    """Admit a consumer out of turn; a `reason` is kept in the audit trail."""

    who = {"POST": SERVER}

    def post(self, request: HttpRequest, ident: str) -> Any:
        body, named = self.consumer_named()
        reason, queue = self.reason_in(body), self.named(ident)
        standing = queue_overrides.admit(
            distribution=queue, consumer_uuid=named, reason=reason, actor=self.actor, now=self.now
        )
        return self.answer(standing, consumers.find(retailer_id=self.retailer_id, uuid=named))


class Deny(QueueView):
    """Take a consumer out for good, with a reason he is told."""

    who = {"POST": SERVER}

    def post(self, request: HttpRequest, ident: str) -> Any:
        body, named = self.consumer_named()
        reason, queue = self.reason_in(body), self.named(ident)
        standing = queue_overrides.deny(
            distribution=queue, consumer_uuid=named, reason=reason, actor=self.actor, now=self.now
        )
        return self.answer(standing, consumers.find(retailer_id=self.retailer_id, uuid=named))


def ticket_in(request: HttpRequest, body: dict[str, Any]) -> str | None:
    """Return the signed waiting ticket that a returning client brings along."""
    found = body.get("waiting_ticket") or request.META.get(TICKET)
    return found if isinstance(found, str) else None


class Validate(BoundValidate):
    mechanism = Distribution.Mechanism.QUEUE


class Complete(BoundComplete):
    mechanism = Distribution.Mechanism.QUEUE


urlpatterns = [
    path("queues/<ident>", Queue.as_view()),
    path("queues/<ident>/enter", Enter.as_view()),
    path("queues/<ident>/leave", Leave.as_view()),
    path("queues/<ident>/status", Status.as_view()),
    path("queues/<ident>/serving", Serving.as_view()),
    path("queues/<ident>/admit", Admit.as_view()),
    path("queues/<ident>/deny", Deny.as_view()),
    path("queues/<ident>/validate", Validate.as_view()),
    path("queues/<ident>/complete", Complete.as_view()),
]

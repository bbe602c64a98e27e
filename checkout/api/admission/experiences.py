"""/experiences/*: what a launch is, entering and leaving it, and one's journey through it."""

from typing import Any

from django.http import HttpRequest
from django.urls import path

from checkout.admission import distributions, journeys, routing, tokens
from checkout.api.admission.access import AdmissionView
from checkout.api.admission.queues import ticket_in
from checkout.api.admission.schema import CONSUMER, PAGE
from checkout.api.common import entrance, shopper_limits
from offers.lib.errors import InvalidPayload


class Detail(AdmissionView):
    """What a launch is, and its ways in."""

    who = {"GET": PAGE}

    def get(self, request: HttpRequest, ident: str) -> Any:
        row = routing.find(retailer_id=self.retailer_id, uuid=ident)
        return {
            "id": str(row.uuid),
            "name": row.name,
            "description": row.description,
            "image_url": row.image_url,
            "when_unknown": row.when_unknown,
            "server_time": self.now,
            "sequences": [
                {
                    "name": one.sequence.name,
                    "kind": one.sequence.kind,
                    "needs_access_code": bool(one.sequence.access_code),
                    "distribution": {"type": one.mechanism, "id": str(one.uuid)},
                    "state": distributions.state_of(one, self.now),
                    "open_at": one.open_at,
                    "close_at": one.close_at,
                }
                for one in routing.paths(row)
            ],
        }


class Enter(AdmissionView):
    """Take the first way in that is open to the consumer, with an access code if there is one."""

    who = {"POST": CONSUMER}

    def post(self, request: HttpRequest, ident: str) -> Any:
        body = self.read_object()
        code = body.get("access_code") or ""
        if not isinstance(code, str):
            raise InvalidPayload("access_code should be a text", field="access_code")
        experience = routing.find(retailer_id=self.retailer_id, uuid=ident)
        shopper_limits.entry(request, self.consumer.pk)
        return journeys.enter(
            experience=experience,
            consumer=self.consumer,
            now=self.now,
            token_of=tokens.token_of,
            access_code=code,
            ticket=ticket_in(request, body),
            entrance=lambda distribution: entrance.check(
                request, distribution, self.consumer, proof=body.get("challenge"), now=self.now
            ),
        )


class Leave(AdmissionView):
    """Give up the place in the launch's queue."""

    who = {"DELETE": CONSUMER, "POST": CONSUMER}

    def delete(self, request: HttpRequest, ident: str) -> None:
        experience = routing.find(retailer_id=self.retailer_id, uuid=ident)
        journeys.leave(experience=experience, consumer=self.consumer, now=self.now)

    def post(self, request: HttpRequest, ident: str) -> None:
        """The same for navigator.sendBeacon, which can only post."""
        self.delete(request, ident)


class Journey(AdmissionView):
    """The consumer's status document in this launch."""

    who = {"GET": CONSUMER}

    def get(self, request: HttpRequest, ident: str) -> Any:
        found = journeys.journey(
            experience=routing.find(retailer_id=self.retailer_id, uuid=ident),
            consumer=self.consumer,
            now=self.now,
            token_of=tokens.token_of,
            ticket=ticket_in(request, {}),
        )
        shopper_limits.poll(request, self.consumer.pk, found)
        return found


urlpatterns = [
    path("experiences/<ident>", Detail.as_view()),
    path("experiences/<ident>/enter", Enter.as_view()),
    path("experiences/<ident>/leave", Leave.as_view()),
    path("experiences/<ident>/journey", Journey.as_view()),
]

"""What the addresses of queues, draws and auctions share: finding one, what all of them tell, the status document."""

from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpRequest

from checkout.admission import distributions, journeys, standings, tokens
from checkout.admission.models import Consumer, Distribution
from checkout.api.admission.access import AdmissionView
from checkout.api.admission.admissions import TokenView
from checkout.api.common import shopper_limits
from offers.lib.errors import InvalidPayload


class MechanismView(AdmissionView):
    """Base of the addresses of one mechanism."""

    mechanism: ClassVar[Distribution.Mechanism]

    def named(self, ident: str) -> Distribution:
        """Return the retailer's distribution of this mechanism. Refuses not_found."""
        return distributions.find(retailer_id=self.retailer_id, uuid=ident, mechanism=self.mechanism)

    def answer(self, standing: standings.Standing, consumer: Consumer) -> dict[str, Any]:
        """Return a consumer's status document."""
        return journeys.document(standing, consumer=consumer, now=self.now, token_of=tokens.token_of)

    def polled(self, standing: standings.Standing, consumer: Consumer) -> dict[str, Any]:
        """Return a consumer's status document, unless he asks for the same one too often."""
        found = self.answer(standing, consumer)
        shopper_limits.poll(self.request, consumer.pk, found)
        return found

    def gate(self, row: Distribution, body: dict[str, Any]) -> str:
        """Return what the consumer lacks to come in, by the access code in the body; "" is nothing."""
        code = body.get("access_code") or ""
        if not isinstance(code, str):
            raise InvalidPayload("access_code should be a text", field="access_code")
        return journeys.gate(distribution=row, consumer=self.consumer, access_code=code, now=self.now)

    def challenge(self) -> dict[str, str]:
        """Return what a page needs to make the proof that goes into `challenge` of the entry."""
        return {"provider": settings.CHALLENGE_PROVIDER, "site_key": settings.CHALLENGE_SITE_KEY}

    def facts(self, row: Distribution) -> dict[str, Any]:
        """Return what everybody may know of a distribution, whatever its mechanism."""
        return {
            "id": str(row.uuid),
            "experience_id": str(row.sequence.experience.uuid),
            "mechanism": row.mechanism,
            "name": row.sequence.experience.name,
            "state": distributions.state_of(row, self.now),
            "open_at": row.open_at,
            "close_at": row.close_at,
            "challenge": self.challenge() if row.require_challenge else None,
            "server_time": self.now,
        }


class BoundView(TokenView):
    """Base of what a checkout's server asks and tells of an admission in one distribution, published or not."""

    mechanism: ClassVar[Distribution.Mechanism]

    def bound(self, ident: str) -> Distribution:
        """Return the retailer's distribution of this mechanism. Refuses not_found."""
        return distributions.find(retailer_id=self.retailer_id, uuid=ident, mechanism=self.mechanism, drafts=True)


class BoundValidate(BoundView):
    def take_permit(self, request: HttpRequest) -> None:
        """As for /admissions/validate: one token is looked at so often only."""

    def post(self, request: HttpRequest, ident: str) -> Any:
        """Ask whether an admission holds here: always 200, wrong_distribution where it is for another."""
        return self.validated(self.bound(ident))


class BoundComplete(BoundView):
    def post(self, request: HttpRequest, ident: str) -> Any:
        """Use an admission of this distribution up for an order: by its token, its id, or by `consumer_id`."""
        return self.completed(self.bound(ident))

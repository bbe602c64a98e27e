"""Consumers: made as guests, known again by signed tokens until they log out."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core import signing

from checkout.admission import distributions
from checkout.admission.models import Consumer
from offers.lib.errors import NotFound, Refusal

ACCESS, REFRESH = "offerkeep.consumer.access", "offerkeep.consumer.refresh"
ACCESS_TTL, REFRESH_TTL = timedelta(hours=12), timedelta(days=30)
LONGEST = 512


class InvalidConsumer(Refusal):
    """The consumer's token is missing, wrong or out of date."""

    code = "invalid_consumer"


@dataclass(frozen=True, slots=True)
class Session:
    """A consumer and the tokens he is known by."""

    consumer: Consumer
    access_token: str
    refresh_token: str
    expires_at: datetime


def guest(*, retailer_id: int, now: datetime, device_hash: str = "") -> Session:
    """Make a guest and return his tokens."""
    made = Consumer.objects.create(retailer_id=retailer_id, created_at=now, device_hash=device_hash[:64])
    return _session(made, now)


def refresh(*, retailer_id: int, token: str, now: datetime) -> Session:
    """Return new tokens for a refresh token. Refuses invalid_consumer."""
    return _session(_read(token, REFRESH, REFRESH_TTL, retailer_id, now), now)


def logout(*, consumer: Consumer, now: datetime) -> None:
    """End all of the consumer's tokens; his places and admissions stay his, out of reach."""
    Consumer.objects.filter(pk=consumer.pk).update(logged_out_at=now)


def known(*, retailer_id: int, token: str, now: datetime) -> Consumer:
    """Return the consumer of an access token. Refuses invalid_consumer, another retailer's as well."""
    return _read(token, ACCESS, ACCESS_TTL, retailer_id, now)


def _session(consumer: Consumer, now: datetime) -> Session:
    written = [consumer.pk, int(now.timestamp() * 1000)]
    return Session(
        consumer, signing.dumps(written, salt=ACCESS), signing.dumps(written, salt=REFRESH), now + ACCESS_TTL
    )


def _read(token: str, salt: str, ttl: timedelta, retailer_id: int, now: datetime) -> Consumer:
    if not token or len(token) > LONGEST:
        raise InvalidConsumer()
    try:
        found: Any = signing.loads(token, salt=salt)
    except signing.BadSignature:
        raise InvalidConsumer() from None
    written_at = datetime.fromtimestamp(found[1] // 1000, UTC) + timedelta(milliseconds=found[1] % 1000)
    consumer = Consumer.objects.filter(pk=found[0], retailer_id=retailer_id).first()
    if consumer is None or now >= written_at + ttl:
        raise InvalidConsumer()
    if consumer.logged_out_at is not None and written_at <= consumer.logged_out_at:
        raise InvalidConsumer()
    return consumer


def find(*, retailer_id: int, uuid: str) -> Consumer:
    """Return a consumer of the retailer by his public id. Refuses not_found."""
    found = Consumer.objects.filter(retailer_id=retailer_id, uuid=distributions.as_uuid(uuid)).first()
    if found is None:
        raise NotFound("consumer", uuid)
    return found

"""Reads where a call of the offer dialect belongs: the retailer with its settings, and the store it came from."""

from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from django.db import connection

from offers import retailer_settings
from offers.lib.actors import Actor

_READ = """
SELECT v.number, r.uuid, r.timezone, r.currency, r.settings, s.id, s.uuid, s.timezone, s.tags, s.prices_include_tax
FROM offers_retailer r JOIN offers_retailerversion v ON v.retailer_id = r.id
LEFT JOIN offers_store s ON s.retailer_id = r.id AND s.uuid = %s AND s.active
WHERE r.id = %s
"""


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """The store a call came from; `timezone` is its own or else its retailer's."""

    id: int
    uuid: UUID
    timezone: str
    tags: tuple[str, ...]
    prices_include_tax: bool


@dataclass(frozen=True, slots=True)
class Shop:
    """The retailer of a call at `version` of its configuration."""

    retailer_id: int
    uuid: UUID
    version: int
    timezone: str
    currency: str
    settings: retailer_settings.Settings
    store: StoreFacts | None

    @property
    def zone(self) -> ZoneInfo:
        """Return the zone in which a time without one is meant: the store's, else the retailer's."""
        return ZoneInfo(self.store.timezone if self.store else self.timezone)


@dataclass(frozen=True, slots=True)
class Till:
    """Who asks from where."""

    shop: Shop
    store: StoreFacts
    actor: Actor


def read(*, retailer_id: int, store: UUID | None = None) -> Shop:
    """Return the retailer and, if it is one of its own that are in use, the store (1 query)."""
    with connection.cursor() as cursor:
        cursor.execute(_READ, [store, retailer_id])
        version, uuid, zone, currency, settings, store_id, store_uuid, store_zone, tags, tax = cursor.fetchone()
    return Shop(
        retailer_id=retailer_id,
        uuid=uuid,
        version=version,
        timezone=zone,
        currency=currency,
        settings=retailer_settings.of(orjson.loads(settings) if isinstance(settings, str) else settings),
        store=None
        if store_id is None
        else StoreFacts(
            id=store_id, uuid=store_uuid, timezone=store_zone or zone, tags=tuple(tags), prices_include_tax=tax
        ),
    )

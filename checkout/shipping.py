"""What the shop asks for shipping an order: one price for each order, in the minor units of the shop's currency."""

from datetime import datetime

from django.db import transaction

from offers import audit
from offers.lib import money
from offers.lib.actors import Actor
from offers.lib.errors import InvalidPayload
from offers.models import Retailer

SETTING = "shipping"
MOST = 10**9
# What it costs where the shop has not said: 4.90, in round figures of currencies whose units are smaller.
USUAL = {
    "CHF": 690,
    "CZK": 9900,
    "DKK": 3900,
    "GBP": 390,
    "JPY": 600,
    "KRW": 6000,
    "NOK": 4900,
    "PLN": 1490,
    "SEK": 4900,
}
_BY_PLACES = {0: 500, 2: 490, 3: 1900}


def price_of(retailer: Retailer) -> int:
    """Return what shipping costs in this shop, before a code makes it free."""
    own = retailer.settings.get(SETTING)
    if isinstance(own, int) and not isinstance(own, bool) and 0 <= own <= MOST:
        return own
    return USUAL.get(retailer.currency, _BY_PLACES[money.exponent(retailer.currency)])


def set_price(*, retailer_id: int, amount: int, actor: Actor, now: datetime) -> None:
    """Say what shipping costs; 0 is free for everybody. Refuses invalid_payload below 0."""
    if not 0 <= amount <= MOST:
        raise InvalidPayload(f"amount should be from 0 to {MOST}, in minor units", field="amount")
    with transaction.atomic():
        row = Retailer.objects.select_for_update(no_key=True).get(pk=retailer_id)
        before = row.settings.get(SETTING)
        row.settings = {**row.settings, SETTING: amount}
        row.save(update_fields=["settings"])
        audit.record(
            retailer_id=retailer_id,
            actor=actor,
            action="retailer.shipping",
            object_type="retailer",
            object_id=row.public_id,
            now=now,
            before={SETTING: before},
            after={SETTING: amount},
        )

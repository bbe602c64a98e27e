"""When a wallet entry is valid: calendar arithmetic of validity units, and the dates an offer gives at issue."""

import calendar
from datetime import UTC, datetime, timedelta

from offers.models import Offer

# Longest validity per unit: about a thousand years, so that no sum leaves the calendar.
LONGEST = {
    Offer.Unit.MINUTES.value: 525_600_000,
    Offer.Unit.HOURS.value: 8_760_000,
    Offer.Unit.DAYS.value: 365_000,
    Offer.Unit.WEEKS.value: 52_000,
    Offer.Unit.MONTHS.value: 12_000,
    Offer.Unit.YEARS.value: 1_000,
}
_MONTHS = {Offer.Unit.MONTHS.value: 1, Offer.Unit.YEARS.value: 12}


def later(moment: datetime, period: int, unit: str) -> datetime:
    """Return the moment `period` units later; months and years keep the day, or end with a shorter month."""
    if unit not in _MONTHS:
        return moment + timedelta(**{unit: period})
    months = moment.year * 12 + moment.month - 1 + period * _MONTHS[unit]
    year, month = months // 12, months % 12 + 1
    return moment.replace(year=year, month=month, day=min(moment.day, calendar.monthrange(year, month)[1]))


def end_of_entry(offer: Offer, starts_at: datetime) -> datetime | None:
    """Return when an entry that starts then ends: after its validity, and with the offer unless it outlives that."""
    if offer.does_not_expire:
        return None
    end = later(starts_at.astimezone(UTC), offer.validity_period, offer.validity_unit)
    if offer.acquisition_end_at is not None and not offer.valid_after_end_date:
        return min(end, offer.acquisition_end_at)
    return end

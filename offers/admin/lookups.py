"""Finds what staff type in: codes, customers and orders by indexes only, whichever retailer they belong to."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from offers.models import Campaign, Customer, Retailer, Voucher

MOST_MATCHES = 200
# How far the order of ids and that of moments may differ: a request takes its moment before its row gets its id.
SLACK = timedelta(minutes=10)
# Halves the range of ids until it is one; each step is one look into the primary key.
_HALVE = """
WITH RECURSIVE step(low, high) AS (
    SELECT coalesce(min(id), 0), coalesce(max(id), 0) + 1 FROM {table}
    UNION ALL
    SELECT CASE WHEN before THEN middle + 1 ELSE low END, CASE WHEN before THEN high ELSE middle END
    FROM (SELECT low, high, (low + high) / 2 AS middle,
                 coalesce((SELECT {field} < %s FROM {table} WHERE id >= (low + high) / 2 ORDER BY id LIMIT 1), false)
                 AS before
          FROM step WHERE low < high) halved
)
SELECT low FROM step WHERE low >= high
"""


def first_id(model: type[Any], field: str, moment: datetime) -> int:
    """Return an id before which no row is as late as the moment, for tables whose ids grow with time.

    So days of long ago are found along the primary key instead of through everything newer.
    """
    with connection.cursor() as cursor:
        cursor.execute(_HALVE.format(table=model._meta.db_table, field=field), [moment])
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def retailer_ids() -> list[int]:
    """Return all retailers: with them named, the unique indexes (retailer, code) and (retailer, source id) serve."""
    return list(Retailer.objects.values_list("pk", flat=True))


def voucher_ids(code: str) -> list[int]:
    """Return the vouchers with exactly this code."""
    found = Voucher.objects.filter(retailer_id__in=retailer_ids(), code__in=spellings(code))
    return list(found.values_list("pk", flat=True)[:MOST_MATCHES])


def spellings(code: str) -> Sequence[str]:
    """Return a code as typed and, because codes are read out over the phone, in capitals."""
    return list(dict.fromkeys([code.strip(), code.strip().upper()]))


def vouchers_like(found: QuerySet[Voucher], text: str) -> QuerySet[Voucher]:
    """Narrow vouchers to a public id, an exact code or the beginning of one."""
    if text.startswith("v_"):
        return found.filter(Q(public_id=text) | Q(code__startswith=text))
    begins = Q()
    for spelling in spellings(text):
        begins |= Q(code__startswith=spelling)
    return found.filter(begins)


def called(found: QuerySet[Any], text: str, prefix: str) -> QuerySet[Any]:
    """Narrow rows to a public id, which begins with the prefix, or to names that hold the text."""
    return found.filter(public_id=text) if text.startswith(prefix) else found.filter(name__icontains=text)


def customer_ids(text: str) -> list[int]:
    """Return the customers with this public id, source id or e-mail address."""
    text = text.strip()
    if text.startswith("cust_"):
        return list(Customer.objects.filter(public_id=text).values_list("pk", flat=True))
    retailers = retailer_ids()
    by_source = Customer.objects.filter(retailer_id__in=retailers, source_id=text).values_list("pk", flat=True)
    by_email = Customer.objects.filter(retailer_id__in=retailers, email=text).values_list("pk", flat=True)
    return list(dict.fromkeys([*by_source[:MOST_MATCHES], *by_email[:MOST_MATCHES]]))


def campaign_ids(text: str) -> list[int]:
    """Return the campaigns with this public id, or whose name holds this text: there are never many campaigns."""
    text = text.strip()
    if text.startswith("camp_"):
        return list(Campaign.objects.filter(public_id=text).values_list("pk", flat=True))
    return list(Campaign.objects.filter(name__icontains=text).values_list("pk", flat=True)[:MOST_MATCHES])

"""Finds what staff type in: codes, customers and orders by indexes only, whichever retailer they belong to."""

from collections.abc import Sequence

from django.db.models import Q, QuerySet

from offers.models import Campaign, Customer, Retailer, Voucher

MOST_MATCHES = 200


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

"""Reads redemption history: the rows a shop or staff asks for, with everything shown around them, in few statements."""

from collections.abc import Iterable, Sequence

from django.db.models import Q, QuerySet

from checkout.models import Redemption
from offers.lib.errors import NotFound
from offers.models import Campaign, Customer, Voucher

RELATED = (
    "voucher__campaign",
    "voucher__category",
    "voucher__holder",
    "tier__campaign__category",
    "tier__category",
    "campaign",
    "customer",
    "order__customer",
    "parent",
)


def find(*, retailer_id: int, public_id: str) -> Redemption:
    """Return a redemption or rollback, succeeded or failed. Refuses `not_found`."""
    row = complete(Redemption.objects.filter(retailer_id=retailer_id, public_id=public_id)).first()
    if row is None:
        raise NotFound("redemption", public_id)
    return row


def search(
    *, retailer_id: int, succeeded: bool | None = None, campaign: str | None = None, customer: str | None = None
) -> QuerySet[Redemption]:
    """Return a retailer's redemptions and rollbacks. Unknown campaigns and customers match nothing.

    Both are looked up first: their redemptions then are found along an index.
    """
    rows = Redemption.objects.filter(retailer_id=retailer_id)
    if succeeded is not None:
        rows = rows.filter(succeeded=succeeded)
    if campaign is not None:
        named = Campaign.objects.filter(Q(public_id=campaign) | Q(name=campaign), retailer_id=retailer_id)
        rows = rows.filter(campaign_id__in=list(named.values_list("pk", flat=True)))
    if customer is not None:
        known = Customer.objects.filter(Q(public_id=customer) | Q(source_id=customer), retailer_id=retailer_id)
        rows = rows.filter(customer_id__in=list(known.values_list("pk", flat=True)))
    return rows


def of_voucher(*, retailer_id: int, code: str) -> tuple[Voucher, QuerySet[Redemption]]:
    """Return a voucher (by code or v_ id) and its history, newest first. Refuses `not_found`."""
    vouchers = Voucher.objects.filter(retailer_id=retailer_id, deleted_at__isnull=True)
    voucher = vouchers.filter(code=code).first() or vouchers.filter(public_id=code).first()
    if voucher is None:
        raise NotFound("voucher", code)
    return voucher, Redemption.objects.filter(voucher_id=voucher.pk).order_by("-id")


def complete(rows: QuerySet[Redemption]) -> QuerySet[Redemption]:
    """Load with every row what is shown around it."""
    return rows.select_related(*RELATED, "rolls_back").prefetch_related("rollbacks")


def vouchers_of(rows: Iterable[Redemption]) -> Sequence[int]:
    """Return the keys of the vouchers in these rows."""
    return sorted({row.voucher_id for row in rows if row.voucher_id is not None})

"""Points that had expired when their purchase was returned: gone already, so the return does not take them again.

A lot notes how much of it expired, and how much of that was forgiven when it was returned. When a return is undone,
what was forgiven is expired still. Callers own the account.
"""

from collections.abc import Callable, Iterable

from django.db.models import Q

from loyalty.models import MemberAccount, PointLot


def forgive(account: MemberAccount, *, lot: str, family: str, amount: int) -> int:
    """Return how many of `amount` points that are taken back need not be, and note it on their lots.

    They are those of the lot, and of all whose references begin with `family`; what is left of them is taken first.
    """
    named = Q(reference=lot) | (Q(reference__startswith=family) if family else Q(reference=lot))
    lots = list(account.lots.filter(named).order_by("pk"))
    wanted = max(0, amount - sum(one.left for one in lots))
    return wanted - _change(lots, wanted, lambda one: one.expired - one.forgiven, 1)


def expire_again(account: MemberAccount, *, family: str, amount: int) -> int:
    """Return how many of `amount` points that are given again had expired before they were returned."""
    lots = list(account.lots.filter(reference__startswith=family, forgiven__gt=0).order_by("pk"))
    return amount - _change(lots, amount, lambda one: one.forgiven, -1)


def _change(lots: Iterable[PointLot], wanted: int, most: Callable[[PointLot], int], sign: int) -> int:
    """Change what is forgiven of lots, of each as much as can be; return how much could not be."""
    for one in lots:
        if part := min(wanted, most(one)):
            one.forgiven += sign * part
            one.save(update_fields=["forgiven"])
            wanted -= part
    return wanted

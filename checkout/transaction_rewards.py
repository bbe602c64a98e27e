"""Hands a sale to the loyalty rules: for each member who paid, as much as he paid, and back from who no longer does."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from checkout import item_facts
from checkout.models import Revision, Transaction
from checkout.transaction_rows import Head, Row
from checkout.transaction_shape import Sale
from loyalty import earning, outcomes
from loyalty.members import Person
from loyalty.models import Member
from loyalty.runs import Result
from offers.lib.actors import SYSTEM

Payers = Sequence[tuple[Person, int]]


def occasion(head: Transaction | Head) -> str:
    """Return what names a purchase over all its revisions."""
    return f"transaction:{head.store.uuid}:{head.transaction_id}"


def give(
    row: Row,
    sale: Sale,
    *,
    payers: Payers,
    unnamed: int,
    earlier: Sequence[Member],
    amounts: Mapping[UUID, int],
    items: Mapping[str, item_facts.ItemFacts],
    now: datetime,
) -> dict[str, Any]:
    """Reward every payer for his part of the sale, take back from `earlier` ones who are none any more.

    Idempotent: what stands already is not given again, a newer revision books the difference. Returns what is told.
    """
    found = told([])
    head = row.transaction
    paying: set[int] = set()
    parts = [] if sale.is_voided else zip(payers, shares(payers, unnamed), strict=True)
    for (member, _), share in parts:
        paying.add(member.pk)
        facts = as_rules_see_it(row, sale, amounts=amounts, items=items, share=share)
        _note(found, outcomes.reward(retailer_id=head.retailer_id, sale=facts, member=member, now=now, actor=SYSTEM))
    for former in earlier:
        if former.pk not in paying:
            facts = as_rules_see_it(row, sale, amounts=amounts, items=items)
            _note(
                found,
                outcomes.take_back(retailer_id=head.retailer_id, sale=facts, member=former, now=now, actor=SYSTEM),
            )
    return found


def shares(payers: Payers, unnamed: int) -> list[tuple[int, int]]:
    """Return the part of a sale each payer earns for: what he paid of what was paid in all, as a fraction.

    `unnamed` is what nobody, or nobody we know, paid: it earns for nobody. Where no payer paid anything, as in a
    return, they share the sale alike.
    """
    amounts = [max(amount, 0) for _, amount in payers]
    named = sum(amounts)
    whole = named + max(unnamed, 0)
    return [(amount, whole) for amount in amounts] if named else [(1, len(payers))] * len(payers)


def told(results: Sequence[Result]) -> dict[str, Any]:
    """Return what is told of rewards together."""
    found: dict[str, Any] = {"points": {}, "offers_issued": [], "offers_revoked": [], "levels": [], "notes": []}
    for one in results:
        _note(found, one)
    return found


def as_rules_see_it(
    row: Revision | Row,
    sale: Sale,
    *,
    amounts: Mapping[UUID, int],
    items: Mapping[str, item_facts.ItemFacts],
    share: tuple[int, int] = (1, 1),
) -> earning.Sale:
    """Return a revision as the rules judge it: net of tax, discounts as they were booked, items as the catalogue has
    them."""
    head = row.transaction
    return earning.Sale(
        occasion=occasion(head),
        revision=row.number,
        closed_at=head.first_closed_at or row.modified_at,
        modified_at=row.modified_at,
        store=str(head.store.uuid),
        timezone=head.store.timezone or head.retailer.timezone,
        currency=head.retailer.currency,
        channel=sale.channel,
        subtotal=sale.subtotal,
        lines=tuple(_lines(sale, items, taxed=head.store.prices_include_tax)),
        discounts=tuple(
            earning.SaleDiscount(
                amount=amounts.get(one.reference, one.amount) if one.reference else one.amount, line_ids=one.line_ids
            )
            for one in sale.discounts
        ),
        tenders=frozenset(one.type for one in sale.payments if one.type),
        promo_codes=frozenset(one.code for one in sale.discounts if one.code),
        share=share,
    )


def _lines(sale: Sale, items: Mapping[str, item_facts.ItemFacts], *, taxed: bool) -> list[earning.SaleLine]:
    found = []
    for line in sale.lines:
        facts = items.get(line.item_id, item_facts.UNKNOWN)
        found.append(
            earning.SaleLine(
                line_id=line.line_id,
                item_id=line.item_id,
                quantity=line.quantity,
                subtotal=line.subtotal - line.tax_included if taxed else line.subtotal,
                modifies=line.modifies or "",
                category=facts.category,
                brand=facts.brand,
                tags=facts.tags,
            )
        )
    return found


def _note(found: dict[str, Any], one: Result) -> None:
    if one.skipped:
        found["points"] = one.skipped
    elif isinstance(found["points"], dict):
        for account, amount in one.points.items():
            found["points"][account] = found["points"].get(account, 0) + amount
    for name, values in (
        ("offers_issued", one.offers),
        ("offers_revoked", one.revoked),
        ("levels", one.levels),
        ("notes", one.notes),
    ):
        found[name] += values


def earlier_payers(head: Head) -> list[Member]:
    """Return the members for whom earlier revisions count."""
    return outcomes.rewarded(occasion=occasion(head))

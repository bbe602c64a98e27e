"""What the page of an offer says of it: its figures, its text, its terms, its revisions."""

from typing import Any

from django.db.models import Count
from django.utils.html import format_html

from offers import offer_limits, offer_templates
from offers.admin import show
from offers.admin.offer_values import MONEY, item_lines
from offers.admin.office import (
    now,
)
from offers.admin.page import Block, Facts, Figure, Table
from offers.ledger import counters
from offers.models import Offer, UserOffer


def figures(row: Offer, revisions: list[Offer]) -> list[Figure]:
    counted = UserOffer.objects.filter(offer__root=row.root).values_list("status").annotate(n=Count("pk"))
    found = dict(counted)
    root = str(row.uuid)
    return [
        Figure(label="Given out", value=show.count(sum(found.values())), url=show.list_of(UserOffer, offer=root)),
        Figure(label="Used", value=show.count(found.get(UserOffer.Status.REDEEMED, 0))),
        Figure(label="Taken away", value=show.count(found.get(UserOffer.Status.REVOKED, 0))),
        *left(row),
        Figure(label="Revisions", value=str(len(revisions))),
    ]


def left(row: Offer) -> list[Figure]:
    """Return how many are left to give, where their number is limited."""
    most = offer_limits.inventory_of(row)
    if most is None:
        return []
    name = offer_limits.inventory_name(offer_templates.root_pk(row))
    state = counters.state(name, now=now())
    free = most if state is None or state.available is None else state.available
    percent = show.share(most - free, most)
    tone = "" if free else "bad"
    return [Figure(label="Left to give", value=show.count(free), note=f"of {most:,}", percent=percent, tone=tone)]


def previews(row: Offer) -> list[Block]:
    """Return what the customer sees, one card per culture."""
    cells = [
        [
            show.mono(text["culture"]),
            format_html("<b>{}</b><div>{}</div>", text["title"], text["description"] or ""),
            text["terms"] or show.NOTHING,
        ]
        for text in row.texts
    ]
    return [
        Table(
            title="What the customer sees",
            headers=["Language", "Offer", "Terms"],
            rows=cells,
            empty="It has no text yet; it needs one before it can be published.",
        )
    ]


def terms(row: Offer) -> Facts:
    currency, zone = row.retailer.currency, row.retailer.timezone
    known: dict[str, str] = {"Offer id": show.mono(str(row.uuid)), "Short name": row.key or ""}
    for name, value in row.discount_config.items():
        words = name.replace("_", " ").capitalize()
        if name in MONEY:
            known[words] = show.amount(value, currency)
        elif isinstance(value, list):
            known[words] = item_lines(value) or "any"
        else:
            known[words] = f"{value}%" if name == "percent" else show.plain(value)
    known |= {
        "Given out from": show.moment(row.acquisition_start_at, zone, "at once"),
        "Given out until": show.moment(row.acquisition_end_at, zone, "no end"),
        "Can be used for": "ever" if row.does_not_expire else f"{row.validity_period} {row.validity_unit}",
        "After its end": "can still be used" if row.valid_after_end_date else "can no longer be used",
        "Sold for": f"{row.points_cost or 0:,} points" if row.reward_store else "",
        "With other offers": "can be combined" if row.stackable else "stands alone",
        "Limits": restrictions(row.use_restrictions, currency),
        "Purchases": restrictions(row.purchase_restrictions, currency),
        "Items": restrictions(row.catalog_restrictions, currency),
        "Stores": restrictions(row.location_restrictions, currency),
        "Retailer": row.retailer.name,
        "Created": show.moment(row.created_at, zone),
    }
    return Facts(title="Terms", facts=[(name, value) for name, value in known.items() if value])


def restrictions(lines: list[dict[str, Any]], currency: str) -> str:
    """Say what a list of restrictions asks for, a line each."""
    said = []
    for line in lines:
        kind = line.get("kind") or line.get("mode") or ""
        rest = {name: value for name, value in line.items() if name not in ("kind", "mode") and value not in ("", [])}
        if "amount" in rest:
            rest["amount"] = show.amount(rest["amount"], currency)
        said.append(f"{kind.replace('_', ' ').capitalize()}: {show.plain(rest)}" if rest else kind.replace("_", " "))
    return show.lines(said) if said else ""


def history(row: Offer, revisions: list[Offer]) -> Table:
    zone = row.retailer.timezone
    return Table(
        title="Revisions",
        headers=["Revision", "Offer", "Made", "Replaced", "Id"],
        rows=[
            [
                str(number) + (" (this one)" if one.pk == row.pk else ""),
                show.to_page(one),
                show.moment(one.created_at, zone),
                show.moment(one.frozen_at, zone, "in force"),
                show.mono(str(one.uuid)),
            ]
            for number, one in enumerate(revisions, 1)
        ],
    )

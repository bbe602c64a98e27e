"""Product collections: named sets of products and variants, kept by their public ids."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction

from offers import audit
from offers.lib import lookups
from offers.lib.actors import Actor
from offers.lib.errors import NotFound, Refusal
from offers.models import Product, ProductCollection, Sku


class UnknownProduct(Refusal):
    """The catalogue has no such product or variant."""

    code = "unknown_product"


class CollectionChanged(Refusal):
    """Somebody else changed this collection while you were editing. Open it again to see its newest state."""

    code = "changed_meanwhile"


def version(collection: ProductCollection) -> str:
    """Return what tells two states of a collection apart."""
    said = "\n".join([collection.name, *map(str, collection.products)])
    return hashlib.sha256(said.encode()).hexdigest()[:32]


def create(*, retailer_id: int, name: str, idents: Iterable[str], actor: Actor, now: datetime) -> ProductCollection:
    """Make a collection of what the ids name, ours or the shop's. Refuses `unknown_product`."""
    made = ProductCollection(retailer_id=retailer_id, name=name, products=_found(retailer_id, idents))
    with transaction.atomic():
        made.save(force_insert=True)
        _record(made, "collection.create", actor, now, after=_state(made))
    return made


def update(
    *, retailer_id: int, ident: str, name: str, idents: Iterable[str], seen: str, actor: Actor, now: datetime
) -> ProductCollection:
    """Change a collection from the version the caller saw.

    Refuses `not_found`, `unknown_product`, `changed_meanwhile`.
    """
    with transaction.atomic():
        row = _locked(retailer_id, ident)
        if version(row) != seen:
            raise CollectionChanged
        before = _state(row)
        row.name, row.products = name, _found(retailer_id, idents)
        row.save(update_fields=["name", "products"])
        old, new = audit.changes(before, _state(row))
        if new:
            _record(row, "collection.update", actor, now, before=old, after=new)
    return row


def delete(*, retailer_id: int, ident: str, actor: Actor, now: datetime) -> None:
    """Delete a collection; rules that name it cover nothing by it. Refuses `not_found`."""
    with transaction.atomic():
        row = _locked(retailer_id, ident)
        _record(row, "collection.delete", actor, now, before=_state(row))
        row.delete()


def _locked(retailer_id: int, ident: str) -> ProductCollection:
    rows = ProductCollection.objects.filter(retailer_id=retailer_id).select_for_update()
    row = lookups.by_ident(rows, ident, other="public_id")
    if row is None:
        raise NotFound("products_collection", ident)
    return row


def _found(retailer_id: int, idents: Iterable[str]) -> list[str]:
    wanted = list(dict.fromkeys(ident.strip() for ident in idents if ident.strip()))
    known: dict[str, str] = {}
    for model in (Sku, Product):
        rows: Any = model._default_manager.filter(retailer_id=retailer_id)
        for public_id in rows.filter(public_id__in=wanted).values_list("public_id", flat=True):
            known[public_id] = public_id
        for source_id, public_id in rows.filter(source_id__in=wanted).values_list("source_id", "public_id"):
            known[source_id] = public_id
    for ident in wanted:
        if ident not in known:
            raise UnknownProduct(f"Nothing in the catalogue is called {ident[:100]}", field="products")
    return list(dict.fromkeys(known[ident] for ident in wanted))


def _state(row: ProductCollection) -> dict[str, Any]:
    return {"name": row.name, "products": row.products}


def _record(row: ProductCollection, action: str, actor: Actor, now: datetime, **values: Any) -> None:
    audit.record(
        retailer_id=row.retailer_id,
        actor=actor,
        action=action,
        object_type="products_collection",
        object_id=row.public_id,
        now=now,
        **values,
    )

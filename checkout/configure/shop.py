"""Carries out what a document says of the shop itself: the retailer, its credentials, stores and items."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db.models import Q

from checkout.configure.scene import ACTOR, BadDocument, Scene, need, text
from offers import catalogue, clients, retailers, stores
from offers.lib.errors import Duplicate, NotFound
from offers.models import Client, Retailer

COLUMNS = ("timezone", "currency")  # settings to a reader, columns to us
RETAILER = {"id", "name", "settings"}
LONGEST_NAME = 180  # what a suffix leaves
TILL_SCOPES = ("loyalty", "offers.manage", "offers.read", "pos")


def retailer(entry: dict[str, Any], now: datetime) -> Retailer:
    """Return the retailer with this id, its settings changed, or a new one.

    The one with this id keeps its name; that of a new one gets a suffix where it is taken, because test environments
    are set up many times over. Refuses `bad_document`, also for what it does not know: a setting that stands outside
    `settings` would not count.
    """
    if unknown := sorted(entry.keys() - RETAILER):
        raise BadDocument(f"{unknown[0]} is not known here: id, name and settings are", field=unknown[0])
    settings: dict[str, Any] = dict(need(entry, "settings", dict, default={}))
    fields: Any = {name: text(settings, name) for name in COLUMNS if settings.get(name) is not None}
    fields["settings"] = {name: value for name, value in settings.items() if name not in COLUMNS and value is not None}
    ident = text(entry, "id", default=None)
    if ident is not None:
        found = _find(ident)
        return retailers.update(retailer_id=found.pk, fields=fields, actor=ACTOR, now=now) if settings else found
    fields["name"] = name = text(entry, "name")
    if not 0 < len(name.strip()) <= LONGEST_NAME:
        raise BadDocument(f"A name has 1 to {LONGEST_NAME} characters", field="name")
    try:
        return retailers.create(fields=fields, actor=ACTOR, now=now)
    except Duplicate:
        fields["name"] = f"{name} {uuid4().hex[:12]}"
        return retailers.create(fields=fields, actor=ACTOR, now=now)


def _find(ident: str) -> Retailer:
    try:
        wanted = Q(uuid=UUID(ident))
    except ValueError:
        wanted = Q(public_id=ident)
    found = Retailer.objects.filter(wanted).first()
    if found is None:
        raise NotFound("retailer", ident)
    return found


def client(scene: Scene, entry: dict[str, Any]) -> None:
    """Issue a Basic credential, not limited in its rate unless asked for."""
    row, secret = clients.create(
        retailer_id=scene.retailer.pk,
        kind=Client.Kind.BASIC,
        name=text(entry, "name", default=text(entry, "ref", default="configure")),
        scopes=need(entry, "scopes", list, default=TILL_SCOPES),
        rate_limited=need(entry, "rate_limited", bool, default=False),
        actor=ACTOR,
        now=scene.now,
    )
    scene.keep("clients", entry, row, {"client_id": row.key, "client_secret": secret})


def store(scene: Scene, entry: dict[str, Any]) -> None:
    """Open a store."""
    fields: Any = {name: value for name, value in entry.items() if name != "ref" and value is not None}
    row = stores.create(retailer_id=scene.retailer.pk, fields=fields, actor=ACTOR, now=scene.now)
    scene.keep("stores", entry, row, str(row.uuid))


def item(scene: Scene, entry: dict[str, Any]) -> None:
    """Put an item, its category, brand and tags into the catalogue."""
    known = {name: entry[name] for name in ("category", "brand", "tags") if entry.get(name) is not None}
    fields: catalogue.ProductFields = {"metadata": known}
    if entry.get("name") is not None:
        fields["name"] = text(entry, "name")
    if entry.get("price") is not None:
        fields["price"] = need(entry, "price", int)
    catalogue.upsert_product(
        retailer_id=scene.retailer.pk, source_id=text(entry, "item_id"), fields=fields, actor=ACTOR, now=scene.now
    )

"""Carries out what a document says of loyalty: point accounts and tier systems."""

from typing import Any

from checkout.configure.scene import ACTOR, Scene, entries, need, text
from loyalty import accounts, tier_systems
from loyalty.models import PointAccount


def account(scene: Scene, entry: dict[str, Any]) -> None:
    """Open a point account."""
    fields: Any = {name: text(entry, name) for name in ("name", "grouping_label", "expiry") if entry.get(name)}
    fields.setdefault("name", text(entry, "ref", default=""))
    for name in ("spendable", "default", "allow_negative"):
        if entry.get(name) is not None:
            fields[name] = need(entry, name, bool)
    if entry.get("expiry_days") is not None:
        fields["expiry_days"] = need(entry, "expiry_days", int)
    row: PointAccount = accounts.create(retailer_id=scene.retailer.pk, fields=fields, actor=ACTOR, now=scene.now)
    scene.keep("accounts", entry, row, str(row.uuid))


def tier_system(scene: Scene, entry: dict[str, Any]) -> None:
    """Make a tier system with its levels; their refs become their keys."""
    ref = text(entry, "ref")
    levels = [{**level, "key": text(level, "ref")} for level in entries(entry, "levels")]
    for level in levels:
        level.pop("ref")
    row = tier_systems.create(
        retailer_id=scene.retailer.pk,
        key=ref,
        name=text(entry, "name", default=ref),
        levels=levels,
        demotion=text(entry, "demotion", default="none"),
        review_months=need(entry, "review_months", int, default=12),
        actor=ACTOR,
        now=scene.now,
    )
    scene.keep("tier_systems", entry, row, str(row.uuid))

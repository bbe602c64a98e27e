"""Carries out what a document says of loyalty: point accounts, tier systems and members."""

from typing import Any

from checkout.configure.scene import ACTOR, BadDocument, Scene, entries, need, text
from loyalty import accounts, members, tier_systems
from loyalty.models import PointAccount

LONGEST_TAG = 60


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


def member(scene: Scene, entry: dict[str, Any]) -> None:
    """Make a member, in the levels the document names."""
    outside = [(text(each, "type", most=40), text(each, "id")) for each in entries(entry, "external_ids")]
    tags = need(entry, "tags", list, default=[])
    if not all(isinstance(tag, str) and 0 < len(tag) <= LONGEST_TAG for tag in tags):
        raise BadDocument(f"Tags are texts of 1 to {LONGEST_TAG} characters", field="tags")
    row = members.create(
        retailer_id=scene.retailer.pk,
        first_name=text(entry, "first_name", default="", most=120),
        last_name=text(entry, "last_name", default="", most=120),
        email=text(entry, "email", default=""),
        phone=text(entry, "phone", default="", most=60),
        tags=tags,
        external_ids=outside,
        actor=ACTOR,
        now=scene.now,
    )
    for system, level in need(entry, "tiers", dict, default={}).items():
        tier_systems.place(member=row, system_key=system, level_key=str(level), actor=ACTOR, now=scene.now)
    scene.keep("members", entry, row, members.shown_id(row))

"""Carries out what a document says of loyalty: point accounts, tier systems, members and rules."""

import copy
from typing import Any
from uuid import UUID

from checkout.configure.scene import ACTOR, BadDocument, Scene, entries, moment, need, text
from loyalty import accounts, members, rules, tier_systems, tiers
from loyalty.models import PointAccount, Rule
from offers.lib.errors import NotFound

LONGEST_TAG = 60
# Of a rule, what is no part of what it says.
OUTSIDE = {"ref", "id", "name", "scope", "active", "in_force_from"}


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
        found = tiers.level(retailer_id=scene.retailer.pk, named=f"{system}/{level}")
        if found is None:
            raise NotFound("tier_level", f"{system}/{level}")
        tiers.move(member=row, level=found, actor=ACTOR, now=scene.now)
    scene.keep("members", entry, row, members.shown_id(row))


def rule(scene: Scene, entry: dict[str, Any]) -> None:
    """Save a rule, or with an id a further version of one.

    A version without outcomes changes only what it names, so that switching off takes one line.
    """
    old = _rule(scene, text(entry, "id")) if entry.get("id") is not None else None
    says = copy.deepcopy({key: value for key, value in entry.items() if key not in OUTSIDE})
    if old is not None and "outcomes" not in entry:
        says = {**old.versions.order_by("-number")[:1].get().definition, **says}
    for part in [*entries(says, "conditions"), *entries(says, "outcomes")]:
        ref = part.get("account")
        if isinstance(ref, str) and ref in scene.rows.get("accounts", {}):
            part["account"] = str(scene.row("accounts", ref).uuid)
    row = rules.save(
        retailer_id=scene.retailer.pk,
        name=text(entry, "name", default=old.name if old else ...),
        scope=text(entry, "scope", default=old.scope if old else ...),
        definition=says,
        rule_uuid=str(old.uuid) if old else None,
        active=need(entry, "active", bool, default=old.active if old else True),
        in_force_from=moment(entry, "in_force_from"),
        actor=ACTOR,
        now=scene.now,
    )
    scene.keep("rules", entry, row, str(row.uuid))


def _rule(scene: Scene, ident: str) -> Rule:
    try:
        return Rule.objects.get(retailer=scene.retailer, uuid=UUID(ident))
    except (ValueError, Rule.DoesNotExist):
        raise NotFound("rule", ident) from None

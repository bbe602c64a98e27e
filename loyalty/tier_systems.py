"""Tier systems as staff set them up: a programme with its ordered levels, made and changed whole, with an audit row."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from loyalty.models import MemberTier, RuleVersion, TierLevel, TierSystem
from loyalty.tiers import METRICS
from offers import audit
from offers.lib.actors import Actor
from offers.lib.errors import Duplicate, InvalidPayload, NotFound, Refusal

MOST_SYSTEMS = 5
MOST_RANK = 1000
LONGEST_NAME = 120
OPERATORS = (">=", ">", "<=", "<", "==", "!=")
PARTS = ("entry", "maintenance")
_KEY = re.compile(r"[A-Za-z0-9_-]{1,60}")


class LevelInUse(Refusal):
    """Members hold this level, or rules name it: it cannot go."""

    code = "level_in_use"


class TierSystemChanged(Refusal):
    """Somebody else changed this while you were editing. Open it again to see the newest state."""

    code = "changed_meanwhile"


def create(
    *,
    retailer_id: int,
    key: str,
    name: str,
    levels: Sequence[Mapping[str, Any]],
    actor: Actor,
    now: datetime,
    demotion: str = TierSystem.Demotion.NONE,
    review_months: int = 12,
) -> TierSystem:
    """Make a programme; a level is {key, name, rank[, entry][, maintenance]}.

    Refuses `invalid_payload`: keys, ranks, conditions, more than five programmes; `duplicate_found` for a key in use.
    """
    if TierSystem.objects.filter(retailer_id=retailer_id).count() >= MOST_SYSTEMS:
        raise InvalidPayload(f"A retailer has at most {MOST_SYSTEMS} tier systems")
    _check(key, name, demotion, review_months)
    rows = _levels(levels)
    system = TierSystem(retailer_id=retailer_id, key=key, name=name, demotion=demotion, review_months=review_months)
    try:
        with transaction.atomic():
            system.save(force_insert=True)
            for row in rows:
                row.system = system
            TierLevel.objects.bulk_create(rows)
            after = {"key": key, "name": name, "levels": [dict(level) for level in levels]}
            _note(system, "tier_system.create", actor, now, None, after, "")
    except IntegrityError as error:
        raise Duplicate("There is a tier system of this key", field="key") from error
    return system


@transaction.atomic
def update(
    *,
    retailer_id: int,
    uuid: str,
    name: str,
    levels: Sequence[Mapping[str, Any]],
    demotion: str,
    review_months: int,
    active: bool,
    seen: str,
    actor: Actor,
    now: datetime,
    reason: str = "",
) -> TierSystem:
    """Change a programme, as a whole, from the `version` the caller saw. A level is known by its key.

    Members keep their levels: they rise by the new conditions at their next purchase, and fall at a review only.
    Refuses `not_found`, `changed_meanwhile`, `invalid_payload`, `level_in_use` for a level that would go.
    """
    found = TierSystem.objects.select_for_update().filter(retailer_id=retailer_id, uuid=uuid).first()
    if found is None:
        raise NotFound("tier_system", uuid)
    if version(found) != seen:
        raise TierSystemChanged
    _check(found.key, name, demotion, review_months)
    wanted, before = {row.key: row for row in _levels(levels)}, facts(found)
    kept = {row.key: row for row in found.levels.select_for_update().order_by("pk")}
    gone = [row for key, row in kept.items() if key not in wanted]
    _refuse_in_use(found, gone)
    TierLevel.objects.filter(pk__in=[row.pk for row in gone]).delete()
    found.levels.update(rank=F("rank") + MOST_RANK + 1)  # out of the way: two levels may change places
    for key, row in wanted.items():
        row.system = found
        row.pk = kept[key].pk if key in kept else None
        row.save()
    found.name, found.demotion, found.review_months, found.active = name, demotion, review_months, active
    found.save(update_fields=["name", "demotion", "review_months", "active"])
    old, new = audit.changes(before, facts(found))
    if new:
        _note(found, "tier_system.update", actor, now, old, new, reason)
    return found


def facts(system: TierSystem) -> dict[str, Any]:
    """Return all that a programme says, its levels from the lowest to the highest."""
    levels = [
        {"key": row.key, "name": row.name, "rank": row.rank, "entry": row.entry, "maintenance": row.maintenance}
        for row in system.levels.order_by("rank")
    ]
    names = ("key", "name", "demotion", "review_months", "active")
    return {**{name: getattr(system, name) for name in names}, "levels": levels}


def version(system: TierSystem) -> str:
    """Return what tells two states of a programme apart."""
    return hashlib.sha256(json.dumps(facts(system), sort_keys=True).encode()).hexdigest()[:32]


def _check(key: str, name: str, demotion: str, review_months: int) -> None:
    if demotion not in TierSystem.Demotion.values or not 1 <= review_months <= 120:
        raise InvalidPayload(
            f"demotion is one of {', '.join(TierSystem.Demotion.values)}; a review is due in 1..120 months"
        )
    _named(key, name)


def _refuse_in_use(system: TierSystem, gone: Sequence[TierLevel]) -> None:
    """Refuse to let a level go that somebody holds, or that a rule in force asks for or leads to."""
    if not gone:
        return
    held = MemberTier.objects.filter(level__in=gone).select_related("level").first()
    if held is not None:
        raise LevelInUse(f"Members hold {held.level.name}: it cannot go.", level=held.level.key)
    newest = RuleVersion.objects.filter(rule__retailer_id=system.retailer_id, rule__active=True)
    for one in newest.select_related("rule").order_by("rule_id", "-number").distinct("rule_id"):
        for level in gone:
            if one.definition.get("tier_system") in (None, "", system.key) and _names(one.definition, level.key):
                raise LevelInUse(f"The rule {one.rule.name} names {level.name}: it cannot go.", level=level.key)


def _names(definition: Mapping[str, Any], key: str) -> bool:
    asked = [*(definition.get("levels") or []), *((definition.get("audience") or {}).get("levels") or [])]
    given = [outcome.get("level") for outcome in definition.get("outcomes") or []]
    return key in [str(one).rpartition("/")[2] for one in [*asked, *given]]


def _levels(levels: Sequence[Mapping[str, Any]]) -> list[TierLevel]:
    rows = [_level(level) for level in levels]
    if not rows or len({row.key for row in rows}) < len(rows) or len({row.rank for row in rows}) < len(rows):
        raise InvalidPayload("A tier system has levels, each with a key and a rank of its own", field="levels")
    return rows


def _level(level: Mapping[str, Any]) -> TierLevel:
    key, name = _named(level.get("key"), level.get("name"))
    rank = level.get("rank")
    if not isinstance(rank, int) or isinstance(rank, bool) or not 0 <= rank <= MOST_RANK:
        raise InvalidPayload(f"A level has a rank from 0 to {MOST_RANK}", field="rank")
    return TierLevel(key=key, name=name, rank=rank, **{part: _condition(level.get(part)) for part in PARTS})


def _named(key: object, name: object) -> tuple[str, str]:
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        raise InvalidPayload("Keys have 1 to 60 letters, digits, - or _", field="key")
    if not isinstance(name, str) or not 0 < len(name.strip()) <= LONGEST_NAME:
        raise InvalidPayload(f"Names have 1 to {LONGEST_NAME} characters", field="name")
    return key, name


def _condition(condition: object) -> dict[str, Any] | None:
    """Return the condition of a level, or nothing: everybody is in."""
    if condition is None:
        return None
    if not isinstance(condition, dict) or condition.get("op") not in OPERATORS:
        raise InvalidPayload(f"A condition has a metric, a value and an op of {' '.join(OPERATORS)}", field="entry")
    if condition.get("metric") not in METRICS:
        raise InvalidPayload(f"The metric of a condition is one of {', '.join(METRICS)}", field="metric")
    months = condition.get("period_months")
    if months is not None and (not isinstance(months, int) or isinstance(months, bool) or not 1 <= months <= 120):
        raise InvalidPayload("A condition looks back 1 to 120 months", field="period_months")
    try:
        value = Decimal(str(condition.get("value")))
    except InvalidOperation:
        raise InvalidPayload("The value of a condition is a number", field="value") from None
    if not value.is_finite():
        raise InvalidPayload("The value of a condition is a number", field="value")
    return dict(condition)


def _note(
    system: TierSystem,
    action: str,
    actor: Actor,
    now: datetime,
    before: dict[str, Any] | None,
    after: dict[str, Any],
    reason: str,
) -> None:
    audit.record(
        retailer_id=system.retailer_id,
        actor=actor,
        action=action,
        object_type="tier_system",
        object_id=str(system.uuid),
        before=before,
        after=after,
        reason=reason,
        now=now,
    )

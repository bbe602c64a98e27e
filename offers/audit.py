"""Writes the audit trail: one row per change of money, limits or rights, in the transaction of the change."""

from datetime import datetime
from typing import Any

from offers.lib.actors import Actor
from offers.models import AuditEntry


def record(
    *,
    retailer_id: int | None,
    actor: Actor,
    action: str,
    object_type: str,
    object_id: str,
    now: datetime,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str = "",
    request_id: str = "",
) -> None:
    """Append who did what to which object, with the values that changed; `before` None means created, `after` gone."""
    AuditEntry.objects.create(
        retailer_id=retailer_id,
        at=now,
        actor_kind=actor.kind,
        actor=actor.name,
        action=action,
        object_type=object_type,
        object_id=object_id,
        before=before,
        after=after,
        reason=reason,
        request_id=request_id,
    )


def changes(before: dict[str, Any], after: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return only what differs, as (before, after)."""
    differing = [name for name in after if before.get(name) != after[name]]
    return {name: before.get(name) for name in differing}, {name: after[name] for name in differing}

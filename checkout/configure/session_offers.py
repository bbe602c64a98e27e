"""Operations on channels of session offers, their campaigns, and what sessions may use."""

from typing import Any

from checkout import session_campaigns, session_offers
from checkout.configure.scene import ACTOR, BadDocument, Scene, moment, need, text
from offers import channels
from offers.lib.errors import NotFound
from offers.models import Channel

NO_REASON = "not given in the document"
KINDS = {"name": str, "compat_mode": bool, "ttl_seconds": int, "max_codes": int, "one_use_per_session": bool}


def ensure_channel(scene: Scene, fields: dict[str, Any]) -> dict[str, Any]:
    """Set the channel of a prefix to these settings, made if need be."""
    made = channels.ensure(
        retailer_id=scene.retailer.pk,
        prefix=text(fields, "prefix", default="FP_"),
        fields=_settings(fields),
        actor=ACTOR,
        now=scene.now,
    )
    return {"id": made.public_id, "kid": made.kid, "secret": made.secret}


def update_channel(scene: Scene, fields: dict[str, Any], ident: object) -> dict[str, Any]:
    """Change a channel, its prefix too."""
    given = _settings(fields)
    if (prefix := text(fields, "prefix", default=None)) is not None:
        given["prefix"] = prefix
    channels.update(retailer_id=scene.retailer.pk, ident=_ident(ident), fields=given, actor=ACTOR, now=scene.now)
    return {}


def channel(scene: Scene, ident: object) -> Channel:
    """Return a channel by its id, or by its prefix."""
    found = Channel.objects.filter(retailer=scene.retailer, prefix=str(ident)).first()
    return found or channels.get(retailer_id=scene.retailer.pk, ident=_ident(ident))


def create_campaign(scene: Scene, fields: dict[str, Any]) -> dict[str, Any]:
    """Make a campaign of a channel."""
    made = channels.create_campaign(
        retailer_id=scene.retailer.pk,
        channel=channel(scene, text(fields, "channel")),
        fields=_terms(fields),
        actor=ACTOR,
        now=scene.now,
    )
    return {"id": made.public_id}


def update_campaign(scene: Scene, fields: dict[str, Any], ident: object) -> dict[str, Any]:
    """Change a campaign; off or over, its authorisations end. The audit trail says why, as far as the document does."""
    given = _terms(fields)
    session_campaigns.update(
        retailer_id=scene.retailer.pk,
        ident=_ident(ident),
        fields=given,
        reason=text(fields, "reason", default="") or (NO_REASON if given.get("active") is False else ""),
        actor=ACTOR,
        now=scene.now,
    )
    return {}


def revoke(scene: Scene, fields: dict[str, Any]) -> dict[str, Any]:
    """Take a code back from a session."""
    session_offers.revoke(
        retailer_id=scene.retailer.pk,
        session_hash=text(fields, "session_fingerprint"),
        code=text(fields, "code"),
        reason=text(fields, "reason", default="") or NO_REASON,
        actor=ACTOR,
        now=scene.now,
    )
    return {}


def _settings(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: need(fields, name, kind) for name, kind in KINDS.items() if fields.get(name) is not None}


def _terms(fields: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: need(fields, name, kind)
        for name, kind in {"name": str, "text": str, "code": str, "active": bool, "bind": str, "present": bool}.items()
        if fields.get(name) is not None
    }
    if "segment" in fields:
        segment = need(fields, "segment", dict, default={})
        if unknown := segment.keys() - {"cart_total_min"}:
            raise BadDocument(f"A segment has no {sorted(unknown)[0]}", field="segment")
        found["cart_total_min"] = need(segment, "cart_total_min", int, default=None)
    # Null takes them away.
    found |= {name: moment(fields, name) for name in ("starts_at", "ends_at") if name in fields}
    if "daily_cap" in fields:
        found["daily_cap"] = need(fields, "daily_cap", int, default=None)
    return found


def _ident(ident: object) -> str:
    if not isinstance(ident, str):
        raise NotFound("channel", str(ident))
    return ident

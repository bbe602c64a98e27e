"""Carries out a declarative document, whole or not at all, and answers with the ids its refs became."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction

from checkout.configure import programme, shop
from checkout.configure.scene import BadDocument, Scene, entries, need
from offers.lib.errors import Refusal

# In the order they lean on one another.
PARTS: dict[str, Callable[[Scene, dict[str, Any]], None]] = {
    "clients": shop.client,
    "stores": shop.store,
    "items": shop.item,
    "accounts": programme.account,
    "tier_systems": programme.tier_system,
    "members": programme.member,
    "rules": programme.rule,
}
ANSWERED = ("clients", "stores", "accounts", "members", "rules")


class _Refused(Exception):
    """Takes everything back."""


def apply(document: dict[str, Any], *, now: datetime) -> dict[str, Any]:
    """Set a retailer up as the document says. Errors in the answer mean that nothing of it was stored.

    Every entry is tried, so that one run names every entry that is wrong.
    """
    errors: list[dict[str, Any]] = []
    scene: Scene | None = None
    try:
        with transaction.atomic():
            scene = _retailer(document, now, errors)
            if scene is not None:
                _carry_out(document, scene, errors)
            if errors:
                raise _Refused
    except _Refused:
        return {"retailer_id": None, **{kind: {} for kind in ANSWERED}, "errors": errors}
    assert scene is not None
    answers = {kind: scene.answers.get(kind, {}) for kind in ANSWERED}
    return {"retailer_id": str(scene.retailer.uuid), **answers, "errors": errors}


def _retailer(document: dict[str, Any], now: datetime, errors: list[dict[str, Any]]) -> Scene | None:
    try:
        if unknown := sorted(document.keys() - {"retailer", "ops", *PARTS}):
            raise BadDocument(f"{unknown[0]} is no part of a document", field=unknown[0])
        return Scene(retailer=shop.retailer(need(document, "retailer", dict), now), now=now)
    except Refusal as refusal:
        errors.append(_told("retailer", refusal))
        return None


def _carry_out(document: dict[str, Any], scene: Scene, errors: list[dict[str, Any]]) -> None:
    for kind, act in PARTS.items():
        try:
            found = entries(document, kind)
        except Refusal as refusal:
            errors.append(_told(kind, refusal))
            continue
        for number, entry in enumerate(found):
            try:
                with transaction.atomic():
                    act(scene, entry)
            except Refusal as refusal:
                errors.append(_told(f"{kind}[{number}]", refusal))


def _told(place: str, refusal: Refusal) -> dict[str, Any]:
    named = {name: value for name, value in refusal.data.items() if isinstance(value, str | int | list | dict)}
    return {"at": place, "code": refusal.code, "message": refusal.message, **({"details": named} if named else {})}

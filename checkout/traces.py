"""Verdict traces as they are stored and shown: per redeemable each check, what it needed, what it found."""

from collections.abc import Iterable
from typing import Any

from offers.evaluation.facts import FACTS
from offers.evaluation.verdicts import Check, Verdict


def check(one: Check) -> dict[str, Any]:
    """Return one check as plain JSON values; what is unknown is left out."""
    line = {"name": one.name, "ok": one.ok, "needed": one.needed, "actual": one.actual}
    optional = {"rule": one.rule, "path": one.path, "key": one.code, "hint": dict(one.hint) if one.hint else None}
    return line | {name: value for name, value in optional.items() if value is not None}


def ran_out(one: Verdict) -> str | None:
    """Return the count that stood in the way because it had reached its limit, such as uses by one customer."""
    blocker = one.blocker
    if blocker is None or blocker.name not in FACTS or not FACTS[blocker.name].counted:
        return None
    return blocker.name if "excess" in (blocker.hint or {}).get(blocker.name, {}) else None


def verdict(one: Verdict) -> dict[str, Any]:
    """Return one redeemable's trace with its verdict and first blocker."""
    blocker = one.blocker
    return {
        "id": one.redeemable.id,
        "object": one.redeemable.object,
        "status": one.status,
        "key": one.reason.code if one.reason else None,
        "message": one.reason.message if one.reason else None,
        "discount_amount": one.discount_amount,
        "checks": [check(line) for line in one.trace],
        "blocker": check(blocker) if blocker else None,
    }


def all_of(verdicts: Iterable[Verdict]) -> list[dict[str, Any]]:
    """Return the traces of all redeemables in applied order."""
    return [verdict(one) for one in verdicts]

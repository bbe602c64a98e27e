"""Awards: what rules gave members, and what of it stands. Reads only; `firing` gives, corrects and takes back."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Count

from loyalty.models import Award, Member


def originals(member: Member) -> Any:
    """Return what rules gave a member, without its corrections."""
    return Award.objects.filter(member=member, reverses=None)


def standing(member: Member, rule_id: int) -> list[str]:
    """Return the firings of a rule that stand for a member, newest first."""
    rows = originals(member).filter(rule_id=rule_id, reversals=None).order_by("-pk")
    return list(dict.fromkeys(row.detail["firing"] for row in rows))


def count_standing(member: Member, rule_ids: Iterable[int]) -> dict[int, int]:
    """Return how often rules fired for a member and stand, in one statement."""
    rows = originals(member).filter(rule_id__in=list(rule_ids), reversals=None).values("rule_id")
    return {row["rule_id"]: row["times"] for row in rows.annotate(times=Count("detail__firing", distinct=True))}


def net(award: Award) -> int:
    """Return the points of an award that are left of it."""
    return award.points + sum(one.points for one in award.reversals.all())


def stands(award: Award) -> bool:
    """Whether anything of an award is left."""
    return net(award) > 0 if award.kind == "points" else not award.reversals.all()

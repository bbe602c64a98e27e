"""Firings: one time a rule applied to one occasion, the outcomes it gave, their correction and their undoing."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.db import transaction

from loyalty import award_standing, limits, points, tiers
from loyalty.earning import CustomEvent, Sale, TierEntered, TransactionClosed, Trigger, Wanted
from loyalty.members import Person
from loyalty.models import Award, Member, PointAccount
from loyalty.runs import Run
from offers import user_offers
from offers.ledger import entries, holds
from offers.lib.actors import Actor
from offers.lib.errors import Refusal
from offers.models import UserOffer

NOBODY = Actor(kind="SYSTEM", ident="preview", label="preview")
KEY_MOST = 100


class _NothingGiven(Exception):
    """All outcomes of a firing were refused: its limits are not used up."""


def settle(run: Run, wanted: Sequence[Wanted]) -> None:
    """Bring what a sale gave into line with what the rules want of it now: corrected, taken back, or given."""
    standing = _live(run)
    asked: dict[tuple[int, int], list[Wanted]] = defaultdict(list)
    for one in wanted:
        asked[one.rule.rule_id, one.occurrence].append(one)
    for (rule_id, occurrence), awards in standing.items():
        if (rule_id, occurrence) not in asked:
            _undo(run, awards)
    for slot, wants in asked.items():
        if slot in standing:
            _correct(run, standing[slot], wants)
        else:
            _give(run, wants, TransactionClosed())


def give_all(run: Run, wanted: Sequence[Wanted], trigger: Trigger) -> None:
    """Give what a trigger that followed from something else brings."""
    asked: dict[tuple[int, int], list[Wanted]] = defaultdict(list)
    for one in wanted:
        asked[one.rule.rule_id, one.occurrence].append(one)
    for wants in asked.values():
        _give(run, wants, trigger)


def undo(run: Run, firing: str) -> None:
    """Take back everything of one firing; what is used stays, and then the firing stands."""
    _undo(run, list(award_standing.originals(run.member).filter(detail__firing=firing).prefetch_related("reversals")))


def _live(run: Run) -> dict[tuple[int, int], list[Award]]:
    """What stands of the sale itself, by rule and occurrence."""
    found: dict[tuple[int, int], list[Award]] = defaultdict(list)
    for row in run.originals():
        if row.detail["trigger"] == TransactionClosed.name and award_standing.stands(row):
            found[row.rule_id, row.detail["occurrence"]].append(row)
    return found


def _give(run: Run, wants: Sequence[Wanted], trigger: Trigger) -> None:
    """Fire a rule: take its limits and give its outcomes, or leave both. A limit that is used up is no error."""
    first = wants[0]
    base = _base(run.occasion, run.member, first, trigger)
    firing = f"{base}|{run.times(base)}"
    claims = limits.wants(
        fired=wants,
        trigger=trigger,
        customer_id=run.member.customer_id,
        at=run.at,
        timezone=run.timezone,
        entry=f"rule:{firing}",
    )
    try:
        # What takes nothing that could be short, and gives points only, cannot be refused half way.
        with transaction.atomic(savepoint=bool(claims) or any(one.kind != "points" for one in wants)):
            if claims:
                holds.use(retailer_id=run.retailer_id, wants=claims, reference="", now=run.now)
            detail = {"firing": firing, "base": base, "trigger": trigger.name, "occurrence": first.occurrence}
            given = [_outcome(run, one, detail) for one in wants]
            if claims and not any(given):
                raise _NothingGiven
    except holds.Exceeded as error:
        run.result.notes.append(f"limit_reached:{first.rule.name}:{error.shortage.kind}")
    except _NothingGiven:
        pass


def first_key(*, sale: Sale, member: Member | Person, want: Wanted) -> tuple[str, dict[str, Any]]:
    """Return key and detail of the award that `settle` would write for a sale nothing was given for before."""
    base = _base(sale.occasion, member, want, TransactionClosed())
    detail = {
        "firing": f"{base}|0",
        "base": base,
        "trigger": TransactionClosed.name,
        "occurrence": want.occurrence,
        "outcome": want.outcome,
        "value": want.value,
    }
    return f"{base}|0|{want.outcome}", detail


def _base(occasion: str, member: Member | Person, want: Wanted, trigger: Trigger) -> str:
    return _short(f"{occasion}|{member.pk}|{want.rule.rule_id}.{want.occurrence}|{trigger.name}")


def _outcome(run: Run, one: Wanted, detail: dict[str, Any], suffix: str = "") -> bool:
    """Give one outcome and write its award; false when it cannot be given, which is noted."""
    key = f"{detail['firing']}|{one.outcome}{suffix}"
    award = Award(
        key=key,
        retailer_id=run.retailer_id,
        member=run.member,
        rule_id=one.rule.rule_id,
        version_id=one.rule.version_id,
        occasion=run.occasion,
        kind=one.kind,
        detail={**detail, "outcome": one.outcome, "value": one.value},
        created_at=run.now,
    )
    try:
        if one.account:
            _account(run, one.account)
        with transaction.atomic(savepoint=one.kind != "points"):
            moved = _hand_over(run, one, award)
            award.save(force_insert=True)
    except Refusal as refusal:
        run.result.notes.append(f"{refusal.code}:{one.rule.name}")
        return False
    if moved is not None:
        run.moved(moved)
    _tell(run, one, award)
    return True


def _hand_over(run: Run, one: Wanted, award: Award) -> points.Moved | None:
    moved = None
    if one.kind in ("points", "purchase"):
        account = _account(run, one.account)
        award.account_id, award.points = account.pk, one.points if one.kind == "points" else -one.points
        if one.kind == "points":
            moved = points.earn(
                member=run.member,
                account=account,
                amount=one.points,
                reference=award.key,
                reason=one.rule.name[:200],
                now=run.now,
                owned=True,
                family="" if award.detail["firing"].endswith("|0") else _family(award),
            )
        else:
            moved = points.spend(
                member=run.member, account=account, amount=one.points, reference=award.key, now=run.now
            )
    if one.kind in ("offer", "purchase"):
        issued = user_offers.issue(
            retailer_id=run.retailer_id,
            offer=one.value,
            customer_id=run.member.customer_id,
            actor=run.actor,
            now=run.now,
            source={"kind": "rule", "rule": one.rule.name, "rule_id": one.rule.rule_id, "occasion": run.occasion},
            issue_key=f"rule:{award.key}",
        )
        award.user_offer_id = issued[0].pk
        award.detail["user_offer"] = str(issued[0].uuid)
    elif one.kind == "tag" and one.value not in run.member.tags:
        run.member.tags = [*run.member.tags, one.value]
        run.member.save(update_fields=["tags"])
    elif one.kind == "tier_move":
        level = tiers.level(retailer_id=run.retailer_id, named=one.value)
        if level is None:
            raise points.NoSuchAccount(f"There is no level {one.value}")
        award.detail["moved"] = tiers.move(
            member=run.member, level=level, actor=run.actor, now=run.now, reason=one.rule.name
        )
        award.detail["level"] = [level.system.key, level.key]
    return moved


def _tell(run: Run, one: Wanted, award: Award) -> None:
    """Note what was given, and what follows from it."""
    match one.kind:
        case "points":
            run.result.add_points(_account(run, one.account), one.points)
        case "offer" | "purchase":
            run.result.offers.append(award.detail["user_offer"])
        case "tag":
            run.result.tags.append(one.value)
        case "tier_move" if award.detail["moved"]:
            run.triggers.append(TierEntered(*award.detail["level"]))
        case "event":
            run.triggers.append(CustomEvent(one.value))


def _correct(run: Run, awards: Sequence[Award], wants: Sequence[Wanted]) -> None:
    """Bring the outcomes of a firing that stands into line with what is wanted now; limits are used already.

    A budget of points follows: what it no longer allows is not given, with a note, and what comes back may be given to
    others.
    """
    grows = _claim_again(run, awards, wants)
    left = {award.detail["outcome"]: award for award in awards}
    for one in wants:
        award = left.pop(one.outcome, None)
        if award is None:
            if grows or one.kind != "points":
                _again(run, one, awards[0])
        elif award.kind == "points" and (grows or one.points < award_standing.net(award)):
            _move(run, award, one.points - award_standing.net(award))
    for award in left.values():
        _withdraw(run, award)


def _claim_again(run: Run, awards: Sequence[Award], wants: Sequence[Wanted]) -> bool:
    """Let a budget of points hold what a firing that stands gives from now on; false when it has not that much left."""
    if not (wants[0].rule.definition.get("budget") or {}).get("points"):
        return True
    before = sum(award_standing.net(award) for award in awards if award.kind == "points")
    if before == sum(one.points for one in wants if one.kind == "points"):
        return True
    assert run.sale is not None
    claims = limits.wants(
        fired=wants,
        trigger=TransactionClosed(),
        customer_id=run.member.customer_id,
        at=run.at,
        timezone=run.timezone,
        entry=f"rule:{awards[0].detail['firing']}~r{run.sale.revision}",
    )
    try:
        with transaction.atomic():
            entries.reverse(references=_claims(run, awards), reason="claimed anew", now=run.now)
            holds.use(retailer_id=run.retailer_id, wants=claims, reference="", now=run.now)
    except holds.Exceeded as error:
        run.result.notes.append(f"limit_reached:{wants[0].rule.name}:{error.shortage.kind}")
        return False
    return True


def _claims(run: Run, awards: Sequence[Award]) -> list[str]:
    """Return the journal references under which a firing claims its limits: at first, and anew since."""
    firings = sorted({f"rule:{award.detail['firing']}" for award in awards})
    revisions = run.sale.revision if run.sale else 0
    return firings + [f"{one}~r{number}" for one in firings for number in range(2, revisions + 1)]


def _again(run: Run, one: Wanted, beside: Award) -> None:
    """Give an outcome of a firing that stands: the first time, or after it was taken back by itself."""
    firing = beside.detail["firing"]
    earlier = list(
        award_standing.originals(run.member).filter(detail__firing=firing, detail__outcome=one.outcome).order_by("pk")
    )
    if earlier and one.kind == "points":
        _move(run, earlier[0], one.points - award_standing.net(earlier[0]))
        return
    names = ("firing", "base", "trigger", "occurrence")
    _outcome(run, one, {name: beside.detail[name] for name in names}, suffix=f"+{len(earlier)}" if earlier else "")


def _undo(run: Run, awards: Sequence[Award]) -> None:
    """Take back what stands of a firing; when all of it went, its limits get their use back."""
    gone = [_withdraw(run, award) for award in awards if award_standing.stands(award)]
    if gone and all(gone):
        entries.reverse(references=_claims(run, awards), reason="taken back", now=run.now)


def _withdraw(run: Run, award: Award) -> bool:
    """Take back one outcome: points, or an offer that is neither used nor locked. What cannot be is noted and stays."""
    if award.kind == "points":
        _move(run, award, -award_standing.net(award))
        return True
    if award.kind != "offer" or award.user_offer_id is None:
        return False  # a tag, a level, a bought offer, an event: nothing comes back
    held = UserOffer.objects.get(pk=award.user_offer_id)
    try:
        user_offers.revoke(user_offer_id=held.pk, actor=run.actor, now=run.now, reason="The purchase was changed")
    except Refusal as refusal:
        run.result.notes.append(f"{refusal.code}:{held.uuid}")
        return False
    _correction(run, award, 0)
    run.result.revoked.append(str(held.uuid))
    return True


def _move(run: Run, award: Award, amount: int) -> None:
    """Book a difference of points as a correction of an award."""
    if not amount:
        return
    assert award.account_id is not None
    account = PointAccount.objects.get(pk=award.account_id)
    correction = _correction(run, award, amount)
    if amount > 0:
        moved = points.earn(
            member=run.member,
            account=account,
            amount=amount,
            reference=correction.key,
            now=run.now,
            owned=True,
            family=_family(award),
        )
    else:
        moved = points.reverse(
            member=run.member,
            account=account,
            amount=-amount,
            reference=correction.key,
            lot=award.key,
            family=_family(award),
            now=run.now,
        )
    run.moved(moved)
    run.result.add_points(account, amount)


def _family(award: Award) -> str:
    """Return what the references of all that a rule gave for one occasion begin with."""
    return f"{award.detail['base']}|"


def _correction(run: Run, award: Award, amount: int) -> Award:
    return Award.objects.create(
        key=f"{award.key}~{award.reversals.count() + 1}",
        retailer_id=run.retailer_id,
        member=run.member,
        rule_id=award.rule_id,
        version_id=award.version_id,
        occasion=run.occasion,
        kind=award.kind,
        account_id=award.account_id,
        points=amount,
        user_offer_id=award.user_offer_id,
        reverses=award,
        detail={"firing": award.detail["firing"]},
        created_at=run.now,
    )


def _account(run: Run, key: str) -> PointAccount:
    if key not in run.accounts:  # a kind of points made a moment ago
        run.accounts[key] = points.account(retailer_id=run.retailer_id, named=key)
    return run.accounts[key]


def _short(text: str) -> str:
    """Keep a key readable where it is short enough for the journal."""
    return text if len(text) <= KEY_MOST else hashlib.sha256(text.encode()).hexdigest()

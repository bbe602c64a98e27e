"""What has to be right about a redeemable before its rules are asked: it exists, is on, is in time, is not used up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from offers.evaluation import reasons, windows
from offers.evaluation.context import NOTHING, Context, Redeemable, Window
from offers.evaluation.scene import Scene
from offers.evaluation.verdicts import Check, Reason


def standing(scene: Scene, trace: list[Check]) -> Reason | None:
    """The first reason it can't be used at all, in the precedence of the wire. Explained traces list every check."""
    redeemable, explain = scene.redeemable, scene.context.explain
    reason = None
    for check in _standing(redeemable, scene.context, explain):
        trace.append(check)
        if check.ok:
            continue
        assert check.code is not None, "a failed check names its reason"
        reason = reason or reasons.because(check.code, redeemable, _data(check, redeemable))
        if not explain or not redeemable.found:
            break
    return reason


def _standing(redeemable: Redeemable, context: Context, explain: bool) -> Iterator[Check]:
    promotion = redeemable.object == "promotion_tier"
    if redeemable.barred:
        yield Check("authorized", False, True, False, code="code_not_authorized")
        return
    if not redeemable.found:
        yield Check("found", False, True, False, code="not_found")
        return
    if not redeemable.active:
        yield Check("active", False, True, False, code="promotion_inactive" if promotion else "voucher_disabled")
    elif explain:
        yield Check("active", True, True, True)
    if not redeemable.campaign_active:
        yield Check(
            "campaign.active", False, True, False, code="promotion_inactive" if promotion else "voucher_disabled"
        )
    elif explain:
        yield Check("campaign.active", True, True, True)
    own, campaign = redeemable.window, redeemable.campaign_window
    if campaign is not None:
        yield from _window("campaign.", campaign, None, promotion, context)
    if own is not None:
        yield from _window("", own, campaign, promotion, context)
    if redeemable.available is not None and redeemable.available < 1:
        yield Check("quantity", False, 1, redeemable.available, code="quantity_exceeded")
    elif explain:
        yield Check("quantity", True, 1, redeemable.available)
    if redeemable.referrer_id is not None:
        customer = context.customer
        same = customer is not None and customer.id == redeemable.referrer_id
        if same:
            yield Check("referrer", False, False, True, code="referrer_not_permitted_to_redeem")
        elif explain:
            yield Check("referrer", True, False, False)


def _window(prefix: str, window: Window, campaign: Window | None, promotion: bool, context: Context) -> Iterator[Check]:
    closed = windows.judge(window, context.now, campaign.start if campaign is not None else None)
    if closed is not None:
        code = "promotion_not_active_now" if promotion else f"voucher_{closed.kind}"
        yield Check(prefix + closed.check, False, closed.needed, closed.actual, code=code)
    elif context.explain:
        needed = [moment.isoformat() if moment else None for moment in (window.start, window.expiration)]
        yield Check(f"{prefix}window", True, needed, context.now.isoformat())


def _data(check: Check, redeemable: Redeemable) -> dict[str, object]:
    if check.code == "quantity_exceeded":
        return {"limit": redeemable.limit, "available": redeemable.available}
    return {}


def funds(scene: Scene, trace: list[Check]) -> Reason | None:
    """A card must hold the credits or points that are asked of it."""
    redeemable = scene.redeemable
    if redeemable.kind == "gift" and redeemable.gift is not None:
        gift = redeemable.gift
        if gift.credits is not None and gift.credits < 0:
            return _refuse(scene, trace, Check("gift.credits", False, 0, gift.credits, code="invalid_gift"))
        return _balance(scene, trace, "gift.credits", gift.balance, gift.credits, "gift_amount_exceeded")
    if redeemable.kind == "loyalty":
        points = redeemable.points
        if points is None or (points.points is not None and points.points < 0):
            return _refuse(scene, trace, Check("reward", False, True, False, code="missing_reward"))
        return _balance(scene, trace, "reward.points", points.balance, points.points, "loyalty_card_points_exceeded")
    return None


def _balance(scene: Scene, trace: list[Check], name: str, balance: int, wanted: int | None, code: str) -> Reason | None:
    """Asking for no number wants what is there, so there must be something."""
    at_least = 1 if wanted is None else wanted
    if balance >= at_least:
        if scene.context.explain:
            trace.append(Check(name, True, at_least, balance))
        return None
    check = Check(name, False, at_least, balance, code=code, hint={name: {"excess": at_least - balance}})
    return _refuse(scene, trace, check, {"balance": balance, "asked": at_least})


def _refuse(scene: Scene, trace: list[Check], check: Check, data: Mapping[str, object] = NOTHING) -> Reason:
    trace.append(check)
    assert check.code is not None, "a failed check names its reason"
    return reasons.because(check.code, scene.redeemable, data)

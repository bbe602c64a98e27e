"""Why a code does not apply, in a shopper's words, with the smallest change of the cart that would do."""

from checkout import session_offers
from offers.evaluation.verdicts import Verdict
from offers.lib import money
from offers.lib.errors import Refusal

NOT_HERE = "This code is not available for this visit."
UNKNOWN = "We do not know this code."
_WORDS = {
    "code_not_authorized": NOT_HERE,
    "not_found": UNKNOWN,
    "voucher_disabled": "This code is no longer valid.",
    "voucher_not_active": "This code is not valid yet.",
    "voucher_not_active_now": "This code is not valid at this time of day.",
    "voucher_expired": "This code has expired.",
    "quantity_exceeded": "This code has been used up.",
    "gift_amount_exceeded": "There is nothing left on this gift card.",
    "loyalty_card_points_exceeded": "There are not that many points on this card.",
    "missing_reward": "This is a loyalty card. It cannot be used as a code.",
    "customer_rules_violated": "This code is not for this account.",
    "order_rules_violated": "This code does not apply to what is in the cart.",
    "missing_customer": "Sign in to use this code.",
    "missing_order_items": "Put something into the cart first.",
    "bad_code": "This cannot be a code.",
    "code_required": "Please enter a code.",
    "too_many_requests": "Too many codes were tried. Please try again in ten minutes.",
}
_OTHERS = "This code cannot be combined with what is on the cart."


class CodeRefused(Refusal):
    """The code does not apply to this cart."""

    code = "not_redeemable"

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.code = key  # type: ignore[misc]  # speaks with the reason's own key


def refusal(verdict: Verdict, currency: str) -> Refusal:
    """Return the refusal of a code by its verdict: `code_not_authorized`, or the reason's own key."""
    reason = verdict.reason
    assert reason is not None
    if reason.code == "code_not_authorized":
        return session_offers.CodeNotAuthorized(NOT_HERE)
    return CodeRefused(reason.code, why(verdict, currency))


def why(verdict: Verdict, currency: str) -> str:
    """Return the reason in plain words; "Spend 8.00 more" where that is all there is to it."""
    reason = verdict.reason
    if reason is None:
        return ""
    if missing := _missing(verdict):
        return f"{reason.rule_error or 'This code needs a larger order.'} Spend {money.text(missing, currency)} more."
    if reason.rule_error:
        return reason.rule_error
    return _WORDS.get(reason.code, _OTHERS if verdict.status == "SKIPPED" else "This code does not apply to this cart.")


def plain(found: Refusal) -> str:
    """Return a refusal in a shopper's words."""
    if isinstance(found, CodeRefused):
        return found.message
    return _WORDS.get(found.code, found.message)


def _missing(verdict: Verdict) -> int:
    """How much more an order has to come to, if that is one of the things that speak against the code."""
    for check in verdict.trace:
        hint = (check.hint or {}).get("order.amount")
        if not check.ok and isinstance(hint, dict) and isinstance(hint.get("missing"), int):
            return int(hint["missing"])
    return 0

"""What became of a sale, in words: offers used, refused and given back, points that did not move, what was noted."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from checkout.models import Revision, Transaction
from offers.admin import show
from offers.admin.page import Table
from offers.models import UserOffer

LINES = 100
LISTS = ("redeemed", "rejected", "released")
# Why a discount that a till gave did not use up its offer.
REFUSALS = {
    "lock_missing": "This sale held no lock on it: it was never locked here, or was unlocked",
    "offer_locked": "Its lock had expired and another sale holds it",
    "offer_not_applicable": "Nothing on the sale was discounted by it when it was last priced",
    "already_redeemed": "It was used in another sale",
    "offer_revoked": "It had been taken away",
    "offer_expired": "It had ended",
    "offer_not_started": "It could not be used yet",
    "user_offer_not_found": "No such offer was ever issued here",
    "frequency_exceeded": "It was used as often as its terms allow",
    "not_redeemed": "It was not used, so there was nothing to give back",
}
WARNINGS = {
    "totals_mismatch": "The till's subtotal is not the sum of its lines",
    "unknown_discounted_line": "A discount names a line that the sale does not have",
    "nested_discounts": "The discounts came as a list within a list",
    "nested_items": "The lines came as a list within a list",
    "nested_payments": "The payments came as a list within a list",
    "lock_expired": "Its lock had expired; nobody else had taken it, so it was used",
}
LIMITS = {
    "loyalty.user": "as often as one member may",
    "loyalty.all": "as often as all members may together",
    "loyalty.offers": "its budget of offers is spent",
    "loyalty.points": "its budget of points is spent",
}
NOTES = {
    "already_redeemed": "An offer that the sale had brought was used and stays",
    "offer_locked": "An offer that the sale had brought is locked and stays",
}


def told(row: Transaction, revisions: Sequence[Revision]) -> Table:
    """Return a line for everything that revisions led to besides what they earned, the newest first."""
    results = [(one, one.result) for one in revisions if isinstance(one.result, dict)]
    offers = _named(row, (result for _, result in results))
    cells = [
        [str(one.number), what, about, why]
        for one, result in results
        for what, about, why in _lines(result, offers, row.retailer.currency)
    ]
    return Table(
        title="What became of it",
        headers=["Revision", "What", "Of", "Why"],
        rows=cells[:LINES],
        empty="No offers were used or given back, and nothing had to be noted." if results else "It still waits.",
    )


def refused(revision: Revision | None) -> bool:
    """Whether a till gave a discount that used up no offer: staff should look at it."""
    return revision is not None and isinstance(revision.result, dict) and bool(revision.result.get("rejected"))


Line = tuple[str, str, str]


def _lines(result: Mapping[str, Any], offers: Mapping[str, str], currency: str) -> Iterator[Line]:
    if result.get("discarded"):
        yield show.chip("Discarded", "bad"), show.plain(result.get("by")), show.plain(result.get("reason"))
    if number := result.get("counts_again"):
        yield "Worked on again", "", f"Revision {number} counts, as if this one had never come"
    if number := result.get("superseded_by"):
        yield "Not worked on", "", f"Revision {number} was there before it was its turn"
    for one in _listed(result, "redeemed"):
        sent = one.get("sent_amount")
        why = "" if sent is None else f"The till took {show.amount(sent, currency)} off"
        yield show.chip("Offer used", "good"), _offer(one, offers), why or f"{show.amount(one['amount'], currency)} off"
    for one in _listed(result, "rejected"):
        code = str(one.get("reason"))
        yield show.chip("Offer not used", "bad"), _offer(one, offers), REFUSALS.get(code) or show.reason(code)
    for one in _listed(result, "released"):
        yield "Offer free again", _offer(one, offers), "The sale no longer uses it"
    for ident in result.get("reinstated") or []:
        yield show.chip("Offer given back", "warn"), _offer({"user_offer_id": ident}, offers), ""
    for ident in result.get("offers_revoked") or []:
        yield "Offer taken back", _offer({"user_offer_id": ident}, offers), "The sale no longer earns it"
    if result.get("points") == "skipped_return_window":
        yield "No points moved", "", "Changed more than twelve months after it was first closed"
    if result.get("users") == []:
        yield "Nothing earned", "", "Nobody known to us paid for it"
    for level in result.get("levels") or []:
        yield show.chip("Level reached", "good"), show.plain(level), ""
    yield from (("Noted", about, why) for about, why in map(_note, result.get("notes") or []))
    for text in result.get("warnings") or []:
        code, _, ident = str(text).partition(":")
        about = _offer({"user_offer_id": ident}, offers) if ident else ""
        yield show.chip("Warning", "warn"), about, WARNINGS.get(code) or show.reason(code)


def _note(text: Any) -> tuple[str, str]:
    """Return what a note of the loyalty engine is about, and what it says."""
    code, _, rest = str(text).partition(":")
    if code == "limit_reached":
        rule, _, kind = rest.rpartition(":")
        return f"Rule {rule}", f"It gave nothing: {LIMITS.get(kind, kind)}"
    if code == "rules_too_deep":
        return "", "Rules that lead to rules were followed five steps deep, no further"
    return rest, NOTES.get(code) or show.reason(code)


def _listed(result: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    found = result.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _offer(one: Mapping[str, Any], offers: Mapping[str, str]) -> str:
    ident = str(one.get("user_offer_id"))
    return offers.get(ident) or show.mono(ident)


def _named(row: Transaction, results: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return links to the wallet entries that results name, in one read."""
    idents: set[str] = set()
    for result in results:
        idents |= {str(one.get("user_offer_id")) for name in LISTS for one in _listed(result, name)}
        idents |= {str(ident) for name in ("reinstated", "offers_revoked") for ident in result.get(name) or []}
        idents |= {str(text).partition(":")[2] for text in result.get("warnings") or []}
    wanted = [ident for one in idents if (ident := show.uuid_of(one))]
    found = UserOffer.objects.filter(retailer_id=row.retailer_id, uuid__in=wanted).select_related("offer")
    return {str(one.uuid): show.to_page(one, one.offer) for one in found}

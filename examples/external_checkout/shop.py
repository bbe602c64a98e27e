"""What the external shop does with a visitor: lets him in, takes his card, stores his order, tells Offerkeep."""

import logging
import secrets
import threading
import time
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from examples.external_checkout import admission

log = logging.getLogger("external_checkout")

PAYS, DECLINED = "4242424242424242", "4000000000000002"
ITEM, PRICE, CURRENCY = "First pressing, signed", "49.00", "USD"
VISITS_AT_MOST = 10_000


@dataclass(slots=True)
class Visit:
    """One visitor's browser session. The token stays here, on the server.

    `known` is the last answer that said "valid", and `until` when that ends by this machine's clock: where the launch
    says `when_unknown: open`, it stands in for an answer that nobody gives.
    """

    id: str
    code: str = ""
    token: str = ""
    admission_id: str = ""
    order_id: str = ""
    known: dict[str, Any] = field(default_factory=dict)
    until: float = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True, slots=True)
class Look:
    """What the visitor gets to see. page: form, checking, confirmed, expired, refused, released, refunded."""

    page: str
    reason: str = ""
    alert: str = ""
    admission_id: str = ""
    expires_at: str = ""
    server_time: str = ""
    order_id: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)


class Shop:
    """The shop's server. Visits and orders live in memory: it is a demo, not a shop system."""

    def __init__(self, api: admission.Api, *, item: str = ITEM, price: str = PRICE, currency: str = CURRENCY) -> None:
        self.api, self.item, self.price, self.currency = api, item, price, currency
        self.visits: dict[str, Visit] = {}
        self.orders: dict[str, dict[str, Any]] = {}
        self.pending: list[tuple[str, str]] = []  # (token, order id) that could not be completed yet
        self.unsure: set[str] = set()  # orders paid while nobody said whether the place was still there
        self._guard = threading.Lock()

    def visit(self, ident: str) -> Visit:
        """Return the visit with this id, or a new one."""
        with self._guard:
            found = self.visits.get(ident)
            if found is None:
                if len(self.visits) >= VISITS_AT_MOST:
                    self.visits.pop(next(iter(self.visits)))
                found = Visit(secrets.token_urlsafe(24))
                self.visits[found.id] = found
            return found

    def arrive(self, visit: Visit, code: str) -> None:
        """Exchange the code of the address and claim the admission for this visit; the page says what went wrong."""
        visit.code = ""
        try:
            token = self.api.exchange(code)
            self.api.claim(token, visit.id)
        except admission.Refused as refusal:
            log.info("not let in: %s", refusal.code)
            return
        except admission.NoAnswer:
            visit.code = code  # not known is not "no": asked again when the page asks again
            return
        visit.token, visit.order_id, visit.known = token, "", {}

    def look(self, visit: Visit) -> Look:
        """Validate, as early as the page loads."""
        if visit.order_id:
            return Look("confirmed", admission_id=visit.admission_id, order_id=visit.order_id)
        if visit.code:
            self.arrive(visit, visit.code)
        if not visit.token:
            return Look("checking") if visit.code else Look("refused", reason="none")
        try:
            found = self.api.validate(visit.token, visit.id)
        except admission.NoAnswer:
            if not self._let_pass(visit):
                return Look("checking")
            left = timedelta(seconds=visit.until - time.monotonic())
            found = {**visit.known, "server_time": (_moment(visit.known["expires_at"]) - left).isoformat()}
        if not found.get("valid"):
            return self._ended(visit, str(found.get("reason", "unknown")))
        visit.known, visit.until = found, time.monotonic() + _seconds_left(found)
        visit.admission_id = str(found["admission_id"])
        return Look(
            "form",
            admission_id=visit.admission_id,
            expires_at=str(found["expires_at"]),
            server_time=_server_time(found),
        )

    def pay(self, visit: Visit, fields: dict[str, str]) -> Look:
        """Validate again, announce the payment, charge, store the order, complete. One at a time per visit."""
        with visit.lock:
            seen = self.look(visit)
            kept = {name: fields.get(name, "").strip()[:200] for name in ("name", "email")}
            if seen.page == "checking":
                return Look(
                    "form", alert="We are checking your place. Nothing was charged; please try again.", fields=kept
                )
            if seen.page != "form":
                return seen
            card = fields.get("card", "").replace(" ", "").replace("-", "")
            if wrong := _wrong(kept, card):
                return replace(seen, fields=kept, wrong=wrong)
            unsure, payment = False, secrets.token_hex(8)
            try:
                self.api.begin_payment(visit.token, visit.id, payment)
            except admission.Refused as refusal:
                return self._ended(visit, refusal.code)
            except admission.NoAnswer:
                if not self._let_pass(visit):
                    return replace(
                        seen, fields=kept, alert="We are checking your place. Nothing was charged; please try again."
                    )
                unsure = True
            if card == DECLINED:
                return self._declined(visit, kept, payment)
            return self._order(visit, kept, unsure=unsure)

    def give_up(self, visit: Visit) -> Look:
        """Give the place up; the next in line comes in. It ends by itself if nobody answers."""
        with visit.lock:
            if visit.token and not visit.order_id:
                try:
                    self.api.release(visit.token)
                except (admission.Refused, admission.NoAnswer) as problem:
                    log.info("not released: %s", type(problem).__name__)
            visit.token = ""
        return Look("released", admission_id=visit.admission_id)

    def settle_pending(self) -> int:
        """Complete what could not be completed when it was paid; returns how many are left."""
        with self._guard:
            waiting, self.pending = self.pending, []
        for token, order_id in waiting:
            self._complete(token, order_id)
        return len(self.pending)

    def _declined(self, visit: Visit, kept: dict[str, str], payment: str) -> Look:
        try:
            self.api.payment_failed(visit.token, "card_declined", payment)
        except (admission.Refused, admission.NoAnswer) as problem:
            log.info("decline not reported: %s", type(problem).__name__)
        seen = self.look(visit)
        if seen.page != "form":
            return seen
        return replace(seen, fields=kept, alert="Your card was declined. Your place is kept; try another card.")

    def _let_pass(self, visit: Visit) -> bool:
        """Whether a place nobody can tell us about now counts as kept: the launch says so, we were told before that it
        is this visitor's, and its time is not up by our own clock.
        """
        return visit.known.get("when_unknown") == "open" and time.monotonic() < visit.until

    def _order(self, visit: Visit, kept: dict[str, str], *, unsure: bool = False) -> Look:
        order_id = f"EXT-{secrets.token_hex(4).upper()}"
        if unsure:
            self.unsure.add(order_id)
        self.orders[order_id] = {**kept, "state": "paid"}
        if not self._complete(visit.token, order_id):
            self.orders[order_id]["state"] = "refunded"
            visit.token = ""
            return Look("refunded", admission_id=visit.admission_id, order_id=order_id)
        visit.order_id, visit.token = order_id, ""
        return Look("confirmed", admission_id=visit.admission_id, order_id=order_id)

    def _complete(self, token: str, order_id: str) -> bool:
        """Return False when the admission was refused for good: then the money goes back."""
        try:
            self.api.complete(token, order_id=order_id, amount=self.price, currency=self.currency)
        except admission.NoAnswer:
            with self._guard:
                self.pending.append((token, order_id))  # an order must not fail because this call does
        except admission.Refused as refusal:
            log.info("not completed: %s", refusal.code)
            if order_id in self.unsure:
                self.orders[order_id]["state"] = "paid, without a place"  # ours to keep: that is what "open" means
                return True
            self.orders[order_id]["state"] = "refunded"
            return False
        return True

    def _ended(self, visit: Visit, reason: str) -> Look:
        visit.token = ""
        page = {"expired": "expired", "admission_expired": "expired", "released": "released"}.get(reason, "refused")
        return Look(page, reason=reason, admission_id=visit.admission_id)


def _wrong(kept: dict[str, str], card: str) -> dict[str, str]:
    wrong = {}
    if not kept["name"]:
        wrong["name"] = "Please tell us your name."
    if "@" not in kept["email"]:
        wrong["email"] = "Please give an e-mail address such as ada@example.com."
    if card not in (PAYS, DECLINED):
        wrong["card"] = "This is a demo: use 4242 4242 4242 4242."
    return wrong


def _moment(text: object) -> datetime:
    return datetime.fromisoformat(str(text).replace("Z", "+00:00"))


def _seconds_left(found: dict[str, Any]) -> float:
    return (_moment(found["expires_at"]) - _moment(_server_time(found))).total_seconds()


def _server_time(found: dict[str, Any]) -> str:
    if "server_time" in found:
        return str(found["server_time"])
    return (_moment(found["expires_at"]) - timedelta(seconds=float(found["seconds_left"]))).isoformat()


def keep_settling(shop: Shop, stop: threading.Event, *, every: float = 5) -> None:
    """Send what is pending every few seconds, until told to stop."""
    while not stop.wait(every):
        started = time.monotonic()
        left = shop.settle_pending()
        if left:
            log.info("%s orders wait to be completed (%.1f s)", left, time.monotonic() - started)

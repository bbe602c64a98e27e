"""The checkout of the admitted: validates when it loads and again when it pays, and says what became of it."""

import re
import secrets
from datetime import datetime
from typing import Any

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from checkout import admitted_orders
from checkout.admission import claims, handoffs, tokens
from checkout.admission.models import Admission
from checkout.api.pages import framing, shopper, words
from checkout.api.pages.waiting import without_trace
from offers.lib import clock, money
from offers.lib.errors import Refusal
from offers.models import Retailer

PAYS, DECLINED = "4242424242424242", "4000000000000002"
_ATTEMPT = re.compile("[0-9a-f]{16}")


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """Show the form to the admitted, the outcome to who was, and to others that they are not.

    An admission in the address (a one-time code; a token is taken too) moves into the session and out of the address.
    """
    now = clock.now()
    carried = request.GET.get("admission")
    if carried is not None:
        try:
            if (issuer := issuer_of(carried, now)) is not None:
                framing.note(request, issuer)
            shopper.take_admission(request, carried_by(request, carried, now), now)
        except framing.FrameRefused:  # nothing is used up, nothing is kept
            return without_trace(HttpResponse("This checkout may not be shown here.", "text/plain", 403))
        except Refusal as refusal:
            shopper.refuse(request, refusal)
        return without_trace(redirect("shop-checkout"))
    admission, session = shopper.admission_of(request)
    told = shopper.said(request)
    reason = claims.reason(admission, session=session, now=now) if admission else "none"
    if admission and not reason:
        reason = _waits_for(admission, session, now)
    elif told.get("refused") and reason:
        reason = {"admission_expired": "expired"}.get(told["refused"], told["refused"])
    name = "shop/checkout.html" if admission and not reason else "shop/outcome.html"
    context = {"admission": admission, "reason": reason, "now": now, "told": told, **_place(request, admission, now)}
    context["attempt"] = secrets.token_hex(8)
    answer = render(request, name, context)
    return framing.policy(shopper.private(answer), admission.retailer if admission else None)


@require_POST
def claim(request: HttpRequest) -> HttpResponse:
    """What the page's script asks, first with {token} or {code}, later with {}: whether the place is still there."""
    now = clock.now()
    try:
        asked = orjson.loads(request.body[:4096] or b"{}")
        carried = asked.get("code") or asked.get("token")
    except (orjson.JSONDecodeError, AttributeError):
        return JsonResponse({"error": {"code": "invalid_payload", "message": "This is no claim."}}, status=400)
    if carried:
        try:
            shopper.take_admission(request, carried_by(request, str(carried), now), now)
        except Refusal as refusal:
            shopper.refuse(request, refusal)
            return shopper.private(JsonResponse({"valid": False, "reason": refusal.code}))
    admission, session = shopper.admission_of(request)
    if admission is None:
        return shopper.private(JsonResponse({"valid": False, "reason": "none"}))
    reason = claims.reason(admission, session=session, now=now)
    facts: dict[str, Any] = {"valid": not reason, "reason": reason or None, "admission_id": str(admission.uuid)}
    if not reason:
        facts |= {"expires_at": admission.expires_at.isoformat(), "server_time": now.isoformat()}
        facts["paying"] = now >= admission.expires_at  # only a payment under way keeps it longer
    return shopper.private(JsonResponse(facts))


@require_POST
def pay(request: HttpRequest) -> HttpResponse:
    """Validate again, announce the payment, charge, then store the order and complete the admission in one.

    The form names its attempt: sent again as no answer came, it is the same payment; the other tab pays under a name of
    its own.
    """
    now = clock.now()
    admission, session = shopper.admission_of(request)
    if admission is None or claims.reason(admission, session=session, now=now):
        return redirect("shop-checkout")
    if _waits_for(admission, session, now) == "sold_out":
        return redirect("shop-checkout")  # which says so
    fields = {name: request.POST.get(name, "").strip()[:200] for name in ("name", "email")}
    card = request.POST.get("card_number", "").replace(" ", "").replace("-", "")
    if wrong := _wrong(fields, card):
        shopper.say(request, fields=fields, wrong=wrong)
        return redirect("shop-checkout")
    try:
        payment = request.POST.get("attempt", "")
        payment = payment if _ATTEMPT.fullmatch(payment) else secrets.token_hex(8)
        claims.begin_payment(admission_id=admission.pk, session=session, payment=payment, now=now)
        if card == DECLINED:
            claims.payment_failed(admission_id=admission.pk, payment=payment, now=now)
            alert = "Your card was declined. Nothing was charged and your place is kept: try another card."
            shopper.say(request, fields=fields, alert=alert)
        else:
            admitted_orders.place(admission=admission, now=clock.now())
    except Refusal as refusal:
        shopper.refuse(request, refusal)
    return redirect("shop-checkout")


@require_POST
def give_up(request: HttpRequest) -> HttpResponse:
    """Release the place at once, so that the next in line can come in."""
    admission, session = shopper.admission_of(request)
    now = clock.now()
    if admission is not None and claims.reason(admission, session=session, now=now) != "bound_elsewhere":
        try:
            claims.release(admission_id=admission.pk, now=now, by_shopper=True)
        except claims.PaymentUnderWay as refusal:
            shopper.say(request, alert=words.refusal(refusal))
        except Refusal as refusal:
            shopper.refuse(request, refusal)
    return redirect("shop-checkout")


def carried_by(request: HttpRequest, text: str, now: datetime) -> Admission:
    """Return the admission a code or a token stands for. Refuses handoff_code_refused, invalid_signature, not_found."""
    if not text.startswith(f"{tokens.PREFIX}."):
        return handoffs.exchange(code=text, origin=framing.own_origin(request), now=now)
    return tokens.read(text=text, retailer_id=None, now=now)


def issuer_of(text: str, now: datetime) -> Retailer | None:
    """Return whose admission a code or a token stands for, without using it; None for what is neither.

    Refuses invalid_signature, not_found.
    """
    if not text.startswith(f"{tokens.PREFIX}."):
        return handoffs.issuer(text)
    return tokens.read(text=text, retailer_id=None, now=now).retailer


def _waits_for(admission: Admission, session: str, now: datetime) -> str:
    """Return what an open checkout waits for: a unit (sold_out), its payment when its time is over (paying), or ""."""
    if now >= admission.expires_at:
        return "paying"
    try:
        return "" if admitted_orders.keep_unit(admission=admission, session=session, now=now) else "sold_out"
    except Refusal:
        return ""  # it has ended this moment, or is being paid for: that is told as what it is


def _place(request: HttpRequest, admission: Admission | None, now: datetime) -> dict[str, Any]:
    if admission is None:
        return {}
    price = admitted_orders.price_of(admission)
    return {
        "experience": admission.distribution.sequence.experience,
        "back": reverse("shop-waiting", args=[admission.distribution.uuid]),
        "left": words.clock(admission.expires_at - now),
        "price": money.text(price, admission.currency) if price else "",
        "parent_origin": framing.parent_of(request, admission.retailer),
        "may_reenter": admission.distribution.allow_reentry,
        "product": admitted_orders.product_of(admission),
        "declined": admission.declines >= settings.ADMISSION_DECLINES,
    }


def _wrong(fields: dict[str, str], card: str) -> dict[str, str]:
    wrong = {}
    if not fields["name"]:
        wrong["name"] = "Please tell us your name."
    if "@" not in fields["email"]:
        wrong["email"] = "Please give an e-mail address such as ada@example.com."
    if card not in (PAYS, DECLINED):
        wrong["card_number"] = "This is a demo: 4242 4242 4242 4242 pays."
    return wrong

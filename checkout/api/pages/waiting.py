"""The waiting page of a distribution: enter, wait, be admitted, go on to the checkout. Works without scripts."""

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import orjson
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from checkout import admitted_orders
from checkout.admission import (
    admissions,
    auctions,
    challenges,
    claims,
    distributions,
    draws,
    entering,
    handoffs,
    journeys,
    queues,
    standings,
    tokens,
)
from checkout.admission.models import Admission, Consumer, Distribution, Entry
from checkout.api.common import entrance, errors, shopper_limits
from checkout.api.pages import framing, shopper, words
from offers.lib import clock, money
from offers.lib.errors import Refusal

PATTERNS = ("url", "session_storage", "module")
TICKET = "waiting_ticket"


@require_GET
def page(request: HttpRequest, uuid: str) -> HttpResponse:
    """Show where the shopper stands."""
    now, distribution = clock.now(), find(uuid)
    try:
        framing.note(request, distribution.retailer)
    except framing.FrameRefused:
        return HttpResponse("This page may not be shown here.", "text/plain", 403)
    consumer = shopper.consumer_of(request, distribution.retailer_id)
    found = status(request, distribution, consumer, now)
    pattern = request.GET.get("handoff", "")
    pattern = pattern if pattern in PATTERNS else "url"
    stage = str(found["stage"])
    experience = distribution.sequence.experience
    told = shopper.said(request)
    inside = stage in {"participating", "admitted", "ended"} and found["status"] is not None
    asked = challenges.provider() if distribution.require_challenge and not inside else None
    if stage == "admitted" and now >= found["admission"]["expires_at"]:
        stage = "paying"  # only a payment under way keeps an admission longer
    product = admitted_orders.product_of(distribution)
    context = {
        "experience": experience,
        "product": product,
        "costs": money.text(product.price, distribution.currency) if product and product.price else "",
        "distribution": distribution,
        "stage": stage,
        "found": found,
        "pattern": pattern,
        "checkout_url": checkout_url(request, distribution, pattern),
        "address": request.path,
        "query": f"?handoff={pattern}" if pattern != "url" else "",
        "alert": told.get("alert", ""),
        "now": now,
        "paused": distribution.paused,
        "challenge": asked,
        "site_key": settings.CHALLENGE_SITE_KEY,
        "may_reenter": distribution.allow_reentry,
        "needs_code": bool(distribution.sequence.access_code) and not inside,
        "wait": words.about(found["estimated_wait_seconds"]),
        "refresh": min(int(found["poll_after_seconds"] or 15), 15),
        **_admitted(found, now),
    }
    if found["status"] == "COMPLETED" and consumer is not None:
        bought = admissions.live(distribution=distribution, consumer_id=consumer.pk)
        context["order_id"] = bought.order_id if bought else ""
    answer = render(request, "shop/waiting.html", context)
    return framing.policy(shopper.private(answer), distribution.retailer, scripts=asked.origin if asked else "")


@require_GET
def status_json(request: HttpRequest, uuid: str) -> HttpResponse:
    """The same as a document, for the page's script. A token stands in it only for its consumer, when admitted."""
    now, distribution = clock.now(), find(uuid)
    consumer = shopper.consumer_of(request, distribution.retailer_id)
    try:
        found = status(request, distribution, consumer, now)
        if consumer is not None:
            shopper_limits.poll(request, consumer.pk, found)
    except Refusal as refusal:
        answer = JsonResponse({"error": {"code": refusal.code}}, status=errors.status_of(refusal))
        answer["Retry-After"] = str(refusal.data.get("retry_after", 5))
        return shopper.private(answer)
    return shopper.private(HttpResponse(orjson.dumps(found), content_type="application/json"))


@require_POST
def join(request: HttpRequest, uuid: str) -> HttpResponse:
    """Enter the line; who is in it keeps the place."""
    now, distribution = clock.now(), find(uuid)
    try:
        consumer = shopper.become_guest(request, distribution.retailer_id, now)
        if distribution.mechanism == Distribution.Mechanism.AUCTION:
            amount = auctions.in_minor(request.POST.get("amount", "").strip(), distribution.currency)
            shopper_limits.bid(request, consumer.pk)
            check_gate(request, distribution, consumer, now)
            if not Entry.objects.filter(distribution=distribution, consumer=consumer).exists():
                prove(request, distribution, consumer, now)
            auctions.bid(auction=distribution, consumer=consumer, amount=amount, now=now)
            return back(request, uuid)
        shopper_limits.entry(request, consumer.pk)
        check_gate(request, distribution, consumer, now)
        prove(request, distribution, consumer, now)
        if distribution.mechanism == Distribution.Mechanism.DRAW:
            draws.enter(draw=distribution, consumer=consumer, now=now)
            return back(request, uuid)
        standing = queues.enter(
            distribution=distribution, consumer=consumer, now=now, ticket=request.session.get(TICKET)
        )
        if ticket := queues.ticket_of(standing, consumer_id=consumer.pk):
            request.session[TICKET] = ticket
    except Refusal as refusal:
        shopper.say(request, alert=words.refusal(refusal))
    return back(request, uuid)


def check_gate(request: HttpRequest, distribution: Distribution, consumer: Consumer, now: datetime) -> None:
    """Refuse who lacks the access code or has to sign in first, unless he is in already."""
    code = request.POST.get("access_code", "")
    entering.check_gate(journeys.gate(distribution=distribution, consumer=consumer, access_code=code, now=now))


@require_POST
def leave(request: HttpRequest, uuid: str) -> HttpResponse:
    """Give the place up: in line, or in the checkout."""
    now, distribution = clock.now(), find(uuid)
    consumer = shopper.consumer_of(request, distribution.retailer_id)
    if consumer is not None:
        try:
            if distribution.mechanism == Distribution.Mechanism.DRAW:
                draws.leave(draw=distribution, consumer_id=consumer.pk, now=now)
            elif distribution.mechanism == Distribution.Mechanism.AUCTION:
                claims.give_up(distribution=distribution, consumer_id=consumer.pk, now=now)
            else:
                queues.leave(distribution=distribution, consumer_id=consumer.pk, now=now)
            request.session.pop(TICKET, None)
        except Refusal as refusal:
            shopper.say(request, alert=words.refusal(refusal))
    return back(request, uuid)


@require_GET
def to_checkout(request: HttpRequest, uuid: str) -> HttpResponse:
    """Go on to the checkout with a one-time code; the way of who has no scripts (yet), and of pattern `url`."""
    now, distribution = clock.now(), find(uuid)
    admission = own_admission(request, distribution, now)
    if admission is None:
        return back(request, uuid)
    target = request.build_absolute_uri(checkout_url(request, distribution, request.GET.get("handoff", "")))
    allowed = [framing.own_origin(request), *framing.allowed_origins(distribution.retailer)]
    code = handoffs.create(admission=admission, return_url=target, allowed=allowed, now=now)
    address = urlsplit(target)
    query = f"{address.query}&admission={code}".lstrip("&")
    return without_trace(HttpResponseRedirect(address._replace(query=query).geturl()))


@csrf_exempt  # who sends a valid token needs no other proof, and gets only what the token gives anyway
@require_POST
def hand_over(request: HttpRequest, uuid: str) -> HttpResponse:
    """What handoff.js calls: {admission_token, return_url} -> {code}, for the admission's own consumer."""
    now, distribution = clock.now(), find(uuid)
    admission = own_admission(request, distribution, now)
    try:
        asked = orjson.loads(request.body[:4096])
        named = tokens.read(text=str(asked["admission_token"]), retailer_id=distribution.retailer_id, now=now)
        if admission is None or admission != named:
            raise tokens.UnknownAdmission()
        allowed = [framing.own_origin(request), *framing.allowed_origins(distribution.retailer)]
        code = handoffs.create(admission=admission, return_url=str(asked["return_url"]), allowed=allowed, now=now)
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return JsonResponse({"error": {"code": "invalid_payload", "message": "This is no handoff."}}, status=400)
    except Refusal as refusal:
        return JsonResponse({"error": {"code": refusal.code, "message": refusal.message}}, status=400)
    return shopper.private(JsonResponse({"code": code, "expires_at": now + handoffs.LIFE}))


def prove(request: HttpRequest, distribution: Distribution, consumer: Consumer, now: datetime) -> None:
    """Let the entrance have its say, with the proof the provider's box put into the form."""
    found = challenges.provider()
    proof = request.POST.get(found.field, "") if found else ""
    entrance.check(request, distribution, consumer, proof=proof, now=now)


def find(uuid: str) -> Distribution:
    """Return a published distribution, or there is no such page."""
    rows = Distribution.objects.select_related("sequence__experience", "retailer")
    found = rows.filter(uuid=distributions.as_uuid(uuid), published=True).first()
    if found is None:
        raise Http404
    return found


def status(
    request: HttpRequest, distribution: Distribution, consumer: Consumer | None, now: datetime
) -> dict[str, Any]:
    """Return the status document of this browser's consumer, or of somebody who has done nothing."""
    if consumer is None:
        found = standings.Standing(distribution)
        return journeys.document(found, consumer=Consumer(pk=0), now=now, token_of=_no_token)
    if distribution.mechanism == Distribution.Mechanism.QUEUE:
        ticket = request.session.get(TICKET)
        found = queues.stand(distribution=distribution, consumer_id=consumer.pk, now=now, ticket=ticket)
    elif distribution.mechanism == Distribution.Mechanism.AUCTION:
        found = auctions.stand(auction=distribution, consumer_id=consumer.pk, now=now)
    else:
        found = draws.stand(draw=distribution, consumer_id=consumer.pk, now=now)
    return journeys.document(found, consumer=consumer, now=now, token_of=tokens.token_of)


def own_admission(request: HttpRequest, distribution: Distribution, now: datetime) -> Admission | None:
    """Return the open admission of this browser's consumer."""
    consumer = shopper.consumer_of(request, distribution.retailer_id)
    if consumer is None:
        return None
    rows = Admission.objects.filter(distribution=distribution, consumer=consumer, state__in=Admission.OPEN)
    return rows.filter(expires_at__gt=now).first()


def checkout_url(request: HttpRequest, distribution: Distribution, pattern: str) -> str:
    """Return where the checkout is: the retailer's own for the module, if he has one that is on his list."""
    ours = reverse("shop-checkout")
    external = distribution.retailer.settings.get("external_checkout", "")
    if pattern != "module" or not external:
        return ours
    try:
        return external if handoffs.origin_of(external) in framing.allowed_origins(distribution.retailer) else ours
    except handoffs.ReturnRefused:
        return ours


def back(request: HttpRequest, uuid: str) -> HttpResponse:
    pattern = request.GET.get("handoff", "")
    query = f"?handoff={pattern}" if pattern in PATTERNS else ""
    return redirect(reverse("shop-waiting", args=[uuid]) + query)


def without_trace(response: HttpResponse) -> HttpResponse:
    """Keep an address with a code in it out of caches and out of the next request's Referer."""
    response["Referrer-Policy"] = "no-referrer"
    return shopper.private(response)


def _no_token(admission: Admission, *, now: datetime) -> str:
    raise AssertionError("nobody is admitted")


def _admitted(found: dict[str, Any], now: datetime) -> dict[str, Any]:
    if not found["admission"]:
        return {}
    admission = Admission.objects.select_related("retailer").get(uuid=found["admission"]["id"])
    price = admitted_orders.price_of(admission)
    return {
        "admission": admission,
        "price": money.text(price, admission.currency) if price else "",
        "left": words.clock(admission.expires_at - now),
    }

"""/session-offers/authorize: a widget tells that it shows a code (the target of `sessionOfferUrl`)."""

from typing import Any

from django.http import HttpRequest
from django.urls import path

from checkout import carts, code_refusals, grants, session_offers, showcase
from checkout.api.common import meters, parse, render, visit
from checkout.api.common.views import MethodRefused
from checkout.api.session_offers.access import SessionOffersView
from checkout.api.session_offers.schema import ENGINE
from checkout.models import Authorization
from offers.lib.errors import InvalidPayload

LONGEST = 64
UNSIGNED_CALLS, UNSIGNED_SECONDS = 10, 60  # calls without a grant that one session may make in that time


class Authorize(SessionOffersView):
    """Let the browser's own session use a code it was just shown, by a signed grant; 204, or 200 for who takes JSON."""

    def head(self, request: HttpRequest) -> Any:
        raise MethodRefused(allow="GET, POST, OPTIONS")

    def get(self, request: HttpRequest) -> Any:
        return self.authorize(request, request.GET.get("code", ""), request.GET.get("grant"))

    def post(self, request: HttpRequest) -> Any:
        body = self.read_object() if request.META.get("CONTENT_LENGTH") not in (None, "", "0") else {}
        code, grant = body.get("code", request.GET.get("code", "")), body.get("grant", request.GET.get("grant"))
        return self.authorize(request, _code(code), grant if isinstance(grant, str) else None)

    def authorize(self, request: HttpRequest, code: str, grant: str | None) -> Any:
        if visit.is_prefetch(request):
            return render.answer(None)
        session_hash = visit.fingerprint(request)
        shop = visit.retailer(request)
        _code(code)
        if not session_hash or (grant is None and not _own_page(request)):
            raise grants.GrantInvalid()
        if grant is None:
            _check_pace(session_hash)
        session_offers.authorize(
            retailer_id=shop.pk,
            session_hash=session_hash,
            code=code,
            grant=grant,
            customer_key=visit.customer_key(request),
            cart_total=carts.subtotal(visit=visit.of(request, retailer=shop.pk), now=self.now),
            now=self.now,
        )
        if "json" not in request.META.get("HTTP_ACCEPT", ""):
            return render.answer(None)
        held = session_offers.authorized(retailer_id=shop.pk, session_hash=session_hash, now=self.now)
        ends = max((one.expires_at for one in held), default=None)
        return {"authorized": [one.code for one in held], "expires_at": ends}


class ServerAuthorize(SessionOffersView):
    """The same from the campaign engine's own server, which needs no grant."""

    who = ENGINE

    def post(self, request: HttpRequest) -> Any:
        body = self.read_object()
        made = session_offers.authorize(
            retailer_id=self.retailer_id,
            session_hash=session_of(body),
            code=_code(body.get("code")),
            customer_key=customer_of(body),
            trusted=True,
            now=self.now,
        )
        # Used up, or taken back by staff: it stays so, and the engine is not told otherwise.
        good = session_offers.state_now(made, self.now) == Authorization.State.ACTIVE
        return {"authorized": [made.code] if good else [], "expires_at": made.expires_at if good else None}


class Present(SessionOffersView):
    """What to show to a session now, each with a grant that only works in it; the facts are the shop's own."""

    who = ENGINE

    def post(self, request: HttpRequest) -> Any:
        body = self.read_object()
        facts = body.get("facts") or {}
        total = facts.get("cart_total") if isinstance(facts, dict) else None
        if total is not None and type(total) is not int:
            raise InvalidPayload("facts.cart_total should be a whole number of cents", field="facts.cart_total")
        return render.answer(
            [
                {
                    "code": one.code,
                    "grant": one.grant,
                    "title": one.title,
                    "text": one.text,
                    "expires_at": one.expires_at,
                }
                for one in showcase.present(
                    retailer_id=self.retailer_id, session_hash=session_of(body), cart_total=total, now=self.now
                )
            ]
        )


def session_of(body: dict[str, Any]) -> str:
    """Return the fingerprint a server names: as our page printed it, or of the shop's own session id."""
    if own := _text(body, "session"):
        return session_offers.fingerprint(own)
    found = _text(body, "session_fingerprint")
    if not found or not parse.is_ident(found) or len(found) > LONGEST:
        raise InvalidPayload("session_fingerprint should be a text of 1 to 64 characters", field="session_fingerprint")
    return found


def customer_of(body: dict[str, Any]) -> str:
    """Return the customer whom a server names, "" for none."""
    found = _text(body, "customer_id")
    if found and (not parse.is_ident(found) or len(found) > LONGEST):
        raise InvalidPayload("customer_id should be a text of at most 64 characters", field="customer_id")
    return found


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if value is not None and (not isinstance(value, str) or len(value) > 255):
        raise InvalidPayload(f"{name} should be a text", field=name)
    return value or ""


def _code(code: object) -> str:
    if not isinstance(code, str) or not code:
        raise InvalidPayload("code is missing", field="code")
    if len(code) > LONGEST or code == "%c" or "\x00" in code:
        raise InvalidPayload("code has at most 64 characters, and %c stands for it in the address", field="code")
    return code


def _check_pace(session_hash: str) -> None:
    calls, ms_left = meters.add(f"unsigned:{session_hash}", 1, UNSIGNED_SECONDS)
    if calls > UNSIGNED_CALLS:
        raise code_refusals.TooManyRefusals(retry_after=-(-ms_left // 1000))


def _own_page(request: HttpRequest) -> bool:
    """Without a grant only a page of this shop, in a visit that began before, may ask (compatibility mode)."""
    return visit.is_same_origin(request) and not visit.is_cross_site(request)


urlpatterns = [
    path("authorize", Authorize.as_view()),
    path("v1/authorize", ServerAuthorize.as_view()),
    path("v1/present", Present.as_view()),
]

"""Who looks at a page: a consumer, and the admission his checkout is for; both kept in the HttpOnly session cookie."""

import secrets
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control

from checkout.admission import claims, consumers
from checkout.admission.models import Admission, Consumer
from checkout.api.common import shopper_limits
from offers.lib.errors import Refusal

_CONSUMERS, _CHECKOUT, _SAID = "consumers", "checkout", "checkout_said"


def consumer_of(request: HttpRequest, retailer_id: int) -> Consumer | None:
    """Return the consumer this browser is to a retailer, None for one who has done nothing yet."""
    known = request.session.get(_CONSUMERS, {}).get(str(retailer_id))
    return Consumer.objects.filter(pk=known, retailer_id=retailer_id).first() if known else None


def become_guest(request: HttpRequest, retailer_id: int, now: datetime) -> Consumer:
    """Return the consumer this browser is, a new guest if need be. Refuses too_many_requests."""
    found = consumer_of(request, retailer_id)
    if found is None:
        shopper_limits.guest(request)
        found = consumers.guest(retailer_id=retailer_id, now=now).consumer
        request.session[_CONSUMERS] = {**request.session.get(_CONSUMERS, {}), str(retailer_id): found.pk}
    return found


def take_admission(request: HttpRequest, admission: Admission, now: datetime) -> None:
    """Claim an admission for this browser's checkout. Refuses what `claims.claim` refuses."""
    kept = request.session.get(_CHECKOUT) or {}
    session = kept.get("session") or secrets.token_urlsafe(24)
    claims.claim(admission_id=admission.pk, session=session, now=now)
    request.session[_CHECKOUT] = {"session": session, "admission": admission.pk}


def admission_of(request: HttpRequest) -> tuple[Admission | None, str]:
    """Return the admission of this browser's checkout, and the session it is bound to."""
    kept = request.session.get(_CHECKOUT) or {}
    if not kept.get("admission"):
        return None, ""
    rows = Admission.objects.select_related("distribution__sequence__experience", "retailer")
    return rows.filter(pk=kept["admission"]).first(), kept["session"]


def say(request: HttpRequest, **told: Any) -> None:
    """Keep what the next page says once: an alert, texts of the form (never of a card), what is wrong with them."""
    request.session[_SAID] = told


def said(request: HttpRequest) -> dict[str, Any]:
    """Return it, once."""
    found: dict[str, Any] = request.session.pop(_SAID, {})
    return found


def refuse(request: HttpRequest, refusal: Refusal | str) -> None:
    """Note why this browser is not let in, for the next page; the checkout it had stays."""
    say(request, refused=refusal if isinstance(refusal, str) else refusal.code)


def private(response: HttpResponse) -> HttpResponse:
    """Mark an answer as one person's, not to be kept by anybody."""
    patch_cache_control(response, no_store=True, private=True)
    return response

"""Which other origins a checkout may be handed to, or framed by: those the retailer listed, exactly.

In a frame of another site a browser sends no ordinary cookie. There, and only there, the visit's cookies are marked
`SameSite=None; Secure; Partitioned`: they belong to this checkout under that one parent, and to nothing else.
"""

from collections.abc import Callable, Container
from http.cookies import Morsel

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from checkout.admission import handoffs
from offers.lib.errors import Refusal
from offers.models import Retailer

NOBODY = "frame-ancestors 'none'"
FRAMED = "framed"


class FrameRefused(Refusal):
    """This page may not be shown inside that one."""

    code = "frame_refused"


def note(request: HttpRequest, retailer: Retailer) -> None:
    """Remember for this visit which page frames it, told by the Referer of the frame's first request.

    Refuses frame_refused for a parent on another site that is not on the retailer's list, or does not say who it is.
    """
    site = request.META.get("HTTP_SEC_FETCH_SITE")
    if request.META.get("HTTP_SEC_FETCH_DEST") not in {"iframe", "frame"} or site in {"same-origin", "none"}:
        return
    try:
        parent = handoffs.origin_of(request.META.get("HTTP_REFERER", ""))
    except handoffs.ReturnRefused:
        parent = ""
    if parent in allowed_origins(retailer):
        request.session[FRAMED] = {"parent": parent, "apart": site == "cross-site"}
    elif parent or site == "cross-site":
        raise FrameRefused()


def parent_of(request: HttpRequest, retailer: Retailer) -> str:
    """Return the only origin that is told what becomes of the checkout: its parent, else the first on the list."""
    kept = request.session.get(FRAMED, {}).get("parent", "")
    listed = allowed_origins(retailer)
    return kept if kept in listed else next(iter(listed), "")


class FramedCookies:
    """Marks the cookies of a visit inside a frame of another site, whoever sets them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if response.cookies and request.session.get(FRAMED, {}).get("apart"):
            for name in (settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME):
                if name in response.cookies:
                    response.cookies[name] = Partitioned(response.cookies[name])
        return response


class Partitioned(Morsel[str]):
    """A cookie for one site inside one other; Python learned this word in 3.14 only."""

    def __init__(self, plain: Morsel[str]) -> None:
        super().__init__()
        self.set(plain.key, plain.value, plain.coded_value)
        self.update(plain)
        self["samesite"], self["secure"] = "None", True

    def OutputString(self, attrs: Container[str] | None = None) -> str:
        return f"{super().OutputString(attrs)}; Partitioned"


def own_origin(request: HttpRequest) -> str:
    return handoffs.origin_of(request.build_absolute_uri("/"))


def allowed_origins(retailer: Retailer) -> list[str]:
    """Return the retailer's return origins; what is not an exact origin on its list is none."""
    return handoffs.allowed_origins(retailer.settings)


def policy(response: HttpResponse, retailer: Retailer | None, *, scripts: str = "") -> HttpResponse:
    """Let the retailer's origins frame the page and be framed by it, and nobody else.

    `scripts` are origins whose script, frames and calls the page needs, one challenge's provider.
    """
    listed = " ".join(allowed_origins(retailer)) if retailer else ""
    ours = settings.CONTENT_SECURITY_POLICY
    assert NOBODY in ours, "the site's policy changed: who may frame a checkout has to be said anew"
    ours = ours.replace(NOBODY, f"frame-ancestors 'self' {listed}; frame-src 'self' {listed} {scripts}".rstrip())
    if scripts:
        ours = ours.replace("script-src", f"script-src {scripts}") + f"; connect-src 'self' {scripts}"
    response["Content-Security-Policy"] = ours
    response.xframe_options_exempt = True  # frame-ancestors says it exactly
    return response

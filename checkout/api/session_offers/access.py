"""Who calls: a page of the shop by its cookie, its script by a publishable key as well, the engine by a secret key."""

from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from rest_framework.authentication import CSRFCheck

from checkout import code_refusals, session_offers
from checkout.api.common import auth, keys, parse, visit
from checkout.api.common.views import METHODS, SAFE, ApiView, MethodRefused
from checkout.api.session_offers.schema import COOKIE, ENGINE, SCRIPT, SessionOffersSchema
from offers.lib.errors import NotFound, Refusal


class ForgedRequest(Refusal):
    """The page's CSRF token is missing or wrong."""

    code = "forbidden"


class SessionOffersView(ApiView):
    """Base of the dialect's views: `who` calls it. Nothing of a visit is ever kept by a cache."""

    schema = SessionOffersSchema()
    who: ClassVar[str] = COOKIE
    tried: str = ""  # the code this request tried, for the count of refusals

    def finish(self, request: HttpRequest, method: str, response: HttpResponse) -> HttpResponse:
        response.setdefault("Cache-Control", "no-store, private")
        if self.who == COOKIE:
            response["Vary"] = "Cookie"
        return super().finish(request, method, response)

    def run(self, request: HttpRequest, method: str, kwargs: dict[str, Any]) -> HttpResponse:
        handler = getattr(self, method.lower(), None) if method in METHODS else None
        if handler is None:
            raise MethodRefused(allow=self.allowed())
        if self.who != COOKIE:
            self.credential = keys.secret_key(request) if self.who == ENGINE else keys.publishable_key(request)
            self.take_permit(request)
        if self.who == SCRIPT and method not in SAFE:
            check_csrf(request)
        for value in kwargs.values():
            if not parse.is_ident(value):
                raise NotFound("resource")
        return self.respond(handler, kwargs) if method in SAFE else self.write(handler, kwargs)

    def after_refusal(self, refusal: Refusal) -> Refusal:
        """Count a code that was tried without a right to it, now that nothing else of the request is left."""
        if isinstance(refusal, auth.Unauthorized) and not isinstance(refusal, auth.NoCredentials):
            return super().after_refusal(refusal)
        if isinstance(refusal, session_offers.CodeNotAuthorized) and self.tried:
            code_refusals.note(
                retailer_id=self.shop_id(),
                session_hash=visit.fingerprint(self.request),
                code=self.tried,
                now=self.now,
            )
        return refusal

    def shop_id(self) -> int:
        """Return whose shop is spoken of: the key's retailer, else the host's."""
        credential = getattr(self, "credential", None)
        return credential.retailer_id if credential is not None else visit.retailer(self.request).pk


def check_csrf(request: HttpRequest) -> None:
    """Refuse (forbidden) a call that changes something without the page's CSRF token."""
    check = CSRFCheck(lambda _: HttpResponse())
    check.process_request(request)
    if check.process_view(request, lambda _: HttpResponse(), (), {}):
        raise ForgedRequest()

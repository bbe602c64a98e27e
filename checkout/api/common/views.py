"""The view base of every API address: who calls, what may he, one verb call in one transaction, JSON out."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.views import APIView

from checkout.api.common import auth, errors, limits, once, parse, render
from offers.lib import clock
from offers.lib.actors import Actor
from offers.lib.errors import NotFound, Refusal

SAFE = frozenset({"GET", "HEAD"})
METHODS = ("GET", "POST", "PUT", "DELETE")
MAX_QUERY = 8192
GUESSABLE = frozenset({"voucher"})
PREFLIGHT_SECONDS = "600"
BROWSER_HEADERS = (
    "Content-Type, X-Client-Application-Id, X-Client-Token, X-Voucherify-Channel, X-Voucherify-API-Version, "
    "Idempotency-Key, X-Request-Id"
)
EXPOSED_HEADERS = (
    "X-Request-Id, X-Rate-Limit-Limit, X-Rate-Limit-Remaining, X-Rate-Limit-Retry, X-Rate-Limit-Type, Retry-After"
)


class MethodRefused(Refusal):
    """This address does not take this method."""

    code = "method_not_allowed"


class BadQuery(Refusal):
    """The query string cannot be read."""

    code = "invalid_query_params"


class QueryTooLarge(Refusal):
    """The query string is longer than is read."""

    code = "query_too_large"


class ApiView(APIView):
    """Base of management endpoints: a subclass says its scope and has one short method per HTTP method.

        class CampaignList(ApiView):
            scope = "campaigns"             # GET and HEAD need campaigns:read, the rest campaigns:write

            def get(self, request: HttpRequest) -> Any:
                query = lists.read(request.GET, order=("created_at", "name"))
                return lists.answer(Campaign.objects.filter(retailer_id=self.retailer_id), query, "campaigns", shape)

            def post(self, request: HttpRequest) -> Any:
                body = self.read_object()   # strict JSON; {} for no body
                campaign = campaigns.create(retailer_id=self.retailer_id, ..., actor=self.actor, now=self.now)
                return shape(campaign)      # 200; (202, {...}) for another status, None for 204

    Steps of a request, first refusal wins: query string, credential (401, origin 403), rate (429), method (405),
    scope (403), path, Idempotency-Key, then the method itself. POST, PUT and DELETE run in ONE transaction that a
    Refusal undoes; with an Idempotency-Key it also keeps the answer. Path parameters come percent-decoded; texts that
    cannot be an id are not_found.
    """

    scope: ClassVar[str] = ""
    # method -> scope, where it is not the plain "<scope>:read|write"
    scopes: ClassVar[dict[str, str]] = {}
    max_body: ClassVar[int | None] = None
    origin_optional: ClassVar[bool] = False
    cached_credentials: ClassVar[bool] = False

    request: HttpRequest  # type: ignore[assignment]
    now: datetime
    request_id: str
    credential: auth.Credential
    standing: limits.Standing | None = None
    _body: bytes | None = None

    @property
    def retailer_id(self) -> int:
        return self.credential.retailer_id

    @property
    def actor(self) -> Actor:
        return self.credential.actor

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.now = clock.now()
        self.request_id = getattr(request, "request_id", "")
        method = request.method or ""
        try:
            response = self.options_answer() if method == "OPTIONS" else self.run(request, method, kwargs)
        except Exception as error:
            refusal = errors.refusal_of(error)
            if refusal is None:
                raise
            response = self.refused(self.after_refusal(refusal))
        return self.finish(request, method, response)

    def refused(self, refusal: Refusal) -> HttpResponse:
        """Return the answer to a refusal, in the words of the dialect."""
        return errors.answer(refusal, self.request_id)

    def run(self, request: HttpRequest, method: str, kwargs: dict[str, Any]) -> HttpResponse:
        query = request.META.get("QUERY_STRING", "")
        if query and (len(query) > MAX_QUERY or "%00" in query):
            raise QueryTooLarge() if len(query) > MAX_QUERY else BadQuery("The query string holds U+0000")
        self.credential = auth.authenticate(
            request,
            # A stored answer is given before the hot read that would notice a revoked credential.
            cached=self.cached_credentials and once.HEADER not in request.META,
            origin_optional=self.origin_optional,
        )
        self.take_permit(request)
        handler = getattr(self, method.lower(), None) if method in SAFE or method in METHODS else None
        if handler is None:
            raise MethodRefused(allow=self.allowed())
        self.check_scope(method)
        for value in kwargs.values():
            if not parse.is_ident(value):
                raise NotFound("resource", value[:100].encode("ascii", "backslashreplace").decode())
        auth.touch(self.credential, self.now)
        if method in SAFE:
            return self.respond(handler, kwargs)
        if once.HEADER in request.META:
            return once.run(
                request,
                client_id=self.credential.id,
                body=self.raw_body(),
                now=self.now,
                effect=lambda: self.respond(handler, kwargs),
            )
        return self.write(handler, kwargs)

    def take_permit(self, request: HttpRequest) -> None:
        """Count the call of this credential. Refuses too_many_requests."""
        self.standing = limits.take(self.credential, request)
        if self.standing is not None and not self.standing.allowed:
            limits.refuse(self.standing)

    def after_refusal(self, refusal: Refusal) -> Refusal:
        """Count refusals that a guesser would collect; too many of them become too_many_requests."""
        try:
            if isinstance(refusal, auth.Unauthorized) and not isinstance(refusal, auth.NoCredentials):
                limits.note_failed_login(self.request)
            elif isinstance(refusal, NotFound) and refusal.data["resource_type"] in GUESSABLE:
                self.note_unknown_codes(1)
        except limits.TooManyRequests as more:
            return more
        return refusal

    def note_unknown_codes(self, number: int) -> None:
        """Count codes of this request that do not exist, where it is answered without raising NotFound("voucher")."""
        limits.note_unknown_codes(self.credential, self.request, number)

    def check_scope(self, method: str) -> None:
        if needed := self.needed_scope(method):
            auth.require(self.credential, needed)

    @classmethod
    def needed_scope(cls, method: str) -> str:
        """Return the scope a method needs, "" for none; the OpenAPI document tells it too."""
        right = "read" if method in SAFE else "write"
        return cls.scopes.get(method) or (f"{cls.scope}:{right}" if cls.scope else "")

    def write(self, handler: Callable[..., Any], kwargs: dict[str, Any]) -> HttpResponse:
        """Run a method that changes something: all of it or nothing."""
        with transaction.atomic():
            return self.respond(handler, kwargs)

    def respond(self, handler: Callable[..., Any], kwargs: dict[str, Any]) -> HttpResponse:
        result = handler(self.request, **kwargs)
        if isinstance(result, HttpResponse):
            return result
        if isinstance(result, tuple):
            return render.answer(result[1], result[0])
        return render.answer(result)

    # --- the body ---

    def raw_body(self) -> bytes:
        if self._body is None:
            self._body = parse.read(self.request, self.max_body)
        return self._body

    def read_object(self) -> dict[str, Any]:
        """Return the JSON object of the body, {} for no body; refuses anything else (invalid_payload, 413, 415)."""
        return parse.read_object(self.raw_body())

    def read_array(self, *, most: int = 2000) -> list[Any]:
        return parse.read_array(self.raw_body(), most=most)

    # --- the way out ---

    def finish(self, request: HttpRequest, method: str, response: HttpResponse) -> HttpResponse:
        if self.standing is not None:
            limits.tell(response, self.standing, int(self.now.timestamp()))
        if request.path_info.startswith(auth.CLIENT_SIDE):
            self.allow_origin(request, response)
        if method == "HEAD" and response.content:
            response["Content-Length"] = str(len(response.content))
            response.content = b""
        return response

    def allow_origin(self, request: HttpRequest, response: HttpResponse) -> None:
        """Let a page of the credential's origins read the answer; there are no cookies here to be ridden on."""
        response["Vary"] = "Origin"
        origin = request.META.get("HTTP_ORIGIN")
        credential = getattr(self, "credential", None)
        if origin and credential is not None:
            response["Access-Control-Allow-Origin"] = origin
            response["Access-Control-Expose-Headers"] = EXPOSED_HEADERS

    def options_answer(self) -> HttpResponse:
        """Answer OPTIONS; a browser's preflight brings no credential, so it is told yes and the call itself judged."""
        response = render.answer(None)
        response["Allow"] = self.allowed()
        origin = self.request.META.get("HTTP_ORIGIN")
        if origin and self.request.path_info.startswith(auth.CLIENT_SIDE):
            response["Access-Control-Allow-Origin"] = origin
            response["Access-Control-Allow-Methods"] = self.allowed()
            response["Access-Control-Allow-Headers"] = BROWSER_HEADERS
            response["Access-Control-Max-Age"] = PREFLIGHT_SECONDS
        return response

    @classmethod
    def allowed(cls) -> str:
        found = cls.methods()
        return ", ".join([*found, *(["HEAD"] if "GET" in found else []), "OPTIONS"])

    @classmethod
    def methods(cls) -> list[str]:
        return [method for method in METHODS if callable(getattr(cls, method.lower(), None))]

    @property
    def allowed_methods(self) -> list[str]:
        """What DRF, and with it the OpenAPI document, takes for this view's methods."""
        return self.methods()

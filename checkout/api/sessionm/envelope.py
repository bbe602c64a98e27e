"""The view bases of both families: who calls, from which store, one verb call in one transaction, the envelope out."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

import msgspec
import orjson
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, re_path
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from checkout import idempotency, shops
from checkout.api.common import auth as common_auth
from checkout.api.common import errors as common_errors
from checkout.api.common import limits, once, parse, render
from checkout.api.common.views import MethodRefused
from checkout.api.sessionm import auth, errors, scalars
from offers.lib import clock
from offers.lib.actors import Actor
from offers.lib.errors import Refusal

MAX_BODY = 5 * 1024 * 1024
MAX_DEPTH = 32
LONGEST_KEY = 200
PREFIX = r"^api/2\.0/"
_LETTERS = re.compile(r"(\(\?P<[^)]*\))|[A-Za-z]")
# What asks for another try, or for a mended request, is no answer to keep.
NOT_KEPT = frozenset({400, 401, 403, 405, 413, 415, 429})
_decoder = msgspec.json.Decoder(float_hook=Decimal)


class MalformedJson(Refusal):
    """The body is not a JSON object."""

    code = "malformed_json"


class AccessDenied(Refusal):
    """This credential has no right to that."""

    code = "access_denied"


class BadKey(Refusal):
    """An Idempotency-Key has 1 to 200 visible ASCII characters."""

    code = "argument_error"


def at(*paths: str, view: type["DialectView"], prefix: str = PREFIX) -> list[URLPattern]:
    """Return routes to a view under each of its names, whatever their case; slashes at the end do not matter."""
    served = csrf_exempt(view.as_view())
    return [re_path(rf"{prefix}{_any_case(path)}/*$", served) for path in paths]


def _any_case(path: str) -> str:
    # Not (?i:...): Django cannot turn that back into an address, and then no page could name any address at all.
    return _LETTERS.sub(lambda found: found[0] if found[1] else f"[{found[0].lower()}{found[0].upper()}]", path)


class DialectView(View):
    """What both families share. A subclass says `scopes` (any one of them suffices) and answers in `handle`.

    Steps, first refusal wins: credential (401), rate (429), method (405), scope (403), body (400, 413, 415), retailer
    and store (403), then `handle` in ONE transaction. What `handle` raises undoes it; a Refusal that it *returns* is
    answered as an error and what it wrote stays.
    """

    scopes: ClassVar[tuple[str, ...]] = ()
    methods: ClassVar[tuple[str, ...]] = ("POST",)
    word: ClassVar[str] = "ok"
    max_body: ClassVar[int] = MAX_BODY

    now: datetime
    credential: common_auth.Credential
    standing: limits.Standing | None = None
    shop: shops.Shop
    body: dict[str, Any]
    raw: bytes = b""

    @property
    def retailer_id(self) -> int:
        return self.credential.retailer_id

    @property
    def actor(self) -> Actor:
        return self.credential.actor

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.now = clock.now()
        try:
            response = self.run(kwargs)
        except Exception as error:
            refusal = common_errors.refusal_of(error)
            if refusal is None:
                raise
            response = errors.answer(self.after_refusal(refusal))
        if self.standing is not None:
            limits.tell(response, self.standing, int(self.now.timestamp()))
        return response

    def run(self, kwargs: dict[str, str]) -> HttpResponse:
        self.enter()
        self.shop = shops.read(retailer_id=self.retailer_id, store=self.store_wanted())
        self.credential = common_auth.confirm(self.credential, self.shop.version)
        self.check_scope()
        self.check_place()
        common_auth.touch(self.credential, self.now)
        return self.effect(kwargs)

    def enter(self) -> None:
        """Take the steps that need no row of the shop: who asks, how often, by which method, what for, and the body."""
        self.credential = auth.authenticate(self.request)
        self.standing = limits.take(self.credential, self.request)
        if self.standing is not None and not self.standing.allowed:
            limits.refuse(self.standing)
        if self.request.method not in self.methods:
            raise MethodRefused(allow=", ".join(self.methods))
        self.check_scope()
        self.read_body()

    def check_scope(self) -> None:
        if not any(self.credential.permits(scope) for scope in self.scopes):
            raise AccessDenied(f"This call needs the scope {' or '.join(self.scopes)}")

    def read_body(self) -> None:
        if self.request.method == "GET":
            self.body = self.request.GET.dict()
            return
        self.raw = parse.read(self.request, self.max_body)
        self.body = read_object(self.raw)

    def store_wanted(self) -> UUID | None:
        """Return the id of the store the call names, None for none."""
        return None

    def check_place(self) -> None:
        """Refuse `access_denied` for a retailer, client or store that is not the credential's."""

    def effect(self, kwargs: dict[str, str]) -> HttpResponse:
        with transaction.atomic():
            return self.respond(kwargs)

    def once(self, key: str, kwargs: dict[str, str]) -> HttpResponse:
        """Run the effect, or answer again what this credential's key was answered first; both in one transaction."""
        with transaction.atomic():
            mark = self.fingerprint()
            stored = idempotency.claim(client_id=self.credential.id, key=key, request=mark)
            if stored is not None:
                response = HttpResponse(stored.body, status=stored.status, content_type="application/json")
                response["X-Idempotent-Replay"] = "true"
                return response
            response = self.attempt(kwargs)
            if response.status_code < 500 and response.status_code not in NOT_KEPT:
                idempotency.store(
                    client_id=self.credential.id,
                    key=key,
                    route=f"{self.request.method} {self.request.path_info}",
                    request=mark,
                    status=response.status_code,
                    body=response.content,
                    now=self.now,
                )
            return response

    def fingerprint(self) -> bytes:
        """Return what makes a call the same call again: its body, however it is written."""
        return idempotency.fingerprint(orjson.dumps(scalars.storable(self.body), option=orjson.OPT_SORT_KEYS))

    def attempt(self, kwargs: dict[str, str]) -> HttpResponse:
        """Run the effect in a savepoint, so that a refusal undoes it and can still be kept."""
        try:
            with transaction.atomic():
                return self.respond(kwargs)
        except Refusal as refusal:
            return errors.answer(self.after_refusal(refusal))

    def respond(self, kwargs: dict[str, str]) -> HttpResponse:
        result = self.handle(**kwargs)
        if isinstance(result, Refusal):
            return errors.answer(result)
        return render.answer(self.envelope(result))

    def handle(self, **kwargs: str) -> Any:
        """Return the payload, or a Refusal whose effects are to stay."""
        raise NotImplementedError

    def envelope(self, payload: Any) -> dict[str, Any]:
        return {"status": self.word, "payload": payload}

    def after_refusal(self, refusal: Refusal) -> Refusal:
        if isinstance(refusal, common_auth.Unauthorized) and not isinstance(refusal, common_auth.NoCredentials):
            try:
                limits.note_failed_login(self.request)
            except limits.TooManyRequests as more:
                return more
        return refusal


class Nowhere(View):
    """Answers addresses that are none of this dialect's."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        text = errors.body("not_found", "Nothing has this address.", [])
        return HttpResponse(text, status=404, content_type="application/json")


class ConnectView(DialectView):
    """Base of the offer family: a flat body with `retailer_id`; `self.body` is that body, the word is "ok".

    With an Idempotency-Key what `writes` happens once: the same key and body get the first answer again.
    """

    writes: ClassVar[bool] = False

    def effect(self, kwargs: dict[str, str]) -> HttpResponse:
        given = self.request.META.get(once.HEADER)
        if given is None or not self.writes:
            return super().effect(kwargs)
        if not parse.is_ident(given) or not given.isascii() or len(given) > LONGEST_KEY:
            raise BadKey()
        return self.once(f"connect:{given}", kwargs)

    def fingerprint(self) -> bytes:
        # One key is for one thing: the same body to another address is another call, by another name of it is not.
        return idempotency.fingerprint(type(self).__name__.encode(), super().fingerprint())

    def check_place(self) -> None:
        wanted = scalars.uuid(scalars.needed(self.body, "retailer_id"), "retailer_id")
        if wanted != self.shop.uuid:
            raise AccessDenied("This credential belongs to another retailer")


class PosView(DialectView):
    """Base of the POS family: store, client and request id around a `request_payload`, which is `self.payload`.

    With an `operation` the answer is kept for (client, operation, request_id) and replayed to the same body; without
    one (reads) every call is answered afresh.
    """

    scopes = ("pos",)
    word = "OK"
    operation: ClassVar[str] = ""
    store_optional: ClassVar[bool] = False

    payload: dict[str, Any]
    client_request: str
    culture: str | None = None

    @property
    def store(self) -> shops.StoreFacts:
        """Return the store of the call; only for views that need one."""
        assert self.shop.store is not None
        return self.shop.store

    def store_wanted(self) -> UUID | None:
        if self.body.get("store_id") in (None, ""):
            if self.store_optional:
                return None
            raise scalars.MissingData("store_id")
        return scalars.uuid(self.body["store_id"], "store_id")

    def read_body(self) -> None:
        super().read_body()
        self.client_request = scalars.text(scalars.needed(self.body, "request_id"), "request_id", most=64)
        scalars.uuid(scalars.needed(self.body, "client_id"), "client_id")
        if self.body.get("request_payload") is None:
            raise scalars.MissingData("request_payload")
        self.payload = scalars.mapping(self.body["request_payload"], "request_payload")
        if self.body.get("culture") not in (None, ""):
            self.culture = scalars.text(self.body["culture"], "culture", most=35)

    def check_client(self) -> None:
        if str(self.body["client_id"]).lower() != self.credential.key:
            raise AccessDenied("client_id is not the one of these credentials")

    def check_place(self) -> None:
        self.check_client()
        if self.store_wanted() is not None and self.shop.store is None:
            raise AccessDenied("This credential has no such store")

    def effect(self, kwargs: dict[str, str]) -> HttpResponse:
        if not self.operation:
            return super().effect(kwargs)
        return self.once(f"{self.operation}:{self.client_request}", kwargs)

    def envelope(self, payload: Any) -> dict[str, Any]:
        return {"status": self.word, "payload": payload, "errors": None}


def read_object(raw: bytes) -> dict[str, Any]:
    """Return the JSON object of a body, numbers with a point as Decimal; of a key that comes twice the last counts.

    Refuses `malformed_json`: anything else, bad UTF-8, U+0000 and lone surrogates, nesting deeper than 32.
    """
    try:
        value = _decoder.decode(raw)
    except (msgspec.DecodeError, ValueError, ArithmeticError, RecursionError) as error:
        raise MalformedJson(f"The body is not valid JSON: {error}"[:300]) from None
    if type(value) is not dict or not value:
        raise MalformedJson()
    _check_depth(value, MAX_DEPTH)
    if b"\\u0000" in raw:
        try:
            parse.refuse_nul(value)
        except Refusal as refusal:
            raise MalformedJson(refusal.message) from None
    return value


def _check_depth(value: Any, depth: int) -> None:
    if not depth:
        raise MalformedJson(f"The body is nested deeper than {MAX_DEPTH} levels")
    for inner in value.values() if type(value) is dict else value:
        if type(inner) is dict or type(inner) is list:
            _check_depth(inner, depth - 1)

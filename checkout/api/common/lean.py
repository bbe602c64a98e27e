"""The view base of hot addresses: a Struct decoder made at import, the remembered credential, nothing negotiated."""

from collections.abc import Callable
from typing import Any, ClassVar

import msgspec
from django.http import HttpResponse

from checkout.api.common import auth, parse
from checkout.api.common.views import ApiView


class LeanView(ApiView):
    """Base of validate, redeem and release. One autocommit statement is their effect, so a transaction is
    opened only when an Idempotency-Key came along, which keeps effect and answer together.

        class ValidationRequest(msgspec.Struct):
            redeemables: list[RedeemableIn]
            customer: CustomerIn | None = None

        class Validations(LeanView):
            scope = "validations"
            body = ValidationRequest

            def post(self, request: HttpRequest) -> Any:
                wanted = self.decode()                  # a ValidationRequest; 400 invalid_payload, 413, 415
                facts = read_facts(self.retailer_id, ...)   # the hot read; brings the retailer's version along
                self.confirm(facts.version)             # 0 queries unless the configuration changed
                return verdict                          # dict, (status, dict), None for 204, or ready-made bytes

    The credential comes from this process's memory. `confirm` MUST be called with the version number the hot read
    returned, before anything is written: it re-reads the credential when the configuration has moved on, and refuses
    one that was revoked, rotated or lost the scope. A hot address whose statement reads no version sets
    `cached_credentials = False` and pays one query.
    """

    body: ClassVar[type[msgspec.Struct] | None] = None
    cached_credentials: ClassVar[bool] = True
    _decoder: ClassVar[msgspec.json.Decoder[Any]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.body is not None:
            cls._decoder = msgspec.json.Decoder(cls.body)

    def decode(self) -> Any:
        """Return the body as the view's Struct; no body at all is an empty object."""
        raw = self.raw_body() or b"{}"
        parse.check(raw)
        return self._decoder.decode(raw)

    def confirm(self, version: int) -> None:
        """Make sure that the credential still holds at this version of the retailer's configuration."""
        if version > self.credential.version:
            self.credential = auth.confirm(self.credential, version)
            self.check_scope(self.request.method or "")
            if self.credential.kind == "browser":
                origin = self.request.META.get("HTTP_ORIGIN")
                auth.check_origin(self.credential, origin, optional=self.origin_optional)

    def write(self, handler: Callable[..., Any], kwargs: dict[str, Any]) -> HttpResponse:
        return self.respond(handler, kwargs)

"""Who calls the admission dialect: a page by its publishable key, a server by its secret one, a consumer by token."""

from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse

from checkout.admission import consumers
from checkout.admission.models import Consumer
from checkout.api.admission import errors
from checkout.api.admission.schema import CONSUMER, PUBLIC, SERVER, AdmissionSchema
from checkout.api.common import keys, parse
from checkout.api.common.views import METHODS, SAFE, ApiView, MethodRefused
from offers.lib.actors import Actor
from offers.lib.errors import NotFound, Refusal
from offers.models import Client

ALLOWED_HEADERS = "Content-Type, X-Publishable-Key, Authorization, X-Waiting-Ticket, X-Fingerprint, X-Request-Id"


class AdmissionView(ApiView):
    """Base of the dialect's views: `who` says who may call each method. A browser may read every answer of a page's."""

    schema = AdmissionSchema()
    who: ClassVar[dict[str, str]] = {}
    parameters: ClassVar[list[dict[str, Any]]] = []  # of the address, as OpenAPI writes them
    consumer: Consumer

    def refused(self, refusal: Refusal) -> HttpResponse:
        return errors.answer(refusal)

    def run(self, request: HttpRequest, method: str, kwargs: dict[str, Any]) -> HttpResponse:
        handler = getattr(self, method.lower(), None) if method in SAFE or method in METHODS else None
        if handler is None:
            raise MethodRefused(allow=self.allowed())
        who = self.who.get("GET" if method == "HEAD" else method, SERVER)
        if who != PUBLIC:
            self.credential = keys.secret_key(request) if who == SERVER else keys.publishable_key(request)
            self.take_permit(request)
        if who == CONSUMER:
            self.consumer = consumers.known(
                retailer_id=self.retailer_id, token=keys.bearer(request) or "", now=self.now
            )
        for value in kwargs.values():
            if not parse.is_ident(value):
                raise NotFound("resource")
        return self.respond(handler, kwargs)

    def finish(self, request: HttpRequest, method: str, response: HttpResponse) -> HttpResponse:
        response.setdefault("Cache-Control", "no-store, private")
        response = super().finish(request, method, response)
        if getattr(getattr(self, "credential", None), "kind", PUBLIC) != Client.Kind.SECRET:
            self.allow_origin(request, response)
            if PUBLIC in self.who.values():
                response["Access-Control-Allow-Origin"] = "*"
        return response

    def options_answer(self) -> HttpResponse:
        response = super().options_answer()
        if origin := self.request.META.get("HTTP_ORIGIN"):
            response["Access-Control-Allow-Origin"] = origin
            response["Access-Control-Allow-Methods"] = self.allowed()
            response["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
            response["Access-Control-Max-Age"] = "600"
        return response

    @property
    def actor(self) -> Actor:
        return self.credential.actor

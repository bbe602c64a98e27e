"""Describes the admission dialect for /openapi.json: who may call each method, what it takes, how it refuses."""

from typing import Any, ClassVar

from checkout.api.common.shop_schema import SHOP_SCHEMES, ShopSchema

PUBLIC, PAGE, CONSUMER, SERVER, SIGNED = "public", "page", "consumer", "server", "signed"
SCHEMES = {
    **SHOP_SCHEMES,
    "consumer": {"type": "http", "scheme": "bearer", "description": "A shopper's access token, from POST /auth/guest."},
    "signature": {
        "type": "apiKey",
        "in": "header",
        "name": "Offerkeep-Signature",
        "description": '`t=<Unix second>,v1=<hex HMAC-SHA256(order secret, t + "." + body)>`',
    },
}
SECURITY: dict[str, list[dict[str, list[str]]]] = {
    PUBLIC: [],
    PAGE: [{"publishableKey": []}],
    CONSUMER: [{"publishableKey": [], "consumer": []}],
    SERVER: [{"secretKey": []}],
    SIGNED: [{"signature": []}],
}
CALLED = {
    PUBLIC: "by anybody, without a key",
    PAGE: "by a shop's page, with its publishable key",
    CONSUMER: "by a shop's page for a shopper, with the publishable key and his access token",
    SERVER: "by a shop's server, with its secret key",
    SIGNED: "by a shop's server, which signs the body with the order secret",
}
ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "retry_after"],
            "properties": {
                "code": {"type": "string", "examples": ["queue_full"]},
                "message": {"type": "string"},
                "retry_after": {"type": ["integer", "null"], "description": "Seconds; in Retry-After as well."},
            },
        }
    },
}
REFUSED = {
    "400": "The request cannot be understood.",
    "401": "The key, the consumer's token or the signature is missing or wrong.",
    "403": "The key may not be used from this origin, or an access code is asked for.",
    "404": "There is no such thing, for this retailer.",
    "409": "Its state forbids it: closed, not waiting, used up, or for something else.",
    "410": "Its time is up.",
    "423": "Not open yet, or paused.",
    "429": "The line is full, or too many requests.",
    "503": "The waiting line cannot be reached; places are kept.",
}


class AdmissionSchema(ShopSchema):
    """drf-spectacular's generator for the dialect's views."""

    dialect = "admission"
    error = ("AdmissionError", ERROR)
    schemes = SCHEMES
    refusals = REFUSED
    done: ClassVar[dict[str, Any]] = {"type": "object"}

    def tag(self, path: str) -> str:
        return f"Admission: {path.removeprefix('/admission/v1/').split('/')[0]}"

    def query(self, view: Any) -> list[dict[str, Any]]:
        if SIGNED not in view.who.values():
            return view.parameters  # type: ignore[no-any-return]
        about = "The retailer (`proj_…`) whose secret signs; without it, that of the admission."
        return [{"name": "organization", "in": "query", "schema": {"type": "string"}, "description": about}]

    def callers(self, view: Any, method: str) -> list[dict[str, list[str]]]:
        return SECURITY[view.who.get(method, SERVER)]

    def called_by(self, view: Any, method: str) -> str:
        return CALLED[view.who.get(method, SERVER)]

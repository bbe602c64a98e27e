"""Describes the session-offer dialect for /openapi.json: who may call each address, what it takes, how it refuses."""

from typing import Any, ClassVar

from checkout.api.common.schema import ERROR
from checkout.api.common.shop_schema import SHOP_SCHEMES, ShopSchema

COOKIE, SCRIPT, ENGINE = "cookie", "script", "engine"
SCHEMES = {
    "visit": {"type": "apiKey", "in": "cookie", "name": "sessionid", "description": "The visit in a shop's pages."},
    **SHOP_SCHEMES,
}
SECURITY: dict[str, list[dict[str, list[str]]]] = {
    COOKIE: [{"visit": []}],
    SCRIPT: [{"publishableKey": [], "visit": []}],
    ENGINE: [{"secretKey": []}],
}
CALLED = {
    COOKIE: "by the shopper's browser, in the visit its cookie names",
    SCRIPT: "by a shop's page, with its publishable key and the visit's cookie; changes need `X-CSRFToken` as well",
    ENGINE: "by the campaign engine's or the shop's server, with a secret key",
}
REFUSED = {
    "400": "The request cannot be understood.",
    "401": "The key is missing or wrong.",
    "403": "No right to ask: a grant that is not good here, an origin, a CSRF token.",
    "404": "There is no such thing.",
    "409": "Its state forbids it.",
    "410": "The campaign is over.",
    "422": "The code is not available for this visit; or its campaign has not begun, or is used up for today.",
    "429": "Too many requests.",
}
# What addresses take that are reached by a link as well.
QUERY = {
    "code": "The code that was shown.",
    "grant": "The signed grant that came with it; needed unless the channel is in compatibility mode.",
}


class SessionOffersSchema(ShopSchema):
    """drf-spectacular's generator for the dialect's views."""

    dialect = "session_offers"
    error = ("Error", ERROR)
    schemes = SCHEMES
    refusals = REFUSED
    done: ClassVar[dict[str, Any]] = {}

    def tag(self, path: str) -> str:
        return "Session offers"

    def callers(self, view: Any, method: str) -> list[dict[str, list[str]]]:
        return SECURITY[view.who]

    def called_by(self, view: Any, method: str) -> str:
        return CALLED[view.who]

    def query(self, view: Any) -> list[dict[str, Any]]:
        return [
            {"name": name, "in": "query", "description": text, "schema": {"type": "string"}}
            for name, text in QUERY.items()
            if view.who == COOKIE
        ]

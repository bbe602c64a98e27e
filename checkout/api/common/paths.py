"""Routes paths whose parameters may hold slashes, and forgives the trailing one.

Servers decode %2F before Django sees the path, and granian keeps no raw form of it (gunicorn does, in RAW_URI; two
ways to route would differ). So a `<code:...>` parameter takes slashes as well, and a list of routes goes from the
longest to the shortest: `vouchers/<code:code>/sessions/<code:key>`, `vouchers/<code:code>/enable`,
`vouchers/<code:code>`. The one thing out of reach is a code that itself ends like a longer route ("A/enable").
"""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

PREFIXES = ("/v1/", "/client/v1/", "/api/2.0/", "/incentives/api/1.0/")


class Code:
    """Anything, slashes included, as short as the rest of the route allows."""

    regex = ".+?"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class TrailingSlash:
    """Reads /v1/vouchers/ as /v1/vouchers, without a redirect that would lose the body."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        path = request.path_info
        if path.endswith("/") and path.startswith(PREFIXES):
            request.path_info = path.rstrip("/")
        return self.get_response(request)

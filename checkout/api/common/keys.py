"""Keys of shops: the publishable one of a page, the secret one of a server."""

from django.http import HttpRequest

from checkout.api.common import auth
from offers.models import Client

KEY_LENGTH = 27  # sk_ and 24 characters; the rest of a secret key is its secret


def bearer(request: HttpRequest) -> str | None:
    """Return what follows Bearer in the Authorization header."""
    kind, _, text = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return text.strip() if kind.lower() == "bearer" else None


def publishable_key(request: HttpRequest) -> auth.Credential:
    """Return the credential of a page. Refuses unauthorized, and forbidden for an origin that is not on its list."""
    key = request.META.get("HTTP_X_PUBLISHABLE_KEY", "")
    found = auth.read_credential(key) if key else None
    if found is None or found.kind != Client.Kind.PUBLISHABLE:
        raise auth.Unauthorized() if key else auth.NoCredentials()
    auth.check_origin(found, request.META.get("HTTP_ORIGIN"), optional=True)
    return found


def secret_key(request: HttpRequest) -> auth.Credential:
    """Return the credential of a server. Refuses unauthorized, and forbidden from any page."""
    text = bearer(request) or ""
    if not text:
        raise auth.NoCredentials()
    found = auth.known(text[:KEY_LENGTH], text, Client.Kind.SECRET.value, cached=False)
    if request.META.get("HTTP_ORIGIN"):
        raise auth.OriginRefused("A secret key is for servers; it must never reach a browser")
    return found

"""Says who calls: HTTP Basic with a client id (a UUID) and its secret."""

import base64
import binascii

from django.http import HttpRequest

from checkout.api.common import auth
from offers.models import Client

LONGEST = 512


def authenticate(request: HttpRequest) -> auth.Credential:
    """Return the caller's credential as this process knows it; `confirm` it with the version the first read brings.

    Refuses unauthorized: no header, one that cannot be read, an unknown client and a wrong secret, all alike.
    """
    scheme, _, encoded = request.META.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
    if scheme.lower() != "basic" or not encoded.strip() or len(encoded) > LONGEST:
        raise auth.NoCredentials()
    try:
        pair = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        raise auth.Unauthorized() from None
    key, colon, secret = pair.partition(":")
    if not (key and colon and secret):
        raise auth.Unauthorized()
    return auth.known(key.lower(), secret, Client.Kind.BASIC.value, cached=True)

"""Challenges: a proof, made in the shopper's browser by Turnstile or hCaptcha, that a person asks to enter.

Only where a launch requires one. The provider is asked once per proof, and it takes each proof once.
"""

import http.client
import logging
import urllib.parse
import urllib.request
from dataclasses import dataclass

import orjson
from django.conf import settings

from offers.lib.errors import Refusal

log = logging.getLogger("offerkeep.admission")

LONGEST = 4096
ANSWER_BYTES = 16_384


@dataclass(frozen=True, slots=True)
class Provider:
    """Where proofs are verified, and what a page needs to make one: script, class of the box, name of the field."""

    verify_url: str
    script: str
    origin: str
    box: str
    field: str


PROVIDERS = {
    "turnstile": Provider(
        verify_url="https://challenges.cloudflare.com/turnstile/v0/siteverify",
        script="https://challenges.cloudflare.com/turnstile/v0/api.js",
        origin="https://challenges.cloudflare.com",
        box="cf-turnstile",
        field="cf-turnstile-response",
    ),
    "hcaptcha": Provider(
        verify_url="https://api.hcaptcha.com/siteverify",
        script="https://js.hcaptcha.com/1/api.js",
        origin="https://hcaptcha.com https://*.hcaptcha.com",
        box="h-captcha",
        field="h-captcha-response",
    ),
}


class Failed(Refusal):
    """The proof that a person asks is missing, wrong or used."""

    code = "challenge_failed"


class Unavailable(Refusal):
    """Whether a person asks cannot be verified right now; please try again in a moment."""

    code = "challenge_unavailable"


def provider() -> Provider | None:
    """Return the provider of this installation."""
    return PROVIDERS.get(settings.CHALLENGE_PROVIDER)


def verify(proof: str) -> bool:
    """Ask the provider about a proof; False where it could not be asked and CHALLENGE_FAIL_OPEN lets people in.

    Refuses challenge_failed, and challenge_unavailable where the provider does not answer in CHALLENGE_TIMEOUT_MS, or
    not sensibly. Sends no address of the shopper.
    """
    if not 0 < len(proof) <= LONGEST:
        raise Failed()
    answer = _ask(proof)
    if answer is None:
        if settings.CHALLENGE_FAIL_OPEN:
            return False
        raise Unavailable(retry_after=5)
    if not answer:
        raise Failed()
    return True


def _ask(proof: str) -> bool | None:
    """Return what the provider says, None if it says nothing."""
    found = provider()
    if found is None:
        log.error("a launch requires a challenge, and CHALLENGE_PROVIDER is none")
        return None
    form = {"secret": settings.CHALLENGE_SECRET, "response": proof, "sitekey": settings.CHALLENGE_SITE_KEY}
    body = urllib.parse.urlencode(form, errors="surrogatepass").encode()
    asked = urllib.request.Request(settings.CHALLENGE_VERIFY_URL or found.verify_url, data=body)
    try:
        with urllib.request.urlopen(asked, timeout=settings.CHALLENGE_TIMEOUT_MS / 1000) as answer:
            said = orjson.loads(answer.read(ANSWER_BYTES))
        success = said["success"]
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
        log.warning("a challenge could not be verified: %s", type(error).__name__)
        return None
    return success is True

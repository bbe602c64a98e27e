"""The seven calls a shop's server makes to the admission API with its secret key; standard library only."""

import json
import random
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

WAITS = (1, 2, 4)


class NoAnswer(Exception):
    """Nobody answered (network, 5xx). It is not known whether the admission is valid: never taken for "not valid"."""


class Refused(Exception):
    """The API said no: `status` 401, 404, 409 or 410, and its code."""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status, self.code = status, code
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Api:
    """The admission API at `base_url`, for the server that has the secret key. No browser ever sees the key."""

    base_url: str
    secret_key: str
    timeout: float = 5
    waits: tuple[float, ...] = WAITS
    sleep: Callable[[float], None] = time.sleep

    def exchange(self, code: str) -> str:
        """Turn the one-time code from the address into the token. Refused the second time and after 60 s."""
        return str(self._post("/handoffs/exchange", {"code": code}, tries=1)["admission_token"])

    def validate(self, token: str, session: str) -> dict[str, Any]:
        """Ask whether the token still admits, on load and again on submit. Changes nothing."""
        return self._post("/admissions/validate", {"admission_token": token, "session": session})

    def claim(self, token: str, session: str) -> dict[str, Any]:
        """Bind the token to this visitor's session; anybody else's copy is worthless from now on."""
        return self._post("/admissions/claim", {"admission_token": token, "session": session})

    def begin_payment(self, token: str, session: str, payment: str) -> dict[str, Any]:
        """Say that money is about to move: the place is kept until two minutes after its end. `payment` is our name."""
        body = {"admission_token": token, "session": session, "payment_id": payment}
        return self._post("/admissions/begin_payment", body)

    def payment_failed(self, token: str, reason: str, payment: str) -> dict[str, Any]:
        """Report a decline. The place stays; the fifth gives it up. Told twice, a payment by its name counts once."""
        body = {"admission_token": token, "reason": reason, "payment_id": payment}
        return self._post("/admissions/payment_failed", body, tries=2)

    def complete(self, token: str, *, order_id: str, amount: str, currency: str) -> dict[str, Any]:
        """Use the admission up for this order; again for the same order it is the same answer."""
        body = {"admission_token": token, "order_id": order_id, "order_amount": amount, "currency": currency}
        return self._post("/admissions/complete", body)

    def release(self, token: str) -> dict[str, Any]:
        """Give the place up at once, so that the next in line can come in."""
        return self._post("/admissions/release", {"admission_token": token})

    def _post(self, path: str, body: dict[str, Any], tries: int = 4) -> dict[str, Any]:
        for attempt in range(1, tries + 1):
            try:
                return self._once(path, body)
            except NoAnswer:
                if attempt == tries:
                    raise
                wait = self.waits[min(attempt, len(self.waits)) - 1]
                self.sleep(wait * (1 + random.random() / 5))
        raise AssertionError("unreachable")

    def _once(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        request = urllib.request.Request(
            f"{self.base_url}/admission/v1{path}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {self.secret_key}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as answer:
                found = answer.read()
        except urllib.error.HTTPError as error:
            if error.code >= 500 or error.code == 429:
                raise NoAnswer(str(error.code)) from error
            raise _refused(error) from error
        except (OSError, urllib.error.URLError) as error:
            raise NoAnswer(type(error).__name__) from error
        return dict(json.loads(found)) if found else {}


def _refused(error: urllib.error.HTTPError) -> Refused:
    try:
        told = json.loads(error.read())["error"]
        return Refused(error.code, str(told["code"]), str(told["message"]))
    except (ValueError, KeyError, TypeError):
        return Refused(error.code, "refused", "The admission API refused.")

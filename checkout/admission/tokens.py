"""Admission tokens: `adm1.<kid>.<payload>.<HMAC-SHA256>`; the signature gets one to the row, the row decides."""

import base64
import hashlib
import hmac
from datetime import datetime

import orjson
from django.utils.crypto import salted_hmac

from checkout.admission.models import Admission

PREFIX = "adm1"
KID = "k1"


def token_of(admission: Admission) -> str:
    """Return the token of an admission: the same text as long as its moments stay the same, and no personal data."""
    payload = orjson.dumps(
        {
            "v": 1,
            "jti": str(admission.uuid),
            "iss": "offerkeep",
            "iat": _unix(admission.issued_at),
            "nbf": _unix(admission.issued_at),
            "exp": _unix(admission.expires_at),
            "con": str(admission.consumer.uuid),
            "exp_id": str(admission.distribution.sequence.experience.uuid),
            "dist": {"type": admission.distribution.mechanism, "id": str(admission.distribution.uuid)},
            "qty": admission.quantity,
            "skus": [admission.sku] if admission.sku else [],
        }
    )
    signed = f"{PREFIX}.{KID}.{_text(payload)}"
    key = salted_hmac("offerkeep.admission", str(admission.retailer_id), algorithm="sha256").digest()
    return f"{signed}.{_text(hmac.new(key, signed.encode(), hashlib.sha256).digest())}"


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _unix(moment: datetime) -> int:
    return int(moment.timestamp())

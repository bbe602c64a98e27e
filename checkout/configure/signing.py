"""Operations on the keys that sign admission tokens and the order hook."""

from typing import Any

from checkout.configure.scene import ACTOR, Scene, text
from offers import signing_keys


def rotate(scene: Scene, fields: dict[str, Any]) -> dict[str, Any]:
    """Let a new key sign; `purpose` is admission unless it says orders, whose secret is answered as well."""
    purpose = text(fields, "purpose", default=signing_keys.ADMISSION)
    made = signing_keys.rotate(
        retailer_id=scene.retailer.pk, purpose=purpose, reason=_reason(fields), actor=ACTOR, now=scene.now
    )
    return {"kid": made.kid, **({"secret": signing_keys.secret(made)} if purpose == signing_keys.ORDERS else {})}


def retire(scene: Scene, fields: dict[str, Any], ident: object) -> dict[str, Any]:
    """Believe a key no more, at once."""
    kid = str(ident)[:100]
    found = signing_keys.retire(
        retailer_id=scene.retailer.pk, kid=kid, reason=_reason(fields), actor=ACTOR, now=scene.now
    )
    return {"kid": found.kid}


def _reason(fields: dict[str, Any]) -> str:
    found: str = text(fields, "reason", default="")
    return found

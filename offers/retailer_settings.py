"""What a retailer may set for offers, tills and loyalty, with its defaults; kept in Retailer.settings."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from offers.lib.errors import Refusal

TRANSLATE = "translate"
SYSTEM_OF_RECORD = "external_is_sor"
LOCK_TTL_MOST = 86_400


class InvalidSettings(Refusal):
    """These settings do not go together."""

    code = "invalid_settings"


@dataclass(frozen=True, slots=True)
class Settings:
    """A retailer's settings, each with its default."""

    default_culture: str = "en"
    lock_ttl_seconds: int = 1800
    transaction_max_queue_seconds: int = 900
    identity_mode: str = TRANSLATE
    redeem_orphan_hours: int = 24
    reinstate_on_full_return: bool = False
    discount_source: str = "sessionm"


_NAMES = {field.name for field in fields(Settings)}


def of(stored: Mapping[str, Any] | None) -> Settings:
    """Return the settings in a retailer's row; what is not set has its default, foreign keys are others'."""
    return Settings(**{name: value for name, value in (stored or {}).items() if name in _NAMES})


def merged(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return what to store after a change. Refuses `invalid_settings`: an unknown name, a value that cannot be, or a

    lock that would end while its transaction may still wait in the queue.
    """
    for name, value in wanted.items():
        if name not in _NAMES:
            raise InvalidSettings(f"There is no setting {name}", field=name)
        if type(value) is not type(getattr(Settings(), name)):
            raise InvalidSettings(f"{name} is not of the right kind", field=name)
    result = of({**stored, **wanted})
    if not 1 <= result.lock_ttl_seconds <= LOCK_TTL_MOST:
        raise InvalidSettings(f"lock_ttl_seconds should be from 1 to {LOCK_TTL_MOST}", field="lock_ttl_seconds")
    if result.transaction_max_queue_seconds < 0 or result.lock_ttl_seconds <= result.transaction_max_queue_seconds:
        raise InvalidSettings(
            "A lock has to last longer than a transaction may wait in the queue "
            "(lock_ttl_seconds above transaction_max_queue_seconds)",
            field="lock_ttl_seconds",
        )
    if result.identity_mode not in {TRANSLATE, SYSTEM_OF_RECORD}:
        raise InvalidSettings(f"identity_mode is {TRANSLATE} or {SYSTEM_OF_RECORD}", field="identity_mode")
    if result.redeem_orphan_hours < 1:
        raise InvalidSettings("redeem_orphan_hours should be 1 or more", field="redeem_orphan_hours")
    return {**stored, **asdict(result)}

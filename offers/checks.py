"""Django's checks of what is stored: a lock has to outlast the queue, for every retailer (manage.py check)."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Warning, register
from django.db import DatabaseError

from offers import retailer_settings
from offers.models import Retailer

SHORT_LOCK_SECONDS = 60


@register("offers")
def defaults_go_together(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """The defaults alone, without a database."""
    return _of("The defaults", {})


@register("offers", "database")
def retailers_go_together(app_configs: Any, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Every retailer's own settings; asked for with `--database default`, and by `migrate`."""
    if not databases:
        return []
    try:
        stored = list(Retailer.objects.exclude(settings={}).values_list("name", "settings"))
    except DatabaseError:
        return []  # before the first migration there are no retailers
    return [message for name, settings in stored for message in _of(name, settings)]


def _of(name: str, settings: dict[str, Any]) -> list[CheckMessage]:
    try:
        retailer_settings.merged(settings, {})
    except retailer_settings.InvalidSettings as refusal:
        return [Error(f"{name}: {refusal.message}", id="offers.E001")]
    if retailer_settings.of(settings).lock_ttl_seconds < SHORT_LOCK_SECONDS:
        return [Warning(f"{name}: offer locks last less than a minute", id="offers.W001")]
    return []

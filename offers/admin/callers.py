"""Who asked: API credentials by the names staff gave them, where rows only keep their keys."""

from collections.abc import Iterable, Mapping

from django.utils.html import format_html

from offers.models import Client


def named(keys: Iterable[str]) -> dict[str, str]:
    """Return the names of credentials by key, in one statement, none for none."""
    wanted = {key for key in keys if key}
    if not wanted:
        return {}
    return dict(Client.objects.filter(key__in=wanted).values_list("key", "name"))


def said(key: str, known: Mapping[str, str] | None = None) -> str:
    """Return the name of a credential with its key as the tooltip; whoever is no credential as he is called."""
    names = named([key]) if known is None else known
    return format_html('<span title="{}">{}</span>', key, names[key]) if key in names else key

"""The words and pictures of an offer, in the language asked for or the nearest there is."""

from typing import Any

from offers.models import Offer


def text(offer: Offer, culture: str | None, default: str = "") -> dict[str, Any]:
    """Return the text for a culture: exact, its language, a region of that language, the retailer's, the first."""
    return _for_culture(offer.texts, culture, default) or {
        "id": "",
        "culture": "",
        "title": "",
        "description": "",
        "terms": "",
    }


def media(offer: Offer, culture: str | None, default: str = "") -> dict[str, Any] | None:
    """Return the picture for a culture, found like texts are."""
    return _for_culture(offer.media, culture, default)


def _for_culture(lines: list[dict[str, Any]], culture: str | None, default: str) -> dict[str, Any] | None:
    cultures = [(line["culture"] or "").lower() for line in lines]
    languages = [found.partition("-")[0] for found in cultures]
    for asked in (culture or "", default):
        wanted = asked.strip().replace("_", "-").lower()
        language = wanted.partition("-")[0]
        for word, among in ((wanted, cultures), (language, cultures), (language, languages)):
            if word and word in among:
                return lines[among.index(word)]
    return lines[0] if lines else None

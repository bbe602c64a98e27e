"""What the pages of draws and auctions share: how people are named, and turning pages."""

from django.http import Http404, HttpRequest

from checkout.admission.models import Admission, Consumer, Distribution
from offers.admin import show
from offers.admin.page import Button


def named(consumer: Consumer) -> str:
    """Return a consumer as a link to all his admissions."""
    return show.link(consumer.email or str(consumer.uuid)[:8], show.list_of(Admission, q=str(consumer.uuid)))


def only(row: Distribution, mechanism: Distribution.Mechanism) -> None:
    """Answer 404 where a page is not for this mechanism."""
    if row.mechanism != mechanism:
        raise Http404


def first_of(request: HttpRequest, most: int, total: int) -> int:
    """Return the number, from 1, that a page begins with."""
    asked = request.GET.get("from", "1")
    first = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 10 else 1
    return min(max(first, 1), max(total, 1))


def turning(url: str, first: int, most: int, total: int) -> list[Button]:
    """Return the buttons that lead to the pages before and behind."""
    found = []
    if first > 1:
        found.append(Button(text="Previous", url=f"{url}?from={max(1, first - most)}"))
    if first + most <= total:
        found.append(Button(text="Next", url=f"{url}?from={first + most}"))
    return found

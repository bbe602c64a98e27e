"""Makes the rows that tests begin with; every function returns a saved object and takes any field by name."""

from itertools import count
from typing import Any

from offers import clients
from offers.lib import clock
from offers.lib.actors import SYSTEM
from offers.models import Client, Retailer

_number = count(1)


def retailer(**fields: Any) -> Retailer:
    fields.setdefault("name", f"Shop {next(_number)}")
    return Retailer.objects.create(**fields)


def credential(
    shop: Retailer, kind: str = "server", *, rate_limited: bool = False, **fields: Any
) -> tuple[Client, str]:
    """Return a credential and its secret; without rate limits unless a test is about them."""
    fields.setdefault("name", f"Till {next(_number)}")
    if kind == "browser":
        fields.setdefault("origins", ["https://shop.example"])
    return clients.create(
        retailer_id=shop.pk, kind=kind, actor=SYSTEM, now=clock.now(), rate_limited=rate_limited, **fields
    )

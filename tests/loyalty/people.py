"""Makes members and point accounts for tests with a database."""

from itertools import count
from typing import Any

from loyalty import members
from loyalty.models import Member, PointAccount
from offers.lib.actors import SYSTEM
from offers.models import Retailer
from tests.loyalty.sales import NOON

_number = count(1)


def person(shop: Retailer, **fields: Any) -> Member:
    fields.setdefault("first_name", "Ada")
    return members.create(retailer_id=shop.pk, actor=SYSTEM, now=NOON, **fields)


def kind(shop: Retailer, name: str = "main", **fields: Any) -> PointAccount:
    fields.setdefault("default", name == "main")
    return PointAccount.objects.create(retailer=shop, name=name, **fields)

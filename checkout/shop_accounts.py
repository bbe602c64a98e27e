"""Accounts of a shop's customers: made, and signed in to."""

from datetime import datetime

from django.contrib.auth.hashers import check_password, make_password

from checkout.models import ShopAccount
from offers.lib.errors import Duplicate, InvalidPayload

LONGEST = 254


def create(*, retailer_id: int, email: str, password: str, now: datetime) -> ShopAccount:
    """Make an account. Refuses `invalid_payload`, and `duplicate_found` for an address that has one."""
    address = _plain(email)
    if "@" not in address or len(address) > LONGEST or "\0" in address:
        raise InvalidPayload("email should be an address such as ada@example.com", field="email")
    if not password:
        raise InvalidPayload("password should not be empty", field="password")
    made, fresh = ShopAccount.objects.get_or_create(
        retailer_id=retailer_id, email=address, defaults={"password": make_password(password), "created_at": now}
    )
    if not fresh:
        raise Duplicate(resource_id=address, resource_type="customer")
    return made


def signed_in(*, retailer_id: int, email: str, password: str) -> ShopAccount | None:
    """Return the account of this address and password, None otherwise; either takes the same time."""
    found = None
    if "\0" not in email:
        found = ShopAccount.objects.filter(retailer_id=retailer_id, email=_plain(email)).first()
    if found is None:
        make_password(password)
        return None
    return found if check_password(password, found.password) else None


def _plain(email: str) -> str:
    return email.strip().lower()

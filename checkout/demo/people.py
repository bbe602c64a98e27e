"""Who is in the demo: two retailers with their credentials, and a member of staff per role."""

from datetime import datetime

from checkout import roles, staff
from offers import clients, retailers
from offers.lib.actors import SYSTEM
from offers.lib.ids import random_text
from offers.models import Retailer

ACME, BOREALIS = "Acme Outdoor", "Borealis Books"
CLIENT_ORIGIN = "http://localhost:3000"
STAFF = {
    roles.ADMIN: ("admin", "Robin Admin"),
    roles.MARKETER: ("marketer", "Mia Marketer"),
    roles.REVIEWER: ("reviewer", "Ravi Reviewer"),
}


def make_retailer(name: str, now: datetime) -> Retailer:
    return retailers.create(
        fields={"name": name, "timezone": "UTC", "currency": "USD", "stacking": {}}, actor=SYSTEM, now=now
    )


def make_credentials(acme: Retailer, borealis: Retailer, now: datetime) -> dict[str, str]:
    """Return the API keys of both retailers; without rate limits, so that trying things out meets none."""
    server, token = clients.create(
        retailer_id=acme.pk, kind="server", name="Demo shop", rate_limited=False, actor=SYSTEM, now=now
    )
    page, page_token = clients.create(
        retailer_id=acme.pk,
        kind="browser",
        name="Demo checkout page",
        origins=[CLIENT_ORIGIN],
        rate_limited=False,
        actor=SYSTEM,
        now=now,
    )
    other, other_token = clients.create(
        retailer_id=borealis.pk, kind="server", name="Demo book shop", rate_limited=False, actor=SYSTEM, now=now
    )
    return {
        "APP_ID": server.key,
        "APP_TOKEN": token,
        "CLIENT_ID": page.key,
        "CLIENT_TOKEN": page_token,
        "CLIENT_ORIGIN": CLIENT_ORIGIN,
        "APP_ID_B": other.key,
        "APP_TOKEN_B": other_token,
        **make_shop_keys(acme, "", now),
        **make_shop_keys(borealis, "2", now),
    }


def make_shop_keys(retailer: Retailer, suffix: str, now: datetime) -> dict[str, str]:
    """Return the key of a retailer's shop pages, usable from any origin, and that of its server."""
    page, _ = clients.create(
        retailer_id=retailer.pk,
        kind="publishable",
        name="Demo shop pages",
        origins=["*"],
        rate_limited=False,
        actor=SYSTEM,
        now=now,
    )
    _, secret = clients.create(
        retailer_id=retailer.pk, kind="secret", name="Demo shop server", rate_limited=False, actor=SYSTEM, now=now
    )
    return {f"PK{suffix}": page.key, f"SK{suffix}": secret}


def make_staff(now: datetime) -> dict[str, str]:
    """Return a login and a random password per role."""
    roles.sync()
    found: dict[str, str] = {}
    for role, (login, name) in STAFF.items():
        password = random_text(14)
        staff.save(
            user_id=None,
            fields={
                "username": login,
                "name": name,
                "email": f"{login}@example.com",
                "role": role,
                "active": True,
                "password": password,
            },
            actor=SYSTEM,
            now=now,
        )
        found |= {f"{role.upper()}_LOGIN": login, f"{role.upper()}_PASSWORD": password}
    return found

"""manage.py load_demo: a small realistic demo, once; writes its keys and logins to $DATA_DIR/demo.env."""

import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from checkout.demo import club, launch, past, people, sales, shelf, storefront
from offers.lib import clock
from offers.lib.actors import Actor
from offers.models import Client, Retailer


class Command(BaseCommand):
    help = "Load the demo, unless it is there: two retailers, credentials, staff, campaigns, codes, members, sales."

    def handle(self, *_: Any, **__: Any) -> None:
        if Retailer.objects.filter(name=people.ACME).exists():
            return
        now = clock.now()
        # All of it or nothing: a start that was interrupted loads it the next time.
        with transaction.atomic():
            written = self.load(now)
        place = Path(os.environ.get("DATA_DIR", ".data"))
        place.mkdir(parents=True, exist_ok=True)
        lines = "".join(f"{name}={value}\n" for name, value in written.items())
        target = place / "demo.env"
        target.touch(mode=0o600)
        target.write_text(lines)
        self.stdout.write(f"demo loaded: {target}")

    def load(self, now: Any) -> dict[str, str]:
        acme, borealis = (people.make_retailer(name, now) for name in (people.ACME, people.BOREALIS))
        keys = people.make_credentials(acme, borealis, now)
        mug = shelf.stock(acme, now)
        made = shelf.make_rules(acme, now)
        shelf.fill(acme, mug, made, now)
        shelf.fill_second(borealis, now)
        shop = Client.objects.get(key=keys["APP_ID"])
        past.live(acme, Actor(kind="API", ident=shop.key, label=shop.name, credential_id=shop.pk), now)
        doors = club.open_doors(acme, borealis, now)
        club.fill_wallets(acme, club.make_offers(acme, now), now)
        till = Client.objects.get(key=doors["BASIC_USER"])
        sales.ring_up(acme, Actor(kind="API", ident=till.key, label=till.name, credential_id=till.pk), now)
        base = os.environ.get("BASE_URL", "http://127.0.0.1:8000")
        queue = launch.open_queue(acme, base_url=base, now=now)
        shop_front = storefront.open_shop(acme, made["minimum"], now)
        return {
            "BASE_URL": base,
            **keys,
            **doors,
            **queue,
            **shop_front,
            "EXAMPLE_CODE": shelf.WELCOME,
            **people.make_staff(now),
        }

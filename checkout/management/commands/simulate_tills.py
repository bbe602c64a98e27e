"""manage.py simulate_tills: tills that lock offers and send sales, so that one can watch the queue at work."""

import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q

from checkout.demo.tills import Door, Tally, Till
from checkout.models import Revision
from loyalty.models import Member
from offers.lib import clock
from offers.models import Retailer, UserOffer

MOST_SALES, MOST_TILLS = 10_000, 16
SHOPPERS = 500
WAIT_SECONDS = 120
BAR = 40
KEYS = ("BASE_URL", "BASIC_USER", "BASIC_PASS", "RETAILER_ID", "STORE_A")


class Command(BaseCommand):
    help = "Play tills against a running server with the demo's keys; then wait until the queue is empty and sum up."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--sales", type=int, default=200, help=f"at most {MOST_SALES}")
        parser.add_argument("--tills", type=int, default=4, help=f"at most {MOST_TILLS}")
        parser.add_argument("--seed", type=int, default=1, help="the same seed plays the same sales")
        parser.add_argument("--no-wait", action="store_true", help="do not wait for the queue")

    def handle(self, *_: Any, **options: Any) -> None:
        sales, tills = options["sales"], options["tills"]
        if not (0 < sales <= MOST_SALES and 0 < tills <= MOST_TILLS):
            raise CommandError(f"--sales is from 1 to {MOST_SALES}, --tills from 1 to {MOST_TILLS}")
        keys = self.keys()
        shop = Retailer.objects.get(uuid=keys["RETAILER_ID"])
        shoppers = self.shoppers(shop)
        if not shoppers:
            raise CommandError("The retailer has no members: load the demo first (manage.py load_demo)")
        door = Door(keys["BASE_URL"], keys["BASIC_USER"], keys["BASIC_PASS"], keys["STORE_A"])
        began = time.monotonic()
        tallies = self.play(door, shoppers, sales, tills, options["seed"])
        self.sum_up(tallies, seconds=time.monotonic() - began)
        if not options["no_wait"]:
            self.wait([one for tally in tallies for one in tally.sent], shop)

    def keys(self) -> dict[str, str]:
        place = Path(os.environ.get("DATA_DIR", ".data")) / "demo.env"
        found = dict(os.environ)
        if place.exists():
            found |= dict(line.split("=", 1) for line in place.read_text().splitlines() if "=" in line)
        if missing := [name for name in KEYS if not found.get(name)]:
            raise CommandError(f"{', '.join(missing)} stand neither in {place} nor in the environment")
        return {name: found[name] for name in KEYS}

    def shoppers(self, shop: Retailer) -> list[tuple[UUID, list[UUID]]]:
        """Return members with the offers in their wallets that nobody holds."""
        chosen = list(Member.objects.filter(retailer=shop).order_by("pk")[:SHOPPERS])
        offers: dict[int, list[UUID]] = {}
        free = UserOffer.objects.filter(
            Q(ends_at=None) | Q(ends_at__gt=clock.now()),
            customer_id__in=[member.customer_id for member in chosen],
            status=UserOffer.Status.ISSUED,
        )
        for owner, entry in free.values_list("customer_id", "uuid"):
            offers.setdefault(owner, []).append(entry)
        return [(member.uuid, offers.get(member.customer_id, [])) for member in chosen]

    def play(
        self, door: Door, shoppers: list[tuple[UUID, list[UUID]]], sales: int, tills: int, seed: int
    ) -> list[Tally]:
        """Let every till play its share, with a bar that grows."""
        now = clock.now()
        crew = [Till(door, shoppers, seed + number, now) for number in range(tills)]
        done = 0

        def work(number: int) -> None:
            nonlocal done
            for _ in range(sales // tills + (number < sales % tills)):
                crew[number].sell()
                done += 1

        with ThreadPoolExecutor(tills) as pool:
            running = [pool.submit(work, number) for number in range(tills)]
            while not all(one.done() for one in running):
                self.bar("sales", done, sales)
                time.sleep(1 / 5)
            for one in as_completed(running):
                one.result()
        self.bar("sales", done, sales)
        self.stdout.write("")
        return [till.tally for till in crew]

    def sum_up(self, tallies: list[Tally], *, seconds: Any) -> None:
        counts: Counter[str] = sum((tally.counts for tally in tallies), Counter())
        took = sorted(one for tally in tallies for one in tally.sends)
        for what, count in counts.most_common():
            self.stdout.write(f"{what:<32} {count}")
        if took:
            self.stdout.write(
                f"send p50 / p95                   {took[len(took) // 2]} / {took[len(took) * 95 // 100]} ms"
            )
        self.stdout.write(f"all of it took                   {seconds:.1f} s")

    def wait(self, sent: list[str], shop: Retailer) -> None:
        """Wait until the last of the sales was worked off, and say what they came to."""
        rows = Revision.objects.filter(transaction__retailer=shop, transaction__transaction_id__in=sent)
        until = time.monotonic() + WAIT_SECONDS
        total = rows.count()
        while time.monotonic() < until:
            waiting = rows.filter(state__in=("queued", "retry")).count()
            self.bar("worked off", total - waiting, total)
            if not waiting:
                break
            time.sleep(1 / 2)
        self.stdout.write("")
        states = Counter(rows.values_list("state", flat=True))
        for state, count in states.most_common():
            self.stdout.write(f"{state:<32} {count}")
        redeemed = sum(len((one or {}).get("redeemed") or ()) for one in rows.values_list("result", flat=True))
        self.stdout.write(f"offers redeemed                  {redeemed}")

    def bar(self, what: str, done: int, total: int) -> None:
        filled = BAR * done // max(total, 1)
        self.stdout.write(f"\r{what:<12} [{'#' * filled}{'.' * (BAR - filled)}] {done}/{total}", ending="")
        self.stdout.flush()

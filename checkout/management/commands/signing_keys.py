"""manage.py signing_keys list|rotate|retire: the keys that sign admission tokens and the order hook."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from offers import signing_keys
from offers.lib import clock
from offers.lib.actors import SYSTEM
from offers.lib.errors import Refusal
from offers.models import Retailer, SigningKey


class Command(BaseCommand):
    help = "Lists a retailer's signing keys, lets a new one sign, or believes one no more."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["list", "rotate", "retire"])
        parser.add_argument("--retailer", required=True, help="its name")
        parser.add_argument("--purpose", choices=sorted(signing_keys.OVERLAPS), default=signing_keys.ADMISSION)
        parser.add_argument("--kid", default="", help="which key to retire")
        parser.add_argument("--reason", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        found = Retailer.objects.filter(name=options["retailer"]).first()
        if found is None:
            raise CommandError(f"There is no retailer {options['retailer']}")
        common = {"retailer_id": found.pk, "actor": SYSTEM, "now": clock.now(), "reason": options["reason"]}
        try:
            if options["what"] == "rotate":
                signing_keys.rotate(purpose=options["purpose"], **common)
            elif options["what"] == "retire":
                signing_keys.retire(kid=options["kid"], **common)
        except Refusal as refusal:
            raise CommandError(str(refusal)) from None
        for row in SigningKey.objects.filter(retailer=found).order_by("purpose", "-id"):
            until = f" until {row.verify_until:%Y-%m-%d %H:%M} UTC" if row.verify_until and not row.retired_at else ""
            self.stdout.write(f"{row.purpose:10} {row.kid}  {row.state}{until}")

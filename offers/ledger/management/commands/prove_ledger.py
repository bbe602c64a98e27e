"""prove_ledger: prints how many figures of the ledger differ from journal and holds; 0 always, else exit code 1."""

import sys
from dataclasses import asdict
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandParser

from offers.ledger import audit


class Command(BaseCommand):
    help = "Re-derives every counter from the journal and the live holds. Prints the number of differences: 0, always."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
        parser.add_argument("--show", type=int, default=100, help="list at most this many differences")
        parser.add_argument(
            "--forget-tallies", action="store_true", help="first drop all tallies; once after a logical restore"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["forget_tallies"]:
            audit.forget_tallies()
        proof = audit.prove(show=options["show"])
        if options["json"]:
            self.stdout.write(orjson.dumps(asdict(proof)).decode())
        else:
            self.stdout.write(f"{proof.total} differences in {proof.counters} counters")
            for difference in proof.differences:
                self.stdout.write(str(difference))
        if proof.total:
            sys.exit(1)

"""manage.py configure: sets the product up from a JSON document, and answers with one JSON object."""

import sys
from pathlib import Path
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandParser

from checkout.configure import document, operations
from offers.lib import clock
from offers.lib.errors import Refusal


class Command(BaseCommand):
    help = "Carry out a document of a retailer's set-up, or of operations, from a file or standard input."
    requires_system_checks = ()  # a quick command; whatever is wrong with the settings stops the server

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", help="The document; without one it is read from standard input.")

    def handle(self, *_: Any, **options: Any) -> None:
        name = options["file"]
        answer = answer_to(Path(name).read_bytes() if name else sys.stdin.buffer.read())
        self.stdout.write(orjson.dumps(answer).decode())
        if answer.get("errors"):
            sys.exit(1)


def answer_to(written: bytes) -> dict[str, Any]:
    """Carry out the document; what it holds of both parts is answered together."""
    try:
        found = orjson.loads(written)
    except orjson.JSONDecodeError as error:
        return {"errors": [{"at": "", "code": "malformed_json", "message": str(error)}]}
    if not isinstance(found, dict) or not {"retailer", "ops"} & found.keys():
        message = "A document is an object with a retailer, or with ops"
        return {"errors": [{"at": "", "code": "bad_document", "message": message}]}
    answer: dict[str, Any] = {}
    now = clock.now()
    if found.keys() != {"ops"}:
        answer = document.apply(found, now=now)
    if "ops" in found and not answer.get("errors"):
        try:
            answer["results"] = operations.carry_out(found["ops"], now=now)
        except Refusal as refusal:
            answer["errors"] = [{"at": "ops", "code": refusal.code, "message": refusal.message}]
    return answer

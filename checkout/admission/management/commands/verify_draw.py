"""verify_draw: recomputes a draw from what is published about it, and asks no database; exit code 1 if it fails."""

import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser

from checkout.admission import drawing


class Command(BaseCommand):
    help = "Recomputes the winners of a draw from its published JSON: a file, an http(s) address, or - for stdin."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", help="FILE, URL or -")
        parser.add_argument("--key", default="", help="publishable key to send with a URL")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            published = orjson.loads(_read(options["source"], key=options["key"]))
        except (OSError, urllib.error.URLError) as error:
            raise CommandError(f"cannot read {options['source']}: {error}") from error
        except orjson.JSONDecodeError as error:
            raise CommandError(f"{options['source']} is not JSON: {error}") from error
        found = drawing.faults(published)
        for fault in found:
            self.stdout.write(f"NOT PROVEN: {fault}")
        if found:
            sys.exit(1)
        later = len(published.get(drawing.LATER) or [])
        said = f"proven: {len(published['winners'])} winners of {len(published['entries'])} entries"
        self.stdout.write(f"{said}, {later} admitted later in their stead" if later else said)


def _read(source: str, *, key: str) -> bytes:
    if source == "-":
        return sys.stdin.buffer.read()
    if not source.startswith(("http://", "https://")):
        return Path(source).read_bytes()
    request = urllib.request.Request(source, headers={"X-Publishable-Key": key} if key else {})
    with urllib.request.urlopen(request, timeout=30) as answer:
        body: bytes = answer.read()
    return body

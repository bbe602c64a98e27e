"""Brings a database and the static files up to the code: migrations, collected files, the demo once."""

import hashlib
import os
from pathlib import Path

import django
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command, get_commands


def main() -> None:
    """What `make run` does before it serves; safe to repeat, and quick when there is nothing to do."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    call_command("migrate", interactive=False, verbosity=0)
    collect_static()
    # It loads nothing the second time, and writes demo.env into $DATA_DIR with $BASE_URL (project/local.py: describe).
    if "load_demo" in get_commands():
        call_command("load_demo")


def collect_static() -> None:
    """Collect and compress static files if any of them changed since the last time."""
    root = Path(settings.STATIC_ROOT)
    seen, mark = fingerprint(), root / ".collected"
    if not mark.is_file() or mark.read_text() != seen:
        call_command("collectstatic", interactive=False, verbosity=0, clear=root.is_dir())
        mark.write_text(seen)


def fingerprint() -> str:
    """Return a digest of every static file's place, size and age."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list([]):
            status = Path(storage.path(path)).stat()
            digest.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


if __name__ == "__main__":
    main()

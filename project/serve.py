"""Starts the web server as production runs it: granian, WSGI, a few processes of one thread each."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import django
from django.conf import settings

from project import env


def command(*, host: str, port: int) -> list[str]:
    """Return the command line that serves here; processes and threads come from the environment."""
    return [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "project.wsgi:application"),
        *("--host", host, "--port", str(port), "--no-ws", "--http", "1"),
        *("--workers", str(env.env_int("WEB_WORKERS", 2, least=1))),
        # These only wait for bodies; the application has threads of its own (project/bodies.py).
        *("--blocking-threads", str(env.env_int("WEB_BODIES", 64, least=1))),
        *("--backlog", "1024", "--respawn-failed-workers", "--workers-kill-timeout", "10"),
        *("--log-level", "warning"),
    ]


def empty_metrics_dir(place: Path) -> None:
    """Give the processes a fresh place to count together: counts of former processes would be added."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True, mode=0o700)


def main() -> None:
    """Check the settings once, here, instead of in a loop of dying processes; then become the server."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    if not (Path(settings.STATIC_ROOT) / "staticfiles.json").is_file():
        raise SystemExit(
            f"No static files in {settings.STATIC_ROOT}. Collect them first: python manage.py collectstatic"
        )
    place = os.environ.setdefault(
        "PROMETHEUS_MULTIPROC_DIR", f"{tempfile.gettempdir()}/offerkeep-metrics-{os.getpid()}"
    )
    empty_metrics_dir(Path(place))
    line = command(host=os.environ.get("HOST") or "0.0.0.0", port=env.env_int("PORT", 8000, least=1))
    os.execv(line[0], line)


if __name__ == "__main__":
    main()

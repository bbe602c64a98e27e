"""The supported fallback to granian: `gunicorn project.wsgi` reads this file."""

import os

from prometheus_client.multiprocess import mark_process_dead

bind = f"{os.environ.get('HOST', '0.0.0.0')}:{os.environ.get('PORT', '8000')}"
workers = int(os.environ.get("WEB_WORKERS", "2"))
threads = int(os.environ.get("WEB_THREADS", "4"))
worker_class = "gthread"
keepalive = 30
timeout = 60
graceful_timeout = 20
max_requests = 100_000
max_requests_jitter = 10_000


def child_exit(server: object, worker: object) -> None:
    """Drop the live gauges of a worker that is gone."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        mark_process_dead(worker.pid)  # type: ignore[attr-defined, no-untyped-call]

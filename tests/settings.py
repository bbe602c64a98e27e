"""Settings of the tests and of mypy: the product's own, on throw-away servers that start when first asked for."""

import os
import tempfile
from pathlib import Path

from project import embedded

os.environ["OFFERKEEP_DEV"] = "1"
os.environ["CELERY_EAGER"] = "1"
os.environ.setdefault("DATABASE_STATEMENT_TIMEOUT_MS", "60000")
os.environ["AUTH_FAILURE_LIMIT"] = "1000000"  # all tests call from one address
# Inherited by the workers of pytest-xdist, so that all of them share one PostgreSQL.
os.environ.setdefault("TEST_SERVERS", f"{tempfile.gettempdir()}/offerkeep-test-{os.getpid()}")
SERVERS = Path(os.environ["TEST_SERVERS"])
if "DATABASE_URL" not in os.environ:
    os.environ["DATABASE_URL"] = embedded.postgres_url(SERVERS)
if "REDIS_URL" not in os.environ or os.environ.get("TEST_REDIS") == "own":
    os.environ["TEST_REDIS"] = "own"
    os.environ["REDIS_URL"] = f"redis://:test@127.0.0.1:{embedded.free_port()}/0"

from project.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_AUTOREFRESH = True  # nothing is collected
ACCESS_LOG = False

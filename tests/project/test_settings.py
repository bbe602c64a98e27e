"""A production start takes everything from the environment and refuses to guess."""

import json
import os
import subprocess
import sys

import pytest

from project import local

COMPLETE = {
    "SECRET_KEY": "k" * 50,
    "DATABASE_URL": "postgres://u:p@db/offerkeep",
    "REDIS_URL": "redis://redis:6379/0",
    "ALLOWED_HOSTS": "offers.example",
}
SHOW = """
import json
from django.conf import settings as s
names = ["DEBUG", "ALLOWED_HOSTS", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_SSL_REDIRECT",
         "SECURE_HSTS_SECONDS", "CSRF_TRUSTED_ORIGINS", "CELERY_BROKER_URL"]
d = s.DATABASES["default"]
database = {"HOST": d["HOST"], "OPTIONS": d["OPTIONS"], "AGE": d["CONN_MAX_AGE"]}
print(json.dumps({n: getattr(s, n) for n in names} | database))
"""


def start(code: str = SHOW, **environment: str) -> subprocess.CompletedProcess[str]:
    bare = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**bare, "DJANGO_SETTINGS_MODULE": "project.settings", **environment},
        cwd=local.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", ["SECRET_KEY", "DATABASE_URL", "REDIS_URL", "ALLOWED_HOSTS"])
def test_it_refuses_to_start_without(name: str) -> None:
    done = start(**{key: value for key, value in COMPLETE.items() if key != name})
    assert done.returncode != 0
    assert f"{name} is missing" in done.stderr
    assert "Traceback" not in done.stderr


def test_it_is_closed_by_default() -> None:
    shown = json.loads(start(**COMPLETE).stdout)
    assert shown["DEBUG"] is False
    assert shown["SESSION_COOKIE_SECURE"] and shown["CSRF_COOKIE_SECURE"] and shown["SECURE_SSL_REDIRECT"]
    assert shown["SECURE_HSTS_SECONDS"] == 31_536_000
    assert shown["ALLOWED_HOSTS"] == ["offers.example"]


def test_secure_can_be_switched_off_for_plain_http() -> None:
    shown = json.loads(start(**COMPLETE, SECURE="0", CSRF_TRUSTED_ORIGINS="http://a.example").stdout)
    assert (shown["SESSION_COOKIE_SECURE"], shown["SECURE_HSTS_SECONDS"]) == (False, 0)
    assert shown["CSRF_TRUSTED_ORIGINS"] == ["http://a.example"]


def test_database_connections_are_kept_prepared_and_bounded() -> None:
    shown = json.loads(start(**COMPLETE).stdout)
    assert (shown["HOST"], shown["AGE"]) == ("db", 600)
    assert shown["OPTIONS"]["server_side_binding"] is True
    assert shown["OPTIONS"]["prepare_threshold"] == 2
    assert shown["OPTIONS"]["connect_timeout"] == 3
    assert "statement_timeout=10000" in shown["OPTIONS"]["options"]


def test_both_limits_can_be_left_to_the_role_behind_pgbouncer() -> None:
    off = {"DATABASE_STATEMENT_TIMEOUT_MS": "0", "DATABASE_IDLE_TIMEOUT_MS": "0"}
    assert json.loads(start(**COMPLETE, **off).stdout)["OPTIONS"]["options"] == ""


def test_development_needs_no_environment_and_insists_on_no_https() -> None:
    shown = json.loads(start(OFFERKEEP_DEV="1").stdout)
    assert (shown["DEBUG"], shown["SECURE_SSL_REDIRECT"], shown["ALLOWED_HOSTS"]) == (False, False, ["*"])

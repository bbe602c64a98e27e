"""The tests run on a PostgreSQL of their own, set up as in production."""

import pytest
import redis
from django.conf import settings
from django.db import connection


@pytest.mark.django_db
def test_it_runs_on_a_supported_postgresql_in_utc() -> None:
    with connection.cursor() as cursor:
        cursor.execute("select current_setting('server_version_num')::int, current_setting('TimeZone')")
        version, zone = cursor.fetchone()
    assert version >= 150000
    assert zone == "UTC"


@pytest.mark.django_db
def test_statements_are_prepared_on_the_server() -> None:
    with connection.cursor() as cursor:
        for _ in range(4):
            cursor.execute("select %s::int + 41", [1])
        cursor.execute("select count(*) from pg_prepared_statements where statement like %s", ["%+ 41%"])
        assert cursor.fetchone() == (1,)


def test_a_valkey_answers_where_settings_say(redis_client: redis.Redis) -> None:
    assert redis_client.ping()
    assert redis_client.get_connection_kwargs()["port"] == int(settings.REDIS_URL.rpartition(":")[2].split("/")[0])

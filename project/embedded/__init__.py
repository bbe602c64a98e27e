"""Starts and stops the PostgreSQL and Valkey that come as wheels, for machines where nobody installed either."""

from project.embedded.directories import Lock, make_throw_away_dir, remove_throw_away_dir
from project.embedded.postgres import DATABASE, find_postgres, postgres_url, start_postgres
from project.embedded.servers import CannotStart, Server, free_port
from project.embedded.valkey import find_valkey, start_valkey, valkey_url

__all__ = [
    "DATABASE",
    "CannotStart",
    "Lock",
    "Server",
    "find_postgres",
    "find_valkey",
    "free_port",
    "make_throw_away_dir",
    "postgres_url",
    "remove_throw_away_dir",
    "start_postgres",
    "start_valkey",
    "valkey_url",
]

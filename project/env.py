"""Reads settings from the environment and fails loudly on what it cannot understand."""

import os
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off", ""}


def env_bool(name: str, default: bool) -> bool:
    """Return the truth of an environment variable; anything but a known word is an error."""
    raw = os.environ.get(name)
    if raw is None:
        return default
    word = raw.strip().lower()
    if word in TRUE:
        return True
    if word in FALSE:
        return False
    raise SystemExit(f"{name}={raw!r}: expected one of {sorted(TRUE | (FALSE - {''}))}")


def env_int(name: str, default: int, *, least: int = 0) -> int:
    """Return a whole number of at least `least`; anything else is an error."""
    raw = os.environ.get(name, "").strip()
    if not raw:
        return default
    if not (raw.isascii() and raw.isdigit() and len(raw) <= 12) or int(raw) < least:
        raise SystemExit(f"{name}={raw!r}: expected a whole number of at least {least}")
    return int(raw)


def env_list(name: str, default: str = "") -> list[str]:
    """Return the comma-separated words of a variable, blanks dropped."""
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


def env_choice(name: str, default: str, choices: set[str]) -> str:
    """Return one of the choices, upper or lower case as the choices have it."""
    raw = os.environ.get(name, "").strip() or default
    if raw not in choices:
        raise SystemExit(f"{name}={raw!r}: expected one of {sorted(choices)}")
    return raw


def env_secret(name: str, *, dev: str | None) -> str:
    """Return a secret; where it is missing, `dev` stands in, and without that the start is refused."""
    value = os.environ.get(name, "").strip()
    if value:
        return value
    if dev is not None:
        return dev
    raise SystemExit(
        f"{name} is missing. A production start takes it from the environment (README, Settings); "
        "for a private server on this machine use `make run`, for a shell beside it `make shell`."
    )


def database_from_url(name: str, url: str) -> dict[str, str]:
    """Split a postgres:// URL into Django's parts and its query; `?host=/dir` names a unix socket."""
    try:
        parts = urlsplit(url)
        port = str(parts.port or "")
    except ValueError:
        parts, port = urlsplit(""), ""
    database = unquote(parts.path.lstrip("/"))
    if parts.scheme not in {"postgres", "postgresql"} or not database:
        # The URL itself is not repeated: it holds a password.
        raise SystemExit(f"{name}: expected postgres://user:password@host:port/name (only PostgreSQL is supported)")
    query = dict(parse_qsl(parts.query))
    return {
        "NAME": database,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", "") or unquote(parts.hostname or ""),
        "PORT": query.pop("port", "") or port,
        **{f"?{key}": value for key, value in query.items()},
    }


def load_file(path: Path) -> None:
    """Put the KEY=value lines of a file into the environment, except for names that are already there."""
    for key, value in read_file(path).items():
        os.environ.setdefault(key, value)


def read_file(path: Path) -> dict[str, str]:
    """Return the KEY=value lines of a file, in their order; a missing file has none."""
    if not path.is_file():
        return {}
    pairs = (line.split("=", 1) for line in path.read_text().splitlines() if "=" in line and line[0] != "#")
    return {key.strip(): value.strip() for key, value in pairs}


def write_file(path: Path, values: dict[str, str]) -> None:
    """Write KEY=value lines readable by the owner only, all or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.writelines(f"{key}={value}\n" for key, value in values.items())
        out.flush()
        os.fsync(out.fileno())
    beside.replace(path)


def env_path(name: str, default: Path) -> Path:
    """Return an absolute path; `~` and relative paths count from the current directory."""
    raw = os.environ.get(name, "").strip()
    return Path(raw).expanduser().absolute() if raw else default

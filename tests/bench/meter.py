"""Reads CPU time from /proc: of a process with its children, and of one database's sessions."""

import os
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


def processes_below(root: int) -> list[int]:
    """Return a process and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(entry.read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue  # gone in the meantime
        children.setdefault(parent, []).append(int(entry.parent.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def sessions(postgres: int, database: str) -> list[int]:
    """Return the processes that serve clients of one database; not what PostgreSQL does for all of them."""
    return [pid for pid in processes_below(postgres)[1:] if f" {database} [local]" in _title(pid)]


def cpu(pids: list[int]) -> float:
    """Return the CPU seconds that these processes have used so far."""
    return sum(_seconds(pid) for pid in pids)


def _seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICK


def _title(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""

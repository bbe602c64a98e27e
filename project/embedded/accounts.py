"""Who runs PostgreSQL, which refuses to run as root: a child of root becomes somebody else."""

import ctypes
import os
import pwd
from collections.abc import Callable
from pathlib import Path

from project.embedded.directories import OTHER_DIR
from project.embedded.servers import CannotStart


def becoming(account: pwd.struct_passwd, *, paths: list[Path]) -> Callable[[], None] | None:
    """Return how a child of root becomes `account`; nothing is to be done for anybody else."""
    if os.geteuid():
        return None
    keep_reach = not all(_may_enter(account, path) for path in paths)
    return lambda: _drop_root(account, keep_reach=keep_reach)


def account_for(cluster: Path) -> pwd.struct_passwd:
    """Return who runs PostgreSQL: ourselves; for root, which it refuses, the cluster's owner or `nobody`."""
    me = os.geteuid()
    owner = cluster.stat().st_uid if cluster.exists() else None
    if me:
        if owner not in (None, me):
            raise CannotStart(f"{cluster} belongs to user id {owner}, and you are {me}. {OTHER_DIR}")
        return pwd.getpwuid(me)
    if owner:
        return pwd.getpwuid(owner)
    try:
        return pwd.getpwnam("nobody")
    except KeyError as error:
        raise CannotStart(
            "PostgreSQL does not run as root, and there is no user `nobody` to run it as. "
            "Run as an ordinary user, or set DATABASE_URL to a running PostgreSQL."
        ) from error


def _may_enter(account: pwd.struct_passwd, path: Path) -> bool:
    """Whether the account may pass through every directory above `path` (others' bit or ownership)."""
    for above in path.resolve().parents:
        status = above.stat()
        if not (status.st_mode & 0o001 or (status.st_uid == account.pw_uid and status.st_mode & 0o100)):
            return False
    return True


def _drop_root(account: pwd.struct_passwd, *, keep_reach: bool) -> None:
    """Become the account. Below a closed directory such as /root it keeps the one right to pass through it."""
    libc = ctypes.CDLL(None, use_errno=True)
    if keep_reach:
        libc.prctl(8, 1, 0, 0, 0)  # PR_SET_KEEPCAPS
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)
    if keep_reach:
        dac_override = 1
        header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this process
        bits = 1 << dac_override
        data = (ctypes.c_uint32 * 6)(bits, bits, bits, 0, 0, 0)  # effective, permitted, inheritable; high halves
        libc.capset(header, data)
        libc.prctl(47, 2, dac_override, 0, 0)  # PR_CAP_AMBIENT, raise: survives exec


def make_private_dir(path: Path, account: pwd.struct_passwd) -> None:
    path.mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() == 0:
        os.chown(path, account.pw_uid, account.pw_gid)
    status = path.lstat()
    if path.is_symlink() or status.st_uid != account.pw_uid:
        raise CannotStart(f"{path} is in the way: it belongs to user id {status.st_uid}. Remove it and start again.")
    path.chmod(0o700)

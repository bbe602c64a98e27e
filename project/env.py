"""Reads settings from the environment and fails loudly on what it cannot understand."""

import os

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

"""Knows the data directory of a private server: its secrets, the settings that reach it, what the demo wrote."""

import os
import secrets
from pathlib import Path

from project import env

ROOT = Path(__file__).resolve().parent.parent
GENERATED = ("SECRET_KEY",)


def data_dir() -> Path:
    """Return where a private server keeps everything: DATA_DIR, or `.data` in the checkout."""
    return env.env_path("DATA_DIR", ROOT / ".data")


def join() -> None:
    """Give a bare `manage.py` the settings of the private server beside it; a configured one is left alone."""
    if not {"DATABASE_URL", "SECRET_KEY", "OFFERKEEP_DEV"} & os.environ.keys():
        env.load_file(data_dir() / "dev.env")


def keep_secrets(place: Path) -> dict[str, str]:
    """Return the secrets of this data directory, made once; those in the environment come first."""
    kept = env.read_file(place / "secrets.env")
    missing = [name for name in GENERATED if not kept.get(name)]
    if missing:
        kept |= {name: secrets.token_urlsafe(48) for name in missing}
        env.write_file(place / "secrets.env", kept)
    return kept | {name: os.environ[name] for name in GENERATED if os.environ.get(name)}


def settings_for(place: Path, *, database_url: str, redis_url: str, base_url: str) -> dict[str, str]:
    """Return the environment of a private server's processes, kept in dev.env for `manage.py` beside it."""
    defaults = {"LOG_FORMAT": "text", "SECURE": "0", "STATIC_ROOT": str(place / "static")}
    values = {
        "OFFERKEEP_DEV": "1",
        **keep_secrets(place),
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "DATA_DIR": str(place),
        "BASE_URL": base_url,
        "PROMETHEUS_MULTIPROC_DIR": str(place / "metrics"),
        **{name: os.environ.get(name, value) for name, value in defaults.items()},
    }
    env.write_file(place / "dev.env", values)
    return values


def refresh_demo(place: Path, *, base_url: str) -> dict[str, str]:
    """Return what load_demo wrote to demo.env, its BASE_URL corrected to where the server is now."""
    demo = env.read_file(place / "demo.env")
    if demo and demo.get("BASE_URL") != base_url:
        demo = {**demo, "BASE_URL": base_url}
        env.write_file(place / "demo.env", demo)
    return demo


def describe(demo: dict[str, str]) -> str:
    """Tell a person what demo.env holds: logins (NAME_LOGIN, NAME_PASSWORD), the other keys, three curl lines."""
    logins = [name.removesuffix("_LOGIN") for name in demo if name.endswith("_LOGIN")]
    lines = [f"  {name.lower():<10} {demo[f'{name}_LOGIN']}  /  {demo.get(f'{name}_PASSWORD', '?')}" for name in logins]
    shown = {f"{name}{end}" for name in logins for end in ("_LOGIN", "_PASSWORD")} | {"BASE_URL"}
    lines += ["", *(f"  {key}={value}" for key, value in demo.items() if key not in shown)]
    return "\n".join(["Logins", *lines, "", *curl_lines(demo)])


def curl_lines(demo: dict[str, str]) -> list[str]:
    """Return three commands to paste: lock a code for a cart, redeem it, lock for another cart and release."""
    if not {"BASE_URL", "APP_ID", "APP_TOKEN", "EXAMPLE_CODE"} <= demo.keys():
        return []
    base, code = demo["BASE_URL"], demo["EXAMPLE_CODE"]
    head = f"curl -sS -H 'X-App-Id: {demo['APP_ID']}' -H 'X-App-Token: {demo['APP_TOKEN']}'"
    post = f"{head} -H 'Content-Type: application/json'"
    cart = f'"redeemables":[{{"object":"voucher","id":"{code}"}}],"order":{{"amount":10000}}'

    def lock(key: str) -> str:
        session = f'"session":{{"type":"LOCK","key":"{key}","ttl":15,"ttl_unit":"MINUTES"}}'
        return f"{post} {base}/v1/validations -d '{{{cart},{session}}}'"

    redeem = f'{post} {base}/v1/redemptions -d \'{{{cart},"session":{{"type":"LOCK","key":"cart-1"}}}}\''
    release = f"{head} -X DELETE {base}/v1/vouchers/{code}/sessions/cart-2"
    return [
        "# validate a code for cart-1 and lock it",
        lock("cart-1"),
        "# redeem what cart-1 locked",
        redeem,
        "# lock it for cart-2, then release that lock",
        f"{lock('cart-2')} -o /dev/null && {release} -w '%{{http_code}}\\n'",
    ]

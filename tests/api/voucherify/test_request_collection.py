"""docs/requests.sh, the ready-made requests of the README, against a live server: green, and green again."""

import shutil
import subprocess
from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer

from offers.models import Client, Retailer
from tests import factories

SCRIPT = Path(__file__).parents[3] / "docs" / "requests.sh"


@pytest.mark.django_db(transaction=True)
def test_v62_the_request_collection_runs_green_twice(
    live_server: LiveServer, shop_a: Retailer, shop_b: Retailer, tmp_path: Path
) -> None:
    assert shutil.which("curl"), "docs/requests.sh speaks through curl"
    server, secret = factories.credential(shop_a)
    page, page_secret = factories.credential(shop_a, Client.Kind.BROWSER)
    other, other_secret = factories.credential(shop_b)
    values = {
        "BASE_URL": live_server.url,
        "APP_ID": server.key,
        "APP_TOKEN": secret,
        "CLIENT_ID": page.key,
        "CLIENT_TOKEN": page_secret,
        "CLIENT_ORIGIN": page.origins[0],
        "APP_ID_B": other.key,
        "APP_TOKEN_B": other_secret,
    }
    env = tmp_path / "demo.env"
    env.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    for _ in range(2):
        done = subprocess.run(
            ["sh", str(SCRIPT), str(env)], capture_output=True, text=True, timeout=120, check=False, cwd=tmp_path
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.endswith("requests, all as promised\n")

"""The official JavaScript client, unmodified, against a live server of ours: one script per resource in node/calls.

Runs with a Node on the PATH; the client is installed once from the lock file. With CI=true it must run.
"""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer

from offers.models import Campaign, Client, Retailer, Voucher
from tests import factories
from tests.conftest import CI

HERE = Path(__file__).parent / "node"
SCRIPTS = sorted(path.stem for path in (HERE / "calls").glob("*.mjs"))
INSTALLED = HERE / "node_modules" / ".package-lock.json"
TEN_OFF = {"type": "PERCENT", "percent_off": 10, "effect": "APPLY_TO_ORDER"}


@pytest.fixture(scope="session")
def node() -> str:
    """The path of Node, with the client installed beside the scripts."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        if CI:
            pytest.fail("CI=true, but there is no node or npm on the PATH")
        pytest.skip("no node and npm on the PATH: the JavaScript client is tested where there is one")
    # Test processes share the folder: the first installs, the others wait for it.
    with (HERE / "package-lock.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not INSTALLED.exists() or INSTALLED.stat().st_mtime < (HERE / "package-lock.json").stat().st_mtime:
            command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            subprocess.run(command, cwd=HERE, check=True, timeout=300)
            INSTALLED.touch()
    return node


@pytest.fixture
def facts(live_server: LiveServer, shop_a: Retailer) -> dict[str, str]:
    """What the scripts find in their environment."""
    server, secret = factories.credential(shop_a)
    browser, browser_secret = factories.credential(shop_a, Client.Kind.BROWSER)
    coupons = Campaign.objects.create(retailer=shop_a, name="Coupons", discount=TEN_OFF)
    promotion = Campaign.objects.create(retailer=shop_a, name="Promotion", campaign_type="PROMOTION")
    code = Voucher.objects.create(retailer=shop_a, campaign=coupons, code="TEN OFF/1", redemption_limit=2)
    gift = Voucher.objects.create(retailer=shop_a, code="GIFT-1", type=Voucher.Type.GIFT, gift_amount=5000)
    return {
        "BASE_URL": live_server.url,
        "APP_ID": server.key,
        "APP_TOKEN": secret,
        "CLIENT_ID": browser.key,
        "CLIENT_TOKEN": browser_secret,
        "PROMOTION_ID": promotion.public_id,
        "CODE": code.code,
        "GIFT": gift.code,
    }


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("script", SCRIPTS)
def test_the_javascript_client(node: str, facts: dict[str, str], script: str) -> None:
    done = subprocess.run(
        [node, f"calls/{script}.mjs"],
        cwd=HERE,
        env={"PATH": os.environ["PATH"], **facts},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr

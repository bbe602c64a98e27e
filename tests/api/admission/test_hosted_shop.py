"""A shop elsewhere (Shopify and the like), as docs/admission.md tells it: a small server and an order hook do."""

import orjson
import pytest

from checkout.admission.models import Admission
from offers import signing_keys
from offers.lib import signing
from offers.models import Retailer
from project.local import ROOT
from tests.api.admission.test_admissions import Scene
from tests.api.client import Answer, ApiClient
from tests.checkout.admission.launch import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("line_at_noon")]
SHOP = "https://stub-shop.example"


class StubShop:
    """The small server beside a hosted shop: it knows the secret key and the order secret, and speaks only REST."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.token, self.note = scene, "", ""
        self.secret = signing_keys.secret(signing_keys.active(retailer_id=scene.shop.pk, purpose="orders", now=NOW))

    def arrive(self, code: str) -> bool:
        """Take the code from the shopper's address; say whether he may check out."""
        self.token = self.scene.server.post("/admission/v1/handoffs/exchange", {"code": code}).json["admission_token"]
        asked = {"admission_token": self.token, "session": "draft-1"}
        if not self.scene.server.post("/admission/v1/admissions/validate", asked)["valid"]:
            return False
        self.note = self.scene.server.post("/admission/v1/admissions/claim", asked)["admission_id"]
        return True

    def hook(self, secret: str, **order: str) -> Answer:
        raw = orjson.dumps({"admission_id": self.note, "amount": "49.00", "currency": "EUR", **order})
        stamp = signing.stamp([secret], raw, at=int(NOW.timestamp()))
        query = f"?organization={self.scene.shop.public_id}"
        return ApiClient({}).call("POST", f"/admission/v1/orders{query}", raw=raw, Offerkeep_Signature=stamp)


def test_a39_a40_a_stub_shop_follows_the_pattern_of_the_documentation(shop_a: Retailer) -> None:
    page = (ROOT / "docs" / "admission.md").read_text()
    for told in ("Shopify", "POST /admission/v1/orders", "Offerkeep-Signature", "return origins", "`admission_id`"):
        assert told in page, told
    shop_a.settings = {"return_origins": [SHOP]}
    shop_a.save()
    scene = Scene(shop_a)
    sent = {"admission_token": scene.token, "return_url": f"{SHOP}/cart"}
    code = scene.consumer.post("/admission/v1/handoffs", sent)["code"]
    stub = StubShop(scene)
    assert stub.arrive(code)
    refused = stub.hook("another secret", id="1001", status="paid")
    assert (refused.status, refused["error"]["code"]) == (401, "invalid_signature")
    assert Admission.objects.get().state == "CLAIMED"
    done = stub.hook(stub.secret, id="1001", status="paid")
    assert (done.status, done["state"], done["order_id"]) == (200, "COMPLETED", "1001")
    assert stub.hook(stub.secret, id="1001", status="paid").json == done.json
    assert scene.do("validate").json == {"valid": False, "reason": "completed"}

"""What staff take away as a table: every amount once, and a question that is none is answered, not a crash."""

import csv
from io import StringIO

from django.test import Client

from offers import vouchers
from tests.admin import scene as scenes
from tests.admin.scene import Scene

EXPORT = "/admin/checkout/redemption/export/"


def exported(client: Client, query: str = "") -> list[dict[str, str]]:
    said = b"".join(client.get(f"{EXPORT}?as=csv{query}").streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    return list(csv.DictReader(StringIO(said)))


def test_money_of_a_stack_is_summed_up_once(reviewer: Client, scene: Scene) -> None:
    fields: vouchers.Fields = {"discount": {"type": "AMOUNT", "amount_off": 300}}
    vouchers.create(code="MORE", fields=fields, **scenes.who(scene.shop))
    scenes.redeem(scene.shop, "SUMMER10", "MORE", order=scenes.order(10000, "S-1"), customer={"source_id": "cust-1"})
    lines = exported(reviewer, "&order=S-1")
    assert sorted((line["Code"], line["Money off"]) for line in lines) == [
        ("MORE", "3.00"),
        ("SUMMER10", "10.00"),
        ("Stack", ""),
    ]
    [stack] = [line["Redemption"] for line in lines if line["Code"] == "Stack"]
    assert {line["Part of stack"] for line in lines if line["Code"] != "Stack"} == {stack}
    assert {line["Retailer"] for line in lines} == {"Retailer A"}


def test_what_the_list_does_not_know_is_refused(reviewer: Client, scene: Scene) -> None:
    assert reviewer.get(f"{EXPORT}?nonsense=1").status_code == 400
    assert reviewer.get(f"{EXPORT}?voucher__retailer__clients__secret_hash=1").status_code == 400


def test_credentials_are_called_by_their_names(reviewer: Client, scene: Scene) -> None:
    client, _ = scene.credential
    row = scene.redemption
    type(row).objects.filter(pk=row.pk).update(channel_id=client.key)
    page = reviewer.get(f"/admin/checkout/redemption/{row.pk}/change/").content.decode()
    assert f'title="{client.key}">{client.name}</span>' in page
    assert (
        f">{client.name}</span>" in reviewer.get(f"/admin/offers/voucher/{scene.voucher.pk}/change/").content.decode()
    )

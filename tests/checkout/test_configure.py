"""manage.py configure: a document is carried out whole or not at all, by the verbs, and its refs become ids."""

import io
import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import call_command

from checkout.management.commands.configure import answer_to
from loyalty.models import Member, PointAccount, Rule, TierLevel
from offers.models import AuditEntry, Client, Product, Retailer, Store
from tests.api.sessionm.client import basic

pytestmark = pytest.mark.django_db

SETTINGS = {
    "timezone": "Europe/Berlin",
    "default_culture": "en",
    "lock_ttl_seconds": 1800,
    "transaction_max_queue_seconds": 900,
    "identity_mode": "translate",
}


def configure(**document: Any) -> dict[str, Any]:
    return answer_to(json.dumps(document).encode())


def new(**parts: Any) -> dict[str, Any]:
    return configure(retailer={"id": None, "name": f"Shop {uuid4().hex}"}, **parts)


def refused(answer: dict[str, Any]) -> list[tuple[str, str]]:
    assert answer["retailer_id"] is None
    return [(error["at"], error["code"]) for error in answer["errors"]]


def test_a_retailer_with_its_settings() -> None:
    answer = configure(retailer={"id": None, "name": "Acme", "settings": SETTINGS})
    row = Retailer.objects.get(uuid=answer["retailer_id"])
    assert (row.name, row.timezone, row.settings["lock_ttl_seconds"]) == ("Acme", "Europe/Berlin", 1800)
    assert "timezone" not in row.settings
    assert answer == {
        "retailer_id": str(row.uuid),
        "clients": {},
        "stores": {},
        "accounts": {},
        "members": {},
        "rules": {},
        "errors": [],
    }


def test_missing_settings_have_their_defaults() -> None:
    row = Retailer.objects.get(uuid=new()["retailer_id"])
    kept = row.settings
    assert (row.timezone, kept["lock_ttl_seconds"], kept["transaction_max_queue_seconds"]) == ("UTC", 1800, 900)
    assert (kept["default_culture"], kept["identity_mode"]) == ("en", "translate")


def test_a_name_that_is_taken_makes_another_retailer_all_the_same() -> None:
    ids = {configure(retailer={"name": "Acme"})["retailer_id"] for _ in range(3)}
    assert len(ids) == Retailer.objects.count() == 3


def test_an_id_adds_to_that_retailer_and_keeps_what_is_not_named() -> None:
    first = configure(retailer={"name": "Acme", "settings": SETTINGS})["retailer_id"]
    again = configure(
        retailer={"id": first.upper(), "name": "Acme", "settings": {"lock_ttl_seconds": 2000}}, stores=[{"name": "B"}]
    )
    assert again["retailer_id"] == first
    row = Retailer.objects.get()
    assert (row.timezone, row.settings["lock_ttl_seconds"]) == ("Europe/Berlin", 2000)
    assert refused(configure(retailer={"id": str(uuid4())})) == [("retailer", "not_found")]
    assert refused(configure(retailer={"id": "Acme"})) == [("retailer", "not_found")]


@pytest.mark.parametrize(
    "settings",
    [
        {"lock_ttl_seconds": 900},
        {"lock_ttl_seconds": 0, "transaction_max_queue_seconds": 0},
        {"lock_ttl_seconds": 86401},
        {"lock_ttl_seconds": "1800"},
        {"transaction_max_queue_seconds": 1800},
        {"identity_mode": "both"},
        {"timezone": "Mars"},
        {"timezone": ["UTC"]},
        {"colour": "red"},
    ],
)
def test_settings_that_cannot_be_are_refused_and_nothing_is_stored(settings: dict[str, Any]) -> None:
    answer = configure(retailer={"name": "Acme", "settings": settings}, stores=[{"ref": "A", "name": "A"}])
    assert answer["errors"][0]["at"] == "retailer"
    assert (Retailer.objects.count(), Store.objects.count(), AuditEntry.objects.count()) == (0, 0, 0)


def test_locks_may_last_one_second_where_nothing_waits() -> None:
    answer = configure(retailer={"name": "A", "settings": {"lock_ttl_seconds": 1, "transaction_max_queue_seconds": 0}})
    assert answer["errors"] == []


def test_credentials_open_their_door_once() -> None:
    made = new(clients=[{"ref": "main", "scopes": ["pos", "offers.read"]}, {"ref": "all"}])["clients"]
    row = Client.objects.get(key=made["main"]["client_id"])
    assert UUID(row.key) and row.kind == "basic"
    assert row.scopes == ["offers.read", "pos"]
    assert Client.objects.get(key=made["all"]["client_id"]).scopes == ["loyalty", "offers.manage", "offers.read", "pos"]
    assert basic(row.key, made["main"]["client_secret"]).startswith("Basic ")
    assert refused(new(clients=[{"ref": "x", "scopes": ["everything"]}])) == [("clients[0]", "unknown_scope")]


def test_stores_accounts_tiers_and_items() -> None:
    answer = new(
        stores=[{"ref": "A", "name": "A", "timezone": "UTC", "tags": ["city"]}, {"ref": "B", "name": "B"}],
        accounts=[{"ref": "main", "name": "Main", "grouping_label": "", "spendable": True, "default": True}],
        items=[{"item_id": "GC25", "category": "giftcard"}, {"item_id": "P1", "tags": ["new"], "brand": "X"}],
        tier_systems=[
            {
                "ref": "club",
                "name": "Club",
                "levels": [
                    {"ref": "base", "name": "Base", "rank": 1},
                    {
                        "ref": "silver",
                        "name": "Silver",
                        "rank": 2,
                        "entry": {"metric": "lifetime_points", "op": ">=", "value": 100},
                    },
                ],
            }
        ],
    )
    assert answer["errors"] == []
    assert Store.objects.get(uuid=answer["stores"]["A"]).tags == ["city"]
    assert PointAccount.objects.get(uuid=answer["accounts"]["main"]).default
    assert TierLevel.objects.get(key="silver").entry == {"metric": "lifetime_points", "op": ">=", "value": 100}
    assert Product.objects.get(source_id="GC25").metadata == {"category": "giftcard"}
    assert set(AuditEntry.objects.values_list("actor", flat=True)) == {"configure"}


def person(ref: str, kind: str = "crm", **more: Any) -> dict[str, Any]:
    return {"ref": ref, "first_name": ref, "last_name": "L", "external_ids": [{"type": kind, "id": ref}], **more}


def test_members_with_their_levels_tags_and_ids() -> None:
    club = {"ref": "club", "name": "Club", "levels": [{"ref": "base", "name": "Base", "rank": 1}]}
    ada = person("m1", email="ada@example.com", phone="15550000001", tags=["local"], tiers={"club": "base"})
    answer = new(tier_systems=[club], members=[ada, person("m2")])
    assert answer["errors"] == []
    row = Member.objects.get(uuid=answer["members"]["m1"])
    assert (row.first_name, row.tags, row.customer.email) == ("m1", ["local"], "ada@example.com")
    assert row.tiers.get().level.key == "base"
    assert row.external_ids.get().value == "m1"
    assert refused(new(members=[person("m1", tiers={"club": "base"})])) == [("members[0]", "not_found")]
    assert refused(new(members=[person("m1"), {**person("m2"), "external_ids": [{"type": "crm", "id": "m1"}]}])) == [
        ("members[1]", "validation")
    ]


def test_t44_with_the_outside_id_as_system_of_record_a_second_source_is_refused() -> None:
    shop = {"name": "Acme", "settings": {"identity_mode": "external_is_sor"}}
    assert refused(configure(retailer=shop, members=[person("m1"), person("m2", "pos")])) == [
        ("members[1]", "validation")
    ]
    assert configure(retailer=shop, members=[person("m1"), person("m2")])["members"] == {"m1": "m1", "m2": "m2"}


ACCOUNT = {"ref": "main", "name": "Points"}
PER_DOLLAR = {
    "ref": "r1",
    "name": "Per dollar",
    "scope": "economy",
    "section": "purchase",
    "active": True,
    "in_force_from": "2015-01-01T00:00:00Z",
    "trigger": "transaction_closed",
    "match": "all",
    "conditions": [],
    "catalog_restrictions": [],
    "exclusions": [],
    "limits": {},
    "outcomes": [{"type": "points_per", "account": "main", "rate": 1, "unit": "1.00", "basis": "eligible_spend"}],
}


def test_rules_count_from_the_moment_they_name_and_know_the_accounts_by_ref() -> None:
    answer = new(accounts=[ACCOUNT], rules=[PER_DOLLAR])
    assert answer["errors"] == []
    version = Rule.objects.get(uuid=answer["rules"]["r1"]).versions.get()
    assert version.in_force_from.isoformat() == "2015-01-01T00:00:00+00:00"
    assert version.definition["outcomes"][0]["account"] == answer["accounts"]["main"]


def test_a_rule_with_an_id_gets_a_further_version_from_now_on() -> None:
    first = new(accounts=[ACCOUNT], rules=[PER_DOLLAR])
    row = Rule.objects.get(uuid=first["rules"]["r1"])
    shop = {"id": first["retailer_id"]}
    double = {**PER_DOLLAR, "id": str(row.uuid), "in_force_from": None}
    double["outcomes"] = [{"type": "points_per", "account": "Points", "rate": 2, "unit": "1.00"}]
    assert configure(retailer=shop, rules=[double])["rules"] == {"r1": str(row.uuid)}
    assert configure(retailer=shop, rules=[{"id": str(row.uuid), "active": False}])["errors"] == []
    rates = [(v.number, v.active, v.definition["outcomes"][0]["rate"]) for v in row.versions.order_by("number")]
    assert rates == [(1, True, 1), (2, True, 2), (3, False, 2)]
    assert configure(retailer=shop, rules=[{**PER_DOLLAR, "id": "x"}])["errors"][0]["code"] == "not_found"


def test_t68_a_rule_of_fifty_catalog_restrictions_is_refused_and_one_of_49_is_not() -> None:
    line = {"mode": "exclude", "match": "item", "values": ["GC25"]}
    assert new(accounts=[ACCOUNT], rules=[{**PER_DOLLAR, "catalog_restrictions": [line] * 49}])["errors"] == []
    fifty = new(accounts=[ACCOUNT], rules=[{**PER_DOLLAR, "catalog_restrictions": [line] * 50}])
    assert refused(fifty) == [("rules[0]", "validation")]


def test_every_entry_that_is_wrong_is_named_and_nothing_is_stored() -> None:
    answer = new(
        stores=[{"ref": "A", "name": "A"}, {"ref": "A", "name": "again"}, {"name": ""}, {"name": "C", "timezone": 1}],
        accounts=[{"name": "p"}, {"name": "p"}],
        tier_systems=[{"ref": "club", "levels": []}],
        items=[{"category": "x"}],
    )
    assert refused(answer) == [
        ("stores[1]", "bad_document"),
        ("stores[2]", "invalid_payload"),
        ("stores[3]", "invalid_payload"),
        ("items[0]", "bad_document"),
        ("accounts[1]", "duplicate_found"),
        ("tier_systems[0]", "invalid_payload"),
    ]
    assert Retailer.objects.count() == 0


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"retailer": []}', '{"retailer": {"name": 1}}', '{"ops": {}}'])
def test_what_is_no_document_is_refused(text: str) -> None:
    assert answer_to(text.encode())["errors"]


@pytest.mark.parametrize("key", ["currency", "timezone", "nmae"])
def test_what_stands_outside_the_settings_of_a_retailer_is_refused_by_name(key: str) -> None:
    known = {"id": None, "name": "Acme"}
    answer = configure(retailer={**known, key: "EUR"})
    assert refused(answer) == [("retailer", "bad_document")]
    assert answer["errors"][0]["details"] == {"field": key}
    assert not Retailer.objects.filter(name="Acme").exists()
    inside = {"id": new()["retailer_id"], key: "EUR"}
    assert refused(configure(retailer=inside)) == [("retailer", "bad_document")]


def test_an_unknown_part_is_refused() -> None:
    assert refused(new(shops=[])) == [("retailer", "bad_document")]


def test_the_command_reads_standard_input_prints_json_and_fails_when_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b'{"retailer": {"name": "Acme"}}')))
    call_command("configure", stdout=out)
    assert json.loads(out.getvalue())["retailer_id"] == str(Retailer.objects.get().uuid)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b'{"retailer": {}}')))
    with pytest.raises(SystemExit) as left:
        call_command("configure", stdout=out)
    assert left.value.code == 1


def test_operations_run_one_by_one() -> None:
    shop = {letter: Retailer.objects.create(name=name) for letter, name in DEMO.items()}
    percent = {"type": "PERCENT", "percent_off": 10}
    results = configure(
        ops=[
            {"op": "create", "kind": "voucher", "fields": {"code": "TEN", "discount": percent}},
            {"op": "create", "kind": "voucher", "fields": {"code": "TEN", "discount": percent}},
            {"op": "create", "kind": "voucher", "tenant": "B", "fields": {"code": "TEN", "discount": percent}},
            {"op": "create", "kind": "voucher", "fields": {"code": "CH", "discount": percent, "channel": "c"}},
            {"op": "create", "kind": "webhook", "fields": {"url": "https://shop.example/hook", "types": ["*"]}},
            {"op": "create", "kind": "moon", "fields": {}},
            {"op": ["create"], "kind": {}},
            "create",
            {"op": "create", "kind": "voucher", "fields": {"discount": percent}},
        ]
    )["results"]
    assert results[0]["id"].startswith("v_")
    assert results[1]["error"].startswith("duplicate_found")
    assert results[2]["id"] != results[0]["id"]
    assert results[5] == results[6] == {"error": "unsupported"}
    assert results[3]["error"].startswith("not_found")
    assert results[4]["id"].startswith("wh_") and results[4]["secret"]
    assert "error" in results[7] and "error" in results[8]
    assert shop["A"].webhooks.get().events == []


DEMO = {"A": "Acme Outdoor", "B": "Borealis Books"}


def test_return_origins_are_exact() -> None:
    shop = Retailer.objects.create(name=DEMO["A"])
    op = {"op": "set", "kind": "return_origins"}
    ops = [
        {**op, "fields": {"origins": ["https://shop.example"]}},
        {**op, "fields": {"origins": ["https://shop.example/path"]}},
        {**op, "fields": {"origins": ["javascript:alert(1)"]}},
        {**op, "fields": {"origins": ["https://shop.example;script-src"]}},
        {**op, "fields": {"origins": ["https://a,b"]}},
        {**op, "fields": {"origins": "https://x.example"}},
    ]
    results = configure(ops=ops)["results"]
    assert results[0] == {}
    assert all("error" in one for one in results[1:])
    shop.refresh_from_db()
    assert shop.settings["return_origins"] == ["https://shop.example"]

"""/v1/validation-rules and their assignments."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from offers.models import Campaign, PromotionTier, Retailer, RuleAssignment, ValidationRule, Voucher
from tests.api.client import ApiClient

BIG_ORDER = {"1": {"name": "order.amount", "conditions": {"$more_than": [10000]}, "rules": {}}, "logic": "1"}
ONLY_MUGS = {"included": [{"object": "product", "id": "prod_1"}], "excluded": [], "included_all": False}


@pytest.fixture
def campaign(shop_a: Retailer) -> Campaign:
    return Campaign.objects.create(retailer=shop_a, name="Autumn sale", campaign_type="PROMOTION")


def make(api: ApiClient, **more: Any) -> Any:
    return api.post("/v1/validation-rules", {"name": "Big orders", "rules": BIG_ORDER, **more}).json


def test_a_rule_comes_back_in_full(api: ApiClient) -> None:
    found = make(api, error={"message": "Buy more"}, applicable_to=ONLY_MUGS)
    assert found["id"].startswith("val_")
    assert (found["rules"], found["error"], found["object"]) == (BIG_ORDER, {"message": "Buy more"}, "validation_rules")
    assert (found["type"], found["context_type"], found["assignments_count"]) == ("expression", "global", 0)
    assert found["applicable_to"] == {
        "included": [{"object": "product", "id": "prod_1", "effect": "APPLY_TO_EVERY"}],
        "excluded": [],
        "included_all": False,
    }
    assert api.get(f"/v1/validation-rules/{found['id']}").json == found


def test_applicable_to_is_there_even_if_it_was_never_sent(api: ApiClient) -> None:
    assert make(api)["applicable_to"] == {"included": [], "excluded": [], "included_all": True}


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ({"rules": BIG_ORDER}, "invalid_payload"),
        ({"name": "", "rules": BIG_ORDER}, "invalid_payload"),
        ({"name": "x", "rules": []}, "invalid_payload"),
        ({"name": "x", "type": "nonsense"}, "invalid_payload"),
        (
            {"name": "x", "rules": {"1": {"name": "order.colour", "conditions": {"$is": [1]}}}},
            "invalid_validation_rules",
        ),
        ({"name": "x", "rules": {"1": {"name": "customer.metadata", "conditions": {}}}}, "invalid_validation_rules"),
        (
            {"name": "x", "rules": {"1": {"name": "order.metadata", "conditions": {"$is": [1]}}}},
            "invalid_validation_rules",
        ),
        ({"name": "x", "rules": {**BIG_ORDER, "logic": "1 and"}}, "invalid_validation_rules"),
        ({"name": "x", "applicable_to": {"included": "all"}}, "invalid_validation_rules"),
    ],
)
def test_a_bad_rule_is_refused_with_a_stable_key(api: ApiClient, body: dict[str, Any], key: str) -> None:
    answer = api.post("/v1/validation-rules", body)
    assert (answer.status, answer["key"]) == (400, key)
    assert answer["details"]
    assert not ValidationRule.objects.exists()


def test_a_missing_property_is_named(api: ApiClient) -> None:
    rules = {"1": {"name": "order.metadata", "conditions": {"$is": [1]}}}
    answer = api.post("/v1/validation-rules", {"name": "x", "rules": rules})
    assert answer["details"] == "Rule 'order.metadata' must have a 'property'"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 10**12) | st.text(max_size=8) | st.sampled_from(["order.amount", "1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["1", "2", "name", "conditions", "$is", "$in", "rules", "logic", "property", "error", "included"]
            )
            | st.text(max_size=4).filter(lambda text: "\x00" not in text),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rules=JSON, scope=JSON, condition=JSON)
def test_no_definition_breaks_the_server(api: ApiClient, rules: Any, scope: Any, condition: Any) -> None:
    for body in (
        {"name": "x", "rules": rules, "applicable_to": scope, "error": condition, "bundle_rules": condition},
        {"name": "x", "rules": {"1": {"name": "order.items.any", "conditions": {"$is": condition}, "rules": rules}}},
        {
            "name": "x",
            "rules": {"1": {"name": "order.amount", "conditions": {"$more_than": condition}, "rules": rules}},
        },
    ):
        answer = api.post("/v1/validation-rules", body)
        assert answer.status in {200, 400}, answer
        if answer.status == 200:
            assert api.get(f"/v1/validation-rules/{answer['id']}").status == 200


def test_put_changes_only_what_it_sends(api: ApiClient) -> None:
    ident = make(api, error={"message": "Buy more"})["id"]
    changed = api.put(f"/v1/validation-rules/{ident}", {"name": "Bigger", "error": None})
    assert (changed["name"], changed["rules"], changed["error"]) == ("Bigger", BIG_ORDER, None)
    assert api.put(f"/v1/validation-rules/{ident}", {"rules": {"1": 7}})["key"] == "invalid_validation_rules"
    answer = api.put("/v1/validation-rules/val_none", {"name": "x"})
    assert (answer.status, answer["resource_type"]) == (404, "validation_rules")


def test_delete_takes_the_assignments_along(api: ApiClient, campaign: Campaign) -> None:
    ident = make(api)["id"]
    api.post(
        f"/v1/validation-rules/{ident}/assignments",
        {"related_object_type": "campaign", "related_object_id": campaign.public_id},
    )
    assert api.delete(f"/v1/validation-rules/{ident}").status == 204
    assert api.get(f"/v1/validation-rules/{ident}").status == 404
    assert api.get("/v1/validation-rules-assignments")["total"] == 0
    assert api.delete(f"/v1/validation-rules/{ident}").status == 404


def test_a_rule_is_assigned_to_each_kind_of_object(api: ApiClient, shop_a: Retailer, campaign: Campaign) -> None:
    ident = make(api)["id"]
    voucher = Voucher.objects.create(retailer=shop_a, code="TEN")
    tier = PromotionTier.objects.create(retailer=shop_a, campaign=campaign, discount={"type": "PERCENT"})
    for kind, named, public_id in (
        ("voucher", voucher.public_id, voucher.public_id),
        ("campaign", "Autumn sale", campaign.public_id),
        ("promotion_tier", tier.public_id, tier.public_id),
    ):
        body = {"related_object_type": kind, "related_object_id": named}
        found = api.post(f"/v1/validation-rules/{ident}/assignments", body).json
        assert found["id"].startswith("asgm_")
        assert {name: found[name] for name in ("rule_id", "related_object_id", "related_object_type", "object")} == {
            "rule_id": ident,
            "related_object_id": public_id,
            "related_object_type": kind,
            "object": "validation_rules_assignment",
        }
    assert api.get(f"/v1/validation-rules/{ident}")["assignments_count"] == 3
    assert api.get(f"/v1/validation-rules/{ident}/assignments")["total"] == 3


def test_assigning_twice_is_409_naming_the_first_unless_forced(api: ApiClient, campaign: Campaign) -> None:
    ident = make(api)["id"]
    path, body = f"/v1/validation-rules/{ident}/assignments", {"campaign": campaign.public_id}
    first = api.post(path, body)
    again = api.post(path, body)
    assert (again.status, again["key"], again["resource_id"]) == (409, "duplicate_found", first["id"])
    forced = api.post(f"{path}?force=true", body)
    assert (forced.status, forced["id"] != first["id"]) == (200, True)
    assert RuleAssignment.objects.count() == 1


@pytest.mark.parametrize("kind", ["voucher", "campaign", "promotion_tier", "earning_rule", "distribution"])
def test_assigning_to_nothing_is_404_naming_the_kind(api: ApiClient, kind: str) -> None:
    ident = make(api)["id"]
    body = {"related_object_type": kind, "related_object_id": "nobody"}
    answer = api.post(f"/v1/validation-rules/{ident}/assignments", body)
    assert (answer.status, answer["resource_type"]) == (404, kind)


def test_a_bad_target_is_refused_by_its_path(api: ApiClient) -> None:
    path = f"/v1/validation-rules/{make(api)['id']}/assignments"
    assert ".related_object_type" in api.post(path, {"related_object_type": "cat", "related_object_id": "x"})["details"]
    assert ".related_object_id" in api.post(path, {"related_object_type": "voucher"})["details"]
    assert ".related_object_id" in api.post(path, {"related_object_id": 5})["details"]


def test_unassigning(api: ApiClient, campaign: Campaign) -> None:
    ident, other = make(api)["id"], make(api)["id"]
    assignment = api.post(f"/v1/validation-rules/{ident}/assignments", {"campaign": campaign.public_id})["id"]
    assert api.delete(f"/v1/validation-rules/{other}/assignments/{assignment}").status == 404
    assert api.delete(f"/v1/validation-rules/{ident}/assignments/{assignment}").status == 204
    assert api.delete(f"/v1/validation-rules/{ident}/assignments/{assignment}").status == 404


def test_lists(api: ApiClient, campaign: Campaign) -> None:
    first, second = make(api, name="B")["id"], make(api, name="A")["id"]
    listed = api.get("/v1/validation-rules?order=name")
    assert (listed["data_ref"], [row["name"] for row in listed["data"]], listed["total"]) == ("data", ["A", "B"], 2)
    api.post(f"/v1/validation-rules/{first}/assignments", {"campaign": campaign.public_id})
    found = api.get(f"/v1/validation-rules-assignments?related_object_id={campaign.public_id}&rule={first}")
    assert [row["rule_id"] for row in found["data"]] == [first]
    assert api.get(f"/v1/validation-rules-assignments?rule={second}")["data"] == []


def test_another_retailer_sees_nothing(api: ApiClient, api_b: ApiClient, campaign: Campaign) -> None:
    ident, own = make(api)["id"], make(api_b)["id"]
    body = {"related_object_type": "campaign", "related_object_id": campaign.public_id}
    assignment = api.post(f"/v1/validation-rules/{ident}/assignments", body)["id"]
    assert api_b.get(f"/v1/validation-rules/{ident}").status == 404
    assert api_b.put(f"/v1/validation-rules/{ident}", {"name": "x"}).status == 404
    assert api_b.delete(f"/v1/validation-rules/{ident}").status == 404
    assert api_b.get(f"/v1/validation-rules/{ident}/assignments").status == 404
    assert api_b.post(f"/v1/validation-rules/{own}/assignments", body).status == 404
    assert api_b.delete(f"/v1/validation-rules/{own}/assignments/{assignment}").status == 404
    assert [row["id"] for row in api_b.get("/v1/validation-rules")["data"]] == [own]
    assert api_b.get("/v1/validation-rules-assignments")["total"] == 0


@pytest.mark.parametrize("message", [5, {"en": "no"}, ["no"]])
def test_a_message_is_a_text(api: ApiClient, message: Any) -> None:
    answer = api.post("/v1/validation-rules", {"name": "x", "rules": {}, "error": {"message": message}})
    assert (answer.status, answer["key"]) == (400, "invalid_payload")
    assert answer["details"] == "Property .error.message should be string"


def test_a_rule_is_tried_on_an_order(api: ApiClient) -> None:
    mug = api.post("/v1/products", {"source_id": "mug", "price": 6000})["id"]
    scope = {"included": [{"object": "product", "id": mug}], "excluded": [], "included_all": False}
    rule = make(api, applicable_to=scope)["id"]
    items = [{"price": 50}, {"product_id": mug, "quantity": 2}]
    found = api.post(f"/v1/validation-rules/{rule}/validation", {"order": {"items": items}}).json
    assert (found["valid"], found["rule_id"]) == (True, rule)
    assert [one["order_item_indices"] for one in found["applicable_to"]["data"]] == [[1]]
    found = api.post(f"/v1/validation-rules/{rule}/validation", {"order": {"items": items[:1]}}).json
    assert (found["valid"], found["applicable_to"]["total"]) == (False, 0)
    assert api.post("/v1/validation-rules/val_no/validation", {})["resource_type"] == "validation_rules"


def test_a_rule_about_the_customer_is_tried(api: ApiClient) -> None:
    gold = {"1": {"name": "customer.metadata", "property": "level", "conditions": {"$is": ["gold"]}, "rules": {}}}
    once = {"2": {"name": "redemption.count.per_customer", "conditions": {"$less_than_or_equal": [1]}, "rules": {}}}
    rule = make(api, rules={**gold, **once, "logic": "1 and 2"})["id"]
    for level, valid in (("gold", True), ("tin", False)):
        body = {"customer": {"source_id": "ann", "metadata": {"level": level}}}
        assert api.post(f"/v1/validation-rules/{rule}/validation", body)["valid"] is valid
    assert api.post(f"/v1/validation-rules/{rule}/validation")["valid"] is False


@pytest.mark.parametrize("said", [{}, {"effect": None}])
def test_every_target_of_a_rule_has_an_effect(api: ApiClient, said: dict[str, Any]) -> None:
    target = {"object": "product", "id": "prod_1", **said}
    scope = {"included": [target], "excluded": [target], "included_all": False}
    made = api.post("/v1/validation-rules", {"name": "scope", "rules": {"logic": ""}, "applicable_to": scope})
    assert made.status == 200, made
    for name in ("included", "excluded"):
        assert [one["effect"] for one in made["applicable_to"][name]] == ["APPLY_TO_EVERY"]

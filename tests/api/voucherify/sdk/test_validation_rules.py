"""The Python client's calls for validation rules and their assignments."""

from typing import Any

import pytest
import voucherify as v

from offers.models import Campaign, Retailer

BIG_ORDER = {"1": {"name": "order.amount", "conditions": {"$more_than": [10000]}, "rules": {}}, "logic": "1"}
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def api(sdk: Any) -> Any:
    return v.ValidationRulesApi(sdk)


def test_rules(api: Any) -> None:
    made = api.create_validation_rules(
        v.ValidationRulesCreateRequestBody(
            name="Big orders",
            rules=BIG_ORDER,
            error=v.ValidationRulesCreateRequestBodyError(message="Buy more"),
            applicable_to=v.ValidationRulesCreateRequestBodyApplicableTo(
                included=[v.ApplicableTo(object="product", id="prod_1", effect="APPLY_TO_EVERY")],
                excluded=[],
                included_all=False,
            ),
        )
    )
    assert (made.rules, made.error.message, made.type, made.context_type) == (
        BIG_ORDER,
        "Buy more",
        "expression",
        "global",
    )
    assert made.applicable_to.included[0].id == "prod_1"
    assert api.get_validation_rule(made.id).assignments_count == 0
    assert api.update_validation_rule(made.id, v.ValidationRulesUpdateRequestBody(name="Bigger")).name == "Bigger"
    plain = api.create_validation_rules(v.ValidationRulesCreateRequestBody(name="Plain", rules={"logic": ""}))
    assert plain.applicable_to.included_all is True
    listed = api.list_validation_rules(limit=10, order="name")
    assert ([row.name for row in listed.data], listed.total) == (["Bigger", "Plain"], 2)
    api.delete_validation_rules(made.id)
    with pytest.raises(v.exceptions.NotFoundException):
        api.get_validation_rule(made.id)


def test_a_rule_that_makes_no_sense_is_a_bad_request(api: Any) -> None:
    body = v.ValidationRulesCreateRequestBody(name="x", rules={"1": {"name": "order.metadata", "conditions": {}}})
    with pytest.raises(v.exceptions.BadRequestException) as refused:
        api.create_validation_rules(body)
    assert '"key":"invalid_validation_rules"' in refused.value.body


def test_assignments(api: Any, shop_a: Retailer) -> None:
    campaign = Campaign.objects.create(retailer=shop_a, name="Autumn")
    rule = api.create_validation_rules(v.ValidationRulesCreateRequestBody(name="Big orders", rules=BIG_ORDER))
    body = v.ValidationRulesAssignmentsCreateRequestBody(
        related_object_type="campaign", related_object_id=campaign.public_id
    )
    made = api.create_validation_rule_assignment(rule.id, validation_rules_assignments_create_request_body=body)
    assert (made.rule_id, made.related_object_id, made.related_object_type) == (rule.id, campaign.public_id, "campaign")
    with pytest.raises(v.exceptions.ApiException) as refused:
        api.create_validation_rule_assignment(rule.id, validation_rules_assignments_create_request_body=body)
    assert (refused.value.status, f'"resource_id":"{made.id}"' in refused.value.body) == (409, True)
    forced = api.create_validation_rule_assignment(
        rule.id, force=True, validation_rules_assignments_create_request_body=body
    )
    assert [row.id for row in api.list_validation_rule_assignments(rule.id).data] == [forced.id]
    found = api.list_validation_rules_assignments(
        related_object_id=campaign.public_id, rule=rule.id, order="created_at"
    )
    assert (found.data[0].id, found.total) == (forced.id, 1)
    api.delete_validation_rule_assignment(rule.id, forced.id)
    assert api.list_validation_rules_assignments().data == []

"""What /openapi.json says of offers, tills and loyalty is what the code does: routes, bodies, answers."""

import ast
import inspect
import re
import textwrap
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import orjson
import pytest
from django.urls import URLPattern
from drf_spectacular.validation import validate_schema

from checkout.api.sessionm import pos, schema, schema_views, urls
from checkout.api.sessionm.envelope import DialectView, Nowhere, PosView
from tests.api.client import Answer
from tests.api.sessionm.sales import SEED
from tests.api.sessionm.wallets import SEED_TRANSACTION
from tests.flows.counter import PER_DOLLAR, Counter


def test_every_route_is_documented_and_nothing_else(document: dict[str, Any]) -> None:
    served = [pattern for pattern in urls.urlpatterns if isinstance(pattern, URLPattern)]
    views = [pattern.callback.view_class for pattern in served]  # type: ignore[attr-defined]
    assert views.count(Nowhere) == 1
    paths = {path: methods for path, methods in document["paths"].items() if path.startswith(("/api/", "/incentives/"))}
    routed = {(path, method) for path, view in schema.routes() for method in view.methods}
    assert {(path, method.upper()) for path, methods in paths.items() for method in methods} == routed
    assert len(paths) == len(served) - 1
    for path in paths:
        example = path.replace("{transaction_id}", "t-1").lstrip("/")
        assert any(pattern.resolve(example) for pattern in served[:-1]), path


def test_it_is_valid_and_its_references_lead_somewhere(document: dict[str, Any]) -> None:
    validate_schema(document)  # type: ignore[no-untyped-call]
    named = re.findall(r'"#/components/schemas/([^"]+)"', orjson.dumps(document).decode())
    assert set(named) <= document["components"]["schemas"].keys()
    seen = [one["operationId"] for methods in document["paths"].values() for one in methods.values()]
    assert len(seen) == len(set(seen))


def test_every_operation_says_what_it_is_for_and_who_may(document: dict[str, Any]) -> None:
    for path, view in schema.routes():
        for method in view.methods:
            one = document["paths"][path][method.lower()]
            assert one["summary"], path
            assert one["security"] == [{"basic": []}]
            assert all(f"`{scope}`" in one["description"] for scope in view.scopes)
            assert one["tags"][0] in schema.TAGS


READS = re.compile(r"self\.(?:body|payload)")
READERS = ("scalars.needed", "self.body.get", "self.payload.get")


def read_by(view: type[DialectView]) -> set[str]:
    """Return the names a view's own methods read of its body, by their source."""
    found: set[str] = set()
    for one in inspect.getmro(view):
        if not one.__module__.startswith("checkout.api.sessionm.") or one.__module__.endswith("envelope"):
            continue
        for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(one)))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in READERS:
                texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
            elif isinstance(node, ast.Subscript) and READS.fullmatch(ast.unparse(node.value)):
                texts = [node.slice.value] if isinstance(node.slice, ast.Constant) else []
            else:
                continue
            found |= {text for text in texts if isinstance(text, str)}
    return found


def test_what_a_view_reads_of_its_body_is_documented() -> None:
    for view, (needed, optional, _) in schema_views.VIEWS.items():
        known = {*needed, *optional, "retailer_id", "client_id", "store_id", "transaction_id", "user_id"}
        known |= {"amount", "reference", "point_account_id", "account_name", "reason"}  # lines of points
        assert read_by(view) <= known, view
    assert {"offer_lookup_code", "offer_lookup_type"} <= read_by(pos.Lock)  # or this would look at nothing


def called(counter: Counter, view: type[DialectView], path: str, payload: dict[str, Any]) -> Answer:
    where = path.removeprefix("/api/2.0/")
    if issubclass(view, PosView):
        return counter.pos(where, payload)
    return counter.post(where, {"retailer_id": counter.retailer, **payload})


@pytest.mark.django_db
def test_what_is_required_is_missed_by_name() -> None:
    """Each field called required is left out once: 400, and `details` name it."""
    counter = Counter()
    uuid = "00000000-0000-4000-8000-000000000000"
    given: dict[str, Any] = {"offer_lookup_type": "userofferid", "transaction": SEED_TRANSACTION, "user_ids": [uuid]}
    given |= {"offer_ids": [uuid], "user_id": counter.members["ada"]}
    given |= {key: [{"amount": 1, "reference": "r"}] for key in ("deposits", "spends")}
    done = set()
    for path, view in schema.routes():
        if view in done or path.startswith("/incentives"):
            continue
        done.add(view)
        needed = schema_views.VIEWS[view][0]
        for name in needed:
            body = {field: given.get(field, uuid) for field in needed if field != name}
            answer = called(counter, view, path, body or {"other": 1})
            assert answer.status == 400, (path, name, answer)
            fields = [line["field"].rpartition(".")[2] for line in answer["errors"]["details"]]
            assert name in fields, (path, name, answer)


@pytest.mark.django_db
def test_answers_are_as_documented(document: dict[str, Any]) -> None:
    counter = Counter(PER_DOLLAR)
    held: set[type[DialectView]] = set()
    by_path = dict(schema.routes())

    def check(path: str, answer: Answer, method: str = "post") -> Answer:
        where = f"/api/2.0/{path}"
        told = document["paths"][where][method]["responses"][str(answer.status)]
        form = told["content"]["application/json"]["schema"]
        jsonschema.Draft202012Validator({**form, "components": document["components"]}).validate(answer.json)
        assert answer.status == 200, (path, answer)
        held.add(by_path[where])
        return answer

    def offer(path: str, **fields: Any) -> Any:
        return check(f"offers/{path}", counter.offer(path, **fields))["payload"]

    def points(path: str, **fields: Any) -> Any:
        sent = {"retailer_id": counter.retailer, "user_id": ada, **fields}
        return check(f"loyalty/{path}", counter.post(f"loyalty/{path}", sent))["payload"]

    ada = counter.members["ada"]
    texts = [{"culture": "en", "title": "5 off"}]
    common_config = {"validity_unit": "days", "validity_period": 9, "reward_store": True, "points_cost": 5}
    made = offer(
        "management/create",
        offer_type="fixed_check_discount",
        text_config=texts,
        common_config=common_config,
        discount_config={"amount": "5.00"},
    )["offer_id"]
    offer("management/update", offer_id=made, text_config=[{"culture": "en", "title": "5.00 off"}])
    for move in ("publish", "pause", "publish"):
        offer(f"management/{move}", offer_id=made)
    offer("fetch_offer", offer_id=made, culture="en-us")
    offer("fetch_offers_details", offer_ids=[made])
    first, second, third = (
        offer("acquisition/issue", offer_id=made, user_id=ada)["status_list"][0]["user_offer_id"] for _ in range(3)
    )
    offer("acquisition/issue", offer_id=made, user_id="00000000-0000-4000-8000-000000000000")
    offer("acquisition/update", user_id=ada, user_offer_id=third, custom_data="{}")
    offer("acquisition/revoke", user_offer_id=third)
    offer("redemption/ttl_code", user_offer_id=first)
    offer("get_user_offers", user_id=ada)
    points("deposit", deposits=[{"amount": 50, "reference": "a"}])
    points("spend_multiple", spends=[{"amount": 5, "reference": "b"}])
    points("all_balances")
    offer("reward_store")
    offer("reward_store/purchase", user_id=ada, offer_id=made)
    translate = {"retailer_id": counter.retailer, "external_id": "X-ada"}
    check("users/translate", counter.post("users/translate", translate))
    check("lookup", counter.pos("Lookup", {"external_customer_id": "X-ada"}))
    locked = check("offers/redemption/lock", counter.lock(first, SEED_TRANSACTION))["payload"]
    check("offers/redemption/unlock", counter.pos("unlock", {"user_offer_id": first}))
    check("offers/redemption/redeem", counter.lock(second, SEED_TRANSACTION, path="redeem"))
    check("offers/redemption/reinstate", counter.pos("reinstate", {"user_offer_id": second}))
    hand = counter.issue(counter.make("manual_fulfillment", {}))
    offer("redemption/manual_redeem", user_offer_id=hand)
    check("offers/send_transaction", counter.pos("send_transaction", {**SEED, "discounts": [locked]}))
    counter.work()
    status = f"/api/2.0/transactions/{SEED['transaction_id']}?store_id={counter.stores['A']}"
    check("transactions/{transaction_id}", Answer(counter.django.get(status, headers=counter.headers)), "get")
    offer("user_offer_history", user_ids=[ada])
    offer("management/expire", offer_id=made)
    offer("management/archive", offer_id=made)
    assert held == set(schema_views.VIEWS)
    wrong = counter.offer("fetch_offer", offer_id="x")
    error = document["components"]["schemas"]["OfferError"]
    jsonschema.Draft202012Validator(error).validate(wrong.json)


@pytest.mark.django_db
def test_the_samples_of_the_seeds_are_bodies_as_documented(document: dict[str, Any]) -> None:
    for sample in (SEED, SEED_TRANSACTION):
        form = {**document["components"]["schemas"]["Transaction"], "components": document["components"]}
        jsonschema.Draft202012Validator(form).validate(sample)

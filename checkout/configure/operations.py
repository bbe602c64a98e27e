"""Carries out a list of operations one by one; one that is refused does not stop the others."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from checkout.admission import handoffs
from checkout.configure import launches, session_offers, signing, storefront
from checkout.configure.scene import ACTOR, BadDocument, Scene, moment, need, text
from checkout.demo.people import ACME, BOREALIS
from offers import vouchers
from offers.lib.errors import NotFound, Refusal
from offers.models import Retailer
from offers.outbox import endpoints, types

UNSUPPORTED = {"error": "unsupported"}
TENANTS = {"A": ACME, "B": BOREALIS}
# What nothing in this product answers to yet is refused with the same word as an operation that does not exist.
VOUCHER_FIELDS = {"code", "discount", "expiration_date", "channel"}


def carry_out(ops: object, *, now: datetime) -> list[dict[str, Any]]:
    """Return a result per operation, in order. Refuses `bad_document` what is no list."""
    if not isinstance(ops, list):
        raise BadDocument("ops should be a list", field="ops")
    return [_one(op, now) for op in ops]


def _one(op: object, now: datetime) -> dict[str, Any]:
    if not isinstance(op, dict):
        return {"error": "bad_document: an operation is an object"}
    name = f"{op.get('op')} {op.get('kind')}"
    act, act_on = OPS.get(name), OPS_ON.get(name)
    if act is None and act_on is None:
        return UNSUPPORTED
    try:
        with transaction.atomic():
            scene, fields = Scene(retailer=_tenant(op.get("tenant")), now=now), need(op, "fields", dict, default={})
            return act_on(scene, fields, op.get("id")) if act_on else act(scene, fields)  # type: ignore[misc]
    except Refusal as refusal:
        return {"error": str(refusal)}


def _tenant(letter: object) -> Retailer:
    name = TENANTS.get("A" if letter is None else str(letter))
    found = Retailer.objects.filter(name=name).first()
    if found is None:
        raise NotFound("tenant", letter, f"There is no demo retailer {letter or 'A'}")
    return found


def _voucher(scene: Scene, fields: dict[str, Any]) -> dict[str, Any]:
    if {name for name, value in fields.items() if value is not None} - VOUCHER_FIELDS:
        return UNSUPPORTED
    terms: vouchers.Fields = {"discount": need(fields, "discount", dict)}
    if (ends := moment(fields, "expiration_date")) is not None:
        terms["expiration_date"] = ends
    named = text(fields, "channel", default=None)
    made = vouchers.create(
        retailer_id=scene.retailer.pk,
        code=text(fields, "code"),
        fields=terms,
        channel=session_offers.channel(scene, named) if named is not None else None,
        actor=ACTOR,
        now=scene.now,
    )
    return {"id": made.public_id}


def _webhook(scene: Scene, fields: dict[str, Any]) -> dict[str, Any]:
    wanted = need(fields, "types", list, default=["*"])
    if unknown := [each for each in wanted if each != "*" and each not in types.TYPES]:
        raise BadDocument(f"There is no event {unknown[0]}", field="types")
    made, secret = endpoints.create(
        retailer_id=scene.retailer.pk,
        url=text(fields, "url"),
        events=[each for each in wanted if each != "*"],
        allow_http=settings.WEBHOOK_ALLOW_HTTP,
        actor=ACTOR,
        now=scene.now,
    )
    return {"id": made.public_id, "secret": secret}


def _return_origins(scene: Scene, fields: dict[str, Any]) -> dict[str, Any]:
    origins = need(fields, "origins", list)
    if not all(isinstance(each, str) for each in origins):
        raise BadDocument("origins should be a list of texts", field="origins")
    handoffs.set_return_origins(retailer_id=scene.retailer.pk, origins=origins, actor=ACTOR, now=scene.now)
    return {}


OPS: dict[str, Callable[[Scene, dict[str, Any]], dict[str, Any]]] = {
    "create voucher": _voucher,
    "create webhook": _webhook,
    "set return_origins": _return_origins,
    "set shipping": storefront.set_shipping,
    "ensure channel": session_offers.ensure_channel,
    "create campaign": session_offers.create_campaign,
    "revoke authorization": session_offers.revoke,
    "rotate signing_key": signing.rotate,
}
# Those that take the op's `id` as well.
OPS_ON: dict[str, Callable[[Scene, dict[str, Any], object], dict[str, Any]]] = {
    "create distribution": launches.create,
    "update distribution": launches.update,
    "revoke admission": launches.revoke,
    "retire signing_key": signing.retire,
    "update channel": session_offers.update_channel,
    "update campaign": session_offers.update_campaign,
    "create product": storefront.create_product,
    "create customer": storefront.create_customer,
    "create stock": storefront.create_stock,
    "read stock": storefront.read_stock,
}

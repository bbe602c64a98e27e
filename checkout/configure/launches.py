"""Operations on distributions: a queue, a draw or an auction with its experience, from the fields of a document."""

from decimal import Decimal
from typing import Any

from checkout.admission import claims, distributions
from checkout.admission.models import Admission, Distribution
from checkout.configure.scene import ACTOR, BadDocument, Scene, moment, text
from offers.lib import money
from offers.lib.errors import NotFound

WORDS = ("name", "description", "image_url")
APART = frozenset({"mechanism", "access_code", "when_unknown", "audience", "experience_id", *WORDS})


def create(scene: Scene, fields: dict[str, Any], ident: object) -> dict[str, Any]:
    """Make a distribution with an experience and one general sequence around it."""
    mechanism = text(fields, "mechanism")
    given = _terms(fields, scene.retailer.currency)
    given.setdefault("currency", scene.retailer.currency)
    made = distributions.create(
        retailer_id=scene.retailer.pk,
        mechanism=mechanism,
        fields=given,
        actor=ACTOR,
        now=scene.now,
        experience={name: text(fields, name, default="") for name in WORDS},
        access_code=text(fields, "access_code", default=""),
        when_unknown=text(fields, "when_unknown", default=""),
    )
    return {
        "id": str(made.uuid),
        "experience_id": str(made.sequence.experience.uuid),
        "url": f"/shop/waiting/{made.uuid}/",
    }


def update(scene: Scene, fields: dict[str, Any], ident: object) -> dict[str, Any]:
    """Change any of the fields, in force at once; null is a value where a field may be empty."""
    found = Distribution.objects.filter(retailer=scene.retailer, uuid=distributions.as_uuid(ident)).first()
    if found is None:
        raise NotFound("distribution", ident)
    distributions.update(
        retailer_id=scene.retailer.pk,
        uuid=str(found.uuid),
        fields=_terms(fields, found.currency, nulls=True),
        actor=ACTOR,
        now=scene.now,
        access_code=text(fields, "access_code", default="") if "access_code" in fields else None,
        when_unknown=text(fields, "when_unknown") if "when_unknown" in fields else None,
    )
    return {}


def revoke(scene: Scene, fields: dict[str, Any], ident: object) -> dict[str, Any]:
    """Take an admission away, by its id."""
    found = Admission.objects.filter(retailer=scene.retailer, uuid=distributions.as_uuid(ident)).first()
    if found is None:
        raise NotFound("admission", ident)
    claims.revoke(admission_id=found.pk, actor=ACTOR, reason=text(fields, "reason", default=""), now=scene.now)
    return {}


def _terms(fields: dict[str, Any], currency: str, *, nulls: bool = False) -> dict[str, Any]:
    """Return the fields as the verbs take them; null is absent unless it may be a value."""
    currency = text(fields, "currency", default=currency)
    found: dict[str, Any] = {}
    for name, value in fields.items():
        if name in APART or (value is None and not nulls):
            continue
        if name in distributions.MOMENTS:
            found[name] = moment(fields, name)
        elif name in distributions.MONEY and value is not None:
            found[name] = _amount(name, value, currency)
        else:
            found[name] = value
    return found


def _amount(name: str, value: Any, currency: str) -> int:
    """Return minor units of a decimal text such as "10.00", or of a number that means the same."""
    written = str(value) if isinstance(value, int | str | Decimal) and not isinstance(value, bool) else repr(value)
    if not money.is_amount(written):
        raise BadDocument(f'{name} should be an amount such as "10.00"', field=name)
    return money.to_minor(written, currency)

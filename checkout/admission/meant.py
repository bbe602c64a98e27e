"""Which admission a caller means, and whether the one at hand is for what he says it is for."""

from checkout.admission import distributions
from checkout.admission.models import Admission, Distribution
from checkout.admission.tokens import UnknownAdmission
from offers.lib.errors import Refusal

# The public integration knows queues without waiting by a name of their own.
TYPES = {"timed_release": Distribution.Mechanism.QUEUE.value}


class WrongDistribution(Refusal):
    """This admission is for another distribution."""

    code = "wrong_distribution"


class WrongConsumer(Refusal):
    """This admission is another consumer's."""

    code = "wrong_consumer"


class SkuNotAdmitted(Refusal):
    """This admission is for another product."""

    code = "sku_not_admitted"


def mismatch(admission: Admission, *, kind: str = "", distribution: str = "", consumer: str = "") -> str:
    """Return what an admission is not: wrong_distribution, wrong_consumer; "" for nothing. What is not told fits."""
    its = admission.distribution
    wrong_kind = kind and TYPES.get(kind, kind) != its.mechanism
    if wrong_kind or (distribution and distributions.as_uuid(distribution) != str(its.uuid)):
        return WrongDistribution.code
    if consumer and distributions.as_uuid(consumer) != str(admission.consumer.uuid):
        return WrongConsumer.code
    return ""


def check(admission: Admission, *, kind: str = "", distribution: str = "", consumer: str = "", sku: str = "") -> None:
    """Refuse an admission that is not for what it is used for: wrong_distribution, wrong_consumer, sku_not_admitted."""
    found = mismatch(admission, kind=kind, distribution=distribution, consumer=consumer)
    if found:
        raise (WrongDistribution if found == WrongDistribution.code else WrongConsumer)()
    if sku and admission.sku and sku != admission.sku:
        raise SkuNotAdmitted(sku=admission.sku)


def by_id(*, retailer_id: int, uuid: str) -> Admission:
    """Return an admission of the retailer, whatever its state. Refuses unknown_admission."""
    rows = Admission.objects.select_related("distribution", "consumer")
    found = rows.filter(retailer_id=retailer_id, uuid=distributions.as_uuid(uuid)).first()
    if found is None:
        raise UnknownAdmission()
    return found


def of_order(*, distribution: Distribution, consumer: str, order_id: str) -> Admission:
    """Return the admission an order of a consumer uses up: the one it did use, else his open one, else his last.

    So telling of an order again never uses up what he was admitted to since. Refuses unknown_admission.
    """
    rows = Admission.objects.select_related("distribution", "consumer").filter(
        distribution=distribution, consumer__uuid=distributions.as_uuid(consumer)
    )
    used = rows.filter(state=Admission.State.COMPLETED, order_id=order_id).first()
    found = used or rows.filter(state__in=Admission.OPEN).first() or rows.order_by("-id").first()
    if found is None:
        raise UnknownAdmission()
    return found

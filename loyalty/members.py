"""Members: found by our id, an outside id, mail or telephone number; made; locked in order.

A retailer knows its members in one of two ways (setting `identity_mode`): "translate", our UUID is the id and outside
ids are looked up; or "external_is_sor", the shop's own id is the id, and anybody it names exists.
"""

import re
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, connection, transaction

from loyalty.models import ExternalId, Member
from offers import audit, retailer_settings
from offers.lib import idents
from offers.lib.actors import Actor
from offers.lib.errors import Refusal
from offers.models import Customer, Retailer
from offers.retailer_settings import SYSTEM_OF_RECORD, TRANSLATE

LONGEST_ID = 255
# The words of payments[].user_id_type; any other is the type of an outside id.
OUR_ID, ANY_EXTERNAL = "sessionm_id", "external_id"


@dataclass(frozen=True, slots=True)
class Person:
    """A member as a sale names one: its key, and what stands for it on the wire."""

    pk: int
    user_id: str


class UserNotFound(Refusal):
    """There is no such user."""

    code = "user_not_found"


class AmbiguousCustomer(Refusal):
    """More than one customer matches; ask for another value."""

    code = "ambiguous_customer"


class MalformedUserId(Refusal):
    """The user id is not a UUID."""

    code = "argument_error"


class IdTaken(Refusal):
    """Another member has this id."""

    code = "validation"


class SecondSource(Refusal):
    """With the external id as the system of record there can be only one source of external ids."""

    code = "validation"


def mode_of(retailer: Retailer) -> str:
    """Return how the retailer names its members."""
    return retailer_settings.of(retailer.settings).identity_mode


def shown_id(member: Member) -> str:
    """Return what stands for the member as `user_id` on the wire."""
    return member.sor_id or str(member.uuid)


def find(*, retailer_id: int, user_id: str, now: datetime | None = None) -> Member:
    """Return the member of a `user_id`, whatever its case. Refuses `user_not_found`, and `argument_error` for what is
    no UUID where UUIDs are the ids.

    Where the shop's id is the system of record, an id seen for the first time makes a member if `now` is given.
    """
    found = _by_uuid(retailer_id, user_id)
    if found is not None:
        return found
    if mode_of(Retailer.objects.get(pk=retailer_id)) == TRANSLATE:
        if idents.as_uuid(user_id) is None:
            raise MalformedUserId(field="user_id")
        raise UserNotFound
    return _of_record(retailer_id, user_id, now)


def by_external(
    *, retailer_id: int, external_id: str, external_id_type: str = "", now: datetime | None = None
) -> Member:
    """Return the member another system knows by this id; without a type, by any system's.

    Refuses `user_not_found`, `ambiguous_customer`.
    """
    rows = ExternalId.objects.filter(retailer_id=retailer_id, value=external_id).select_related("member__customer")
    if external_id_type:
        rows = rows.filter(type__iexact=external_id_type)
    found = {row.member_id: row.member for row in rows[:50]}
    if len(found) > 1:
        raise AmbiguousCustomer
    if found:
        return next(iter(found.values()))
    if mode_of(Retailer.objects.get(pk=retailer_id)) == TRANSLATE:
        raise UserNotFound
    return _of_record(retailer_id, external_id, now)


def translate(*, retailer_id: int, external_id: str, external_id_type: str, now: datetime | None = None) -> Member:
    """Return the member of an outside id and its type; our own id translates to itself. Refuses `user_not_found`."""
    if external_id_type.casefold() == OUR_ID:
        return find(retailer_id=retailer_id, user_id=external_id, now=now)
    kind = "" if external_id_type.casefold() == ANY_EXTERNAL else external_id_type
    return by_external(retailer_id=retailer_id, external_id=external_id, external_id_type=kind, now=now)


def search(*, retailer_id: int, email: str = "", phone: str = "") -> Member:
    """Return the one member with this mail address or telephone number (its digits count).

    Refuses `user_not_found`, `ambiguous_customer`.
    """
    rows = Member.objects.filter(retailer_id=retailer_id, customer__erased_at=None).select_related("customer")
    rows = rows.filter(customer__email__iexact=email) if email else rows.filter(customer__phone=digits(phone))
    found = list(rows[:2])
    if not found:
        raise UserNotFound
    if len(found) > 1:
        raise AmbiguousCustomer
    return found[0]


def of_customer(*, customer_id: int) -> Member | None:
    """Return the member a customer is, if any."""
    return Member.objects.filter(customer_id=customer_id).select_related("customer").first()


def create(
    *,
    retailer_id: int,
    actor: Actor,
    now: datetime,
    first_name: str = "",
    last_name: str = "",
    email: str = "",
    phone: str = "",
    tags: Sequence[str] = (),
    external_ids: Sequence[tuple[str, str]] = (),
    sor_id: str | None = None,
    customer: Customer | None = None,
) -> Member:
    """Make a member, with outside ids as (type, id). Refuses `validation` for an id that is taken, and for a second
    source of ids where the outside id is the system of record: there the first one is the member's id."""
    retailer = Retailer.objects.get(pk=retailer_id)
    if mode_of(retailer) == SYSTEM_OF_RECORD:
        _require_one_source(retailer_id, [kind for kind, _ in external_ids])
        sor_id = sor_id or (external_ids[0][1] if external_ids else None)
    try:
        with transaction.atomic():
            if customer is None:
                customer = Customer.objects.create(
                    retailer_id=retailer_id,
                    name=f"{first_name} {last_name}".strip() or None,
                    email=email or None,
                    phone=digits(phone) or None,
                    created_at=now,
                )
            member = Member.objects.create(
                retailer_id=retailer_id,
                customer=customer,
                first_name=first_name,
                last_name=last_name,
                tags=list(tags),
                sor_id=sor_id,
                joined_at=now,
            )
            ExternalId.objects.bulk_create(
                ExternalId(member=member, retailer_id=retailer_id, type=kind, value=value)
                for kind, value in dict.fromkeys(external_ids)
            )
            audit.record(
                retailer_id=retailer_id,
                actor=actor,
                action="member.create",
                object_type="member",
                object_id=str(member.uuid),
                after={"external_ids": [list(one) for one in external_ids], "sor_id": sor_id},
                now=now,
            )
    except IntegrityError as error:
        raise IdTaken(field="external_ids") from error
    return member


def add_external(*, member: Member, external_id_type: str, external_id: str, actor: Actor, now: datetime) -> None:
    """Let another system know the member by an id of its own. Refuses as `create` does."""
    retailer = Retailer.objects.get(pk=member.retailer_id)
    if mode_of(retailer) == SYSTEM_OF_RECORD:
        _require_one_source(member.retailer_id, [external_id_type])
    try:
        with transaction.atomic():
            ExternalId.objects.create(
                member=member, retailer_id=member.retailer_id, type=external_id_type, value=external_id
            )
            audit.record(
                retailer_id=member.retailer_id,
                actor=actor,
                action="member.add_external_id",
                object_type="member",
                object_id=str(member.uuid),
                after={"type": external_id_type, "id": external_id},
                now=now,
            )
    except IntegrityError as error:
        raise IdTaken(field="external_id") from error


def lock(member_ids: Iterable[int]) -> dict[int, Member]:
    """Own these members until the transaction ends, in the order of their keys; whatever moves points comes here first.

    Who handles several sales in one transaction locks the members of all of them at once.
    """
    rows = Member.objects.select_related("retailer").select_for_update(of=("self",), no_key=True)
    rows = rows.filter(pk__in=set(member_ids)).order_by("pk")
    return {row.pk: row for row in rows}


def own(member_ids: Iterable[int]) -> dict[int, tuple[int, frozenset[str]]]:
    """Lock these members as `lock` does, and return no more of them than the keys of their customers and their tags."""
    with connection.cursor() as cursor:
        cursor.execute(_OWN, [sorted(set(member_ids))])
        return {pk: (customer_id, frozenset(tags)) for pk, customer_id, tags in cursor.fetchall()}


_OWN = """
SELECT id, customer_id, tags FROM loyalty_member WHERE id = ANY (%s::bigint[]) ORDER BY id FOR NO KEY UPDATE
"""


def known(uuids: Iterable[uuid.UUID]) -> list[tuple[uuid.UUID, int, Person]]:
    """Return of members by our own ids the id, the retailer and who it is. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, [list(uuids)])
        return [
            (ident, retailer_id, Person(pk, sor_id or str(ident)))
            for pk, ident, retailer_id, sor_id in cursor.fetchall()
        ]


_KNOWN = "SELECT id, uuid, retailer_id, sor_id FROM loyalty_member WHERE uuid = ANY (%s::uuid[])"


def digits(phone: str) -> str:
    """Return the digits of a telephone number."""
    return re.sub(r"[^0-9]", "", phone)


def _by_uuid(retailer_id: int, user_id: str) -> Member | None:
    ident = idents.as_uuid(user_id)
    if ident is None:
        return None
    return Member.objects.filter(retailer_id=retailer_id, uuid=ident).select_related("customer").first()


def _of_record(retailer_id: int, sor_id: str, now: datetime | None) -> Member:
    """The member by the shop's own id; made on first sight when `now` is given. Two first sights make one member."""
    rows = Member.objects.filter(retailer_id=retailer_id, sor_id=sor_id).select_related("customer")
    found = rows.first()
    if found is not None:
        return found
    if now is None or not sor_id.strip() or len(sor_id) > LONGEST_ID or "\0" in sor_id:
        raise UserNotFound
    try:
        with transaction.atomic():
            customer = Customer.objects.create(retailer_id=retailer_id, created_at=now)
            return Member.objects.create(retailer_id=retailer_id, customer=customer, sor_id=sor_id, joined_at=now)
    except IntegrityError:
        return rows.get()


def _require_one_source(retailer_id: int, kinds: Sequence[str]) -> None:
    known = set(ExternalId.objects.filter(retailer_id=retailer_id).values_list("type", flat=True).distinct()[:2])
    if len(known | set(kinds)) > 1:
        raise SecondSource(field="external_ids")

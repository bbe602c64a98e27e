"""Signals of one person with many accounts: counted per device and network, flagged for staff, capped where a launch
says so. A device is what a page says it is, so it proves nothing; it only makes somebody worth a look.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils.crypto import salted_hmac

from checkout.admission import entering, line, queue_overrides
from checkout.admission.models import Consumer, Distribution, Flag
from offers.lib.actors import SYSTEM
from offers.lib.errors import Refusal

LETTERS = {Flag.Kind.DEVICE: "d", Flag.Kind.ADDRESS: "a"}
LONGEST = 1000


class TooManyAccounts(Refusal):
    """As many shoppers as this launch allows take part from this device or network."""

    code = "too_many_accounts"


@dataclass(frozen=True, slots=True)
class Signals:
    """What is known of where somebody comes from; "" is nothing, and is not counted."""

    device: str = ""
    network: str = ""


def device_hash(text: str) -> str:
    """Return what is kept of a device's fingerprint: nothing that leads back to it."""
    return salted_hmac("offerkeep.device", text[:LONGEST], algorithm="sha256").hexdigest() if text else ""


def note(*, distribution: Distribution, consumer: Consumer, signals: Signals, now: datetime) -> None:
    """Count where a consumer enters from, once per launch, and flag him and the others there above the settings
    FLAG_ACCOUNTS_DEVICE and FLAG_ACCOUNTS_NETWORK. Counts stand in Redis (without it nothing is counted), flags in
    PostgreSQL.

    Refuses too_many_accounts above the launch's own `max_per_device`, `max_per_network`; who is in stays in.
    """
    device = device_hash(signals.device)
    if device and not consumer.device_hash:
        Consumer.objects.filter(pk=consumer.pk, device_hash="").update(device_hash=device)
    network = salted_hmac("offerkeep.network", signals.network, algorithm="sha256").hexdigest()
    wanted = []
    if device:
        wanted.append((Flag.Kind.DEVICE, device[:16], distribution.max_per_device, settings.FLAG_ACCOUNTS_DEVICE))
    if signals.network:
        wanted.append((Flag.Kind.ADDRESS, network[:16], distribution.max_per_network, settings.FLAG_ACCOUNTS_NETWORK))
    if not wanted:
        return
    marks = [(LETTERS[kind] + mark, most) for kind, mark, most, _ in wanted]
    try:
        found = line.mark(distribution.uuid.hex, consumer=consumer.pk, marks=marks)
    except line.LineUnavailable:
        return
    if found is None:
        raise TooManyAccounts()
    for (kind, mark, _, above), seen in zip(wanted, found, strict=True):
        if not above or not seen.new or seen.accounts <= above:
            continue
        # The one too many makes all of them worth a look; who comes later is alone with it.
        people = seen.consumers if seen.accounts == above + 1 else [consumer.pk]
        flag(distribution, people, kind, mark=mark, accounts=seen.accounts, now=now)


def flag(
    distribution: Distribution,
    people: list[int],
    kind: Flag.Kind,
    *,
    now: datetime,
    mark: str = "",
    accounts: int = 1,
) -> None:
    """Flag consumers for staff; what is flagged already stays as it is.

    Where a queue puts the flagged last, who waits in it and was not flagged before goes to its end, audited.
    Not to be called inside a transaction.
    """
    known = {one.pk: one for one in Consumer.objects.filter(pk__in=people).order_by("pk")}
    before = set(flagged(distribution, known)) if distribution.flagged_last else set()
    rows = [
        Flag(distribution=distribution, consumer_id=one, kind=kind, mark=mark, accounts=accounts, created_at=now)
        for one in known
    ]
    Flag.objects.bulk_create(rows, ignore_conflicts=True)
    if not distribution.flagged_last or distribution.mechanism != Distribution.Mechanism.QUEUE:
        return
    for pk, one in known.items():
        if pk not in before:
            with suppress(entering.NotWaiting, line.LineUnavailable):  # he comes in only now, and behind everybody
                queue_overrides.move_last(
                    distribution=distribution,
                    consumer_uuid=str(one.uuid),
                    actor=SYSTEM,
                    reason=f"Flagged: {kind.label}",
                    now=now,
                )


def flagged(distribution: Distribution, consumers: Iterable[int]) -> list[int]:
    """Return which of these consumers are flagged in a launch."""
    rows = Flag.objects.filter(distribution=distribution, consumer_id__in=list(consumers))
    return list(rows.values_list("consumer_id", flat=True))

"""Works through distributions one by one; one that cannot go on holds up no other."""

import logging
from collections.abc import Callable, Iterable

from checkout.admission.models import Admission, Distribution
from offers.lib.errors import Refusal

log = logging.getLogger("offerkeep.admission")
# Of admissions that were not used and no longer can be.
LET_GO = (Admission.State.RELEASED, Admission.State.REVOKED, Admission.State.EXPIRED)


def each(rows: Iterable[Distribution], act: Callable[[Distribution], object], *, what: str) -> None:
    """Do something with every distribution; a refusal is logged, and the next one has its turn."""
    for row in rows:
        try:
            act(row)
        except Refusal as refusal:
            log.warning("%s of %s %s is not done: %s", what, row.mechanism, row.uuid, refusal.code)

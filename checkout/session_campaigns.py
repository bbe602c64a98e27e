"""Session offers' campaigns, changed together with what they have counted today."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from checkout import daily_caps
from offers import channels
from offers.lib.actors import Actor
from offers.models import SessionCampaign


def update(
    *, retailer_id: int, ident: str, fields: Mapping[str, Any], actor: Actor, now: datetime, reason: str = ""
) -> SessionCampaign:
    """Change a campaign, as `channels.update_campaign` does; a cap that is new counts what there was today already.

    Waits for the authorisations under way when it changes the cap, so that none of them goes uncounted.
    """
    with transaction.atomic():
        if "daily_cap" in fields:
            daily_caps.own(ident=ident)
        found = channels.update_campaign(
            retailer_id=retailer_id, ident=ident, fields=fields, actor=actor, now=now, reason=reason
        )
        if "daily_cap" in fields:
            daily_caps.catch_up(campaign=found, now=now)
    return found

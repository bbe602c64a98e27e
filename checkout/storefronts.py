"""Says whose shop a host name is."""

from django.conf import settings

from checkout.demo.people import ACME
from offers.lib.errors import NotFound
from offers.models import Retailer


def retailer_of(host: str) -> Retailer:
    """Return the retailer whose setting `shop_hosts` names this host (without its port), else that of the demo.

    Refuses `not_found` where there is neither.
    """
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() and not host.endswith("]") else host
    found = Retailer.objects.filter(settings__shop_hosts__contains=[name.lower()]).order_by("pk").first()
    if found is None and settings.DEV:
        found = Retailer.objects.filter(name=ACME).first()
    if found is None:
        raise NotFound("shop", name)
    return found

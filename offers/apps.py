"""The offers app: what is on offer, to whom, and how much is left."""

from django.apps import AppConfig


class OffersConfig(AppConfig):
    name = "offers"
    label = "offers"
    verbose_name = "Offers"

    def ready(self) -> None:
        from offers import checks  # noqa: F401 - registers them

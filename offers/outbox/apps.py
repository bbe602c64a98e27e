"""The outbox app: events written with the change they tell of, delivered afterwards as signed webhooks."""

from django.apps import AppConfig


class OutboxConfig(AppConfig):
    name = "offers.outbox"
    label = "outbox"
    verbose_name = "Webhooks"

"""When something is active: the fields that campaigns, vouchers and promotion tiers share."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Windowed(models.Model):
    """Activity windows, half-open [start_date, expiration_date); recurring parts are meant in the campaign's zone."""

    active = models.BooleanField(default=True)
    start_date = models.DateTimeField(null=True, blank=True, help_text="Not usable before this moment (UTC).")
    expiration_date = models.DateTimeField(null=True, blank=True, help_text="Not usable from this moment on (UTC).")
    validity_timeframe = models.JSONField(
        null=True, blank=True, help_text='Recurs from the start date, e.g. {"interval": "P7D", "duration": "PT1H"}.'
    )
    validity_day_of_week = ArrayField(
        models.SmallIntegerField(), null=True, blank=True, help_text="Days it works on: 0 is Sunday, 6 is Saturday."
    )
    validity_hours = models.JSONField(
        null=True,
        blank=True,
        help_text='{"daily": [{"start_time": "12:00", "expiration_time": "14:00", "days_of_week": [1]}]}',
    )

    class Meta:
        abstract = True

"""Gives every retailer the UUID tills and wallets know it by; the database draws one for each row there is."""

import uuid

import django.contrib.postgres.functions
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("offers", "0009_codes_switched_off")]

    operations = [
        migrations.AddField(
            model_name="retailer",
            name="uuid",
            field=models.UUIDField(
                db_default=django.contrib.postgres.functions.RandomUUID(),
                default=uuid.uuid4,
                editable=False,
                help_text="Its id at tills.",
                unique=True,
            ),
        ),
    ]

"""Adds the codes that stand for a wallet entry for minutes."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("checkout", "0011_lean_locks"), ("offers", "0011_basic_clients")]

    operations = [
        migrations.CreateModel(
            name="OfferCode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=8, unique=True)),
                ("expires_at", models.DateTimeField()),
                (
                    "used_in",
                    models.CharField(
                        blank=True, default="", help_text="<store uuid>:<transaction id>", max_length=140
                    ),
                ),
                (
                    "user_offer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="codes", to="offers.useroffer"
                    ),
                ),
            ],
            options={"indexes": [models.Index(fields=["expires_at"], name="offer_code_age")]},
        ),
    ]

"""Lets credentials be of the kind HTTP Basic."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("offers", "0010_retailer_uuid")]

    operations = [
        migrations.AlterField(
            "client",
            "kind",
            models.CharField(
                choices=[
                    ("server", "Server (X-App-Id, X-App-Token)"),
                    ("browser", "Browser (X-Client-Application-Id, X-Client-Token)"),
                    ("basic", "Till or back end (HTTP Basic)"),
                ],
                max_length=12,
            ),
        ),
    ]

"""Secrets of endpoints are sealed in the database; those that are there as well.

Code of before signs with what it reads: until it is replaced its deliveries are refused, and repeated by the new one.
"""

from django.db import migrations

import offers.lib.fields


def seal(apps, schema_editor):
    for endpoint in apps.get_model("outbox", "Endpoint").objects.select_for_update().iterator(chunk_size=500):
        endpoint.save(update_fields=["secret", "previous_secret"])


class Migration(migrations.Migration):
    dependencies = [("outbox", "0003_delivery_log")]

    operations = [
        migrations.AlterField(
            model_name="endpoint",
            name="secret",
            field=offers.lib.fields.SealedTextField(editable=False, help_text="Signs each delivery."),
        ),
        migrations.AlterField(
            model_name="endpoint",
            name="previous_secret",
            field=offers.lib.fields.SealedTextField(blank=True, default="", editable=False),
        ),
        migrations.RunPython(seal, migrations.RunPython.noop),
    ]

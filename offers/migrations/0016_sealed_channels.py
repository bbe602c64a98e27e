"""Secrets of channels are sealed in the database; those that are there as well."""

from django.db import migrations

import offers.lib.fields


def seal(apps, schema_editor):
    # A handful; until it is saved again a plain one is read as it is.
    for channel in apps.get_model("offers", "Channel").objects.all():
        channel.save(update_fields=["secret", "previous_secret"])


class Migration(migrations.Migration):
    dependencies = [("offers", "0015_signing_keys")]

    operations = [
        migrations.AlterField(
            model_name="channel",
            name="previous_secret",
            field=offers.lib.fields.SealedField(blank=True, default="", editable=False),
        ),
        migrations.AlterField(
            model_name="channel",
            name="secret",
            field=offers.lib.fields.SealedField(editable=False),
        ),
        migrations.RunPython(seal, migrations.RunPython.noop),
    ]

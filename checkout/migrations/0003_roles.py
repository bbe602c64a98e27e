"""The groups of the back office: marketer, reviewer, admin."""

from django.db import migrations

from checkout import roles


def make_roles(apps, schema_editor):
    roles.sync()


class Migration(migrations.Migration):
    dependencies = [
        ("checkout", "0002_back_office"),
        ("offers", "0003_back_office"),
        ("outbox", "0002_version"),
        ("ledger", "0002_functions"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(make_roles, migrations.RunPython.noop)]

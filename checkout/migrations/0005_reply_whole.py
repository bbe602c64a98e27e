"""A stored reply is written whole: none waits for its status."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("checkout", "0004_order_revision")]
    operations = [
        migrations.AlterField("reply", "status", models.SmallIntegerField()),
        migrations.AlterField(
            "reply",
            "route",
            models.CharField(max_length=300, help_text="Method and address of the first request, for support."),
        ),
        migrations.AlterField(
            "reply",
            "body_hash",
            models.BinaryField(max_length=32, help_text="Of method, address, query and body together."),
        ),
    ]

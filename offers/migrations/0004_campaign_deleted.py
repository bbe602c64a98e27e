"""A deleted campaign keeps its row for the history and frees its name."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("offers", "0003_back_office"), ("offers", "0003_erased_and_deleted_kept")]
    operations = [
        migrations.AddField(
            model_name="campaign",
            name="deleted_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="Its row stays for the history; its name is free again.",
                null=True,
            ),
        ),
        migrations.RemoveConstraint(model_name="campaign", name="campaign_name_once"),
        migrations.AddConstraint(
            model_name="campaign",
            constraint=models.UniqueConstraint(
                condition=models.Q(("deleted_at__isnull", True)),
                fields=("retailer", "name"),
                name="campaign_name_once",
            ),
        ),
    ]

"""What a request id brought, and the function that accepts a till's transaction."""

from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("checkout", "0009_locks_and_transactions")]
    operations = [
        migrations.AddField(
            model_name="revision",
            name="requests",
            field=models.JSONField(blank=True, default=dict, help_text="Request ids that brought this content."),
        ),
        migrations.RunSQL((SQL / "accept_v1.sql").read_text(), "DROP FUNCTION checkout_accept"),
    ]

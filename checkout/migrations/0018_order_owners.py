"""The read behind validations and redemptions also tells whose a stored order is, and who sent the shopper."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):

    dependencies = [
        ("checkout", "0017_loyalty_cards"),
    ]

    operations = [
        # It replaces a function of the same name and argument, which older processes may go on calling.
        migrations.RunSQL((SQL / "read_v3.sql").read_text(), migrations.RunSQL.noop),
    ]

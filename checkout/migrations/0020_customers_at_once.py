"""Redemptions that make the same new customer at once keep what each of them knew."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):

    dependencies = [
        ("checkout", "0019_refused_discounts"),
    ]

    operations = [
        # It replaces a function of the same name and argument, which older processes may go on calling.
        migrations.RunSQL((SQL / "redeem_v3.sql").read_text(), migrations.RunSQL.noop),
    ]

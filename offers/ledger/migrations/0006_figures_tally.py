"""The figures of a popular code move its tally along instead of adding up an ever longer journal."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("ledger", "0005_due_by_the_clock")]
    operations = [
        migrations.RunSQL(
            (SQL / "figures_v3.sql").read_text(), (SQL / "figures_v2.sql").read_text()
        )
    ]

"""The function that reads counters as they stand after a change in the same statement."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_functions")]
    operations = [migrations.RunSQL((SQL / "figures_v1.sql").read_text(), "DROP FUNCTION ledger_figures")]

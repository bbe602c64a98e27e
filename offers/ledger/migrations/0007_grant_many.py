"""Grants on many counters in one call."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("ledger", "0006_figures_tally")]
    operations = [migrations.RunSQL((SQL / "grant_v1.sql").read_text(), "DROP FUNCTION ledger_grant_many")]

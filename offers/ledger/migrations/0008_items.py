"""Several items of one reference ended, or kept longer, in one call."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("ledger", "0007_grant_many")]
    operations = [
        migrations.RunSQL(
            (SQL / "items_v1.sql").read_text(), "DROP FUNCTION ledger_finish; DROP FUNCTION ledger_keep_items"
        )
    ]

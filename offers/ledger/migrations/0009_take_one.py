"""One want is taken, and one hold used up, without reading JSON."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("ledger", "0008_items")]
    operations = [
        # What older processes call goes on as it was: ledger_take_one of a want in JSON calls the new one.
        migrations.RunSQL(
            (SQL / "one_v1.sql").read_text(),
            (SQL / "take_v2.sql").read_text()
            + "DROP FUNCTION ledger_use_hold; DROP FUNCTION ledger_take_one(bigint, text, bigint, bigint, text, text,"
            " bigint, bigint, integer, boolean, boolean, bigint, text, text, text, text[], boolean, timestamptz,"
            " timestamptz)",
        ),
    ]

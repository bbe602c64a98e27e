"""The functions and triggers of the ledger."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"
FUNCTIONS = [
    "ledger_sweep", "ledger_reverse", "ledger_keep", "ledger_end", "ledger_take", "ledger_take_all", "ledger_spread",
    "ledger_move", "ledger_expire_due", "ledger_give", "ledger_limit", "ledger_own", "ledger_deal", "ledger_open",
    "ledger_tally", "ledger_settled",
]


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]
    operations = [
        migrations.RunSQL(
            (SQL / "take_v1.sql").read_text(),
            "DROP TRIGGER ledger_entry_append_only ON ledger_entry; DROP TRIGGER ledger_hold_ends_once ON ledger_hold;"
            "DROP TRIGGER ledger_hold_live_stays ON ledger_hold;"
            "DROP FUNCTION ledger_append_only; DROP FUNCTION ledger_hold_ends_once;"
            + "".join(f"DROP FUNCTION {name};" for name in FUNCTIONS),
        )
    ]

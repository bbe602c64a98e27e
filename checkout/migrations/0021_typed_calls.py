"""The read, the lock and the redemption of one voucher are called with arguments instead of one JSON."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):

    dependencies = [
        ("checkout", "0020_customers_at_once"),
        ("ledger", "0009_take_one"),
    ]

    operations = [
        # checkout_read of one JSON stays for processes that were started before.
        migrations.RunSQL(
            (SQL / "read_v4.sql").read_text(),
            "DROP FUNCTION checkout_read(bigint, text[], text[], boolean, text, boolean, text, text[], timestamptz,"
            " text, boolean, text[], text)",
        ),
        migrations.RunSQL((SQL / "lock_one_v1.sql").read_text(), "DROP FUNCTION checkout_lock_one"),
        migrations.RunSQL((SQL / "redeem_held_v1.sql").read_text(), "DROP FUNCTION checkout_redeem_held"),
    ]

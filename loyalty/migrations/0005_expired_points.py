"""Lots know how many of their points expired, so that a return does not take them a second time."""

from typing import Any

from django.db import migrations, models
from django.db.models import F, Q

BATCH = 5000
_LAST = 'SELECT max(id) FROM loyalty_pointlot WHERE "left" = 0 AND expires_at IS NOT NULL'
# What the journal says expired.
_FILL = """
UPDATE loyalty_pointlot l SET expired = least(l.amount, e.delta)
FROM ledger_counter c JOIN ledger_entry e ON e.counter_id = c.id
WHERE l.id > %s AND l.id <= %s AND l."left" = 0 AND l.expires_at IS NOT NULL
  AND c.kind = 'points' AND c.owner = l.member_account_id AND e.reference = 'expire:' || l.id AND e.kind = 'settle'
"""


def fill(apps: Any, schema_editor: Any) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(_LAST)
        last = cursor.fetchone()[0] or 0
        for start in range(0, last, BATCH):
            cursor.execute(_FILL, [start, start + BATCH])


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("loyalty", "0004_purchase_seen"), ("ledger", "0009_take_one")]
    operations = [
        migrations.AddField("pointlot", "expired", models.BigIntegerField(db_default=0)),
        migrations.AddField("pointlot", "forgiven", models.BigIntegerField(db_default=0)),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AddConstraint(
            "pointlot",
            models.CheckConstraint(
                condition=Q(forgiven__gte=0, forgiven__lte=F("expired"), expired__lte=F("amount")),
                name="point_lot_expired",
            ),
        ),
    ]

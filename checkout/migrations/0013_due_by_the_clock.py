"""Indexes of what is due are for whoever asks by the clock; the hot functions go step by step, one index at a time."""

from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"


def load(name):
    # They replace functions of the same names and arguments, which older processes may go on calling.
    return migrations.RunSQL((SQL / f"{name}_v2.sql").read_text(), migrations.RunSQL.noop)


class Migration(migrations.Migration):

    dependencies = [
        ('checkout', '0012_offer_codes'),
        ('offers', '0011_basic_clients'),
        ('ledger', '0005_due_by_the_clock'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='locksession',
            name='lock_due',
        ),
        migrations.RemoveIndex(
            model_name='offerlock',
            name='offer_lock_due',
        ),
        migrations.AddIndex(
            model_name='locksession',
            index=models.Index(condition=models.Q(('expires_at__isnull', False), ('state', 'live')), fields=['expires_at'], name='lock_due'),
        ),
        migrations.AddIndex(
            model_name='offerlock',
            index=models.Index(condition=models.Q(('expires_at__isnull', False), ('state', 'active')), fields=['expires_at'], name='offer_lock_due'),
        ),
        load("read"),
        load("lock"),
        load("redeem"),
        migrations.RunSQL((SQL / "release_v1.sql").read_text(), "DROP FUNCTION checkout_release"),
    ]

"""Indexes of what is due are for whoever asks by the clock; the functions never join where statistics could mislead."""

from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"


def load(name):
    # They replace functions of the same names and arguments, which older processes may go on calling.
    return migrations.RunSQL((SQL / f"{name}_v2.sql").read_text(), migrations.RunSQL.noop)


class Migration(migrations.Migration):

    dependencies = [
        ('ledger', '0004_sharding'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='hold',
            name='hold_due',
        ),
        migrations.RemoveIndex(
            model_name='hold',
            name='hold_sweep',
        ),
        migrations.AddIndex(
            model_name='hold',
            index=models.Index(condition=models.Q(('expires_at__isnull', False), ('state', 'live')), fields=['counter', 'expires_at'], name='hold_due'),
        ),
        migrations.AddIndex(
            model_name='hold',
            index=models.Index(condition=models.Q(('expires_at__isnull', False), ('pinned', False), ('state', 'live')), fields=['expires_at'], name='hold_sweep'),
        ),
        load("take"),
        load("figures"),
    ]

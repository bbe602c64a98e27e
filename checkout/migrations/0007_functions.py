"""The functions behind the hot addresses: read the facts, lock, redeem."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


def load(name):
    return migrations.RunSQL((SQL / f"{name}_v1.sql").read_text(), f"DROP FUNCTION checkout_{name}")


class Migration(migrations.Migration):
    dependencies = [("checkout", "0006_traces_purged")]
    operations = [load("read"), load("lock"), load("redeem")]

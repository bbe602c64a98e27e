"""What many plain sales give, in one call."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0002_purchases"), ("ledger", "0007_grant_many")]
    operations = [migrations.RunSQL((SQL / "reward_v1.sql").read_text(), "DROP FUNCTION loyalty_reward")]

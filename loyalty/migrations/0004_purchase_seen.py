"""What a sale's member was when the sale was first judged is kept with it."""

from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0003_reward_many")]
    operations = [
        migrations.AddField("purchase", "seen", models.JSONField(editable=False, null=True)),
        migrations.RunSQL((SQL / "reward_v2.sql").read_text(), (SQL / "reward_v1.sql").read_text()),
    ]

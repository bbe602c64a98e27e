"""A version of a sale that staff discarded makes no later one old."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"
_OLD = (SQL / "accept_v1.sql").read_text().replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")


class Migration(migrations.Migration):
    dependencies = [("checkout", "0022_refused_order")]
    operations = [migrations.RunSQL((SQL / "accept_v2.sql").read_text(), _OLD)]

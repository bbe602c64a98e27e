"""A change of a webhook endpoint raises the retailer's version: hot paths know whether anybody listens."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("outbox", "0001_initial"), ("offers", "0002_versions_and_audit")]
    operations = [
        migrations.RunSQL(
            "CREATE TRIGGER outbox_endpoint_version AFTER INSERT OR DELETE OR UPDATE ON outbox_endpoint "
            "FOR EACH ROW EXECUTE FUNCTION offers_bump_version()",
            "DROP TRIGGER outbox_endpoint_version ON outbox_endpoint",
        )
    ]

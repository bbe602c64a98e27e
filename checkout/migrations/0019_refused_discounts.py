"""Staff find the sales in which a discount used up no offer."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("checkout", "0018_order_owners")]
    operations = [
        migrations.RunSQL(
            "CREATE INDEX revision_refused ON checkout_revision (received_at)"
            " WHERE (result #> '{rejected,0}') IS NOT NULL",
            "DROP INDEX revision_refused",
        )
    ]

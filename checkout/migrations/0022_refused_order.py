"""A failed redemption keeps the id of the order it was for, by which staff find it."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('checkout', '0021_typed_calls'),
        ('offers', '0018_session_campaign_dates'),
    ]

    operations = [
        migrations.AddField(
            model_name='redemption',
            name='order_ident',
            field=models.CharField(help_text="The order a failed redemption was for: the shop's id of it, or ours.", max_length=255, null=True),
        ),
        migrations.AddIndex(
            model_name='redemption',
            index=models.Index(condition=models.Q(('order_ident__isnull', False)), fields=['order_ident'], name='redemption_refused_order'),
        ),
    ]

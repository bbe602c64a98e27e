"""The locks of an object are listed by the clock, so that a redemption never ends its own lock through their index."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('checkout', '0015_shop_pages'),
        ('offers', '0014_channels'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='locksession',
            name='lock_of_object',
        ),
        migrations.AddIndex(
            model_name='locksession',
            index=models.Index(condition=models.Q(('created_at__isnull', False)), fields=['object', 'object_id', '-id'], name='lock_of_object'),
        ),
    ]

"""A failed redemption says which count of its conditions was full, so that staff read why in plain words."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('checkout', '0023_discarded'),
    ]

    operations = [
        migrations.AddField(
            model_name='redemption',
            name='ran_out',
            field=models.CharField(help_text='The count of its conditions that was full, where that was the reason.', max_length=80, null=True),
        ),
    ]

"""Key rings: keys that sign admission tokens and the order hook."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('offers', '0014_channels'),
    ]

    operations = [
        migrations.CreateModel(
            name='SigningKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('purpose', models.CharField(max_length=20)),
                ('kid', models.CharField(max_length=32, unique=True)),
                ('salt', models.CharField(editable=False, max_length=43)),
                ('state', models.CharField(choices=[('active', 'Active'), ('verify', 'Only checks'), ('retired', 'Retired')], default='active', max_length=8)),
                ('created_at', models.DateTimeField()),
                ('verify_until', models.DateTimeField(blank=True, null=True)),
                ('retired_at', models.DateTimeField(blank=True, null=True)),
                ('retailer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='signing_keys', to='offers.retailer')),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('state', 'active')), fields=('retailer', 'purpose'), name='signing_key_one_active')],
            },
        ),
    ]

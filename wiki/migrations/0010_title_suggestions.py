import django.contrib.postgres.indexes
import django.db.models.functions.comparison
from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('wiki', '0006_finding'),
    ]

    operations = [
        # A trusted extension: the owner of the database may make it.
        TrigramExtension(),
        migrations.AddIndex(
            model_name='note',
            index=models.Index(django.db.models.functions.comparison.Collate('title_key', 'C'), name='note_by_first_letters'),
        ),
        migrations.AddIndex(
            model_name='note',
            index=django.contrib.postgres.indexes.GinIndex(fields=['title_key'], name='note_by_part_of_title', opclasses=['gin_trgm_ops']),
        ),
    ]

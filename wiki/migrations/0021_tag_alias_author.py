"""Another word for a tag is somebody's: two people may mean two tags by it."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# Recorded changes tell who made a word.
NAME_AUTHORS = """
    UPDATE wiki_tagalias AS alias
       SET author_id = (
           SELECT made.author_id FROM wiki_tagchange AS made
            WHERE made.kind = 'alias' AND made.undoes_id IS NULL AND made.old = alias.name
            ORDER BY made.id DESC LIMIT 1)
"""
# A word that means two tags keeps the older one.
KEEP_ONE = """
    DELETE FROM wiki_tagalias AS alias USING wiki_tagalias AS older
     WHERE older.slug = alias.slug AND older.id < alias.id
"""


class Migration(migrations.Migration):
    dependencies = [
        ("wiki", "0020_note_tag_name"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="tagalias",
            name="author",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="tagalias", name="slug", field=models.CharField(max_length=300)
        ),
        migrations.AddField(
            model_name="tagalias", name="is_public", field=models.BooleanField(default=True)
        ),
        migrations.RunSQL(NAME_AUTHORS, KEEP_ONE),
        migrations.AddConstraint(
            model_name="tagalias",
            constraint=models.UniqueConstraint(fields=("slug", "tag"), name="tag_alias_once"),
        ),
    ]

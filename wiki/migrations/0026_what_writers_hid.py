from django.db import migrations, models

# In the texts of these notes a comment may stand, which earlier versions read like any words.
MARKED = """
    SELECT note.pid FROM wiki_note AS note JOIN wiki_revision AS head ON head.id = note.head_id
     WHERE strpos(head.body, '%%') > 0 OR strpos(head.body, '<!--') > 0
"""
DERIVED = ("wiki_notehtml", "wiki_posting", "wiki_notewords", "wiki_link")


def forget_derived(apps, schema_editor):
    """Let nobody find or read what is made from such texts until it is made anew.

    The words and links come back when `migrate` indexes what is missing, the HTML when
    somebody reads.
    """
    with schema_editor.connection.cursor() as cursor:
        for table in DERIVED:
            cursor.execute(f"DELETE FROM {table} WHERE note_id IN ({MARKED})")


class Migration(migrations.Migration):

    dependencies = [
        ('wiki', '0024_dates_ahead'),
    ]

    operations = [
        migrations.AddField(
            model_name='notewords',
            name='shown',
            field=models.TextField(null=True),
        ),
        migrations.RunPython(forget_derived, forget_derived),
    ]

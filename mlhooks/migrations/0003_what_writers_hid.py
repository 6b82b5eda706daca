from django.db import migrations

# In the texts of these notes a comment may stand, which earlier versions embedded like any words.
MARKED = """
    SELECT note.pid FROM wiki_note AS note JOIN wiki_revision AS head ON head.id = note.head_id
     WHERE strpos(head.body, '%%') > 0 OR strpos(head.body, '<!--') > 0
"""
KEPT = ("passage", "splitnote", "indexednote", "unreadnote", "noteblocks")


def forget(apps, schema_editor):
    """Forget what was read of them; it is read again soon, as with any note that is missing."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = current_schema()"
            " AND tablename ~ '^passage_vector_[0-9]+$'"
        )
        vectors = [name for (name,) in cursor.fetchall()]
        for table in (*vectors, *(f"mlhooks_{name}" for name in KEPT)):
            cursor.execute(f"DELETE FROM {table} WHERE note IN ({MARKED})")


class Migration(migrations.Migration):

    dependencies = [
        ('mlhooks', '0002_passages'),
        ('wiki', '0026_what_writers_hid'),
    ]

    operations = [
        migrations.RunPython(forget, forget),
    ]

"""A tag is spelled by each note that has it; the row that all of them share spells nothing."""

import unicodedata
from collections import defaultdict

import django.db.models.functions
from django.db import migrations, models

STEPS = """
    SELECT step.key::bigint, step.value::text
      FROM wiki_tagchange CROSS JOIN LATERAL jsonb_each(steps) AS step
     ORDER BY 1, id
"""


def key_of(name):
    return unicodedata.normalize("NFC", name).casefold()


def spell_in_notes(apps, schema_editor):
    """Spell the tags of each note as its head does, after the changes recorded since.

    Where the shared spelling was changed by the note's owner, or by a superuser, that is one
    more change of these notes; so it can be undone as before.
    """
    NoteTag = apps.get_model("wiki", "NoteTag")
    respelled, steps = respellings(apps), recorded_steps(schema_editor.connection)
    rows = NoteTag.objects.select_related("tag", "content_object__head")
    changed, touched = [], {}
    for row in rows.order_by("pk").iterator(chunk_size=2000):
        note, slug = row.content_object, row.tag.slug
        said = {key_of(name): name for name in note.head.tags} if note.head else {}
        for step in steps.get(note.pid, ()):
            if note.head and step["revision"] == note.head.number:
                said = {key: name for key, name in said.items() if key not in keys(step["remove"])}
                said |= {key_of(name): name for name in step["add"]}
        row.name = said.get(slug, row.tag.name)
        change = respelled.get((slug, note.owner_id)) or respelled.get((slug, None))
        if change and note.head and row.name != row.tag.name == change.new:
            step = {"revision": note.head.number, "remove": [row.name], "add": [change.new]}
            change.steps[str(note.pid)] = step
            row.name, touched[change.pk] = change.new, change
        changed.append(row)
    NoteTag.objects.bulk_update(changed, ["name"], batch_size=2000)
    apps.get_model("wiki", "TagChange").objects.bulk_update(touched.values(), ["steps"])


def respellings(apps):
    """Return the last change of each tag's spelling, by the tag and whose notes it was for."""
    changes = apps.get_model("wiki", "TagChange").objects.filter(kind="rename", steps={})
    return {
        (key_of(change.new), None if change.author.is_superuser else change.author_id): change
        for change in changes.exclude(author=None).select_related("author").order_by("pk")
        if key_of(change.old) == key_of(change.new)
    }


def recorded_steps(connection):
    steps = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(STEPS)
        for pid, step in cursor.fetchall():
            steps[pid].append(models.JSONField().from_db_value(step, None, connection))
    return steps


def keys(names):
    return {key_of(name) for name in names}


def spell_in_tags(apps, schema_editor):
    """Spell each tag as the note does that had it first."""
    Tag, NoteTag = apps.get_model("wiki", "Tag"), apps.get_model("wiki", "NoteTag")
    first = NoteTag.objects.filter(tag=models.OuterRef("pk")).order_by("pk").values("name")[:1]
    spelled = django.db.models.functions.Coalesce(
        models.Subquery(first), django.db.models.functions.Left("slug", 100)
    )
    Tag.objects.update(name=spelled)


class Migration(migrations.Migration):
    dependencies = [("wiki", "0017_files_of_revisions")]

    operations = [
        migrations.AddField(
            model_name="notetag",
            name="name",
            field=models.CharField(default="", max_length=100),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name="tag",
            name="name",
            field=models.CharField(max_length=100, null=True, unique=True, verbose_name="name"),
        ),
        migrations.RunPython(spell_in_notes, spell_in_tags),
        migrations.RemoveField(model_name="tag", name="name"),
    ]

"""All existing revisions show today's file of each key that their text names.

Which bytes an older revision showed is not known any more: a changed file took the place of
the one before. Texts are looked through in a child with limits, and only those of notes that
have files.
"""

from urllib.parse import quote

from django.db import migrations

from wiki.rendering import sandbox

TEXTS_AT_A_TIME = 50


def fill(apps, schema_editor):
    Attachment = apps.get_model('wiki', 'Attachment')
    Revision = apps.get_model('wiki', 'Revision')
    with_files = Attachment.objects.order_by('note_id').values_list('note_id', flat=True).distinct()
    for pid in list(with_files):
        files = dict(Attachment.objects.filter(note_id=pid).values_list('key', 'pk'))
        texts = Revision.objects.filter(note_id=pid, body__isnull=False)
        pks = list(texts.order_by('pk').values_list('pk', flat=True))
        for start in range(0, len(pks), TEXTS_AT_A_TIME):
            some = texts.filter(pk__in=pks[start : start + TEXTS_AT_A_TIME])
            _fill_some(apps, list(some.values_list('pk', 'title', 'body')), files)
    sandbox.stop()


def _fill_some(apps, texts, files):
    RevisionFile = apps.get_model('wiki', 'RevisionFile')
    surveys = sandbox.survey([(title, body) for _, title, body in texts])
    RevisionFile.objects.bulk_create(
        [
            RevisionFile(revision_id=pk, attachment_id=files[key], key=key)
            for (pk, _, body), survey in zip(texts, surveys, strict=True)
            for key in sorted(_named(survey, body, files))
        ],
        ignore_conflicts=True,
    )


def _named(survey, body, files):
    """Return the keys that a text names; where it is too much to be looked at, spells out."""
    if survey.analysis is None:
        return {key for key in files if key in body or quote(key) in body}
    return survey.rendered().attachment_keys() & files.keys()


def forget(apps, schema_editor):
    """Keep what the schema before can hold: of each key of a note the last file."""
    Attachment = apps.get_model('wiki', 'Attachment')
    Attachment.objects.filter(note=None).delete()
    Attachment.objects.exclude(removed=None).delete()
    last = {}
    for pk, pid, key in Attachment.objects.order_by('number').values_list('pk', 'note_id', 'key'):
        last[pid, key] = pk
    Attachment.objects.exclude(pk__in=list(last.values())).delete()


class Migration(migrations.Migration):

    dependencies = [
        ('wiki', '0016_revision_files'),
    ]

    operations = [
        migrations.RunPython(fill, forget),
    ]

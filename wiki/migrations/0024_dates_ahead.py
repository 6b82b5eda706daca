"""Notes that an import dated in the future stood first in every list, and would for years."""

from typing import Any

from django.db import migrations
from django.db.models import F, Max, Q
from django.utils import timezone


def place_by_revision(apps: Any, schema_editor: Any) -> None:
    """Place them where their revision came in: with the latest of those before it."""
    note, revision = apps.get_model("wiki", "Note"), apps.get_model("wiki", "Revision")
    now = timezone.now()
    ahead = note.objects.filter(Q(created__gt=now) | Q(modified__gt=now))
    for pid, head, created, modified in ahead.values_list("pid", "head", "created", "modified"):
        before = revision.objects.filter(pk__lt=head or 0, created__lte=now)
        placed = before.aggregate(latest=Max("created"))["latest"] or now
        note.objects.filter(pid=pid).update(
            created=created if created <= now else placed,
            modified=modified if modified <= now else placed,
        )


def follow_the_head(apps: Any, schema_editor: Any) -> None:
    """Let `modified` be the head's date again, as earlier versions have it."""
    note, revision = apps.get_model("wiki", "Note"), apps.get_model("wiki", "Revision")
    ahead = note.objects.filter(head__source="import", head__created__gt=F("modified"))
    for pid, head in ahead.values_list("pid", "head"):
        created = revision.objects.values_list("created", flat=True).get(pk=head)
        note.objects.filter(pid=pid).update(modified=created)


class Migration(migrations.Migration):
    dependencies = [("wiki", "0021_tag_alias_author")]
    operations = [migrations.RunPython(place_by_revision, follow_the_head)]

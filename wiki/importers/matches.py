"""Which notes the items of a batch are already."""

from collections.abc import Collection, Sequence

from django.contrib.auth.models import User
from django.db.models import Q

from wiki.importers.item import Item
from wiki.importers.updates import starts_like
from wiki.markup import link_key
from wiki.models import Note


class Known:
    """The notes that earlier imports of these items made, and the archived notes themselves.

    titled: the oldest note, of those the importer may read, that has the title of an item out
    of a folder. Three queries for all items together; one more for each that only its title
    can name.
    """

    def __init__(self, items: Sequence[Item], importer: User) -> None:
        self._mine = Note.objects.filter(owner=importer)
        keys = [key for item in items if item.record is None for key in item.keys]
        found = self._mine.filter(import_key__in=keys) if keys else ()
        self._by_key = {note.import_key: note for note in found}
        pids = [item.pid for item in items if item.record is not None]
        named = Q(pid__in=pids) | Q(legacy_pid__in=pids)
        self._numbered = list(Note.objects.filter(named)) if pids else []

        titles = {link_key(item.head.title) for item in items if item.fingerprint}
        readable = Note.objects.visible_to(importer).order_by("-pid")
        have = readable.filter(title_key__in=titles) if titles else readable.none()
        self.titled: dict[str, int] = dict(have.values_list("title_key", "pid"))

    def note(self, item: Item, placed: Collection[int]) -> Note | None:
        """Return the note this item is; one of `placed` is another entry's already."""
        if item.record is not None:
            named = [note for note in self._numbered if item.pid in (note.pid, note.legacy_pid)]
            return next((note for note in named if starts_like(note, item)), None)
        found = [self._by_key[key] for key in item.keys if key in self._by_key]
        if not found and item.pid is None and item.is_named_by_title:
            kind = item.keys[0].partition(":")[0]
            titled = self._mine.filter(title_key=link_key(item.head.title), ref=item.head.ref)
            found = list(titled.filter(import_key__startswith=f"{kind}:").order_by("pid"))
        # A note is only one of the file's entries, also where several have its title.
        return next((note for note in found if note.pid not in placed), None)

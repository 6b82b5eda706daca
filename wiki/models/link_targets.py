"""Where the links of a page lead, for whoever reads it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db.models import F
from django.urls import reverse

from wiki.markup import Heading, Rendered
from wiki.markup.outline import identity_of
from wiki.markup.rendered import ID_PREFIX
from wiki.markup.wikilink import key_of, link_html
from wiki.reader import Reader
from wiki.rendering import sandbox


class Links:
    """The links of many texts, with the notes they lead to; found in one or two queries."""

    def __init__(
        self,
        found: Mapping[int, Rendered],
        readable: Any,
        reader: Reader,
        folders: Mapping[int, str],
    ) -> None:
        self._found, self._folders = found, folders
        keys = (rendered.link_keys(folders.get(key, "")) for key, rendered in found.items())
        self._targets = readable.named(set().union(*keys), reader)
        self._writing_url = reverse("new") if reader.is_authenticated else ""
        self._outlines = self._load_outlines(readable)

    def html(self, key: int, payload: Mapping[str, Any]) -> tuple[str, str]:
        """Return a link of the text `key`, and what ends it where its words stand outside."""
        name, heading = key_of(payload, self._folders.get(key, "")), payload.get("heading")
        if not name:
            here = f"#{ids_of(key)}{identity_of(str(heading), self._found[key].outline)}"
            return link_html(payload, (here, str(heading)))
        note = self._targets.get(name)
        if note is None:
            return link_html(payload, None, self._writing_url)
        place = ""
        if heading:
            place = f"#{ids_of(note.pid)}{identity_of(heading, self._outlines.get(note.pid, ()))}"
        return link_html(payload, (note.get_absolute_url() + place, note.title))

    def _load_outlines(self, readable: Any) -> dict[int, Sequence[Heading]]:
        """Read the headings of the notes that are linked to by one, where they are known."""
        pids = {self._targets[name].pid for name in self._with_heading() if name in self._targets}
        if not pids:
            return {}
        known = readable.filter(
            pid__in=pids, html__revision=F("head"), html__renderer=sandbox.renderer_name()
        )
        rows = known.values_list("pid", "html__rendered__outline")
        return {pid: [Heading(**said) for said in outline] for pid, outline in rows}

    def _with_heading(self) -> Iterator[str]:
        for key, rendered in self._found.items():
            for slot in rendered.slots:
                if slot.kind == "wikilink" and slot.payload.get("heading"):
                    yield key_of(slot.payload, self._folders.get(key, ""))


def ids_of(key: int) -> str:
    """Return what begins every id of this text: a page may hold many notes, each with a pid."""
    return f"n{key}-" if key else ID_PREFIX

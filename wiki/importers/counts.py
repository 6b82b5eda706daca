"""What the items of a file add up to."""

from collections import Counter
from typing import Any

from wiki.importers.item import Item
from wiki.importers.outcome import Outcome, Result
from wiki.markup import link_key
from wiki.markup.wikilink import key_of
from wiki.models import Note
from wiki.models.tag import tag_key
from wiki.reader import Reader
from wiki.rendering.survey import Survey

KEYS_AT_A_TIME = 1_000


class Tally:
    """Counts items as they are written.

    Tags, tag uses, links, attachments and formulas are those of the file's notes, imported
    now or before; revisions are the rows that came in now.
    """

    def __init__(self) -> None:
        self.outcomes: Counter[Outcome] = Counter()
        self.revisions = 0
        self.attachments = 0
        self._tag_uses = 0
        self._tags: set[str] = set()
        self._links: Counter[str] = Counter()
        self._names: set[str] = set()
        self._formulas: set[str] = set()
        self._unset: set[str] = set()

    def add(self, item: Item, result: Result, survey: Survey) -> None:
        """Count one item; the survey is of its head's text."""
        self.outcomes[result.outcome] += 1
        self.revisions += result.revisions
        self.attachments += result.attachments
        if not item.states or result.outcome == Outcome.FAILED:
            return
        tags = item.record.tags if item.record else item.head.tags
        self._tag_uses += len(tags)
        self._tags |= {tag_key(name) for name in tags}
        links = [slot.payload for slot in survey.slots if slot.kind == "wikilink"]
        self._links.update(key for said in links if (key := key_of(said, item.folder)))
        self._names |= {link_key(item.head.title), *item.names}
        self._formulas.update(survey.formulas)
        self._unset.update(survey.unset)

    def summary(self, reader: Reader, *, dry_run: bool) -> dict[str, Any]:
        """Return the counts by their names in --json. reader: who follows the links."""
        return {
            "items": self.outcomes.total(),
            **{str(outcome): self.outcomes[outcome] for outcome in Outcome},
            "revisions": self.revisions,
            "tags": len(self._tags),
            "tag_uses": self._tag_uses,
            "links": {"total": self._links.total(), "resolved": self._resolved(reader, dry_run)},
            "attachments": self.attachments,
            "formulas": {"distinct": len(self._formulas), "failed": len(self._unset)},
        }

    def _resolved(self, reader: Reader, dry_run: bool) -> int:
        """Count the links whose note exists; before a dry run's notes exist, their names do."""
        keys = sorted(self._links)
        found = self._names & set(keys) if dry_run else set()
        for start in range(0, len(keys), KEYS_AT_A_TIME):
            some = keys[start : start + KEYS_AT_A_TIME]
            found |= set(Note.objects.visible_to(reader).named(some, reader))
        return sum(self._links[key] for key in found)

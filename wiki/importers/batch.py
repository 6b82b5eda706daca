"""A whole file: read, written item by item, counted, reported.

The report has one JSON object per line and item:
{"path", "outcome", "pid", "notices": [{"code", "message"}]}; the codes are item.Code.
"""

import json
import re
from collections import Counter
from pathlib import Path
from typing import IO, Any

from wiki.importers import FORMATS
from wiki.importers.item import Item, Unreadable
from wiki.importers.outcome import Outcome, Result
from wiki.importers.people import People
from wiki.importers.writing import Writer
from wiki.markup import Rendered, bounded, link_key
from wiki.models import Note
from wiki.models.tag import tag_key

# Formulas in the HTML of a note, as their source: those that are set, and those that are not.
SET = re.compile(r'<annotation encoding="application/x-tex">(.*?)</annotation>', re.DOTALL)
UNSET = re.compile(r'<span class="unset"><code>(.*?)</code>', re.DOTALL)
KEYS_AT_A_TIME = 1_000


class Tally:
    """What the items of a file add up to.

    tags, tag uses, links and formulas are those of the file's notes, imported now or
    before; revisions are the rows that came in now.
    """

    def __init__(self) -> None:
        self.outcomes: Counter[Outcome] = Counter()
        self.revisions = 0
        self._tag_uses = 0
        self._tags: set[str] = set()
        self._links: Counter[str] = Counter()
        self._titles: set[str] = set()
        self._set: set[str] = set()
        self._unset: set[str] = set()

    def add(self, item: Item, result: Result, rendered: Rendered | None) -> None:
        """Count one item; rendered is its head's text."""
        self.outcomes[result.outcome] += 1
        self.revisions += result.revisions
        if rendered is None or result.outcome == Outcome.FAILED:
            return
        tags = item.record.tags if item.record else item.head.tags
        self._tag_uses += len(tags)
        self._tags |= {tag_key(name) for name in tags}
        self._links.update(
            slot.payload["key"] for slot in rendered.slots if slot.kind == "wikilink"
        )
        self._titles.add(link_key(item.head.title))
        for segment in rendered.segments:
            self._set.update(SET.findall(segment))
            self._unset.update(UNSET.findall(segment))

    def summary(self, reader: Any, *, dry_run: bool) -> dict[str, Any]:
        """Return the counts by their names in --json. reader: who follows the links."""
        return {
            "items": self.outcomes.total(),
            **{str(outcome): self.outcomes[outcome] for outcome in Outcome},
            "revisions": self.revisions,
            "tags": len(self._tags),
            "tag_uses": self._tag_uses,
            "links": {"total": self._links.total(), "resolved": self._resolved(reader, dry_run)},
            "attachments": 0,
            "formulas": {
                "distinct": len(self._set | self._unset),
                "failed": len(self._unset),
            },
        }

    def _resolved(self, reader: Any, dry_run: bool) -> int:
        """Count the links whose note exists; before a dry run's notes exist, their titles do."""
        keys = sorted(self._links)
        found = self._titles & set(keys) if dry_run else set()
        for start in range(0, len(keys), KEYS_AT_A_TIME):
            some = keys[start : start + KEYS_AT_A_TIME]
            notes = Note.objects.visible_to(reader).filter(title_key__in=some)
            found |= set(notes.values_list("title_key", flat=True))
        return sum(self._links[key] for key in found)


def import_path(
    path: Path, name: str, *, owner: Any, visibility: str, dry_run: bool, report: Path
) -> dict[str, Any]:
    """Import a file of format `name` for owner; returns the counts for --json.

    Writes one line per item to report, which must not exist. Raises Unreadable, and OSError
    if the report cannot be written.
    """
    kind, tally, people = FORMATS[name], Tally(), People(owner)
    placed: dict[int, int] = {}
    writer = Writer(people, visibility=visibility, last_pid=kind.last_pid(path), dry_run=dry_run)
    report.parent.mkdir(parents=True, exist_ok=True)
    try:
        with report.open("x", encoding="utf-8") as lines:
            for item in kind.read(path):
                rendered = bounded.render(item.head.body or "") if item.states else None
                result = writer.write(item, rendered)
                tally.add(item, result, rendered)
                _report(lines, item, result)
                if item.pid is not None and result.pid and result.outcome != Outcome.FAILED:
                    placed[item.pid] = result.pid
            for item in kind.finish(path, placed, people) if kind.finish and not dry_run else ():
                result = Result(Outcome.FAILED, item.notices)
                tally.add(item, result, None)
                _report(lines, item, result)
    except Unreadable:
        report.unlink(missing_ok=True)
        raise
    return tally.summary(owner, dry_run=dry_run)


def _report(lines: IO[str], item: Item, result: Result) -> None:
    notices = [{"code": notice.code, "message": notice.message} for notice in result.notices]
    said = {"path": item.path, "outcome": result.outcome, "pid": result.pid, "notices": notices}
    lines.write(json.dumps(said, ensure_ascii=False) + "\n")

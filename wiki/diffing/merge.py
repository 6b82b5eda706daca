"""Merge what two people made of the same revision.

Pure and bounded, on wiki.diffing.alignment. A body merges by units (lines, display formulas)
first, then by words inside the units both sides changed; a fenced line, a formula and a wikilink
are never merged inside. What still overlaps, or costs too much to compare, is a conflict: both
texts are kept, none is dropped and none silently put behind the other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from wiki.diffing.alignment import CHARACTER_COST, Budget
from wiki.diffing.segments import Units, is_solid, split_units, split_words
from wiki.diffing.three_way import Change, Separators, Sides, changes_of_both, weave
from wiki.fields import Fields

LIMIT_S = 0.25  # for aligning one side


class Marks(NamedTuple):
    """The lines of a draft above, between and below the two sides of a conflict."""

    mine: str
    between: str
    theirs: str


def plain_marks(number: int) -> Marks:
    """Return the same three lines for every conflict of a draft."""
    return Marks("<<<<<<< mine", "=======", ">>>>>>> saved in the meantime")


Marker = Callable[[int], Marks]  # from a conflict's number in the draft, from 1, to its marks


@dataclass(frozen=True, slots=True)
class Conflict:
    """A stretch both sides changed; line numbers its first marker in the draft, from 1."""

    line: int
    base: str
    mine: str
    theirs: str


@dataclass(frozen=True, slots=True)
class TextMerge:
    """The merged text; with conflicts, a draft that holds both sides of each between markers."""

    text: str
    conflicts: tuple[Conflict, ...] = ()

    @property
    def is_clean(self) -> bool:
        return not self.conflicts


class FieldMerge(NamedTuple):
    """One merged value; in conflict it is mine."""

    value: str
    is_clean: bool


@dataclass(frozen=True, slots=True)
class FieldsMerge:
    """The merged fields; in conflict a body is the draft with markers, another field is mine."""

    fields: Fields
    conflicts: tuple[str, ...]
    body_conflicts: tuple[Conflict, ...]

    @property
    def is_clean(self) -> bool:
        return not self.conflicts


def merge_fields(
    base: Fields, mine: Fields, theirs: Fields, marks: Marker = plain_marks
) -> FieldsMerge:
    """Merge each field by itself; conflicts names those in conflict, in the order of Fields."""
    body = merge_text(base.body, mine.body, theirs.body, marks)
    plain = {
        name: merge_field(getattr(base, name), getattr(mine, name), getattr(theirs, name))
        for name in ("title", "ref", "type", "visibility")
    }
    clean = {name: field.is_clean for name, field in plain.items()} | {"body": body.is_clean}
    fields = Fields(
        body=body.text,
        tags=tuple(merge_tags(base.tags, mine.tags, theirs.tags)),
        **{name: field.value for name, field in plain.items()},
    )
    conflicts = tuple(name for name in Fields.__dataclass_fields__ if not clean.get(name, True))
    return FieldsMerge(fields, conflicts, body.conflicts)


def merge_field(base: str, mine: str, theirs: str) -> FieldMerge:
    """Take the side that changed; a conflict only if both did, to different values.

    >>> merge_field("public", "public", "private").value
    'private'
    """
    if mine == base:
        return FieldMerge(theirs, True)
    return FieldMerge(mine, theirs in (base, mine))


def merge_tags(base: Sequence[str], mine: Sequence[str], theirs: Sequence[str]) -> list[str]:
    """Merge as sets whose members are the same whatever their case; never a conflict.

    Keeps my order and spelling, then what they added in theirs.

    >>> merge_tags(["gMLP", "vision"], ["attention", "gmlp", "vision"], ["gMLP", "MLP"])
    ['attention', 'gmlp', 'MLP']
    """
    if list(mine) == list(base):
        return list(theirs)
    known, kept = _identities(base), _identities(theirs)
    merged = {tag.casefold(): tag for tag in reversed(mine)}
    merged = {key: merged[key] for key in _identities(mine) if key in kept or key not in known}
    for tag in theirs:
        if tag.casefold() not in known:
            merged.setdefault(tag.casefold(), tag)
    return list(merged.values())


def _identities(tags: Sequence[str]) -> dict[str, None]:
    return dict.fromkeys(tag.casefold() for tag in tags)


def merge_text(base: str, mine: str, theirs: str, marks: Marker = plain_marks) -> TextMerge:
    r"""Merge two texts made from one, unchanged where they agree; line ends are kept as they are.

    A stretch only one side changed is taken from that side, one both changed alike is taken once.
    Bounded: three texts of 1 MiB take well under a second, whatever they hold.

    >>> merge_text("a b c d", "A b c d", "a b c D").text
    'A b c D'
    >>> merge_text("list", "list\nmine", "list\ntheirs").conflicts
    (Conflict(line=2, base='', mine='mine', theirs='theirs'),)
    """
    if mine in (base, theirs):
        return TextMerge(theirs)
    if theirs == base:
        return TextMerge(mine)
    texts = Sides(split_units(base), split_units(mine), split_units(theirs))
    units = Sides(*(text.units for text in texts))
    budgets = (Budget.of_seconds(LIMIT_S), Budget.of_seconds(LIMIT_S))
    draft = _Draft(marks)
    # Any unchanged line keeps two changes apart, but two additions meet across blank lines.
    written = [k for k, unit in enumerate(units.base) if unit and not unit.isspace()]
    separators = Separators(range(len(units.base)), written)
    for places, merged in weave(units, changes_of_both(units, budgets), separators):
        if merged is None:
            merged = _merge_words(texts, places, budgets)
        if merged is None:
            draft.add_conflict(*(side[place] for side, place in zip(units, places, strict=True)))
        else:
            draft.add(merged)
    return TextMerge("\n".join(draft.parts), tuple(draft.conflicts))


class _Draft:
    """Gathers the merged text and numbers its lines."""

    def __init__(self, marks: Marker) -> None:
        self.marks = marks
        self.parts: list[str] = []
        self.conflicts: list[Conflict] = []
        self.line = 1

    def add(self, units: list[str]) -> None:
        if units:
            self.parts.append("\n".join(units))
            self.line += self.parts[-1].count("\n") + 1

    def add_conflict(self, base: list[str], mine: list[str], theirs: list[str]) -> None:
        sides = ("\n".join(side) for side in (base, mine, theirs))
        self.conflicts.append(Conflict(self.line, *sides))
        marks = self.marks(len(self.conflicts))
        self.add([marks.mine, *mine, marks.between, *theirs, marks.theirs])


def _merge_words(
    texts: Sides[Units], places: Sides[slice], budgets: tuple[Budget, Budget]
) -> list[str] | None:
    """Merge by words; None if changes touch, or if a side left less than half of the base."""
    units = [text.units[place] for text, place in zip(texts, places, strict=True)]
    cost = sum(len(unit) for side in units for unit in side) * CHARACTER_COST
    affordable = [budget.take(cost) for budget in budgets]  # both pay, so that sides are alike
    if not all(affordable):
        return None
    sides = Sides(*map(_words, texts, places))
    changes = changes_of_both(sides, budgets)
    if not (_keeps_half(sides.base, changes, True) and _keeps_half(sides.base, changes, False)):
        return None
    solid = [k for k, word in enumerate(sides.base) if is_solid(word)]
    words: list[str] = []
    for _, merged in weave(sides, changes, Separators(solid, solid)):
        if merged is None:
            return None
        words += merged
    return ["".join(words).removesuffix("\n")]


def _words(text: Units, place: slice) -> list[str]:
    """Cut units into words, a line feed behind each; fenced lines and formulas stay whole."""
    words: list[str] = []
    units = zip(text.units[place], text.fenced[place], strict=True)
    for is_whole, run in groupby(units, key=lambda unit: bool(unit[1]) or "\n" in unit[0]):
        lines = [f"{unit}\n" for unit, _ in run]
        words += lines if is_whole else split_words("".join(lines))
    return words


def _keeps_half(base: list[str], changes: list[Change], is_mine: bool) -> bool:
    """Tell an edit from a rewrite, which shares words with the base by chance."""
    own = (change for change in changes if change.is_mine == is_mine)
    lost = sum(is_solid(word) for change in own for word in base[change.start : change.end])
    return 2 * lost <= sum(is_solid(word) for word in base)

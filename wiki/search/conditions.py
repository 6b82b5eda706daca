"""Filters of a query: phrases, words left out, and operators with a name."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import StrEnum, auto

from django.db.models import Q

from wiki.analysis.terms import HAS_FORMULA, PART, quoted, tokens
from wiki.models.note_queryset import NoteQuerySet
from wiki.models.visibility import NoteType, Visibility

DATE = re.compile(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?")

Condition = Callable[[NoteQuerySet], NoteQuerySet]


class ProblemKind(StrEnum):
    """Why a query, or one of its operators, is not understood as typed."""

    TOO_LONG = auto()
    TOO_MANY_OPERATORS = auto()
    ONLY_STOP_WORDS = auto()
    UNKNOWN_TYPE = auto()
    UNKNOWN_VISIBILITY = auto()
    UNKNOWN_FEATURE = auto()
    UNKNOWN_PLACE = auto()
    UNKNOWN_MEANING = auto()
    NO_DATE = auto()


# What an operator keeps, if it is one that narrows; or why it is not understood.
Understood = tuple[Condition | None, ProblemKind | None]


def in_order(phrase: str) -> Condition:
    """Keep notes in which these words follow each other, whatever their endings.

    A name that stays whole, such as `pg_trgm`, is looked for as it is.
    """
    found = list(tokens(phrase))
    whole = [token for token in found if token.is_extra and token.start == 0]
    if whole and whole[-1].end == len(phrase):
        return fitting(quoted(whole[-1].lexeme))
    parts = [token for token in found if not token.is_extra]
    asked = "".join(
        (f" <{token.position - before.position}> " if before else "") + quoted(token.lexeme)
        for before, token in zip([None, *parts], parts, strict=False)
    )
    if parts and len(parts) < len(words := PART.findall(phrase)):
        return _word_for_word(fitting(asked), words)
    return fitting(asked)


def _word_for_word(condition: Condition, words: Sequence[str]) -> Condition:
    """Search the texts too: the index has no stop words at the ends of a phrase."""
    pattern = r"\m" + r"\W+".join(map(re.escape, words)) + r"\M"
    literal = Q(title__iregex=pattern) | Q(shown__iregex=pattern)
    return lambda notes: condition(notes).with_shown_text().filter(literal)


def in_title(text: str, unfinished: str = "", prefix_lexemes: Sequence[str] = ()) -> Condition:
    """Keep notes with all of these words in their title.

    unfinished: one word more; any of the lexemes it may become will do as well.
    """
    asked = [f"{quoted(token.lexeme)}:A" for token in tokens(text) if not token.is_extra]
    last = {token.lexeme for token in tokens(unfinished) if not token.is_extra} | set(
        prefix_lexemes
    )
    if last:
        asked.append(f"({' | '.join(f'{quoted(lexeme)}:A' for lexeme in sorted(last))})")
    return fitting(" & ".join(asked))


def fitting(asked: str) -> Condition:
    """Keep the notes whose words fit a tsquery; an empty one fits all."""
    return lambda notes: notes.filter(words__words__fits=asked) if asked else notes


def without(condition: Condition) -> Condition:
    """Leave out the notes that a condition keeps."""
    return lambda notes: notes.exclude(pid__in=condition(notes.model.objects.all()).values("pid"))


def _tag(value: str, is_excluded: bool) -> Understood:
    word = ("-" if is_excluded else "") + "_".join(value.split())
    return lambda notes: notes.tagged(word), None


def _type(value: str, is_excluded: bool) -> Understood:
    if value.lower() not in NoteType.values:
        return None, ProblemKind.UNKNOWN_TYPE
    return _filtering(is_excluded, type=value.lower()), None


def _ref(value: str, is_excluded: bool) -> Understood:
    return _filtering(is_excluded, ref__icontains=value), None


def _visibility(value: str, is_excluded: bool) -> Understood:
    if value.lower() not in Visibility.values:
        return None, ProblemKind.UNKNOWN_VISIBILITY
    return _filtering(is_excluded, visibility=value.lower()), None


def _has(value: str, is_excluded: bool) -> Understood:
    if value.lower() not in ("math", "formula"):
        return None, ProblemKind.UNKNOWN_FEATURE
    return _filtering(is_excluded, words__words__fits=quoted(HAS_FORMULA)), None


def _in(value: str, is_excluded: bool) -> Understood:
    if value.lower() != "title" or is_excluded:
        return None, ProblemKind.UNKNOWN_PLACE
    return None, None


def _meaning(value: str, is_excluded: bool) -> Understood:
    if value.lower() != "off" or is_excluded:
        return None, ProblemKind.UNKNOWN_MEANING
    return None, None


def _before(value: str, is_excluded: bool) -> Understood:
    moment = _moment(value)
    if moment is None:
        return None, ProblemKind.NO_DATE
    return _filtering(is_excluded, modified__lt=moment), None


def _after(value: str, is_excluded: bool) -> Understood:
    moment = _moment(value)
    if moment is None:
        return None, ProblemKind.NO_DATE
    return _filtering(is_excluded, modified__gte=moment), None


def _filtering(is_excluded: bool, **asked: object) -> Condition:
    return lambda notes: notes.exclude(**asked) if is_excluded else notes.filter(**asked)


def _moment(value: str) -> datetime | None:
    """Return the beginning of a year, month or day, UTC."""
    date = DATE.fullmatch(value)
    try:
        year, month, day = (int(part or 1) for part in date.groups()) if date else (0, 0, 0)
        return datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        return None


OPERATORS: dict[str, Callable[[str, bool], Understood]] = {
    "tag": _tag,
    "type": _type,
    "ref": _ref,
    "before": _before,
    "after": _after,
    "in": _in,
    "is": _visibility,
    "has": _has,
    "meaning": _meaning,
}

"""What keeps some of the notes: phrases, words left out, and operators with a name."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from django.db.models import Q

from wiki.analysis.terms import HAS_FORMULA, PART, quoted, tokens
from wiki.models.note_queryset import NoteQuerySet
from wiki.models.visibility import NoteType, Visibility

DATE = re.compile(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?")

Condition = Callable[[NoteQuerySet], NoteQuerySet]
# What one operator means, or why it means nothing.
Understood = tuple[Condition | None, str]


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
    """Look into the texts that fit: the index does not know stop words at the ends."""
    pattern = r"\m" + r"\W+".join(map(re.escape, words)) + r"\M"
    said = Q(title__iregex=pattern) | Q(shown__iregex=pattern)
    return lambda notes: condition(notes).with_shown_text().filter(said)


def in_title(text: str, unfinished: str = "", begun: Sequence[str] = ()) -> Condition:
    """Keep notes with all of these words in their title.

    unfinished: one word more; any of the lexemes it may become will do as well.
    """
    asked = [f"{quoted(token.lexeme)}:A" for token in tokens(text) if not token.is_extra]
    last = {token.lexeme for token in tokens(unfinished) if not token.is_extra} | set(begun)
    if last:
        asked.append(f"({' | '.join(f'{quoted(lexeme)}:A' for lexeme in sorted(last))})")
    return fitting(" & ".join(asked))


def fitting(asked: str) -> Condition:
    """Keep the notes whose words fit a tsquery; an empty one fits all."""
    return lambda notes: notes.filter(words__words__fits=asked) if asked else notes


def without(condition: Condition) -> Condition:
    return lambda notes: notes.exclude(pid__in=condition(notes.model.objects.all()).values("pid"))


def _tag(value: str, unwanted: bool) -> Understood:
    word = ("-" if unwanted else "") + "_".join(value.split())
    return lambda notes: notes.tagged(word), ""


def _type(value: str, unwanted: bool) -> Understood:
    if value.lower() not in NoteType.values:
        return None, f"“type:{value}”: the types are {', '.join(NoteType.values)}."
    return _kept_or_not(unwanted, type=value.lower()), ""


def _ref(value: str, unwanted: bool) -> Understood:
    return _kept_or_not(unwanted, ref__icontains=value), ""


def _visibility(value: str, unwanted: bool) -> Understood:
    if value.lower() not in Visibility.values:
        return None, f"“is:{value}”: write is:private or is:public."
    return _kept_or_not(unwanted, visibility=value.lower()), ""


def _has(value: str, unwanted: bool) -> Understood:
    if value.lower() not in ("math", "formula"):
        return None, f"“has:{value}”: write has:math for notes with formulas."
    return _kept_or_not(unwanted, words__words__fits=quoted(HAS_FORMULA)), ""


def _in(value: str, unwanted: bool) -> Understood:
    if value.lower() != "title" or unwanted:
        return None, f"“in:{value}”: write in:title for words that stand in the title."
    return None, ""


def _meaning(value: str, unwanted: bool) -> Understood:
    if value.lower() != "off" or unwanted:
        return None, f"“meaning:{value}”: write meaning:off to search by words only."
    return None, ""


def _before(value: str, unwanted: bool) -> Understood:
    moment = _moment(value)
    if moment is None:
        return None, f"“before:{value}”: write a date such as 2021, 2021-08 or 2021-08-05."
    return _kept_or_not(unwanted, modified__lt=moment), ""


def _after(value: str, unwanted: bool) -> Understood:
    moment = _moment(value)
    if moment is None:
        return None, f"“after:{value}”: write a date such as 2021, 2021-08 or 2021-08-05."
    return _kept_or_not(unwanted, modified__gte=moment), ""


def _kept_or_not(unwanted: bool, **asked: object) -> Condition:
    return lambda notes: notes.exclude(**asked) if unwanted else notes.filter(**asked)


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

r"""What somebody typed into the search box, read: words, and operators that narrow.

Nothing is refused: an operator that cannot be understood is looked for as words, and a
sentence says how it is meant to be written.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from django.db.models import Q

from wiki.models.note_queryset import NoteQuerySet
from wiki.models.visibility import NoteType, Visibility
from wiki.search.analysis import HAS_FORMULA, PART, quoted, term, tokens

LONGEST_QUERY = 2_000
# A further reading of a word (`self-attention` beside its parts) tells half as much again.
EXTRA_WEIGHT = 0.5

PIECE = re.compile(
    r'(?P<minus>(?<!\S)-(?=[^\W_]|"))?'
    r"(?:(?P<name>(?<![^\s-])(?:tag|type|ref|before|after|in|is|has)):(?=\S))?"
    r'(?:"(?P<phrase>[^"]*)(?:"|$)|(?P<word>[^\s"]+))'
)
DATE = re.compile(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?")

Condition = Callable[[NoteQuerySet], NoteQuerySet]


class Word(NamedTuple):
    """A word of the query and the characters of `typed` it stands for."""

    text: str
    start: int
    end: int


@dataclass
class ParsedQuery:
    """A query read.

    text: the words to rank by, with those of phrases. terms: their weights. phrases: words
    that must follow each other. words: those that stand alone, as typed. conditions: what
    narrows the notes; phrase_conditions what phrases do. problems: sentences for who typed it.
    """

    typed: str
    text: str = ""
    terms: dict[int, float] = field(default_factory=dict)
    phrases: list[str] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)
    phrase_conditions: list[Condition] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to look for."""
        return not (self.terms or self.conditions or self.phrase_conditions)

    def narrow(self, readable: NoteQuerySet, *, by_phrases: bool = True) -> NoteQuerySet:
        """Keep the notes that fit every operator and, by_phrases, have every phrase."""
        for condition in (*self.conditions, *(self.phrase_conditions if by_phrases else ())):
            readable = condition(readable)
        return readable

    def lexemes(self) -> set[str]:
        """Return what to mark in a text: the lexemes of all words and phrases."""
        return {token.lexeme for token in tokens(self.text)}


def parse(typed: str) -> ParsedQuery:
    """Read a query; of a very long one the first LONGEST_QUERY characters."""
    typed = typed.replace("\0", " ").strip()
    query = ParsedQuery(typed)
    if len(typed) > LONGEST_QUERY:
        query.problems.append(
            f"Only the first {LONGEST_QUERY:,} characters were looked for. Ask for fewer words."
        )
    for piece in PIECE.finditer(typed[:LONGEST_QUERY]):
        name, value = piece["name"], piece["phrase"] if piece["word"] is None else piece["word"]
        unwanted = piece["minus"] is not None
        if name is not None and _understood(query, name, value, unwanted):
            continue
        if unwanted:
            _leave_out(query, value)
        elif piece["word"] is None and name is None:
            query.phrases.append(value)
            query.phrase_conditions.append(in_order(value))
        else:
            start = piece.start("name") if name else piece.start("word")
            query.words.append(Word(typed[start : piece.end()], start, piece.end()))
    texts = [*query.phrases, *(word.text for word in query.words)]
    query.text = " ".join(texts)
    query.terms = weights(query.text)
    if "in:title" in query.typed.split():
        query.conditions.append(in_title(query.text))
    if texts and not query.terms:
        query.problems.append(
            "These words are in nearly every text, so nothing can be found by them. Add one "
            "that says what you are looking for."
        )
    return query


def weights(text: str) -> dict[int, float]:
    """Return the terms of a text and how much each counts."""
    found: dict[int, float] = {}
    for token in tokens(text):
        number = term(token.lexeme)
        found[number] = found.get(number, 0) + (EXTRA_WEIGHT if token.is_extra else 1)
    return found


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
    said = Q(title__iregex=pattern) | Q(head__body__iregex=pattern)
    return lambda notes: condition(notes).filter(said)


def in_title(text: str) -> Condition:
    """Keep notes with all of these words in their title."""
    found = [token for token in tokens(text) if not token.is_extra]
    return fitting(" & ".join(f"{quoted(token.lexeme)}:A" for token in found))


def fitting(asked: str) -> Condition:
    """Keep the notes whose words fit a tsquery; an empty one fits all."""
    return lambda notes: notes.filter(words__words__fits=asked) if asked else notes


def _leave_out(query: ParsedQuery, value: str) -> None:
    condition = in_order(value)

    def without(notes: NoteQuerySet) -> NoteQuerySet:
        return notes.exclude(pid__in=condition(notes.model.objects.all()).values("pid"))

    if any(not token.is_extra for token in tokens(value)):
        query.conditions.append(without)


def _understood(query: ParsedQuery, name: str, value: str, unwanted: bool) -> bool:
    """Read one operator; tell whether it was one."""
    condition, problem = OPERATORS[name](value.strip(), unwanted)
    if problem:
        query.problems.append(problem)
    if condition is not None:
        query.conditions.append(condition)
    return not problem


Understood = tuple[Condition | None, str]


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
}

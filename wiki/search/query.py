r"""Parsing what was typed into the search box: words, and operators that narrow.

Nothing is refused: an operator that is not understood is looked for as words, and a problem
says why.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from wiki.analysis.terms import PART, term, tokens
from wiki.models.note_queryset import NoteQuerySet
from wiki.search.conditions import (
    OPERATORS,
    Condition,
    ProblemKind,
    in_order,
    in_title,
    without,
)

MAX_QUERY_LENGTH, MAX_OPERATORS = 2_000, 10
# The weight of a further token of a word (`self-attention` beside its parts).
EXTRA_WEIGHT = 0.5

PIECE = re.compile(
    r'(?P<minus>(?<!\S)-(?=[^\W_]|"))?'
    rf"(?:(?P<name>(?<![^\s-])(?:{'|'.join(OPERATORS)})):(?=\S))?"
    r'(?:"(?P<phrase>[^"]*)(?:"|$)|(?P<word>[^\s"]+))'
)
IN_TITLE = re.compile(r"(?<!\S)in:title(?!\S)", re.IGNORECASE)


class Word(NamedTuple):
    """A word of the query and the characters of `typed` it stands for."""

    text: str
    start: int
    end: int

    def terms(self) -> list[int]:
        """Return the terms it is looked for by; none if it is a stop word, such as `the`."""
        return [term(token.lexeme) for token in tokens(self.text) if not token.is_extra]


class Operator(NamedTuple):
    """What narrows the notes, as typed, and the characters of `typed` it stands for."""

    text: str
    start: int
    end: int
    condition: Condition
    is_phrase: bool = False


class Problem(NamedTuple):
    """What is not understood as typed. operator: with its value, "" if it is the whole query."""

    kind: ProblemKind
    operator: str = ""


@dataclass
class ParsedQuery:
    """A parsed query.

    text: the words to rank by, with those of phrases. terms: their weights. phrases: words
    that must follow each other. words: those outside phrases, as typed. operators: what
    narrows the notes, phrases too. problems: what was not understood. unfinished: the last
    word, if it may go on. prefix_lexemes: the lexemes that begin with it. is_meaning_off: the
    search is lexical, whatever the mode.
    """

    typed: str
    text: str = ""
    terms: dict[int, float] = field(default_factory=dict)
    phrases: list[Word] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    operators: list[Operator] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    unfinished: Word | None = None
    prefix_lexemes: list[str] = field(default_factory=list)
    is_meaning_off: bool = False

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to look for."""
        return not self.terms and not self.operators

    @property
    def has_phrase_to_find(self) -> bool:
        """Tell whether a phrase narrows the notes."""
        return any(operator.is_phrase for operator in self.operators)

    def narrow(self, readable: NoteQuerySet, *, by_phrases: bool = True) -> NoteQuerySet:
        """Keep the notes that fit every operator; without by_phrases, phrases may be missing."""
        for operator in self.operators:
            if by_phrases or not operator.is_phrase:
                readable = operator.condition(readable)
        return readable

    def lexemes(self) -> set[str]:
        """Return what to mark in a text: the lexemes of all words and phrases."""
        return {token.lexeme for token in tokens(self.text)} | set(self.prefix_lexemes)

    def parts(self) -> list[Word]:
        """Return every single word in order, those of phrases and joined names too."""
        parts = (
            Word(part[0], word.start + part.start(), word.start + part.end())
            for word in (*self.words, *self.phrases)
            for part in PART.finditer(word.text)
        )
        return sorted(parts, key=lambda word: word.start)

    def add_prefix_lexemes(self, lexemes: Mapping[str, float]) -> None:
        """Let the prefix matches of the unfinished word count too, each with its weight."""
        for lexeme, weight in lexemes.items():
            self.terms.setdefault(term(lexeme), weight)
        self.prefix_lexemes = list(lexemes)

    def replacing(self, part: Word | Operator, text: str = "") -> str:
        """Return what was typed with other words in the place of a part, or without it."""
        query = self.typed[: part.start] + text + self.typed[part.end :]
        return query if text else " ".join(query.split())


def parse(typed: str, *, unfinished: bool = False) -> ParsedQuery:
    """Parse a query; of a very long one the first MAX_QUERY_LENGTH characters.

    unfinished: somebody is still typing it. Then a phrase that is not closed counts as words,
    and an operator at the end without a value that is understood is no problem yet.
    """
    is_going_on = unfinished and typed[-1:].strip() != ""
    typed = typed.replace("\0", " ").strip()
    query = ParsedQuery(typed)
    if len(typed) > MAX_QUERY_LENGTH:
        query.problems.append(Problem(ProblemKind.TOO_LONG))
    text = typed[:MAX_QUERY_LENGTH]
    if unfinished and text.count('"') % 2:
        last = text.rindex('"')
        text = f"{text[:last]} {text[last + 1 :]}"
    for piece in PIECE.finditer(text):
        _add_piece(query, piece, is_last=is_going_on and piece.end() == len(text))
    query.text = " ".join(part.text for part in (*query.phrases, *query.words))
    query.terms = weights(query.text)
    if (query.phrases or query.words) and not query.terms and not is_going_on:
        query.problems.append(Problem(ProblemKind.ONLY_STOP_WORDS))
    if is_going_on and query.words and query.words[-1].end == len(text):
        query.unfinished = query.words[-1]
    _add_in_title(query)
    return query


def _add_piece(query: ParsedQuery, piece: re.Match[str], *, is_last: bool) -> None:
    """Add one word, phrase or operator to the query."""
    name, is_phrase = piece["name"], piece["word"] is None
    value = piece["phrase"] if is_phrase else piece["word"]
    is_excluded = piece["minus"] is not None

    def narrow(condition: Condition, *, by_phrase: bool = False) -> None:
        if len(query.operators) < MAX_OPERATORS:
            place = (piece[0], *piece.span())
            query.operators.append(Operator(*place, condition, by_phrase))
        elif (too_many := Problem(ProblemKind.TOO_MANY_OPERATORS)) not in query.problems:
            query.problems.append(too_many)

    if name is not None:
        condition, problem = OPERATORS[name](value.strip(), is_excluded)
        if condition is not None:
            narrow(condition)
        query.is_meaning_off |= name == "meaning" and not problem
        if not problem or is_last:
            return
        query.problems.append(Problem(problem, f"{name}:{value.strip()}"))
    has_term = any(not token.is_extra for token in tokens(value))
    if is_excluded and has_term:
        narrow(without(in_order(value)))
    elif is_phrase and name is None and not is_excluded:
        query.phrases.append(Word(value, piece.start("phrase"), piece.end("phrase")))
        if has_term:
            narrow(in_order(value), by_phrase=True)
    elif not is_excluded:
        start = piece.start("name") if name else piece.start("word")
        query.words.append(Word(piece.string[start : piece.end()], start, piece.end()))


def _add_in_title(query: ParsedQuery) -> None:
    """Apply `in:title` to all words, wherever it was typed."""
    place = IN_TITLE.search(query.typed[:MAX_QUERY_LENGTH])
    if place is None:
        return

    def condition(notes: NoteQuerySet) -> NoteQuerySet:
        last = query.unfinished.text if query.unfinished else ""
        whole = query.text.removesuffix(last)
        return in_title(whole, last, query.prefix_lexemes)(notes)

    query.operators.append(Operator(place[0], *place.span(), condition))


def weights(text: str) -> dict[int, float]:
    """Return the terms of a text with the weight of each."""
    counts: dict[int, float] = {}
    for token in tokens(text):
        number = term(token.lexeme)
        counts[number] = counts.get(number, 0) + (EXTRA_WEIGHT if token.is_extra else 1)
    return counts

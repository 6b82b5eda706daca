r"""What somebody typed into the search box, read: words, and operators that narrow.

Nothing is refused: an operator that cannot be understood is looked for as words, and a
sentence says how it is meant to be written.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from wiki.analysis.terms import PART, term, tokens
from wiki.models.note_queryset import NoteQuerySet
from wiki.search.conditions import OPERATORS, Condition, in_order, in_title, without

MAX_QUERY_LENGTH, MAX_OPERATORS = 2_000, 10
TOO_MANY = f"Only the first {MAX_OPERATORS} operators and phrases narrow the notes. Ask for fewer."
# A further reading of a word (`self-attention` beside its parts) tells half as much again.
EXTRA_WEIGHT = 0.5

PIECE = re.compile(
    r'(?P<minus>(?<!\S)-(?=[^\W_]|"))?'
    r"(?:(?P<name>(?<![^\s-])(?:tag|type|ref|before|after|in|is|has|meaning)):(?=\S))?"
    r'(?:"(?P<phrase>[^"]*)(?:"|$)|(?P<word>[^\s"]+))'
)
IN_TITLE = re.compile(r"(?<!\S)in:title(?!\S)", re.IGNORECASE)


class Word(NamedTuple):
    """A word of the query and the characters of `typed` it stands for."""

    text: str
    start: int
    end: int

    def terms(self) -> list[int]:
        """Return the terms it is looked for by; none if it says nothing, such as `the`."""
        return [term(token.lexeme) for token in tokens(self.text) if not token.is_extra]


class Operator(NamedTuple):
    """What narrows the notes, as typed, and the characters of `typed` it stands for."""

    text: str
    start: int
    end: int
    condition: Condition
    is_phrase: bool = False


@dataclass
class ParsedQuery:
    """A query read.

    text: the words to rank by, with those of phrases. terms: their weights. phrases: words
    that must follow each other. words: those that stand alone, as typed. operators: what
    narrows the notes, phrases too. problems: sentences for who typed it. unfinished: the last
    word, if it may be going on. begun: the lexemes that it may become. is_meaning_off: only the
    words are to count.
    """

    typed: str
    text: str = ""
    terms: dict[int, float] = field(default_factory=dict)
    phrases: list[Word] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    operators: list[Operator] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    unfinished: Word | None = None
    begun: list[str] = field(default_factory=list)
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
        return {token.lexeme for token in tokens(self.text)} | set(self.begun)

    def parts(self) -> list[Word]:
        """Return every single word in order, those of phrases and joined names too."""
        found = (
            Word(part[0], word.start + part.start(), word.start + part.end())
            for word in (*self.words, *self.phrases)
            for part in PART.finditer(word.text)
        )
        return sorted(found, key=lambda word: word.start)

    def with_begun(self, lexemes: Mapping[str, float]) -> None:
        """Let these lexemes count as the unfinished word too, each with its weight."""
        for lexeme, weight in lexemes.items():
            self.terms.setdefault(term(lexeme), weight)
        self.begun = list(lexemes)

    def replacing(self, part: Word | Operator, text: str = "") -> str:
        """Return what was typed with other words in the place of a part, or without it."""
        kept = self.typed[: part.start] + text + self.typed[part.end :]
        return kept if text else " ".join(kept.split())


def parse(typed: str, *, unfinished: bool = False) -> ParsedQuery:
    """Read a query; of a very long one the first MAX_QUERY_LENGTH characters.

    unfinished: somebody is still typing it. Then a phrase that is not closed counts as words,
    and an operator at the end that says nothing yet is passed over.
    """
    is_going_on = unfinished and typed[-1:].strip() != ""
    typed = typed.replace("\0", " ").strip()
    query = ParsedQuery(typed)
    if len(typed) > MAX_QUERY_LENGTH:
        query.problems.append(
            f"Only the first {MAX_QUERY_LENGTH:,} characters were looked for. Ask for fewer words."
        )
    read = typed[:MAX_QUERY_LENGTH]
    if unfinished and read.count('"') % 2:
        last = read.rindex('"')
        read = f"{read[:last]} {read[last + 1 :]}"
    for piece in PIECE.finditer(read):
        _read(query, piece, is_last=is_going_on and piece.end() == len(read))
    query.text = " ".join(part.text for part in (*query.phrases, *query.words))
    query.terms = weights(query.text)
    if (query.phrases or query.words) and not query.terms and not is_going_on:
        query.problems.append(
            "These words are in nearly every text, so nothing can be found by them. Add one "
            "that says what you are looking for."
        )
    if is_going_on and query.words and query.words[-1].end == len(read):
        query.unfinished = query.words[-1]
    _read_place(query)
    return query


def _read(query: ParsedQuery, piece: re.Match[str], *, is_last: bool) -> None:
    """Add one piece of what was typed to the query."""
    name, is_phrase = piece["name"], piece["word"] is None
    value = piece["phrase"] if is_phrase else piece["word"]
    unwanted = piece["minus"] is not None

    def narrow(condition: Condition, *, by_phrase: bool = False) -> None:
        if len(query.operators) < MAX_OPERATORS:
            place = (piece[0], *piece.span())
            query.operators.append(Operator(*place, condition, by_phrase))
        elif TOO_MANY not in query.problems:
            query.problems.append(TOO_MANY)

    if name is not None:
        condition, problem = OPERATORS[name](value.strip(), unwanted)
        if condition is not None:
            narrow(condition)
        query.is_meaning_off |= name == "meaning" and not problem
        if not problem or is_last:
            return
        query.problems.append(problem)
    says_something = any(not token.is_extra for token in tokens(value))
    if unwanted and says_something:
        narrow(without(in_order(value)))
    elif is_phrase and name is None and not unwanted:
        query.phrases.append(Word(value, piece.start("phrase"), piece.end("phrase")))
        if says_something:
            narrow(in_order(value), by_phrase=True)
    elif not unwanted:
        start = piece.start("name") if name else piece.start("word")
        query.words.append(Word(piece.string[start : piece.end()], start, piece.end()))


def _read_place(query: ParsedQuery) -> None:
    """Let `in:title` be about all words, wherever it stands."""
    place = IN_TITLE.search(query.typed[:MAX_QUERY_LENGTH])
    if place is None:
        return

    def condition(notes: NoteQuerySet) -> NoteQuerySet:
        last = query.unfinished.text if query.unfinished else ""
        whole = query.text.removesuffix(last)
        return in_title(whole, last, query.begun)(notes)

    query.operators.append(Operator(place[0], *place.span(), condition))


def weights(text: str) -> dict[int, float]:
    """Return the terms of a text and how much each counts."""
    found: dict[int, float] = {}
    for token in tokens(text):
        number = term(token.lexeme)
        found[number] = found.get(number, 0) + (EXTRA_WEIGHT if token.is_extra else 1)
    return found

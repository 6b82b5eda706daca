r"""From text to terms: the one analyser of index, query and highlighter.

A word becomes its stem (Snowball), without case and accents; stop words are dropped. What
people type to find an exact thing also stays whole and unstemmed, beside its parts: names
with a joint (`pg_trgm`, `self-attention`, `--quiet`, `v2.0`), names in camel case, and of
TeX the commands (`\odot`) and the letters with an index, however they are spaced and braced
(`Z_{1}` is `Z _ 1`). Chinese, Japanese and Thai, which put no spaces, are cut into pairs of
letters. Pure: text in, data out.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

import Stemmer
from django.conf import settings

from wiki.analysis.stop_words import STOP_WORDS
from wiki.markup.comments import as_read, hidden
from wiki.markup.delimiters import is_formula
from wiki.markup.environments import ENVIRONMENTS

# To be raised when the same text gives other terms: the index is then made again.
ANALYSIS_VERSION = 3

MAX_LEXEME_LENGTH = 64
TITLE_WEIGHT = 2
# A tsvector holds at most 1 MB, and positions up to 16,383, of which 256 per word.
MAX_VECTOR_BYTES, MAX_POSITION, MAX_POSITIONS = 900_000, 16_383, 255
# No text that somebody wrote has as many words; a table of numbers may, and would hold up a save.
MAX_LEXEMES = 30_000
# Between title and text, so that no phrase runs from one into the other.
GAP = 10
MAX_TF = 32_767

WORD = r"[^\W_]+(?:['’][^\W_]+)*"
JOINT = r"[._/:+@^-]{1,2}"
UNSPACED = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
PIECE = re.compile(
    rf"(?P<unspaced>[{UNSPACED}]+)"
    r"|(?P<command>\\[A-Za-z]+)"
    rf"|(?P<indexed>[^\W_{UNSPACED}]+(?:\s*[_^]\s*\{{[^{{}}\n]{{1,40}}\}}|\s+(?:_\s+|\^\s*)[^\W_]+))"
    rf"|(?P<flag>(?<![\w-])--?[^\W_]\w*(?:-\w+)*)"
    # Of one letter, as in `)_i`, it is an index.
    rf"|(?P<framed>(?<!\w)_{{1,2}}(?=[^\W_]{{2}}){WORD}(?:{JOINT}{WORD})*(?:_{{1,2}}(?!\w))?"
    rf"|(?=[^\W_]{{2}}){WORD}(?:{JOINT}{WORD})*_{{1,2}}(?!\w))"
    rf"|(?P<compound>{WORD}(?:{JOINT}{WORD})+|[^\W_]+(?:\+\+|\#)(?!\w))"
    rf"|(?P<word>{WORD})"
)
PART = re.compile(WORD)
CAMEL = re.compile(r"[^\W\d_]*[^\W\d_A-Z](?=[A-Z])")
HUMP = re.compile(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+(?![^\W\d_A-Z])")
MIN_HUMP_LENGTH = 3


class Token(NamedTuple):
    """A lexeme and the characters of the text it stands for.

    position counts words, also those that are dropped. An extra token is a further reading of
    the same place: it is found and marked, and adds nothing to the length of the text.
    """

    lexeme: str
    start: int
    end: int
    position: int
    is_extra: bool = False


# No word has a space in it, so this is none: a mark beside the words of a text.
HAS_FORMULA = " formula"
CODE = re.compile(r"^(```|~~~).*?(?:^\1|\Z)|`[^`\n]*`", re.MULTILINE | re.DOTALL)
FORMULA = re.compile(
    r"\$\$[^$]{1,2000}\$\$|\\\(.{1,500}?\\\)|\\\[.{1,2000}?\\\]"
    r"|\\begin\{(?P<environment>[A-Za-z]+\*?)\}"
    # What closes none may open the next.
    r"|(?<![\\$])\$(?P<inline>[^$\n]{1,500})(?=\$(?P<after>.?))",
    re.DOTALL,
)


@dataclass(frozen=True)
class Analysis:
    """What the index keeps of a note: how often each term occurs, its length, its words.

    terms: by the 64-bit hash of the lexeme. vector: a tsvector as PostgreSQL reads it. shown: the
    text as its readers see it, where its writer hid a part.
    """

    terms: dict[int, int]
    length: int
    vector: str
    shown: str | None = None


def analyse(title: str, body: str, language: str = "") -> Analysis:
    """Return what the index keeps of a note; each word of the title counts TITLE_WEIGHT times.

    A text with more than MAX_LEXEMES different words is known by the first so many. What its
    writer hid is not in it.
    """
    shown = as_read(body) if hidden(body) else None
    body = body if shown is None else shown
    counts: dict[str, int] = defaultdict(int)
    places: dict[str, list[str]] = defaultdict(list)
    length, last = 0, 0
    for text, weight, mark in ((title, TITLE_WEIGHT, "A"), (body, 1, "")):
        start = last + GAP if last else 1
        for lexeme, _, _, position, is_extra in tokens(text, language):
            last = start + position
            counts[lexeme] += weight
            if len(counts) >= MAX_LEXEMES:
                break
            length += 0 if is_extra else weight
            if last <= MAX_POSITION and len(at := places[lexeme]) < MAX_POSITIONS:
                at.append(f"{last}{mark}")
    terms = {term(lexeme): min(count, MAX_TF) for lexeme, count in counts.items()}
    features = [HAS_FORMULA] if has_formula(body) else []
    return Analysis(terms, length, _vector([*features, *counts], places), shown)


def tokens(text: str, language: str = "") -> Iterator[Token]:
    """Yield the tokens of a text in their order; linear in its length."""
    stem = _stemming(language or settings.WIKI_LANGUAGE).lexeme
    position = -1
    for piece in PIECE.finditer(text):
        kind, typed, start = piece.lastgroup, piece[0], piece.start()
        if kind == "word":
            position += 1
            if lexeme := stem(typed):
                yield Token(lexeme, start, start + len(typed), position)
            if not typed.islower():
                yield from _humps(typed, start, position, stem)
        elif kind == "unspaced":
            for token in _pairs(typed, start, position + 1):
                position = token.position
                # Two marks without their letters are nothing once accents are gone.
                if token.lexeme:
                    yield token
        else:
            first = position + 1
            for part in PART.finditer(typed):
                position += 1
                at = start + part.start()
                if lexeme := stem(part[0]):
                    yield Token(lexeme, at, at + len(part[0]), position)
                yield from _humps(part[0], at, position, stem)
            whole = folded("".join(typed.split()).replace("{", "").replace("}", ""))
            if 0 < len(whole) <= MAX_LEXEME_LENGTH:
                yield Token(whole, start, piece.end(), first, is_extra=True)


def _humps(typed: str, start: int, position: int, stem: Callable[[str], str]) -> Iterator[Token]:
    """Yield the words that a name in camel case is made of."""
    if not CAMEL.match(typed):
        return
    for hump in HUMP.finditer(typed):
        if len(hump[0]) >= MIN_HUMP_LENGTH and (lexeme := stem(hump[0])):
            yield Token(lexeme, start + hump.start(), start + hump.end(), position, is_extra=True)


def _pairs(run: str, start: int, position: int) -> Iterator[Token]:
    """Cut a run of letters without spaces into overlapping pairs; one letter stays alone.

    The lexeme of marks alone is empty: they take a place and say nothing.
    """
    for i in range(max(1, len(run) - 1)):
        yield Token(folded(run[i : i + 2]), start + i, start + min(i + 2, len(run)), position + i)


class Stemming:
    """Turns words of one language into lexemes; "" for a stop word. Remembers them."""

    def __init__(self, language: str) -> None:
        # Without its own cache, which takes longer than to stem.
        self._stemmer = Stemmer.Stemmer(language, 0) if language != "simple" else None
        self._stop_words = STOP_WORDS.get(language, frozenset())
        self.lexeme = lru_cache(50_000)(self._lexeme)

    def _lexeme(self, typed: str) -> str:
        word = typed.replace("’", "'").casefold()
        if word in self._stop_words:
            return ""
        # Accents go after the stemmer has seen the word as its language spells it.
        stem = self._stemmer.stemWord(word) if self._stemmer else word
        return folded(stem)[:MAX_LEXEME_LENGTH]


@lru_cache(8)
def _stemming(language: str) -> Stemming:
    return Stemming(language)


def folded(typed: str) -> str:
    """Return a word without case, accents and the shape of its apostrophe.

    >>> folded("Łukasz’s Naïveté")
    "łukasz's naivete"
    """
    if typed.isascii():
        return typed.lower()
    plain = unicodedata.normalize("NFKD", typed.replace("’", "'").casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def term(lexeme: str) -> int:
    """Return the number under which the index knows a lexeme: 64 bits, signed."""
    return int.from_bytes(blake2b(lexeme.encode(), digest_size=8).digest(), "big", signed=True)


def _vector(lexemes: Iterable[str], places: Mapping[str, Sequence[str]]) -> str:
    """Write a tsvector; it ends where PostgreSQL's limit is near."""
    parts, size = [], 0
    for lexeme in lexemes:
        at = places.get(lexeme, ())
        size += (len(lexeme) if lexeme.isascii() else len(lexeme.encode())) + 4 + 2 * len(at)
        if size > MAX_VECTOR_BYTES:
            break
        parts.append(f"{quoted(lexeme)}:{','.join(at)}" if at else quoted(lexeme))
    return " ".join(parts)


def quoted(lexeme: str) -> str:
    """Write a lexeme as it stands in a tsvector or a tsquery."""
    if "'" in lexeme or "\\" in lexeme:
        lexeme = lexeme.replace("\\", "\\\\").replace("'", "''")
    return f"'{lexeme}'"


def beginning(word: str) -> str:
    """Write the tsquery of texts that have a word or one that begins so; "" if all have it.

    A name with a joint is itself, or its parts in their order.

    >>> beginning("Gates"), beginning("the")
    ("('gate' | 'gates':*)", '')
    """
    found = list(tokens(word))
    wholes = [token.lexeme for token in found if token.is_extra]
    parts = [token for token in found if not token.is_extra]
    if not parts:
        return ""
    last = folded(word[parts[-1].start : parts[-1].end])[:MAX_LEXEME_LENGTH]
    ends = f"({quoted(parts[-1].lexeme)} | {quoted(last)}:*)"
    steps = [f"{quoted(token.lexeme)} <-> " for token in parts[:-1]]
    if not steps:
        return ends
    whole = f"{quoted(wholes[-1])}:* | " if wholes else ""
    return f"({whole}{''.join(steps)}{ends})"


def has_formula(body: str) -> bool:
    """Tell whether there is a formula in a text, outside its code. Linear in its length."""
    text = CODE.sub(" ", body)
    for formula in FORMULA.finditer(text):
        start = formula.start()
        if formula["environment"]:
            if formula["environment"] in ENVIRONMENTS:
                return True
        elif formula["inline"] is None or is_formula(
            formula["inline"], formula["after"], text[max(0, start - 1) : start]
        ):
            return True
    return False

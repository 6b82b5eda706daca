"""TeX formulas to HTML: MathML where Temml can set them, the source and a sentence where not."""

import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.html import escape, format_html

from wiki.markup.labels import ANCHOR, Label
from wiki.markup.macros import NO_MACROS, Macros
from wiki.markup.mathml import Malformed, rebuild
from wiki.markup.temml import Translated, Unset, translate

MAX_CHARACTERS = 4000
MAX_NESTING = 200
MAX_HTML = 400_000

_NESTING = re.compile(r"\\(?:[A-Za-z]+|.)|[{}]", re.DOTALL)
_OPENS = {"{": 1, r"\begin": 1, r"\left": 1, "}": -1, r"\end": -1, r"\right": -1}
_NO_TEXT = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
# Its equations are 1a, 1b, …; its own label names them together.
_SUBEQUATIONS = re.compile(
    r"\\begin\{subequations\}\s*(?:\\label\{([^{}]*)\}\s*)?"
    r"(\\begin\{([A-Za-z]+\*?)\}(?:(?!\\begin\{\3\}).)*\\end\{\3\})\s*\\end\{subequations\}",
    re.DOTALL,
)
_NOTHING = re.compile(r"(?:</?m(?:row|style)[^>]*>)*")


@dataclass(frozen=True)
class SetFormula:
    """Finished, safe HTML, and a sentence if the formula could not be set.

    Marks in the HTML stand for what only the whole note tells: `numbers` numbers of equations,
    places that labels name, and references, by their place in `references`. is_lettered: its
    numbers are one with letters. defined: the macros that hold from here on.
    """

    html: str
    failure: str = ""
    numbers: int = 0
    labels: Sequence[Label] = ()
    references: Sequence[str] = ()
    is_lettered: bool = False
    defined: Mapping[str, dict[str, Any]] = field(default_factory=dict)


class _Memory:
    """Formulas that were set, the least recently used forgotten first."""

    MAX_CHARACTERS, MAX_PER_FORMULA = 8_000_000, 20_000

    def __init__(self) -> None:
        self.kept: OrderedDict[tuple[str, bool, str], SetFormula] = OrderedDict()
        self.characters = 0

    def get(self, key: tuple[str, bool, str]) -> SetFormula | None:
        if key in self.kept:
            self.kept.move_to_end(key)
        return self.kept.get(key)

    def put(self, key: tuple[str, bool, str], made: SetFormula) -> None:
        if self._size(key, made) > self.MAX_PER_FORMULA:
            return
        self.kept[key] = made
        self.characters += self._size(key, made)
        while self.characters > self.MAX_CHARACTERS:
            self.characters -= self._size(*self.kept.popitem(last=False))

    @staticmethod
    def _size(key: tuple[str, bool, str], made: SetFormula) -> int:
        tex, _, macros = key
        return len(tex) + len(macros) + len(made.html) + sum(map(len, map(str, made.defined)))


_memory = _Memory()


def set_formula(tex: str, *, display: bool, macros: Macros = NO_MACROS) -> SetFormula:
    """Set one formula; never raises, and takes a fraction of a second at most.

    macros: those of its note that are in force. What cannot be set is shown as typed, with the
    failure beside it.
    """
    key = (tex, display, macros.used_by(tex))
    made = _memory.get(key)
    if made is None:
        made = _set(*key)
        _memory.put(key, made)
    return made


def _set(tex: str, display: bool, macros: str) -> SetFormula:
    try:
        _check_characters(tex)
        if len(tex) > MAX_CHARACTERS:
            raise Unset(f"This formula is longer than {MAX_CHARACTERS:,} characters.")
        if _depth(tex) > MAX_NESTING:
            raise Unset("This formula is nested too deeply.")
        if whole := _SUBEQUATIONS.fullmatch(tex):
            return _lettered(whole, tex, display, macros)
        return _math(tex, display, translate(tex, display=display, macros=macros))
    except Unset as failure:
        return unset(tex, str(failure))
    except (Malformed, IndexError):
        return unset(tex, "A formula can hold nothing but a formula.")


def _lettered(whole: re.Match[str], tex: str, display: bool, macros: str) -> SetFormula:
    label, inside, _ = whole.groups()
    made = _math(tex, display, translate(inside, display=display, macros=macros), label or "")
    return replace(made, is_lettered=True)


def _math(tex: str, display: bool, translated: Translated, label: str = "") -> SetFormula:
    markup = translated.mathml
    _check_characters(markup)  # \char makes what was not typed
    built = rebuild(markup, breaks=not display)
    if len(built.inside) > MAX_HTML:
        raise Unset("This formula is too large.")
    annotation = f'<annotation encoding="application/x-tex">{escape(tex)}</annotation>'
    content = f"<semantics>{built.inside}{annotation}</semantics>"
    labels = built.labels.named(translated.labels, label)
    # A label outside all rows names the whole formula.
    identity = f' id="{ANCHOR}"' if any(label.is_whole for label in labels) else ""
    if display:
        # What only defines leaves no gap.
        defines = translated.defined and _NOTHING.fullmatch(built.inside)
        kind = "formula definitions" if defines else "formula"
        html = f'<span class="{kind}"{identity}><math display="block">{content}</math></span>'
    else:
        # An environment that exists in display style only stands inside a line all the same.
        style = ' displaystyle="true"' if markup.startswith('<math display="block"') else ""
        html = f"<math{style}{identity}>{content}</math>"
    references = [translated.references[place] for place in built.references]
    return SetFormula(
        html, "", built.labels.numbers, labels, references, defined=translated.defined
    )


def _check_characters(text: str) -> None:
    if _NO_TEXT.search(text):
        raise Unset("This formula holds a character that no text can show.")


def unset(tex: str, failure: str) -> SetFormula:
    """Show a formula as typed, with a sentence that says why.

    The sentence has no full stop there: it stands inside one of the writer's.
    """
    shown = _NO_TEXT.sub("\ufffd", tex)
    said = _NO_TEXT.sub("\ufffd", failure)
    html = format_html(
        '<span class="unset"><code>{}</code> <span class="said">{}</span></span>',
        shown,
        said.removesuffix("."),
    )
    return SetFormula(str(html), said)


def _depth(tex: str) -> int:
    """Return how deep groups, environments and fences stand in each other."""
    depth = deepest = 0
    for token in _NESTING.finditer(tex):
        depth += _OPENS.get(token[0], 0)
        deepest = max(deepest, depth)
    return deepest

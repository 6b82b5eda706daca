"""TeX formulas to HTML: MathML where Temml can set them, the source and a sentence where not."""

import re
from dataclasses import dataclass
from functools import lru_cache

from django.utils.html import escape, format_html

from wiki.markup.mathml import Malformed, rebuild
from wiki.markup.temml import Unset, to_mathml

MOST_CHARACTERS = 4000
DEEPEST = 200
MOST_HTML = 400_000
LONGEST_REMEMBERED = 400

_NESTING = re.compile(r"\\(?:[A-Za-z]+|.)|[{}]", re.DOTALL)
_OPENS = {"{": 1, r"\begin": 1, r"\left": 1, "}": -1, r"\end": -1, r"\right": -1}
_NO_TEXT = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
_DEFINES = re.compile(r"\\(?:[egx]?def|(?:re)?newcommand|providecommand|let|futurelet)")


@dataclass(frozen=True)
class SetFormula:
    """Finished, safe HTML, and a sentence if the formula could not be set."""

    html: str
    failure: str = ""


def set_formula(tex: str, *, display: bool) -> SetFormula:
    """Set one formula; never raises, and takes a fraction of a second at most.

    What cannot be set is shown as typed, with the failure beside it.
    """
    # A formula that defines nothing gives no more HTML than its length allows.
    if len(tex) <= LONGEST_REMEMBERED and not _DEFINES.search(tex):
        return _remembered(tex, display)
    return _set(tex, display)


def _set(tex: str, display: bool) -> SetFormula:
    try:
        _check_characters(tex)
        if len(tex) > MOST_CHARACTERS:
            raise Unset(f"This formula is longer than {MOST_CHARACTERS:,} characters.")
        if _depth(tex) > DEEPEST:
            raise Unset("This formula is nested too deeply.")
        return SetFormula(_math(tex, display))
    except Unset as failure:
        return unset(tex, str(failure))
    except Malformed:
        return unset(tex, "A formula can neither point to another nor hold anything but a formula.")


@lru_cache(maxsize=4096)
def _remembered(tex: str, display: bool) -> SetFormula:
    return _set(tex, display)


def _math(tex: str, display: bool) -> str:
    markup = to_mathml(tex, display=display)
    inside, _ = rebuild(markup, breaks=not display)
    _check_characters(inside)  # \char makes what was not typed
    if len(inside) > MOST_HTML:
        raise Unset("This formula is too large.")
    annotation = f'<annotation encoding="application/x-tex">{escape(tex)}</annotation>'
    content = f"<semantics>{inside}{annotation}</semantics>"
    if display:
        return f'<span class="formula"><math display="block">{content}</math></span>'
    # An environment that exists in display style only stands inside a line all the same.
    style = ' displaystyle="true"' if markup.startswith('<math display="block"') else ""
    return f"<math{style}>{content}</math>"


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

"""Code with its words marked by Pygments' short class names; the stylesheet colours them."""

from functools import lru_cache

from django.utils.html import escape
from pygments import highlight as highlighted
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

# Beyond this, colours are not worth the time they take.
MAX_CHARACTERS = 100_000
_FORMATTER = HtmlFormatter(nowrap=True)


def code_html(code: str, language: str) -> str:
    """Return code as HTML: marked if the language is known, else only escaped."""
    lexer = _lexer(language) if language and len(code) <= MAX_CHARACTERS else None
    if lexer is None:
        return escape(code)
    html: str = highlighted(code, lexer, _FORMATTER)
    return html


@lru_cache(maxsize=64)
def _lexer(language: str) -> Lexer | None:
    try:
        # The text shall stay as typed: no stripping, no line end added.
        return get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None

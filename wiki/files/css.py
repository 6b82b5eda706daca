"""Style sheets that load nothing: what a drawing may say of its colours and lines."""

import re

COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
BETWEEN = re.compile(r"([;{}])")
# An escape can spell any of the others, so there is none. Functions that may name an address
# are url, src, image and image-set; those that old browsers ran are expression and bindings.
FORBIDDEN = re.compile(
    r"\\|<|(?:url|src|image|image-set|cross-fade|element|paint|expression)\s*\("
    r"|@(?!media\b|supports\b|(?:-webkit-)?keyframes\b)|script\s*:|-moz-binding|behavior\s*:",
    re.IGNORECASE,
)
OWN_ID = re.compile(r"url\(\s*([\"']?)#[^\s\"'()\\]+\1\s*\)", re.IGNORECASE)


def safe_stylesheet(css: str) -> str:
    r"""Return the rules of a style element, without what could load or run anything.

    >>> safe_stylesheet("@import 'x.css'; * { stroke: red; fill: url(http://a) } /* words */")
    ' * { stroke: red;}  '
    """
    parts = [*BETWEEN.split(COMMENT.sub(" ", css)), ""]
    kept: list[str] = []
    for said, end in zip(parts[::2], parts[1::2], strict=True):
        if not FORBIDDEN.search(said):
            kept += (said, end)
        elif end != ";":
            # What it began, or ended, is still to begin and end.
            kept.append(end)
    return "".join(kept)


def safe_declarations(css: str) -> str:
    """Return the declarations of a style attribute; they may refer to what is in the file.

    >>> safe_declarations("fill: url(#a); stroke: URL(//b); opacity: .5")
    'fill: url(#a); opacity: .5'
    """
    parts = COMMENT.sub(" ", css).split(";")
    return ";".join(part for part in parts if not FORBIDDEN.search(OWN_ID.sub("", part)))


def safe_value(value: str) -> str:
    """Return the value of an attribute that draws, or nothing if it could load or run anything.

    >>> safe_value("url(#a) red"), safe_value("url(a.svg#b)")
    ('url(#a) red', '')
    """
    return "" if FORBIDDEN.search(OWN_ID.sub("", value)) else value

"""The closed list of HTML that a note may contain; everything else is dropped.

The parser already escapes raw HTML. This is the second wall, and the one that holds back
odd URL schemes.
"""

import nh3

ELEMENTS = {
    *("a", "blockquote", "br", "code", "dd", "del", "div", "dl", "dt", "em", "hr", "img", "li"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "ol", "p", "pre", "s", "section", "span", "strong"),
    *("sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul"),
}
ATTRIBUTES = {
    "a": {"href", "title"},
    "code": {"class"},
    "img": {"alt", "title", "src"},
    "ol": {"start"},
    **{f"h{level}": {"id"} for level in range(1, 7)},
}
SCHEMES = {"http", "https", "mailto", "doi"}


def sanitize(html: str) -> str:
    """Return the HTML with only known elements, attributes and URL schemes."""
    return nh3.clean(
        html,
        tags=ELEMENTS,
        attributes=ATTRIBUTES,
        url_schemes=SCHEMES,
        link_rel="noopener noreferrer",
    )

"""The closed list of HTML that a note may contain; everything else is dropped.

The parser already escapes raw HTML. This is the second wall, and the one that holds back
odd URL schemes.
"""

import nh3

ELEMENTS = {
    *("a", "blockquote", "br", "code", "dd", "del", "div", "dl", "dt", "em", "hr", "img", "input"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "li", "ol", "p", "pre", "section", "span", "strong"),
    *("sup", "table", "tbody", "td", "th", "thead", "tr", "ul"),
}
ATTRIBUTES = {
    "a": {"href", "title", "class", "id", "aria-label"},
    "code": {"class"},
    "img": {"alt", "title", "src"},
    "input": {"type", "disabled", "checked", "aria-label"},
    "li": {"class", "id"},
    "ol": {"start"},
    **{name: {"class"} for name in ("div", "section", "span", "sup", "td", "th")},
    **{f"h{level}": {"id"} for level in range(1, 7)},
}
SCHEMES = {"http", "https", "ftp", "mailto", "doi", "irc"}


def sanitize(html: str) -> str:
    """Return the HTML with only known elements, attributes and URL schemes."""
    return nh3.clean(
        html,
        tags=ELEMENTS,
        attributes=ATTRIBUTES,
        url_schemes=SCHEMES,
        link_rel="noopener noreferrer",
    )

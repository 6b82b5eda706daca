"""Texts that try to run a script, and a look at HTML for anything that could.

The look is stricter than the sanitiser and shares nothing with it: a closed list of elements
and attributes, in a tree built as browsers build it.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

import html5lib

FILE = Path(__file__).parent / "data" / "xss_vectors.json"

ANYWHERE = {"class", "id"}


def _each(names: str, *, may_have: str = "") -> dict[str, set[str]]:
    return {name: set(may_have.split()) for name in names.split()}


ELEMENTS: dict[str, set[str]] = {
    **_each("p br hr h1 h2 h3 h4 h5 h6 strong em del code pre blockquote ul li dl dt dd"),
    **_each("div span section sup table thead tbody tr th td"),
    **_each("a", may_have="href title rel aria-label"),
    **_each("img", may_have="src alt title loading"),
    **_each("input", may_have="type disabled checked aria-label"),
    **_each("ol", may_have="start"),
}
MATHML: dict[str, set[str]] = {
    **_each(
        "semantics mrow mi mn mo mtext mspace mfrac msqrt mroot mstyle mpadded mphantom menclose "
        "msub msup msubsup munder mover munderover mmultiscripts mprescripts none mtable mtr mtd",
        may_have="displaystyle scriptlevel mathcolor mathbackground mathsize mathvariant form "
        "fence separator stretchy symmetric movablelimits largeop accent accentunder lspace "
        "rspace minsize maxsize width height depth voffset linethickness notation",
    ),
    **_each("math", may_have="display displaystyle"),
    **_each("annotation", may_have="encoding"),
}
SCHEMES = {"", "http", "https", "ftp", "mailto", "doi", "irc"}
# Every way of saying a text, from inside which a vector might get out.
CONTEXTS: dict[str, Callable[[str], str]] = {
    "formula": lambda v: f"a ${v}$ b",
    "display formula": lambda v: f"$$\n{v}\n$$",
    "bracketed formula": lambda v: f"a \\({v}\\) b \\[{v}\\]",
    "text in a formula": lambda v: f"$\\text{{{v}}}$",
    "link in a formula": lambda v: f"$\\href{{{v}}}{{x}} \\url{{{v}}} \\class{{{v}}}{{x}}$",
    "style in a formula": lambda v: f"$\\color{{{v}}}{{x}} \\htmlStyle{{{v}}}{{x}}$",
    "label of a formula": lambda v: f"$$x \\label{{{v}}} \\tag{{{v}}} \\ref{{{v}}}$$",
    "wikilink": lambda v: f"[[{v}]] [[A|{v}]] [[{v}|b]]",
    "fence": lambda v: f"```html\n{v}\n```",
    "language of a fence": lambda v: f"```{v}\nx\n```\n\n~~~ {v}\nx\n~~~",
    "code": lambda v: f"`{v}` ``{v}``\n\n    {v}",
    "footnote": lambda v: f"x[^1] y[^{v}]\n\n[^1]: {v}\n\n[^{v}]: z",
    "table": lambda v: f"| a | {v} |\n|---|:-:|\n| {v} | b |",
    "address of a link": lambda v: f"[x]({v}) [y](<{v}>) [z]: {v}\n\n[z]: {v}\n\n[z]",
    "title of a link": lambda v: f"[x](/y \"{v}\") [x](/y '{v}') [x](/y ({v}))",
    "words of a link": lambda v: f"[{v}](/y) [{v}][z]\n\n[z]: /z",
    "image": lambda v: f'![{v}](/files/1_1.png) ![a]({v}) ![a](<{v}> "{v}")',
    "autolink": lambda v: f"<{v}> <https://example.org/{v}> https://example.org/{v}",
    "heading": lambda v: f"# {v}\n\n{v}\n===",
    "list": lambda v: f"- {v}\n  1. {v}\n\n- [ ] {v}\n- [x] {v}",
    "definition": lambda v: f"{v}\n: {v}",
    "quote": lambda v: f"> {v}\n>> {v}",
    "stress": lambda v: f"**{v}** *{v}* ~~{v}~~ _{v}_",
}


def vectors(group: str = "") -> list[str]:
    """Return the texts, of one group or of all."""
    groups = json.loads(FILE.read_text())["groups"]
    return [v for one in groups if group in ("", one["name"]) for v in one["vectors"]]


def dangers(html: str) -> list[str]:
    """Name everything in a note's HTML that is not on the closed list."""
    tree = html5lib.parseFragment(html, treebuilder="etree", namespaceHTMLElements=False)
    return [danger for element in tree.iter() for danger in _of_element(element)]


def page_dangers(page: str, harmless: str) -> list[str]:
    """Name what is dangerous in the texts of a page, and what it has around them beyond
    the same page with harmless texts.
    """
    known = {_kind(element) for element in _outside_texts(page=harmless)[0]}
    around, texts = _outside_texts(page=page)
    found = [
        danger
        for text in texts
        for element in list(text.iter())[1:]
        for danger in _of_element(element)
    ]
    return found + sorted(str(_kind(one)) for one in around if _kind(one) not in known)


def packed(texts: Iterable[str], most: int) -> list[str]:
    """Join texts, each cut to what a field holds, into as few values as possible."""
    values: list[str] = []
    for text in texts:
        text = text.replace("\0", "")[:most]
        if values and len(values[-1]) + 1 + len(text) <= most:
            values[-1] += f" {text}"
        else:
            values.append(text)
    return values


def tags_of(page: str) -> set[str]:
    """Return every tag of a page with its attributes' names, but without their values.

    A page in which all texts are escaped has the tags that it has with harmless texts.
    """
    found = re.findall(r"<[a-zA-Z/!?](?:[^<>\"']|\"[^\"]*\"|'[^']*')*>?", page)
    return {re.sub(r"=(\"[^\"]*\"|'[^']*')", "", tag) for tag in found}


def scheme(url: str) -> str:
    """Return the scheme a browser would see in an address; empty for a local one."""
    url = re.sub(r"[\t\r\n]", "", url.strip("".join(map(chr, range(33)))))
    found = re.match(r"([a-zA-Z][a-zA-Z0-9+.-]*):", url)
    return found[1].lower() if found else ""


def _outside_texts(page: str) -> tuple[list[Element], list[Element]]:
    """Return the elements of a page outside notes' texts, and those that hold such texts."""
    tree = html5lib.parse(page, treebuilder="etree", namespaceHTMLElements=False)
    texts = [element for element in tree.iter() if "prose" in str(element.get("class")).split()]
    inside = {id(element) for text in texts for element in text.iter() if element is not text}
    return [element for element in tree.iter() if id(element) not in inside], texts


def _kind(element: Element) -> tuple[str, ...]:
    return (str(element.tag), *sorted(element.attrib))


def _of_element(element: Element) -> Iterator[str]:
    name: object = element.tag
    if name == "DOCUMENT_FRAGMENT":
        return
    if not isinstance(name, str):
        yield "a comment"
        return
    name = name.removeprefix("{http://www.w3.org/1998/Math/MathML}")
    allowed = ELEMENTS.get(name, MATHML.get(name))
    if allowed is None:
        yield f"<{name}>"
        return
    for attribute, value in element.attrib.items():
        is_address = attribute in ("href", "src")
        if attribute not in allowed | ANYWHERE or (is_address and scheme(value) not in SCHEMES):
            yield f"<{name} {attribute}={value!r}>"
        elif attribute == "src" and (scheme(value) or re.match(r"\s*[/\\]\s*[/\\]", value)):
            yield f"<{name} {attribute}={value!r}> loads from elsewhere"
        elif attribute == "id" and not re.match(r"n\d*-", value):
            yield f"an id that a script might look for: {value!r}"
    if name == "input" and element.attrib.get("type") != "checkbox":
        yield "an input"

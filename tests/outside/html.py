"""HTML in one normal form, so that two ways to write one page are equal.

What our renderer adds to CommonMark on purpose is taken away, by one function per addition.
"""

import re
from xml.etree.ElementTree import Element

import html5lib

BLOCKS = {
    *("blockquote", "div", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre"),
    *("section", "table", "tbody", "td", "th", "thead", "tr", "ul"),
}


def normal(html: str) -> str:
    """Write the tree that a browser makes of the HTML, one element or text a line."""
    tree = html5lib.parseFragment(html, namespaceHTMLElements=False)
    for simplify in (heading_links, link_relations, bare_links, code_colours, pictures):
        simplify(tree)
    return "\n".join(lines(tree))


def heading_links(tree: Element) -> None:
    """Headings get an id and a link to it, so that people can point at them."""
    for level in range(1, 7):
        for heading in tree.iter(f"h{level}"):
            heading.attrib.pop("id", None)
            for link in heading.findall("a[@class='permalink']"):
                heading.remove(link)


def link_relations(tree: Element) -> None:
    """Links tell the other site nothing about the reader."""
    for link in tree.iter("a"):
        link.attrib.pop("rel", None)


def bare_links(tree: Element) -> None:
    """Links whose text is their address are marked, so that paper shows it once."""
    for link in tree.findall(".//a[@class='bare']"):
        if not list(link):
            del link.attrib["class"]


def code_colours(tree: Element) -> None:
    """Code is coloured by spans with classes."""
    for block in tree.iter("pre"):
        block.attrib.pop("class", None)
        for code in block.findall("code"):
            text = "".join(code.itertext())
            for span in list(code):
                code.remove(span)
            code.text = text


def pictures(tree: Element) -> None:
    """Pictures of other sites are links, so that nobody there learns who reads what."""
    for element in tree.iter():
        if element.tag == "a" and element.get("class") == "external-image":
            element.tag, source = "img", element.attrib.pop("href")
            element.attrib = {"src": source, "alt": element.text or source}
            element.text = None
        elif element.tag == "img":
            element.set("alt", element.get("alt") or element.get("src", ""))


def lines(element: Element, depth: int = 0, verbatim: bool = False) -> list[str]:
    """Write what is in an element; spaces count only in `pre`."""
    verbatim = verbatim or element.tag == "pre"
    edge, children = depth == 0 or element.tag in BLOCKS, list(element)
    # Every text stands between two neighbours: children, or the edges of the element.
    texts = [element.text, *(child.tail for child in children)]
    begins = [edge, *(child.tag in {*BLOCKS, "br"} for child in children)]
    ends = [*(child.tag in BLOCKS for child in children), edge]
    written: list[str] = []
    for child, text, *line in zip([None, *children], texts, begins, ends, strict=True):
        if child is not None:
            attributes = "".join(f" {name}={value!r}" for name, value in sorted(child.items()))
            written.append(f"{'  ' * depth}<{child.tag}{attributes}>")
            written += lines(child, depth + 1, verbatim)
        shown = text or "" if verbatim else spaced(text or "", *line)
        written += [f"{'  ' * depth}{shown!r}"] if shown else []
    return written


def spaced(text: str, begins_line: bool, ends_line: bool) -> str:
    """Join spaces, and leave them out at the ends of a line."""
    text = re.sub("[ \t\n]+", " ", text)
    text = text.removeprefix(" ") if begins_line else text
    return text.removesuffix(" ") if ends_line else text

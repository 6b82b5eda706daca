"""SVG that cannot run, load or lead anywhere: only what is listed here is written again.

The file is read by expat, which says what XML is, and every element and attribute that stays
is written anew, so a browser and we cannot read it in two ways. Nothing is ever fetched.
"""

import base64
import binascii
import re
from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from wiki.files.css import safe_declarations, safe_stylesheet, safe_value
from wiki.files.kinds import MAX_SIGNATURE_LENGTH, kind_of
from wiki.files.photograph import UNREADABLE, clean
from wiki.files.svg_size import pixels
from wiki.files.svg_words import ATTRIBUTES, ELEMENTS, PLAIN_ATTRIBUTES, REFERRING, TEXT, UNWRAPPED

MAX_BYTES = 10 * 1024 * 1024
MAX_DEPTH = 100
MAX_DRAWN = 1_000_000  # elements, each as often as something refers to it
SVG, XLINK, XML = (
    "http://www.w3.org/2000/svg",
    "http://www.w3.org/1999/xlink",
    "http://www.w3.org/XML/1998/namespace",
)
# A drawing cut out of a page has no namespace; it gets the one it means.
OWN_SPACES = (SVG, "")
# What is left out of these is missed; what drawing programs note for themselves is not.
MISSED = (*OWN_SPACES, "http://www.w3.org/1999/xhtml")
HANDLER = re.compile(r"on[a-z]", re.IGNORECASE)
LOCAL = re.compile(r"#[^\s\"'()\\]+")
REFERENCE = re.compile(r"url\(\s*[\"']?(#[^\s\"'()\\]+)[\"']?\s*\)", re.IGNORECASE)
EMBEDDED = re.compile(r"data:image/(?:png|jpe?g|gif|webp);base64,([A-Za-z0-9+/=\s]*)")
# Before the root there may be a mark of the encoding, a declaration, comments and a doctype.
BEGINNING = re.compile(
    rb"(?:\xef\xbb\xbf)?"
    rb"(?>\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE\s+svg[^>\[]*(?:\[.*?\]\s*)?>)*+"
    rb"<(?:\w+:)?svg[\s>/]",
    re.DOTALL | re.IGNORECASE,
)


class Unsafe(Exception):
    """An SVG cannot be shown; the text says why."""


def is_svg(start: bytes) -> bool:
    """Tell whether a file that begins with these bytes says it is an SVG.

    >>> is_svg(b'<?xml version="1.0"?><svg/>'), is_svg(b"<html><svg></svg></html>")
    (True, False)
    """
    return BEGINNING.match(start) is not None


@dataclass(frozen=True)
class Sanitised:
    """An SVG with what draws and nothing else; left_out: what its writer may miss in it."""

    content: bytes
    left_out: tuple[str, ...] = ()


def sanitise(source: bytes) -> Sanitised:
    """Return the SVG with what draws and nothing else; the same again for what it returned.

    Linear in its size. Raises Unsafe for what is no SVG, too large, or draws endlessly.
    """
    if len(source) > MAX_BYTES:
        raise Unsafe(f"it has more than {MAX_BYTES // 1024**2} MB")
    written = _Writer()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = written.start
    parser.EndElementHandler = written.end
    parser.CharacterDataHandler = written.text
    parser.EntityDeclHandler = _refuse_entity
    parser.buffer_text = True
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    try:
        parser.Parse(source, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise Unsafe("it is not well-formed XML") from error
    if not written.done:
        raise Unsafe("its root is not an svg element")
    if written.references.drawn() > MAX_DRAWN:
        raise Unsafe("its elements draw each other too often")
    return Sanitised("".join(written.done).encode(), tuple(sorted(written.left_out)))


def _refuse_entity(*_: object) -> None:
    raise Unsafe("it declares entities")


@dataclass
class _References:
    """What draws what: an element with an id, by the ids that it and what is in it refer to."""

    counts: dict[str, int] = field(default_factory=lambda: {"": 0})
    uses: dict[str, list[str]] = field(default_factory=lambda: {"": []})
    inside: list[str] = field(default_factory=lambda: [""])

    def enter(self, name: str, ids: list[str]) -> None:
        """Begin an element; it counts for the nearest element around it that has an id."""
        owner = self.inside[-1]
        if name and name not in self.counts:
            self.counts[name], self.uses[name] = 0, []
            self.uses[owner].append(name)
            owner = name
        self.inside.append(owner)
        self.counts[owner] += 1
        self.uses[owner].extend(ids)

    def drawn(self) -> int:
        """Return how many elements are drawn in all; more than MAX_DRAWN if endlessly many."""
        total: dict[str, int] = {}
        stack: list[tuple[str, bool]] = [("", False)]
        under: set[str] = set()
        while stack:
            name, is_known = stack.pop()
            if is_known:
                under.discard(name)
                known = sum(total.get(used, 0) for used in self.uses[name])
                total[name] = min(self.counts[name] + known, MAX_DRAWN + 1)
            elif name in under:
                return MAX_DRAWN + 1
            elif name not in total and name in self.counts:
                under.add(name)
                stack.append((name, True))
                stack.extend((used, False) for used in set(self.uses[name]) - total.keys())
        return total[""]


class _Writer:
    """Writes what it hears from expat, if it is listed."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.references = _References()
        self.names: list[str] = []
        self.outside = 0  # how deep we are in an element that is left out
        self.left_out: set[str] = set()
        self.style: list[str] = []

    def start(self, full_name: str, attributes: dict[str, str]) -> None:
        space, _, name = full_name.rpartition(" ")
        is_root = not self.names and not self.outside
        if is_root and (space not in OWN_SPACES or name != "svg"):
            raise Unsafe("its root is not an svg element")
        if len(self.names) + self.outside >= MAX_DEPTH:
            raise Unsafe(f"its elements stand more than {MAX_DEPTH} deep in each other")
        if self.outside or space not in OWN_SPACES or name not in ELEMENTS:
            self.outside += 1
            if space in MISSED and name != "metadata":
                self.left_out.add(name)
            return
        if name in UNWRAPPED:
            name = "tspan" if self.names and self.names[-1] in TEXT else "g"
        said = self._attributes(name, attributes)
        if is_root:
            said = _with_view_box(said)
            self.done.append(f'<svg xmlns="{SVG}" xmlns:xlink="{XLINK}"')
        else:
            self.done.append(f"<{name}")
        self.done.extend(f" {key}={quoteattr(value)}" for key, value in said.items())
        self.done.append(">")
        self.names.append(name)
        self.references.enter(said.get("id", ""), _referred(said))

    def _attributes(self, name: str, given: dict[str, str]) -> dict[str, str]:
        said: dict[str, str] = {}
        for full_name, value in given.items():
            space, _, key = full_name.rpartition(" ")
            key = f"xml:{key}" if space == XML else key
            if key == "href" and name in REFERRING and space in ("", XLINK):
                # One name for both, the older one, which every program knows.
                key, kept = "xlink:href", _target(name, value)
            elif space in ("", XML) and key in ATTRIBUTES:
                kept = _value(key, value)
            else:
                kept = value if not HANDLER.match(key) else ""
                key = ""
            if kept and key:
                said.setdefault(key, kept)
            if value.strip() and not kept:
                self.left_out.add(key or full_name)
        return said

    def end(self, _: str) -> None:
        if self.outside:
            self.outside -= 1
            return
        name = self.names.pop()
        self.references.inside.pop()
        if name == "style":
            self.done.append(escape(safe_stylesheet("".join(self.style))))
            self.style.clear()
        self.done.append(f"</{name}>")

    def text(self, said: str) -> None:
        if self.outside or not self.names:
            return
        if self.names[-1] == "style":
            self.style.append(said)
        elif self.names[-1] in TEXT or not said.strip():
            self.done.append(escape(said))


def _value(key: str, value: str) -> str:
    if key in PLAIN_ATTRIBUTES:
        return value
    return safe_declarations(value) if key == "style" else safe_value(value)


def _target(name: str, value: str) -> str:
    """Return where a reference may lead: into this file, or to a picture that is in it."""
    if name != "image":
        return value.strip() if LOCAL.fullmatch(value.strip()) else ""
    found = EMBEDDED.fullmatch(value.strip())
    if found is None:
        return ""
    try:
        picture = base64.b64decode(found[1])
        kind = kind_of(picture[:MAX_SIGNATURE_LENGTH])
        bare = clean(picture, kind) if kind.is_image else b""
    except (binascii.Error, *UNREADABLE):
        return ""
    return f"data:{kind.media_type};base64,{base64.b64encode(bare).decode()}" if bare else ""


def _referred(said: dict[str, str]) -> list[str]:
    targets = [said["xlink:href"]] if said.get("xlink:href", "").startswith("#") else []
    for value in said.values():
        if "url" in value.lower():
            targets += REFERENCE.findall(value)
    return [target[1:] for target in targets]


def _with_view_box(said: dict[str, str]) -> dict[str, str]:
    """A picture that says its size but not what it shows of itself could not be made smaller."""
    width, height = pixels(said.get("width", "")), pixels(said.get("height", ""))
    if "viewBox" in said or not width or not height:
        return said
    return {**said, "viewBox": f"0 0 {width:g} {height:g}"}

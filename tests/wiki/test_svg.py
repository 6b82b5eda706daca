"""SVGs: what draws stays, and nothing that runs, loads or leads anywhere."""

import base64
import io
import re
from xml.etree import ElementTree

import pytest
from PIL import Image

from tests.hostile_markup import vectors
from tests.wiki.pictures import picture
from wiki.files import svg
from wiki.files.svg import Unsafe, is_svg
from wiki.files.svg_size import LOOKED_AT, size

NS = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
RUNS = re.compile(r"script|foreign|iframe|handler|animate|^set$|^a$|html|object|embed|audio|video")
LEADS = re.compile(
    r"(?i)script:|@import|@font-face|expression\(|image-set\(|\\|url\((?!\s*[\"']?#)"
)
HREF = re.compile(r"#|data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+$")


def live(content: bytes) -> list[str]:
    """Return what of an SVG could run, load or lead anywhere; shares nothing with the sanitiser."""
    found = ["entities"] if b"<!" in content or b"<?" in content else []
    for element in ElementTree.fromstring(content).iter():
        name = element.tag.removeprefix("{http://www.w3.org/2000/svg}")
        if RUNS.search(name.lower()) or "}" in name:
            found.append(name)
        if name == "style" and LEADS.search(element.text or ""):
            found.append(element.text or "")
        for key, value in element.attrib.items():
            leads = key.endswith("href") and not HREF.match(value)
            looks = key not in ("id", "class", "aria-label") and LEADS.search(value)
            if key.lower().startswith("on") or leads or looks:
                found.append(f"{key}={value}")
    return found


def sanitise(content: bytes) -> bytes:
    return svg.sanitise(content).content


def drawing(inside: str, attributes: str = "") -> bytes:
    return f"<svg {NS} {attributes}>{inside}</svg>".encode()


def test_no_vector_stays_alive_in_an_svg() -> None:
    kept = 0
    for vector in vectors():
        quoted = vector.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
        svg_in_it = re.sub(r"(?i)<svg", f"<svg {NS}", vector, count=1)
        for content in (
            vector.encode("utf-8", "replace"),
            svg_in_it.encode("utf-8", "replace"),
            drawing(vector),
            drawing(f"<style>{quoted}</style><text>{quoted}</text>"),
            drawing(f'<rect style="{quoted}" fill="{quoted}" mask="url({quoted})"/>'),
            drawing(f'<use xlink:href="{quoted}"/><image href="{quoted}" onload="{quoted}"/>'),
        ):
            try:
                clean = sanitise(content)
            except Unsafe:
                continue
            kept += 1
            assert live(clean) == [], content
            assert sanitise(clean) == clean
    assert kept > 20_000, "most of these are well-formed, and so are looked at"


HOSTILE = {
    "script": drawing("<script>alert(1)</script><SCRIPT/><rect/>"),
    "script elsewhere": drawing('<x:script xmlns:x="http://www.w3.org/2000/svg">a()</x:script>'),
    "HTML": drawing('<h:script xmlns:h="http://www.w3.org/1999/xhtml">alert(1)</h:script>'),
    "handler": drawing('<rect onclick="a()" ONLOAD="a()" onfocusin="a()"/>', 'onload="alert(1)"'),
    "handler element": drawing('<handler xmlns="http://www.w3.org/2001/xml-events">a()</handler>'),
    "foreignObject": drawing("<foreignObject><p xmlns='http://www.w3.org/1999/xhtml'/>"
                             "</foreignObject>"),
    "link": drawing('<a xlink:href="javascript:alert(1)" href="//a.example"><text>x</text></a>'),
    "use of elsewhere": drawing('<use href="//a.example/b.svg#c" xlink:href="//a.example#b"/>'),
    "use of data": drawing('<use href="data:image/svg+xml;base64,PHN2Zy8+#x"/>'),
    "picture of elsewhere": drawing('<image href="https://a.example/pixel.png"/>'),
    "picture that is an SVG": drawing('<image href="data:image/svg+xml;base64,PHN2Zy8+"/>'),
    "filter of elsewhere": drawing('<filter id="f"><feImage href="//a.example"/></filter>'),
    "animation": drawing('<rect><animate attributeName="href" to="javascript:a()"/>'
                         '<set attributeName="onload" to="a()"/></rect>'),
    "import": drawing('<style>@import url("https://a.example/a.css"); @import "//b";</style>'),
    "font": drawing("<style>@font-face{font-family:a;src:url(//a.example)}text{fill:red}</style>"),
    "escape": drawing(r"<style>@\69mport '//a.example'; *{fill:\75rl(//a.example)}</style>"),
    "comment in CSS": drawing("<style>@imp/**/ort '//a'; *{fill:u/**/rl(//a)}/* @import</style>"),
    "style": drawing('<rect style="fill:url(//a.example); fill:image-set(&quot;//a&quot;)"/>'),
    "style sheet": b'<?xml-stylesheet href="//a.example/a.xsl" type="text/xsl"?>' + drawing(""),
    "comment": drawing("<!-- <script>alert(1)</script> -->"),
    "CDATA": drawing("<style><![CDATA[</style><script>alert(1)</script>]]></style>"),
    "base": drawing("<rect/>", 'xml:base="https://a.example/"'),
    "instruction": drawing("<?php system('id') ?>"),
    "SVG Tiny": drawing('<audio href="//a.example"/><video/><discard/><listener/><embed/>'),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_what_runs_or_loads_is_left_out(name: str) -> None:
    clean = sanitise(HOSTILE[name])
    assert live(clean) == [] and b"alert" not in clean and b"example" not in clean


ENTITY = b'<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
LAUGHS = b'<!DOCTYPE svg [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
NESTED = "".join(f'<g id="g{i}">{f"<use href=~#g{i + 1}~/>" * 10}</g>' for i in range(9))
REFUSED = {
    "entities": (ENTITY + drawing("<text>&a;</text>"), "declares entities"),
    "laughs": (LAUGHS + drawing("<text>&b;</text>"), "declares entities"),
    "HTML": (b"<html><svg/></html>", "root"),
    "another namespace": (b'<svg xmlns="http://www.w3.org/1999/xhtml"/>', "root"),
    "not XML": (b"<svg><br></svg>", "well-formed"),
    "cut off": (drawing("")[:-3], "well-formed"),
    "nothing": (b"", "well-formed"),
    "an encoding nobody has": (b'<?xml version="1.0" encoding="x-y"?><svg/>', "well-formed"),
    "deep": (drawing("<g>" * 200 + "</g>" * 200), "deep"),
    "deep in what is left out": (drawing("<b>" * 200 + "</b>" * 200), "deep"),
    "uses of uses": (drawing(NESTED.replace("~", '"')), "too often"),
    "a use of itself": (drawing('<g id="a"><use href="#a"/></g>'), "too often"),
    "masks of masks": (
        drawing(
            "".join(
                f'<mask id="m{i}">' + f'<rect mask="url(#m{i + 1})"/>' * 10 + "</mask>"
                for i in range(9)
            )
        ),
        "too often",
    ),
    "large": (drawing(" " * svg.MAX_BYTES), "10 MB"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_svg_that_cannot_be_read_safely_is_refused(name: str) -> None:
    content, why = REFUSED[name]
    with pytest.raises(Unsafe, match=why):
        sanitise(content)


PLOT = drawing(
    """
    <defs><style type="text/css">*{stroke-linejoin: round} @media print{path{fill:none}}</style>
    <clipPath id="c"><rect width="9" height="9"/></clipPath>
    <linearGradient id="l"><stop offset="0" stop-color="#fff"/></linearGradient>
    <path id="m" d="M 0 0 L 9 9" style="stroke: #000; fill: url(#l)"/></defs>
    <g clip-path="url(#c)" transform="translate(1 2)"><use xlink:href="#m" x="3"/></g>
    <text x="1" text-anchor="middle" xml:space="preserve">a &lt; b <tspan dy="2">2</tspan></text>
    """,
    'viewBox="0 0 100 50" width="100pt"',
)


def test_a_plot_stays_as_it_is() -> None:
    clean = ElementTree.fromstring(sanitise(PLOT))
    for before, after in zip(ElementTree.fromstring(PLOT).iter(), clean.iter(), strict=True):
        assert (before.tag, before.attrib, before.text) == (after.tag, after.attrib, after.text)


def test_what_is_missed_is_named_and_what_programs_note_is_not() -> None:
    inkscape = 'xmlns:i="http://www.inkscape.org/" i:label="x" id="a"'
    told = svg.sanitise(
        drawing(
            f"<i:view {inkscape}/><metadata/><g {inkscape} enable-background='new'/>"
            '<script/><rect onclick="a()" style="fill:url(//a)" stroke="url(//b)"/>'
            '<use href="//c"/>'
        )
    )
    assert told.left_out == ("onclick", "script", "stroke", "style", "xlink:href")
    assert svg.sanitise(PLOT).left_out == ()


def test_rules_beside_those_left_out_still_hold() -> None:
    css = "@import 'a'; a{x:url(//b);fill:red;y:url(//c)} @font-face{src:url(//d)} b{z:1}"
    clean = sanitise(drawing(f"<style>{css}</style>"))
    assert b"<style> a{fill:red;}{} b{z:1}</style>" in clean


def test_words_in_a_link_stay_words() -> None:
    clean = sanitise(drawing('<text>a<a href="#b">b</a></text><a><rect/></a>'))
    assert b"<text>a<tspan>b</tspan></text><g><rect></rect></g>" in clean


def test_a_picture_in_an_svg_is_cleaned_like_any_other() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "SECRET"
    given = base64.b64encode(picture(20, 10, "JPEG", exif=exif)).decode()
    clean = sanitise(drawing(f'<image xlink:href="data:image/png;base64,{given}"/>'))
    found = re.search(rb'xlink:href="data:image/jpeg;base64,([^"]+)"', clean)
    assert found is not None
    with Image.open(io.BytesIO(base64.b64decode(found[1]))) as shown:
        assert shown.size == (10, 20) and not shown.getexif()


@pytest.mark.parametrize(
    ("start", "says"),
    [
        (b"<svg>", True),
        (b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- by hand -->\n<svg xmlns="x">', True),
        (b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://w3.org/svg11.dtd">\n<svg>', True),
        (b'<!DOCTYPE svg [<!ENTITY ns "http://ns">]><svg>', True),
        (b"<svg:svg xmlns:svg='http://www.w3.org/2000/svg'>", True),
        (b"<!doctype html><svg>", False),
        (b"<!-- x --><html><svg>", False),
        (b"<svgx>", False),
        (b"# Note\n<svg>", False),
        (b"<!-- --> " * 1800, False),
    ],
)
def test_an_svg_is_known_by_how_it_begins(start: bytes, says: bool) -> None:
    assert is_svg(start) is says


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ('width="30" height="40"', (30, 40)),
        ('width="72pt" height="1in"', (96, 96)),
        ('width="1e2px" height="2.54cm"', (100, 96)),
        ('viewBox="0 0 200 100"', (200, 100)),
        ('viewBox="0,0,200,100" width="50"', (50, 25)),
        ('viewBox="0 0 200 100" width="100%" height="100%"', (200, 100)),
        ('viewBox="0 0 nan 0"', (300, 150)),
        ('width="1e99" height="0.001"', (10_000, 1)),
        ('viewBox="0 0 1e8 1e-8"', (10_000, 1)),
        ("", (300, 150)),
    ],
)
def test_the_size_of_an_svg_is_what_a_browser_makes_of_it(
    attributes: str, expected: tuple[int, int]
) -> None:
    assert size(sanitise(drawing("", attributes))[:LOOKED_AT]) == expected


def test_a_drawing_of_one_size_can_be_made_smaller() -> None:
    assert b'viewBox="0 0 30 40"' in sanitise(drawing("", 'width="30" height="40"'))

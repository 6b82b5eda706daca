"""Reads what a formula became with a real HTML parser, against a list of its own.

Nothing here knows the renderer's lists: what a page may hold is written down a second time.
"""

import re

import html5lib

MATHML = "{http://www.w3.org/1998/Math/MathML}"
HTML = "{http://www.w3.org/1999/xhtml}"
LENGTH = r"[+-]?\d*\.?\d+(em|ex|px|pt|cm|mm|in)?"
COLOUR = r"#[0-9A-Fa-f]{3}|#[0-9A-Fa-f]{6}"
CLASS = r"[a-z0-9-]+( [a-z0-9-]+)*"
TRUTH = "true|false"
# Of the nth label of a note; a formula alone, outside a note, has a mark there.
PLACE = r"n-eq:\d+|\ufdd2"
ANY = {"class": CLASS, "mathcolor": COLOUR, "mathbackground": COLOUR}
MATHML_ALLOWED = {
    "math": {"display": "block", "displaystyle": "true", "id": PLACE},
    "semantics": {},
    "annotation": {"encoding": "application/x-tex"},
    "mrow": {},
    **dict.fromkeys(("mi", "mn", "mtext"), {"mathvariant": "normal", "mathsize": LENGTH}),
    "mo": {
        **dict.fromkeys(("fence", "stretchy", "separator", "symmetric", "movablelimits"), TRUTH),
        **dict.fromkeys(("lspace", "rspace", "minsize", "maxsize", "mathsize"), LENGTH),
        "form": "prefix|infix|postfix",
    },
    "mspace": dict.fromkeys(("width", "height", "depth"), LENGTH),
    "mfrac": {"linethickness": LENGTH},
    "mstyle": {"displaystyle": TRUTH, "scriptlevel": "[0-3]", "mathsize": LENGTH},
    "mpadded": dict.fromkeys(("width", "height", "depth", "lspace", "voffset"), LENGTH),
    "menclose": {"notation": "[a-z]+( [a-z]+)?"},
    "mover": {"accent": TRUTH},
    "munder": {},
    "munderover": {"accent": TRUTH},
    "mtable": {"displaystyle": "true", "id": PLACE},
    "mtr": {"id": PLACE},
    **dict.fromkeys(("msqrt", "mroot", "mphantom", "msub", "msup", "msubsup", "mtd"), {}),
    **dict.fromkeys(("mmultiscripts", "mprescripts", "none"), {}),
}
HTML_ALLOWED = {
    "span": {"class": "formula( definitions)?|unset|said", "id": PLACE},
    "a": {"class": "eqref", "href": r"#n-eq:\d+"},
    "code": {},
}


def strangers(html: str) -> list[str]:
    """Return every element, attribute and value that no formula may bring into a page."""
    tree = html5lib.parseFragment(html, treebuilder="etree")
    return [found for element in tree.iter() for found in _strange(element) if element is not tree]


def texts(html: str) -> tuple[str, str]:
    """Return a formula's own TeX, and what is said about it if it could not be set."""
    tree = html5lib.parseFragment(html, treebuilder="etree")
    if (code := tree.find(f".//{HTML}code")) is not None:
        said = tree.find(f".//{HTML}span[@class='said']")
        return "".join(code.itertext()), "".join(said.itertext())
    annotations = tree.findall(f".//{MATHML}annotation")
    assert len(annotations) == 1
    return "".join(annotations[0].itertext()), ""


STRUCTURE = {
    *("msup", "msub", "msubsup", "mover", "munder", "munderover", "mfrac", "msqrt", "mtr"),
}


def structure(html: str) -> list[str]:
    """Return what makes a formula mean what it means: its scripts, fractions, roots and rows."""
    tree = html5lib.parseFragment(html, treebuilder="etree")
    names = (str(element.tag).removeprefix(MATHML) for element in tree.iter())
    return [name for name in names if name in STRUCTURE]


def sources(html: str) -> list[str]:
    """Return the TeX of all formulas of a text that were set, in order."""
    tree = html5lib.parseFragment(html, treebuilder="etree")
    return ["".join(found.itertext()) for found in tree.iter(f"{MATHML}annotation")]


def _strange(element: object) -> list[str]:
    name = str(element.tag)
    if name.startswith(MATHML):
        name, allowed, common = name.removeprefix(MATHML), MATHML_ALLOWED, ANY
    else:
        name, allowed, common = name.removeprefix(HTML), HTML_ALLOWED, {}
    if name not in allowed:
        return [f"<{name}>"]
    patterns = {**common, **allowed[name]}
    return [
        f'<{name} {key}="{value}">'
        for key, value in element.attrib.items()
        if not re.fullmatch(patterns.get(key, "(?!)"), value)
    ]

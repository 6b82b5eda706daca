"""What a text calls a file that its writer adds, so that the text finds it again."""

import re
import unicodedata
from collections.abc import Container
from pathlib import PurePosixPath
from urllib.parse import quote

from wiki.markup.attachment import ENDING, file_key

# What means something in the words of a link; a backslash before it takes that away, but for
# signs that mean something with a backslash too.
MARKUP_SIGNS = re.compile(r"[\\`*_\[\]<>&$~^=|{}#!@:\"']")
# Left for an ending and a number.
MAX_STEM_LENGTH = 150


def names_a_file(name: str) -> bool:
    """Tell whether a link to this name is one to a file, and not to a page.

    >>> names_a_file("a.pdf"), names_a_file("a.exe"), names_a_file("a")
    (True, False, False)
    """
    return bool(ENDING.fullmatch(PurePosixPath(name).suffix))


def free_key(name: str, taken: Container[str]) -> str:
    """Return what the text is to call a file of this name; taken: keys, casefolded.

    Upper and lower case do not tell two files apart, for on some disks they cannot.

    >>> free_key("a.png", {"a.png", "a-2.png"}), free_key("A.png", {"a.png"})
    ('a-3.png', 'A-2.png')
    """
    plain = unicodedata.normalize("NFC", name)
    suffix = PurePosixPath(plain).suffix
    stem = plain[: len(plain) - len(suffix)].lstrip(".")[:MAX_STEM_LENGTH].strip() or "file"
    key, number = stem + suffix, 2
    while key.casefold() in taken:
        key, number = f"{stem}-{number}{suffix}", number + 1
    return key


def file_markdown(key: str, *, embed: bool) -> str:
    """Return the Markdown that shows a picture, without words yet, or links to a file.

    >>> file_markdown("a (1).png", embed=True), file_markdown("a*b.pdf", embed=False)
    ('![](a%20%281%29.png)', '[a\\\\*b.pdf](a%2Ab.pdf)')
    """
    address = "".join(sign if sign.isalnum() else quote(sign, safe="-_.") for sign in key)
    assert file_key(address) == key, "a text finds what free_key named"
    return f"![]({address})" if embed else f"[{MARKUP_SIGNS.sub(_escaped, key)}]({address})"


def with_file(body: str, markdown: str) -> str:
    """Return a text with a file at its end, once however often it is sent.

    >>> with_file("words\\n", "![](a.png)"), with_file("", "![](a.png)")
    ('words\\n\\n![](a.png)\\n', '![](a.png)\\n')
    """
    if markdown in body:
        return body
    kept = body.rstrip()
    return f"{kept}\n\n{markdown}\n" if kept else f"{markdown}\n"


def _escaped(sign: re.Match[str]) -> str:
    return f"&#{ord(sign[0])};" if sign[0] in "[]`$\\" else f"\\{sign[0]}"

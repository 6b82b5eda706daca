"""Files in a text: `![[x.png]]`, `![words](img/x.png)`, `[words](paper.pdf)`, `[[paper.pdf]]`.

Each becomes an `attachment` slot. Its key is what the text calls the file, percent-decoded
and without `./`; which file that is, the note knows when somebody reads.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from django.template.defaultfilters import filesizeformat
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from wiki.markup.token_text import words
from wiki.markup.wikilink import WIKILINK, read_wikilink

MAX_KEY_LENGTH = 500
# A dot in a title is not yet the ending of a file.
ENDING = re.compile(
    r"\.(?:png|jpe?g|gif|webp|avif|bmp|ico|tiff?|svg|hei[cf]|pdf|djvu|epub|mobi"
    r"|mp3|m4a|wav|ogg|oga|flac|mp4|m4v|webm|mov|mkv|avi|ogv|zip|tar|t?gz|bz2|xz|7z|rar"
    r"|csv|tsv|json|jsonl|xml|ya?ml|toml|txt|log|html?|css|tex|bib|ris|ipynb|py|r|rmd|jl|sql"
    r"|docx?|odt|rtf|xlsx?|ods|pptx?|odp|key|pages|numbers|psd|ai|eps|npy|npz|mat|parquet)",
    re.IGNORECASE,
)
# Behind the words of a picture: how wide it shall be, in pixels.
WIDTH = re.compile(r"(?:^|\|)\s*(\d{1,4})(?:x\d{1,4})?\s*$")
# Addresses of this site that are no files of the note's source.
OWN = ("/files/", "/static/")
ELSEWHERE = ("//", "\\")


@dataclass(frozen=True)
class File:
    """A file as a page shows it. width is 0 for what is only linked; small_* is the thumbnail.

    Without url it was removed for good.
    """

    url: str
    name: str
    bytes: int
    width: int = 0
    height: int = 0
    small_url: str = ""
    small_width: int = 0


def attachments(md: MarkdownIt) -> None:
    """Teach a parser files; each becomes an `attachment` token. After wikilinks."""
    md.inline.ruler.before("wikilink", "attachment", _wiki_form)
    md.core.ruler.push("attachments", _rule)


def file_key(address: str) -> str | None:
    """Return what an address calls a file beside the text; None if it leads elsewhere.

    >>> file_key("./img/a%20b.png?raw=1"), file_key("../c.pdf"), file_key("https://a.example/b")
    ('img/a b.png', '../c.pdf', None)
    """
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    if parts.scheme or parts.netloc or address.startswith((*OWN, *ELSEWHERE)):
        return None
    return _cleaned(unquote(parts.path))


def attachment_html(payload: dict[str, Any], file: File | None, link_url: str = "") -> SafeString:
    """Return the picture, or a link to the file, or that it is missing, or was removed.

    link_url: where the picture leads if not to itself.
    """
    text = payload["text"]
    if file is None:
        return format_html(
            '<span class="missing-file">{}the file {} is missing</span>',
            f"{text}: " if text not in ("", payload["key"]) else "",
            payload["key"],
        )
    if not file.url:
        return format_html(
            '<span class="missing-file">{}file removed</span>',
            f"{text}: " if text not in ("", payload["key"]) else f"{payload['key']}: ",
        )
    if payload["embed"] and file.width:
        return _picture_html(payload, file, link_url)
    size = filesizeformat(file.bytes)
    title = payload.get("title") or f"{file.name}, {size}"
    return format_html(
        '<a class="file" href="{}" title="{}">{}</a>', file.url, title, text or file.name
    )


def as_plain(payload: dict[str, Any]) -> SafeString:
    """Return the HTML of a file that nobody has looked for: as CommonMark says."""
    text, address, title = payload["text"], payload.get("address"), payload.get("title")
    if not address:
        start, key = "![[" if payload["embed"] else "[[", payload["key"]
        return escape(f"{start}{key}]]" if text == key else f"{start}{key}|{text}]]")
    attribute = format_html(' title="{}"', title) if title else ""
    if payload["embed"]:
        return format_html('<img src="{}" alt="{}"{}>', address, text, attribute)
    return format_html('<a href="{}"{}>{}</a>', address, attribute, text)


def _picture_html(payload: dict[str, Any], file: File, link_url: str) -> SafeString:
    """Return the picture with its size, so that nothing moves when it arrives."""
    width = payload.get("width") or file.small_width or file.width
    is_small = bool(file.small_url) and width <= file.small_width
    title = payload.get("title")
    image = format_html(
        '<img src="{}" alt="{}" width="{}" height="{}" loading="lazy"{}>',
        file.small_url if is_small else file.url,
        payload["text"] or file.name,
        width,
        max(1, round(file.height * width / file.width)),
        format_html(' title="{}"', title) if title else "",
    )
    if payload.get("is_linked") or not (link_url or is_small or width < file.width):
        return image
    return format_html('<a class="picture" href="{}">{}</a>', link_url or file.url, image)


def _cleaned(path: str) -> str | None:
    key = unicodedata.normalize("NFC", path.replace("\\", "/"))
    while key.startswith("./"):
        key = key[2:]
    is_name = key.strip("./") and len(key) <= MAX_KEY_LENGTH and key.isprintable()
    return key if is_name and not key.endswith("/") else None


def _is_file(key: str | None) -> bool:
    return key is not None and bool(ENDING.fullmatch(key[key.rfind(".") :]))


def _wiki_form(state: StateInline, silent: bool) -> bool:
    """Read `![[x.png|words]]` and `[[x.pdf]]`; `![[Note]]` is a link to that note."""
    embed = state.src.startswith("![[", state.pos)
    start = state.pos + embed
    match = WIKILINK.match(state.src, start, state.posMax)
    if match is None or not (embed or state.src.startswith("[[", start)):
        return False
    key = _cleaned(match[1].partition("#")[0].strip())
    if not _is_file(key):
        return embed and _note_form(state, silent)
    if not silent:
        said, width = _split_width(match[2] or "")
        _push(state, {"key": key, "text": said or key, "embed": embed, "width": width})
    state.pos = match.end()
    return True


def _note_form(state: StateInline, silent: bool) -> bool:
    """Let the rule of wikilinks read what stands behind the `!`."""
    start = state.pos
    state.pos += 1
    if not read_wikilink(state, silent):
        state.pos = start
        return False
    if not silent:
        state.tokens[-1].meta["typed"] = state.src[start : state.pos]
    return True


def _push(state: StateInline, meta: dict[str, Any]) -> None:
    state.push("attachment", "", 0).meta = meta


def _split_width(said: str) -> tuple[str, int]:
    """Part the words of a picture from its width.

    >>> _split_width("a cat|300x200"), _split_width("300"), _split_width("in 1999")
    (('a cat', 300), ('', 300), ('in 1999', 0))
    """
    found = WIDTH.search(said)
    return (said[: found.start()].strip(), int(found[1])) if found else (said.strip(), 0)


def _rule(state: StateCore) -> None:
    for block in state.tokens:
        if block.type == "inline" and block.children:
            block.children = list(_with_files(block.children))


def _with_files(children: list[Token]) -> Iterator[Token]:
    i = 0
    while i < len(children):
        if children[i].type != "link_open":
            yield _as_file(children[i])
            i += 1
            continue
        end = next(k for k in range(i, len(children)) if children[k].type == "link_close")
        yield from _link(children[i : end + 1])
        i = end + 1


def _link(tokens: Sequence[Token]) -> Iterator[Token]:
    """Turn a link to a file into its token; pictures in it lead where the link does."""
    opening, *inner, closing = tokens
    inner = [_as_file(token) for token in inner]
    address = str(opening.attrs.get("href", ""))
    key = file_key(address)
    pictures = [token for token in inner if _is_picture(token)]
    if not _is_file(key):
        for token in pictures:
            token.meta["is_linked"] = True
        yield from (opening, *inner, closing)
        return
    for token in pictures:
        token.meta["link"] = key
        yield token
    text = "".join(words(token) for token in inner if not _is_picture(token)).strip()
    if text or not pictures:
        meta = {"key": key, "text": text, "embed": False, "address": address}
        yield _token(meta | {"title": str(opening.attrs.get("title", ""))}, opening.level)


def _is_picture(token: Token) -> bool:
    return token.type == "attachment" and bool(token.meta["embed"])


def _as_file(token: Token) -> Token:
    """Return the token of a picture that lies beside the text; any other as it is."""
    key = file_key(str(token.attrs["src"])) if token.type == "image" else None
    if key is None:
        return token
    text, width = _split_width("".join(words(child) for child in token.children or ()))
    meta = {"key": key, "text": text, "embed": True, "width": width}
    meta["address"] = str(token.attrs["src"])
    return _token(meta | {"title": str(token.attrs.get("title", ""))}, token.level)


def _token(meta: dict[str, Any], level: int) -> Token:
    return Token("attachment", "", 0, meta=meta, level=level)

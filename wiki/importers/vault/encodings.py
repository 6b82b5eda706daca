"""The bytes of a file as text, with line ends as all notes have them."""

import codecs
from dataclasses import dataclass

from wiki.importers.item import Code, Notice

MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}


@dataclass(frozen=True)
class Text:
    """What a file says; line_end is the one it had throughout, if that is not `\\n`."""

    text: str
    line_end: str
    notices: tuple[Notice, ...]


def decode(data: bytes) -> Text:
    r"""Read a file's bytes; never fails.

    >>> decode(b"caf\xe9\r\n").text, decode(b"caf\xe9\r\n").line_end
    ('café\n', '\r\n')
    """
    text, notices = _decoded(data)
    if "\0" in text:
        message = "It holds a zero byte, which no text can: replaced by the sign for a missing one."
        text, notices = text.replace("\0", "\ufffd"), [*notices, Notice(Code.NO_TEXT, message)]
    if "\r" not in text:
        return Text(text, "", tuple(notices))
    unix = text.replace("\r\n", "\n").replace("\r", "\n")
    line_end = "\r\n" if unix.replace("\n", "\r\n") == text else ""
    message = (
        "Its line ends (CR LF) became those of all notes (LF); an export has them again."
        if line_end
        else "Its line ends were of several kinds, and became those of all notes (LF)."
    )
    return Text(unix, line_end, (*notices, Notice(Code.LINE_ENDS, message)))


def _decoded(data: bytes) -> tuple[str, list[Notice]]:
    for mark, encoding in MARKS.items():
        if data.startswith(mark):
            text = data[len(mark) :].decode(encoding, errors="replace")
            message = f"It begins with a byte order mark ({encoding}), which was left out."
            return text, [Notice(Code.ENCODING, message)]
    try:
        return data.decode(), []
    except UnicodeDecodeError as error:
        message = f"It is not UTF-8 (byte {error.start:,}), so it was read as Windows-1252."
        return data.decode("cp1252", errors="replace"), [Notice(Code.ENCODING, message)]

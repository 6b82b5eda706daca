"""Takes out of a picture what its pixels do not need: EXIF, XMP, IPTC, comments, thumbnails.

Only what is listed stays: pixels, colour profile, size. What follows the end of a picture
(a phone puts a film or a second picture there, each with its own place of taking) goes too.
Pixels are neither read nor written, so nothing of them is lost.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from wiki.files.kinds import GIF, JPEG, PNG, WEBP, Kind

EXIF = b"Exif\0\0"
# The end of a JPEG's pixels: a marker that is neither a stuffed zero, nor a restart, nor a filler.
NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
SOI, EOI, SOS, COM = 0xD8, 0xD9, 0xDA, 0xFE
# Markers without a length: restarts, start and end of a picture, and one that means nothing.
BARE = {0x01, *range(0xD0, 0xDA)}
JFIF_WITHOUT_THUMBNAIL = 18  # bytes, with its marker
PNG_SIGNATURE = 8
PNG_CHUNKS = frozenset(
    b"IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB iCCP sBIT bKGD pHYs hIST sPLT cICP mDCV cLLI "
    b"mDCv cLLi acTL fcTL fdAT".split()
)
WEBP_CHUNKS = frozenset((b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"))
WEBP_SAYS_EXIF_OR_XMP = 0x08 | 0x04
GIF_LOOPS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")


class Damaged(Exception):
    """A picture does not follow its own format, so nobody can tell what is in it."""


@dataclass(frozen=True)
class Stripped:
    """A picture without metadata; exif is what a camera said of it, b"" if nothing."""

    picture: bytes
    exif: bytes = b""


def strip(picture: bytes, kind: Kind) -> Stripped:
    """Return the picture without metadata, byte for byte the same where it has none.

    Linear in the size of the picture. Raises Damaged.
    """
    try:
        return STRIPPERS[kind](picture)
    except IndexError as error:
        raise Damaged from error


def _jpeg(picture: bytes) -> Stripped:
    kept, exif = [picture[:2]], b""
    for marker, segment in _jpeg_segments(picture):
        if marker == 0xE1 and segment[4:].startswith(EXIF):
            exif = exif or segment[10:]
        if _jpeg_keeps(marker, segment):
            kept.append(segment)
    return Stripped(b"".join(kept), exif)


def _jpeg_segments(picture: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield each marker with its segment; after SOS, with the pixels behind it."""
    at = 2
    while True:
        if (found := NEXT_MARKER.search(picture, at)) is None:
            return
        at, marker = found.start(), picture[found.start() + 1]
        if marker in BARE:
            yield marker, picture[at : at + 2]
            if marker == EOI:
                return
            at += 2
            continue
        length = int.from_bytes(picture[at + 2 : at + 4], "big")
        end = at + 2 + length
        if length < 2 or end > len(picture):
            raise Damaged
        if marker == SOS:
            after = NEXT_MARKER.search(picture, end)
            end = after.start() if after else len(picture)
        yield marker, picture[at:end]
        at = end


def _jpeg_keeps(marker: int, segment: bytes) -> bool:
    if marker == 0xE0:
        return segment[4:9] == b"JFIF\0" and len(segment) <= JFIF_WITHOUT_THUMBNAIL
    if marker == 0xE2:
        return segment[4:].startswith(b"ICC_PROFILE\0")
    if marker == 0xEE:
        return segment[4:].startswith(b"Adobe")
    return marker != COM and not 0xE0 <= marker <= 0xEF


def _png(picture: bytes) -> Stripped:
    kept, exif, at = [picture[:PNG_SIGNATURE]], b"", PNG_SIGNATURE
    name = b""
    while name != b"IEND":
        length, name = int.from_bytes(picture[at : at + 4], "big"), picture[at + 4 : at + 8]
        end = at + 12 + length
        if end > len(picture):
            raise Damaged
        if name == b"eXIf":
            exif = picture[at + 8 : end - 4]
        if name in PNG_CHUNKS:
            kept.append(picture[at:end])
        at = end
    return Stripped(b"".join(kept), exif)


def is_lossless_webp(picture: bytes) -> bool:
    """Tell whether a WebP holds its pixels as they were. Raises Damaged."""
    return any(name == b"VP8L" for name, _ in _webp_chunks(picture))


def _webp(picture: bytes) -> Stripped:
    kept, exif = [], b""
    for name, chunk in _webp_chunks(picture):
        if name == b"EXIF":
            exif = chunk[8:].removeprefix(EXIF)
        if name in WEBP_CHUNKS:
            kept.append(_without_flags(chunk) if name == b"VP8X" else chunk)
    body = b"WEBP" + b"".join(kept)
    return Stripped(b"RIFF" + len(body).to_bytes(4, "little") + body, exif)


def _webp_chunks(picture: bytes) -> Iterator[tuple[bytes, bytes]]:
    stop, at = 8 + int.from_bytes(picture[4:8], "little"), 12
    if stop > len(picture):
        raise Damaged
    while at + 8 <= stop:
        name, length = picture[at : at + 4], int.from_bytes(picture[at + 4 : at + 8], "little")
        end = at + 8 + length
        if end > stop:
            raise Damaged
        yield name, picture[at : min(end + length % 2, stop)]
        at = end + length % 2


def _without_flags(header: bytes) -> bytes:
    return header[:8] + bytes([header[8] & ~WEBP_SAYS_EXIF_OR_XMP]) + header[9:]


def _gif(picture: bytes) -> Stripped:
    at = 13 + _palette(picture[10])
    kept = [picture[:at]]
    while picture[at] != 0x3B:
        start, keeps = at, True
        if picture[at] == 0x2C:
            at = _after_blocks(picture, at + 11 + _palette(picture[at + 9]))
        elif picture[at] == 0x21:
            label, said = picture[at + 1], picture[at + 3 : at + 14]
            # Timing and transparency stay, and that a film begins again; words do not.
            keeps = label == 0xF9 or (label == 0xFF and said in GIF_LOOPS)
            at = _after_blocks(picture, at + 2)
        else:
            raise Damaged
        if keeps:
            kept.append(picture[start:at])
    return Stripped(b"".join([*kept, b";"]))


def _palette(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _after_blocks(picture: bytes, at: int) -> int:
    while picture[at]:
        at += 1 + picture[at]
    return at + 1


STRIPPERS = {JPEG: _jpeg, PNG: _png, WEBP: _webp, GIF: _gif}

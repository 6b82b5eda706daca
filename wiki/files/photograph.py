"""Pictures as a camera wrote them, made upright and freed of where they were taken."""

import io
from typing import Any

from PIL import Image, JpegImagePlugin, UnidentifiedImageError

from wiki.files.kinds import JPEG, PNG, WEBP, Kind
from wiki.files.metadata import Damaged, is_lossless_webp, strip
from wiki.files.thumbnail import MAX_PIXELS

ORIENTATION = 0x0112
FORMATS = {JPEG: "JPEG", PNG: "PNG", WEBP: "WEBP"}
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# These exchange width and height.
SIDEWAYS = (5, 6, 7, 8)
ALL_COLOURS, FOURTH_OF_COLOURS = 0, 2  # of a JPEG, as Pillow counts its subsampling


class TooLarge(Exception):
    """A picture has more pixels than a page can show."""


# What is raised of a picture that cannot be shown.
UNREADABLE = (
    Damaged,
    TooLarge,
    UnidentifiedImageError,
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    KeyError,
)


def clean(picture: bytes, kind: Kind) -> bytes:
    """Return the picture upright and without metadata, byte for byte the same if it is so.

    Raises UNREADABLE.
    """
    stripped = strip(picture, kind)
    with Image.open(io.BytesIO(stripped.picture), formats=("PNG", "JPEG", "GIF", "WEBP")) as image:
        if image.width * image.height > MAX_PIXELS:
            raise TooLarge
        turn = _orientation(stripped.exif)
        if turn not in TURNS or kind not in FORMATS or getattr(image, "is_animated", False):
            return stripped.picture
        # Pillow may write a comment it has read; what it writes is stripped like anything else.
        return strip(_turned(image, stripped.picture, kind, turn), kind).picture


def _orientation(exif: bytes) -> int:
    said = Image.Exif()
    try:
        said.load(exif)
        return int(said.get(ORIENTATION, 1))
    except (SyntaxError, ValueError, TypeError, OverflowError, KeyError, OSError):
        return 1


def _turned(image: Image.Image, picture: bytes, kind: Kind, turn: int) -> bytes:
    quality: dict[str, Any] = {}
    if kind == WEBP:
        quality = {"lossless": True} if is_lossless_webp(picture) else {"quality": 95}
    elif isinstance(image, JpegImagePlugin.JpegImageFile):
        quality = _jpeg_quality(image, turn)
    file = io.BytesIO()
    colours = image.info.get("icc_profile")
    image.transpose(TURNS[turn]).save(file, FORMATS[kind], icc_profile=colours, **quality)
    return file.getvalue()


def _jpeg_quality(image: JpegImagePlugin.JpegImageFile, turn: int) -> dict[str, Any]:
    """Return the camera's own steps, turned like the picture: what was rounded once stays so."""
    tables, sampling = image.quantization, JpegImagePlugin.get_sampling(image)
    if turn in SIDEWAYS:
        tables = {
            key: [table[k % 8 * 8 + k // 8] for k in range(64)] for key, table in tables.items()
        }
        # Half the colours in each row would be half in each column, which nobody writes.
        sampling = sampling if sampling == FOURTH_OF_COLOURS else ALL_COLOURS
    return {
        "qtables": tables,
        "subsampling": max(sampling, ALL_COLOURS),
        "progressive": "progressive" in image.info,
        "optimize": True,
        "dpi": image.info.get("dpi", (0, 0)),
    }

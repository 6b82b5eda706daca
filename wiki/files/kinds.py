"""What a file is, told by its first bytes and by nothing else.

Only pictures that hold no script are ever shown in a page. HTML is a program in the eyes of a
browser, so it is a file to save, like all that is not known here. So is an SVG, until it has
been written anew without what runs (wiki.files.svg): no first bytes can tell that.
"""

from dataclasses import dataclass

MAX_SIGNATURE_LENGTH = 16


@dataclass(frozen=True)
class Kind:
    """How a file is served; extension is what its address ends in."""

    media_type: str
    extension: str
    is_image: bool = False


PNG = Kind("image/png", "png", is_image=True)
JPEG = Kind("image/jpeg", "jpg", is_image=True)
GIF = Kind("image/gif", "gif", is_image=True)
WEBP = Kind("image/webp", "webp", is_image=True)
SVG = Kind("image/svg+xml", "svg", is_image=True)
PDF = Kind("application/pdf", "pdf")
OTHER = Kind("application/octet-stream", "bin")
BY_MEDIA_TYPE = {kind.media_type: kind for kind in (PNG, JPEG, GIF, WEBP, SVG, PDF, OTHER)}


def kind_of(start: bytes) -> Kind:
    r"""Return the kind of a file that begins with these bytes.

    >>> kind_of(b"GIF89a<script>").extension, kind_of(b"<svg onload=alert(1)>").extension
    ('gif', 'bin')
    """
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if start.startswith(b"\xff\xd8\xff"):
        return JPEG
    if start.startswith((b"GIF87a", b"GIF89a")):
        return GIF
    if start.startswith(b"RIFF") and start[8:12] == b"WEBP":
        return WEBP
    return PDF if start.startswith(b"%PDF-") else OTHER

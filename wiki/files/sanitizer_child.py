"""Cleans one file: `python -m wiki.files.sanitizer_child svg|png|jpg|webp|gif SOURCE TARGET`.

A process of its own, so that the kernel ends it when it takes too long or too much. It writes
TARGET only if that differs from SOURCE, and tells on standard output why it cannot.
"""

import resource
import sys
from pathlib import Path

from PIL import Image

from wiki.files import photograph, svg
from wiki.files.kinds import GIF, JPEG, PNG, SVG, WEBP
from wiki.files.thumbnail import MAX_PIXELS

MAX_CPU_S = 15
MAX_MEMORY = 1024 * 1024 * 1024
MAX_TOLD = 200  # characters
REFUSED, FULL = 2, 3
KINDS = {kind.extension: kind for kind in (PNG, JPEG, GIF, WEBP, SVG)}


def main(extension: str, source: str, target: str) -> int:
    """Return 0, REFUSED, or FULL if the disk has no room; prints what there is to be said."""
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_S, MAX_CPU_S))
    resource.setrlimit(resource.RLIMIT_DATA, (MAX_MEMORY, MAX_MEMORY))
    # Its own limit only warns; photograph.clean has one that refuses.
    Image.MAX_IMAGE_PIXELS = None
    kind, given = KINDS[extension], Path(source).read_bytes()
    try:
        kept = _svg(given) if kind == SVG else photograph.clean(given, kind)
    except svg.Unsafe as unsafe:
        print(f"This SVG cannot be shown: {unsafe}. Save it as plain SVG, or as PNG.")
        return REFUSED
    except photograph.TooLarge:
        print(
            f"This picture has more than {MAX_PIXELS // 1_000_000} million pixels, the most a "
            "page can show. Make it smaller, then add it again."
        )
        return REFUSED
    if kept != given:
        try:
            Path(target).write_bytes(kept)
        except OSError:
            return FULL
    return 0


def _svg(given: bytes) -> bytes:
    sanitised = svg.sanitise(given)
    if sanitised.left_out:
        print(f"It is shown without {', '.join(sanitised.left_out)[:MAX_TOLD]}.")
    return sanitised.content


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""Makes one small picture: `python -m wiki.files.thumbnail SOURCE TARGET`.

A process of its own, so that the kernel ends it when it takes too long or too much.
"""

import resource
import sys

from PIL import Image, ImageOps

MAX_PIXELS = 50_000_000
WIDEST = 480
MAX_CPU_S = 8
MAX_MEMORY = 768 * 1024 * 1024
FORMATS = {"png": "PNG", "jpg": "JPEG", "webp": "WEBP"}


def main(source: str, target: str) -> None:
    """Write the picture at source, at most WIDEST wide, to target; its ending is the format."""
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_S, MAX_CPU_S))
    resource.setrlimit(resource.RLIMIT_DATA, (MAX_MEMORY, MAX_MEMORY))
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    kind = FORMATS[target.rpartition(".")[2]]
    with Image.open(source, formats=("PNG", "JPEG", "GIF", "WEBP")) as image:
        # A JPEG can be read at a fraction of its size.
        image.draft("RGB", (WIDEST * 2, WIDEST * 2))
        upright = ImageOps.exif_transpose(image)
        height = max(1, round(upright.height * WIDEST / upright.width))
        if kind == "JPEG":
            upright = upright.convert("RGB")
        elif upright.mode not in ("L", "LA", "RGB", "RGBA"):
            upright = upright.convert("RGBA")
        small = upright.resize((WIDEST, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
        small.save(target, kind, quality=85)


if __name__ == "__main__":
    main(*sys.argv[1:])

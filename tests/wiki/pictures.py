"""Pictures made for tests."""

import io

from PIL import Image


def picture(width: int, height: int, kind: str = "PNG", **said: object) -> bytes:
    """Return a picture with a slope of colours."""
    image = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    file = io.BytesIO()
    image.save(file, kind, **said)
    return file.getvalue()

"""Exporters: one module per format, each with `write(directory)`, which returns Exported.

An export holds the notes of everybody, private ones too: it is made on the machine, by
whoever runs the instance. A new format is a module and a line in FORMATS.
"""

from collections.abc import Callable
from pathlib import Path

from wiki.exporters import json_archive, m8ta, markdown
from wiki.exporters.output import Exported

FORMATS: dict[str, Callable[[Path], Exported]] = {
    "json": json_archive.write,
    "m8ta": m8ta.write,
    "markdown": markdown.write,
}

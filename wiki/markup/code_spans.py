"""Code inside a line wins over a formula: where the code spans of a text stand."""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import MutableMapping
from typing import Any

RUN = re.compile("`+")
# A line that begins a block of code, without what it is indented by.
FENCE = re.compile(r"`{3,}[^`]*$|~{3,}")
# Quotation marks of TeX stand in its texts, where they begin no code.
PIECE = re.compile(r"\\(?:text[a-z]*|mbox|hbox)\{[^{}$]*\}|\\[\s\S]|(?P<run>`+)")


def begins_code(env: MutableMapping[str, Any], source: str, start: int, end: int) -> bool:
    """Tell whether a code span begins between two places of a paragraph.

    env: the parser's, which remembers the last paragraph.
    """
    known = env.get("code_spans")
    if known is None or known[0] is not source:
        known = env["code_spans"] = (source, code_spans(source))
    starts = known[1]
    place = bisect_left(starts, start)
    return place < len(starts) and starts[place] < end


def code_spans(source: str) -> list[int]:
    """Return where code spans begin; takes about linear time.

    >>> code_spans("a `b` ``c` d`` `e")
    [2, 6]
    """
    if "`" not in source:
        return []
    runs: dict[int, list[int]] = defaultdict(list)
    for run in RUN.finditer(source):
        runs[len(run[0])].append(run.start())
    starts, position = [], 0
    while piece := PIECE.search(source, position):
        position = piece.end()
        if piece["run"]:
            alike = runs[len(piece["run"])]
            place = bisect_left(alike, position)
            if place < len(alike):
                starts.append(piece.start())
                position = alike[place] + len(piece["run"])
    return starts

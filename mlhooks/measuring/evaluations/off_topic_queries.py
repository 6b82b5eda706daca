"""Queries to which no notebook on research has an answer: questions of daily life, and noise.

They are about other things, and the noise is made otherwise, than those an index is calibrated on
(mlhooks/indexes/off_topic_queries.py): a calibration is not measured on what it was made from.
"""

from collections.abc import Iterator
from pathlib import Path
from random import Random

OFF_TOPIC = tuple(Path(__file__).with_suffix(".txt").read_text(encoding="utf-8").splitlines())

SEED = 23
SYLLABLES = ("bro", "lun", "vask", "tri", "gop", "mez", "wul", "drin", "faq", "yob", "kes", "plu")
ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def gibberish(count: int) -> Iterator[str]:
    """Yield so many queries of one to five words that are none: the same ones each time."""
    random = Random(SEED)
    for _ in range(count):
        yield " ".join(_word(random) for _ in range(random.randint(1, 5)))


def _word(random: Random) -> str:
    """Return syllables that can be said, letters that cannot, or fingers gone over a keyboard."""
    kind, length = random.random(), random.randint(4, 10)
    if kind < 0.4:
        return "".join(random.choices(SYLLABLES, k=random.randint(2, 4)))
    if kind < 0.7:
        return "".join(random.choices("abcdefghijklmnopqrstuvwxyz", k=length))
    row = random.choice(ROWS)
    start = random.randrange(len(row))
    return (row[start:] + row)[:length]

"""Four notes of the seed's shape, in our own words: its refs, tags, revisions and nesting.

By the date of the first revision they follow each other as one, two, three, four; by the
date of the head, four comes first.
"""

from datetime import UTC, datetime
from typing import Any

from wiki.fields import Fields
from wiki.models import Note, Revision

SEQUENCES = """A model reads the first terms of a sequence and writes down a rule for the rest.

Rules written as symbols carry further than numbers do, also when the terms are noisy.
"""

EVERYDAY = """- A large model is asked what usually happens next:
  - X misses the last train.
    - So X walks home.
- A second one throws away what is not true.

What people wrote by hand came earlier.
"""

GATES = r"""- A gate stands where attention stood. Per layer:
  - $\hat{Z} = s(Z),\quad Y = \hat{Z} V$
    - where $V$ is a matrix of weights.
  - $s(Z) = Z_1 \odot (W Z_2 + b)$

Costs $5 to $10 an hour; a literal \$ stays. <script>alert(1)</script> [odd](javascript:alert(2))
"""

TALK = """- Words become vectors: query, key and value.
- Attention is a mean of the values, weighed by how well keys meet the query.

A good talk, and a short one.
"""

# title, body, ref, type, tags, head, created, modified
NOTES = {
    "three": ("Gates instead of heads", GATES, "-2021", "paper",
              "gated multi layer perceptrons transformers ML Quoc_Le Google_Brain", 4,
              datetime(2021, 8, 5, 6, 0, tzinfo=UTC), datetime(2021, 9, 1, 6, 0, tzinfo=UTC)),
    "one": ("Rules behind sequences", SEQUENCES, "-2022", "paper",
            "symbolic regression facebook AI transformer", 0,
            datetime(2022, 5, 17, 20, 25, tzinfo=UTC), datetime(2022, 5, 17, 20, 25, tzinfo=UTC)),
    "four": ("A talk about queries and keys", TALK, "-2017", "note",
             "attention transformer language model youtube google tech talk", 3,
             datetime(2019, 2, 26, 20, 28, tzinfo=UTC), datetime(2022, 6, 1, 20, 28, tzinfo=UTC)),
    "two": ("Everyday knowledge, distilled", EVERYDAY, "-0", "note",
            "concept net NLP transformers graph representation knowledge", 0,
            datetime(2021, 11, 4, 17, 48, tzinfo=UTC), datetime(2021, 11, 4, 17, 48, tzinfo=UTC)),
}  # fmt: skip

WORDS = {said[0]: word for word, said in NOTES.items()}

# What is typed at `tags:`, and which notes that leaves.
TAG_FILTERS = [
    ("transformer", ["one", "two", "three", "four"]),
    ("transformers", ["two", "three"]),
    ("AI", ["one"]),
    ("google", ["three", "four"]),
    ("brain", ["three"]),
    ("rain", []),
    ("Quoc_Le", ["three"]),
    ("quoc_le", ["three"]),
    ("transformers NLP", ["two"]),
    ("transformer -google", ["one", "two"]),
    ("-google", ["one", "two"]),
    ("=transformer", ["one", "four"]),
    ("transformer -=transformer", ["two", "three"]),
    ("%", []),
    ("- = -=", ["one", "two", "three", "four"]),
]


def write_page(owner: Any) -> dict[str, Note]:
    """Write the four notes; returns them by the words one to four."""
    return {word: _write(owner, *said) for word, said in NOTES.items()}


def _write(
    owner: Any, title: str, body: str, ref: str, kind: str, tags: str, head: int, *dates: datetime
) -> Note:
    def fields(number: int) -> Fields:
        text = body if number == head else f"A draft, number {number}.\n"
        return Fields(title, text, ref, kind, tuple(tags.split()), "public")

    note = Note.objects.write(fields(0), owner=owner)
    for number in range(1, head + 1):
        note.save_revision(fields(number), base=number - 1, author=owner, summary=f"take {number}")
    created, modified = dates
    Note.objects.filter(pid=note.pid).update(created=created, modified=modified)
    Revision.objects.filter(note=note).update(created=created)
    Revision.objects.filter(note=note, number=head).update(created=modified)
    return Note.objects.cards().get(pid=note.pid)

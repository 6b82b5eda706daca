"""Off-topic queries: questions of everyday life, and nonsense.

The relevance threshold of an index is calibrated on them. Some passage is always the closest one,
however far off; how close the closest passage of a notebook comes to queries about something else,
or that are no words at all, tells from where on a semantic search has found something.
"""

import random
from pathlib import Path

# In the file beside this one: half as people type into a search box, half whole questions.
EVERYDAY = tuple(Path(__file__).with_suffix(".txt").read_text(encoding="utf-8").splitlines())

_BEGINNINGS = "b bl br cr d dr f fl g gr h j k kl l m n p pl r s sk sl sn st t tr v w z"
_MIDDLES = "a e i o u ai ee oo ou"
_ENDINGS = "b ck d g l m mp n nt p r rk sh t x"
_KEYS = "abcdefghijklmnopqrstuvwxyz"


def gibberish(count: int, seed: int) -> list[str]:
    """Make nonsense queries of one to four words, every other one pronounceable.

    >>> queries = gibberish(4, seed=1)
    >>> queries == gibberish(4, seed=1), queries == gibberish(4, seed=2)
    (True, False)
    """
    chance = random.Random(seed)
    makers = (_pronounceable, _keys)
    return [
        " ".join(makers[k % 2](chance) for _ in range(chance.randint(1, 4))) for k in range(count)
    ]


def _pronounceable(chance: random.Random) -> str:
    syllables = [
        chance.choice(sounds.split())
        for _ in range(chance.randint(2, 3))
        for sounds in (_BEGINNINGS, _MIDDLES)
    ]
    return "".join([*syllables, chance.choice(_ENDINGS.split())])


def _keys(chance: random.Random) -> str:
    return "".join(chance.choice(_KEYS) for _ in range(chance.randint(3, 12)))

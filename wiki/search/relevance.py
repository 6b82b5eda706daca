"""When nothing that was found is close enough to be shown as an answer. Pure."""

from collections.abc import Collection, Mapping

# Of what the words of a query tell, the note that has most of them has at least so much; with
# less, and nothing close by meaning, there is no answer.
MIN_COVERAGE = 0.5


def nothing_is_close(*, is_any_close: bool, coverage: float) -> bool:
    """Tell whether it is more honest to say that no note is about the query.

    is_any_close: a note is close by meaning, or by what needs no likeness: its title, words in
    quotes, a rare word. coverage: as below.
    """
    return not is_any_close and coverage < MIN_COVERAGE


def coverage(weights: Mapping[int, float], terms: Collection[int]) -> float:
    """Return which part of a query a note has: of what its terms tell, 0 to 1.

    weights: how much each term of the query tells; one that no note has tells most.

    >>> coverage({1: 3.0, 2: 1.0}, {2})
    0.25
    """
    whole = sum(weights.values())
    has = sum(tells for number, tells in weights.items() if number in terms)
    return round(has / whole, 4) if whole else 0.0

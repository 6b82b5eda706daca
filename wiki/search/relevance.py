"""The relevance threshold: when no hit is an answer. Pure."""

from collections.abc import Collection, Mapping

# With a smaller share of the query's terms, and no note that is close by meaning, there is no
# answer.
MIN_IDF_SHARE = 0.5


def nothing_relevant(*, is_any_close: bool, idf_share: float) -> bool:
    """Tell whether it is more honest to say that no note is about the query.

    is_any_close: a note is close by meaning, or found by what needs no similarity: its title,
    words in quotes, a rare term. idf_share: the greatest that a note has, as below.
    """
    return not is_any_close and idf_share < MIN_IDF_SHARE


def idf_weighted_share(weights: Mapping[int, float], terms: Collection[int]) -> float:
    """Return the share of a query's terms that a note has, weighted by their IDF, 0 to 1.

    weights: the IDF weight of each term of the query; greatest for a term that no note has.

    >>> idf_weighted_share({1: 3.0, 2: 1.0}, {2})
    0.25
    """
    whole = sum(weights.values())
    matched = sum(weight for number, weight in weights.items() if number in terms)
    return round(matched / whole, 4) if whole else 0.0

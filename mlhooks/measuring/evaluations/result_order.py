"""The order of notes made once more from what each of them says about itself. Pure."""

from collections.abc import Sequence

from wiki.search.fusion import (
    FUSION_DEPTH,
    SHARE_DIGITS,
    SUM_DIGITS,
    WEIGHTS,
    FusedHit,
    Mode,
    RankedHit,
)


def is_recomputed(shown: Sequence[FusedHit]) -> bool:
    """Tell whether scores, ranks, shares and the order of notes agree, to the last digit.

    shown: all that both legs found, as they stand by both. A note that was moved for its title
    or a rare word may only stand higher than its share puts it.
    """
    legs = [
        [one.lexical for one in shown if one.lexical],
        [one.semantic for one in shown if one.semantic],
    ]
    return all(map(_is_leg, legs)) and all(map(_is_sum, shown)) and _is_ordered(shown)


def _is_leg(leg: Sequence[RankedHit]) -> bool:
    """Tell whether ranks follow the scores, and shares are what lies between the extremes."""
    ordered = sorted(leg, key=lambda one: one.rank)
    top = [one.score for one in ordered if one.rank <= FUSION_DEPTH]
    low, high = min(top, default=0.0), max(top, default=0.0)
    return all(
        [
            [one.rank for one in ordered] == list(range(1, len(ordered) + 1)),
            all(one.score >= next_.score for one, next_ in zip(ordered, ordered[1:], strict=False)),
            all(one.share == _share(one, low, high) for one in ordered),
        ]
    )


def _share(one: RankedHit, low: float, high: float) -> float:
    if one.rank > FUSION_DEPTH:
        return 0.0
    return round((one.score - low) / (high - low), SHARE_DIGITS) if high > low else 1.0


def _is_sum(one: FusedHit) -> bool:
    words, meaning = WEIGHTS[Mode.HYBRID]
    made = words * (one.lexical.share if one.lexical else 0)
    made += meaning * (one.semantic.share if one.semantic else 0)
    return one.share == round(made, SUM_DIGITS)


def _is_ordered(shown: Sequence[FusedHit]) -> bool:
    """Tell whether the notes that nothing moved stand by share, and the moved ones no lower."""
    by_share = sorted(shown, key=_by_share)
    place = {one.pid: number for number, one in enumerate(by_share)}
    unmoved = [one for one in shown if not one.pinned_by]
    return unmoved == [one for one in by_share if not one.pinned_by] and all(
        number <= place[one.pid] for number, one in enumerate(shown) if one.pinned_by
    )


def _by_share(one: FusedHit) -> tuple[float, int, int]:
    beyond = max(0, one.lexical.rank - FUSION_DEPTH) if one.lexical else 0
    return -one.share, beyond, one.pid

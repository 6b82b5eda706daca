"""Tags that are probably one: plural and singular, other separators, one letter apart."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from django.conf import settings
from django.db import models

from wiki.reader import Reader

MIN_LETTERS = 6  # of shorter words too many are one letter apart: cat, car
SEPARATORS = re.compile(r"[\W_]+")
ENDINGS = (("ies", "y"), ("sses", "ss"), ("shes", "sh"), ("ches", "ch"), ("xes", "x"))


class TagDifference(models.Model):
    """Somebody said that two tags, by their slugs in order, are not one."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    one = models.CharField(max_length=300)
    other = models.CharField(max_length=300)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "one", "other"], name="tag_difference_once")
        ]

    def __str__(self) -> str:
        return f"{self.one} is not {self.other}"

    @classmethod
    def remember(cls, user: Reader, one: str, other: str) -> None:
        """Keep that user said so; the slugs are in order."""
        cls.objects.get_or_create(user=user, one=one, other=other)


def near_pairs(slugs: Iterable[str]) -> set[tuple[str, str]]:
    """Return the pairs of slugs that look like one tag, each in order.

    Two words one letter apart share a form with one letter left out (or are that form), so
    only words of one such form are compared.

    >>> sorted(near_pairs(["gmlp", "g_mlp", "transformer", "transformers", "1999", "2000"]))
    [('g_mlp', 'gmlp'), ('transformer', 'transformers')]
    >>> near_pairs(["attention", "attenton", "year2019", "year2020", "cat", "car"])
    {('attention', 'attenton')}
    """
    forms: defaultdict[str, list[str]] = defaultdict(list)
    for slug in sorted(set(slugs)):
        for form in _forms(slug):
            forms[form].append(slug)
    return {
        (one, other)
        for alike in forms.values()
        for i, one in enumerate(alike)
        for other in alike[i + 1 :]
        if _are_near(one, other)
    }


def _forms(slug: str) -> Iterator[str]:
    word = _singular(_joined(slug))
    yield word
    if len(word) >= MIN_LETTERS and not any(map(str.isdigit, word)):
        yield from {word[:i] + word[i + 1 :] for i in range(len(word))}


def _are_near(one: str, other: str) -> bool:
    first, second = (_singular(_joined(slug)) for slug in (one, other))
    if first == second:
        return bool(first)
    if min(len(first), len(second)) < MIN_LETTERS or any(map(str.isdigit, first + second)):
        return False
    return _are_one_edit_apart(first, second)


def _are_one_edit_apart(one: str, other: str) -> bool:
    """Tell whether one letter is changed, missing, or changed places with the next."""
    if len(one) > len(other):
        one, other = other, one
    same = next((i for i, letter in enumerate(one) if letter != other[i]), len(one))
    if len(one) < len(other):
        return one[same:] == other[same + 1 :]
    swapped = one[same : same + 2][::-1] == other[same : same + 2]
    return one[same + 1 :] == other[same + 1 :] or (
        swapped and one[same + 2 :] == other[same + 2 :]
    )


def _joined(slug: str) -> str:
    """Leave the separators out; a tag that is nothing else stays as it is."""
    return SEPARATORS.sub("", slug) or slug


def _singular(word: str) -> str:
    for ending, singular in ENDINGS:
        if word.endswith(ending) and len(word) > len(ending) + 1:
            return word.removesuffix(ending) + singular
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        return word[:-1]
    return word

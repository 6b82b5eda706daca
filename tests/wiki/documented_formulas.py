"""Formulas out of public documentation, and a check that each is set or honestly shown."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.wiki.mathml_reader import strangers, texts
from wiki.markup.math import set_formula

# Half of them KaTeX's logo and colours, which are known to its own tests only.
MAX_UNSET = 0.014


def formulas() -> Iterator[tuple[str, bool, str]]:
    """Yield (source, whether displayed, TeX); see data/LICENCES.md."""
    data = Path(__file__).parent / "data/latex_formulas.tsv"
    for line in data.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            source, _, display, tex = line.split("\t")
            yield source, display == "1", tex


def check(sample: Iterable[tuple[str, bool, str]]) -> list[tuple[str, str]]:
    """Set them all, look at each result; return source and TeX of what could not be set."""
    unset = []
    for source, display, tex in sample:
        made = set_formula(tex, display=display)
        assert strangers(made.html) == [], tex
        assert texts(made.html) == (tex, made.failure.removesuffix("."))
        if made.failure:
            assert made.failure[-1] == "." and made.failure[0] not in " ."
            unset.append((source, tex))
    return unset

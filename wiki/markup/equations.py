"""The formulas of one note: set in their order, with numbers, labels, references and macros."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from string import ascii_lowercase

from django.utils.html import escape, format_html

from wiki.markup.labels import ANCHOR, NUMBER, REFERENCES
from wiki.markup.macros import NO_MACROS, Macros
from wiki.markup.math import SetFormula, unset
from wiki.markup.rendered import ID_MARK
from wiki.markup.temml import Unset

_KINDS = {mark: kind for kind, mark in REFERENCES.items()}
_MARKS = re.compile(f"[{NUMBER}{ANCHOR}{''.join(_KINDS)}]")
SHOWN = {"ref": "{}", "eqref": "({})"}
MAX_LABEL_SHOWN = 60


@dataclass(frozen=True)
class Formula:
    """A formula as typed, without its delimiters; is_linked if it stands in a link."""

    tex: str
    display: bool
    is_linked: bool = False


@dataclass(frozen=True)
class Reference:
    r"""A `\ref{label}` or `\eqref{label}` in the text."""

    label: str
    kind: str
    is_linked: bool = False


SetOne = Callable[[Formula, Macros], SetFormula]


def set_all(formulas: Iterable[Formula], set_one: SetOne) -> list[SetFormula]:
    """Set the formulas of a note; what one defines holds in those behind it."""
    made, macros = [], NO_MACROS
    for formula in formulas:
        one = set_one(formula, macros)
        try:
            macros = macros.plus(one.defined)
        except Unset as failure:
            one = unset(formula.tex, str(failure))
        made.append(one)
    return made


@dataclass(frozen=True)
class _Target:
    """Where a reference leads: an id, and what stands there, without parentheses."""

    identity: str
    shown: str


class Equations:
    """Numbers the equations of a note and knows where its labels are."""

    def __init__(self, formulas: Iterable[tuple[Formula, SetFormula]]) -> None:
        self.formulas = list(formulas)
        self.targets: dict[str, _Target] = {}
        self.starts: list[tuple[int, int]] = []  # the first number and anchor of each formula
        numbers, anchors = 1, 1
        for _, made in self.formulas:
            self.starts.append((numbers, anchors))
            for label in made.labels:
                shown = label.tag
                if label.number is not None:
                    shown = _number(made, numbers, label.number)
                elif made.is_lettered and label.is_whole:
                    shown = str(numbers)
                target = _Target(f"eq:{anchors + label.anchor}", _bare(shown) or label.name)
                self.targets.setdefault(label.name, target)
            numbers += min(made.numbers, 1) if made.is_lettered else made.numbers
            anchors += made.html.count(ANCHOR)

    def html(self) -> list[str]:
        """Return the HTML of each formula, its marks filled in."""
        return [self._filled(place) for place in range(len(self.formulas))]

    def _filled(self, place: int) -> str:
        formula, made = self.formulas[place]
        number, anchor = self.starts[place]
        numbers = iter(_number(made, number, count) for count in range(made.numbers))
        anchors = iter(range(anchor, anchor + made.html.count(ANCHOR)))
        references = iter(made.references)

        def fill(mark: re.Match[str]) -> str:
            if mark[0] == NUMBER:
                return f"({next(numbers)})"
            if mark[0] == ANCHOR:
                return f"{ID_MARK}eq:{next(anchors)}"
            reference = Reference(next(references), _KINDS[mark[0]], formula.is_linked)
            return self._in_formula(reference)

        return _MARKS.sub(fill, made.html)

    def _in_formula(self, reference: Reference) -> str:
        shown = self._link(reference)
        return shown or escape(f"(no equation “{reference.label[:MAX_LABEL_SHOWN]}”)")

    def reference_html(self, reference: Reference) -> str:
        """Return the link of a reference in the text, or what was typed and a sentence."""
        typed = f"\\{reference.kind}{{{reference.label}}}"
        return (
            self._link(reference) or unset(typed, "No equation of this note has this label.").html
        )

    def _link(self, reference: Reference) -> str:
        target = self.targets.get(reference.label)
        if target is None:
            return ""
        shown = SHOWN[reference.kind].format(target.shown)
        if reference.is_linked:
            return escape(shown)
        return format_html('<a class="eqref" href="#{}{}">{}</a>', ID_MARK, target.identity, shown)


def _number(made: SetFormula, first: int, count: int) -> str:
    """Return how the number of an equation is shown; count: of those before it in its formula."""
    if not made.is_lettered:
        return str(first + count)
    return f"{first}{ascii_lowercase[count]}" if count < 26 else f"{first}.{count + 1}"


def _bare(shown: str) -> str:
    return shown[1:-1] if shown[:1] == "(" and shown[-1:] == ")" else shown

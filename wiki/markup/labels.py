r"""What `\label` names inside a formula, and the marks for what only the whole note tells."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

# The number of an equation, a place that a label names, a reference of each kind. Unicode keeps
# these signs for such uses, and a formula that has one of them is not set.
NUMBER, ANCHOR = "\ufdd1", "\ufdd2"
REFERENCES = {"ref": "\ufdd3", "eqref": "\ufdd4"}


@dataclass(frozen=True)
class Label:
    r"""What a `\label` names: the anchor of its row or, without one, of the whole formula.

    anchor: how many stand before it in the formula. number: which of the formula's numbers its
    row has; or tag: what stands there instead.
    """

    name: str
    anchor: int
    number: int | None = None
    tag: str = ""
    is_whole: bool = False


@dataclass
class Labels:
    """Finds out which row each label names while a formula is built, piece by piece.

    Labels are known by their place in a list of names. A place in what is built is the number
    of pieces before it.
    """

    numbers: int = 0
    waiting: list[tuple[int, int]] = field(default_factory=list)  # label, where it stands
    rows: list[tuple[int, int, Label]] = field(default_factory=list)  # label, its row's start

    def add(self, label: int, at: int) -> None:
        """Remember a label whose row has not ended."""
        self.waiting.append((label, at))

    def end_row(self, start: int, *, tag: str | None = None) -> None:
        """Give the labels behind this start a tag, or the next number."""
        number = self.numbers if tag is None else None
        named = [label for label, at in self.waiting if at > start]
        self.rows += [(label, start, Label("", 0, number, tag or "")) for label in named]
        del self.waiting[len(self.waiting) - len(named) :]
        self.numbers += tag is None

    def starts(self) -> list[int]:
        """Return where the rows with a label start."""
        return sorted({start for _, start, _ in self.rows})

    def named(self, names: Sequence[str], whole_name: str = "") -> list[Label]:
        """Return all labels with their names, and one of this name for the whole formula.

        Raises IndexError if there is no name for one.
        """
        starts = self.starts()
        whole_names = [names[label] for label, _ in self.waiting]
        whole_names += [whole_name] if whole_name else []
        whole = [Label(name, 0, is_whole=True) for name in whole_names]
        first = 1 if whole else 0
        return whole + [
            replace(found, name=names[label], anchor=first + starts.index(start))
            for label, start, found in self.rows
        ]

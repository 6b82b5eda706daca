"""What a text holds, without its HTML: for who writes many notes and shows none of them.

Costs about a third of rendering, because no code is coloured and nothing is sanitised. The
words for the full-text index are found on the way: in a child that costs no time of whoever
writes to the database.
"""

from collections.abc import Callable, Container, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from wiki.analysis.terms import Analysis
from wiki.extensions import Slot
from wiki.markup.comments import as_read
from wiki.markup.equations import Formula, SetOne, set_all
from wiki.markup.hashtags import hashtags
from wiki.markup.markdown import PARSER
from wiki.markup.rendered import ID_MARK, Rendered
from wiki.markup.renderer import Pieces


@dataclass(frozen=True)
class Survey:
    """The links and attachments of a text as slots, its `#tags`, its formulas as TeX, its words.

    hidden_files: keys of the files that only its comments name. notice: a sentence, where the text
    or some formulas were too much to be looked at. analysis is missing where that is all that is
    known.
    """

    slots: tuple[Slot, ...] = ()
    tags: tuple[str, ...] = ()
    formulas: tuple[str, ...] = ()
    unset: tuple[str, ...] = ()
    hidden_files: tuple[str, ...] = ()
    notice: str = ""
    analysis: Analysis | None = None

    def rendered(self) -> Rendered:
        """Return the slots as those of a rendered text."""
        return Rendered(("",) * (len(self.slots) + 1), self.slots, notice=self.notice)

    def as_json(self) -> dict[str, Any]:
        """Return plain data; from_json gives an equal object back."""
        return asdict(self)

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> "Survey":
        """Read what as_json wrote."""
        return cls(
            slots=tuple(Slot(**slot) for slot in said["slots"]),
            tags=tuple(said["tags"]),
            formulas=tuple(said["formulas"]),
            unset=tuple(said["unset"]),
            hidden_files=tuple(said["hidden_files"]),
            notice=said["notice"],
            analysis=_analysis(said["analysis"]),
        )


@dataclass(frozen=True)
class Surveyed:
    """A text after parsing; nobody has tried its formulas yet."""

    slots: tuple[Slot, ...]
    tags: tuple[str, ...]
    formulas: tuple[Formula, ...]
    hidden_files: tuple[str, ...] = ()

    def finish(self, set_one: SetOne, notice: Callable[[], str]) -> Survey:
        """Try the formulas in their order; notice is asked for afterwards."""
        made = set_all(self.formulas, set_one)
        tried = dict.fromkeys(formula.tex for formula in self.formulas)
        unset = dict.fromkeys(
            formula.tex for formula, one in zip(self.formulas, made, strict=True) if one.failure
        )
        return Survey(
            self.slots, self.tags, tuple(tried), tuple(unset), self.hidden_files, notice()
        )


def _analysis(said: Mapping[str, Any] | None) -> Analysis | None:
    if said is None:
        return None
    terms = {int(term): count for term, count in said["terms"].items()}
    return Analysis(terms, said["length"], said["vector"], said["shown"])


class _Everything(Container[str]):
    """Makes a slot of every fence, so that no code is coloured."""

    def __contains__(self, name: object) -> bool:
        return True


def survey(body: str) -> Surveyed:
    """Find all that is no plain HTML in a text, as its readers see it."""
    shown = as_read(body)
    found = _surveyed(shown)
    if shown == body:
        return found
    files = _file_keys(_surveyed(body)) - _file_keys(found)
    return replace(found, hidden_files=tuple(sorted(files)))


def _file_keys(found: Surveyed) -> set[str]:
    return Rendered((), found.slots).attachment_keys()


def _surveyed(body: str) -> Surveyed:
    pieces = Pieces(_Everything())
    env = {"pieces": pieces}
    tokens = PARSER.parse(body.replace(ID_MARK, "\ufffd"), env)
    tags = hashtags(tokens) if "#" in body else []
    PARSER.renderer.render(tokens, PARSER.options, env)
    kept = [piece for piece in pieces.pieces if isinstance(piece, Slot)]
    return Surveyed(
        slots=tuple(slot for slot in kept if slot.kind in ("wikilink", "attachment")),
        tags=tuple(tags),
        formulas=tuple(piece for piece in pieces.pieces if isinstance(piece, Formula)),
    )

"""What `bench` and `evaluate` can measure: a subject declares its own options.

A subject is registered by its dotted path (wiki.extensions.benchmarks, evaluations), so that only
these commands load what measures.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Options = Mapping[str, Any]


class Arguments:
    """Declares options of a command; the same option of several subjects is one option."""

    def __init__(self, add_argument: Callable[..., object]) -> None:
        self._add_argument = add_argument
        self.declared: dict[str, dict[str, object]] = {}

    def add(self, name: str, **details: object) -> None:
        """Declare --name as argparse does. Raises ValueError if another subject differs."""
        if self.declared.setdefault(name, details) != details:
            raise ValueError(f"Two subjects declare --{name} in two ways.")
        if details is self.declared[name]:
            self._add_argument(f"--{name}", **details)


@dataclass(frozen=True)
class Subject:
    """add_arguments(arguments) declares options; run(options) returns a JSON-able result."""

    run: Callable[[Options], dict[str, Any]]
    add_arguments: Callable[[Arguments], None] = lambda arguments: None


def add_notes(arguments: Arguments) -> None:
    """Declare --notes, a number."""
    arguments.add("notes", type=int, help="how many notes there are meanwhile")


def add_cache(arguments: Arguments) -> None:
    """Declare --cache, a folder."""
    help_text = "a folder that keeps the vectors of texts for next time"
    arguments.add("cache", type=Path, help=help_text)


def add_corpus(arguments: Arguments) -> None:
    """Declare --corpus, a folder; and --cache."""
    arguments.add("corpus", type=Path, help="a set, or a folder of sets")
    add_cache(arguments)


def add_corpus_and_cases(arguments: Arguments) -> None:
    """Declare --corpus, --cache and --cases, a number."""
    add_corpus(arguments)
    arguments.add("cases", type=int, help="how many cases are looked at, at most")

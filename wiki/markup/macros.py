r"""Commands that a note defines for itself: `\newcommand` and its like hold to its end."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from wiki.markup.temml import Unset

MAX_MACROS = 500
MAX_CHARACTERS = 100_000  # of all definitions, as JSON

_NAME = re.compile(r"\\(?:[A-Za-z@]+|.)", re.DOTALL)


@dataclass(frozen=True)
class Macros:
    """What a note has defined so far, by name, in the form that set_formula.js gives it."""

    records: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    characters: int = 0

    def plus(self, defined: Mapping[str, dict[str, Any]]) -> "Macros":
        """Return these and what a formula defined; the newest counts. Raises Unset."""
        if not defined:
            return self
        records = {**self.records, **defined}
        characters = len(json.dumps(records))
        if len(records) > MAX_MACROS or characters > MAX_CHARACTERS:
            raise Unset("This note defines more commands than there is room for.")
        return Macros(records, characters)

    def used_by(self, tex: str) -> str:
        """Return, as JSON, those that can change what this formula means.

        A new name has a meaning only where it stands, in the formula or in a definition that
        stands there. A name that Temml has too may stand in what Temml's own commands become.
        """
        if not self.records:
            return "{}"
        always = [name for name, record in self.records.items() if not record["isOwn"]]
        wanted = self._reached([*always, *_NAME.findall(tex)])
        return json.dumps({name: self.records[name] for name in sorted(wanted)})

    def _reached(self, names: Iterable[str]) -> set[str]:
        reached: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name in self.records and name not in reached:
                reached.add(name)
                waiting += self.records[name].get("tokens", ())
        return reached


NO_MACROS = Macros()

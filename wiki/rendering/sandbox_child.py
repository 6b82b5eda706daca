"""The rendering child, `python -m wiki.rendering.sandbox_child`: the sandbox speaks to it.

Reads {"body", "fences"} per line and writes a JSON Rendered, or {"texts", "language"}, titles
and bodies, and writes a JSON Survey per line for each of them. Ends when its input ends.
"""

import json
import resource
import signal
import sys
import time
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

from wiki.analysis.terms import analyse
from wiki.markup.equations import Formula
from wiki.markup.macros import Macros
from wiki.markup.markdown import parse, render
from wiki.markup.math import SetFormula, set_formula, unset
from wiki.markup.rendered import Rendered
from wiki.rendering import sandbox
from wiki.rendering.survey import Survey, survey


def main() -> None:
    """Render until the other side closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_DATA, (sandbox.MAX_MEMORY, sandbox.MAX_MEMORY))
    sys.setrecursionlimit(10_000)
    render("warm $u$p")
    for line in sys.stdin.buffer:
        for answer in answers(json.loads(line)):
            sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
            sys.stdout.buffer.flush()


def answers(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what a request asks for, each text within its own limits."""
    if "texts" in request:
        for title, body in request["texts"]:
            # Takes linear time, so it needs no limit.
            analysis = analyse(title, body, request["language"])
            yield replace(survey_within_limits(body), analysis=analysis).as_json()
    else:
        yield within_limits(request["body"], request["fences"]).narrowed().as_json()


def within_limits(body: str, fences: Collection[str]) -> Rendered:
    """Render, or die: parsing and setting formulas each have a budget of CPU time.

    The default action of the timer's signal ends the process, also inside compiled code.
    Formulas that come too late are shown as typed; their timer only guards that one.
    """
    signal.setitimer(signal.ITIMER_PROF, sandbox.MAX_PARSING_S)
    parsed = parse(body, fences)
    budget_s = sandbox.formulas_budget_s(parsed.formulas())
    signal.setitimer(signal.ITIMER_PROF, 2 * budget_s)
    setter = _Setter(budget_s)
    rendered = parsed.finish(setter.set_one)
    signal.setitimer(signal.ITIMER_PROF, 0)
    return replace(rendered, notice=sandbox.FORMULAS_LATE) if setter.is_late else rendered


def survey_within_limits(body: str) -> Survey:
    """Survey, or die; like within_limits, with more time."""
    signal.setitimer(signal.ITIMER_PROF, sandbox.MAX_SURVEYING_S)
    surveyed = survey(body)
    budget_s = sandbox.formulas_budget_s(len(surveyed.formulas))
    signal.setitimer(signal.ITIMER_PROF, 2 * budget_s)
    setter = _Setter(budget_s)
    found = surveyed.finish(setter.set_one, lambda: sandbox.FORMULAS_LATE if setter.is_late else "")
    signal.setitimer(signal.ITIMER_PROF, 0)
    return found


class _Setter:
    """Sets formulas as long as there is time, then shows their source."""

    def __init__(self, budget_s: float) -> None:
        self.end = time.process_time() + budget_s
        self.is_late = False

    def set_one(self, formula: Formula, macros: Macros) -> SetFormula:
        self.is_late = self.is_late or time.process_time() > self.end
        if self.is_late:
            return unset(formula.tex, "no time was left for this formula")
        return set_formula(formula.tex, display=formula.display, macros=macros)


if __name__ == "__main__":
    main()

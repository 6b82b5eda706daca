"""Temml, the TeX to MathML translator, run in an interpreter with limits of its own."""

import json
import os
import re
from functools import lru_cache
from pathlib import Path

import quickjs

SOURCE = Path(__file__).resolve().parents[2] / "static/vendor/temml/temml.min.js"
MOST_TIME_S = 0.25
MOST_MEMORY = 64 * 1024**2
# The interpreter has a thread of its own with a stack of 8 MB.
MOST_STACK = 6 * 1024**2
MOST_EXPANSIONS = 1000
MOST_EM, MOST_PT = 30, 300

# What notes use and Temml lacks.
MACROS = {
    r"\mbox": r"\text{#1}",  # LaTeX's own older name of \text
}

_CALL = """
for (const [name, body] of Object.entries(%s)) temml.__defineMacro(name, body);
function setFormula(tex, display) {
  try {
    const options = {displayMode: display, throwOnError: true, maxExpand: %d, maxSize: [%d, %d]};
    return JSON.stringify({mathml: temml.renderToString(tex, options)});
  } catch (error) {
    if (error instanceof temml.ParseError) return JSON.stringify({wrong: error.message});
    throw error;
  }
}
"""


class Unset(Exception):
    """A formula that cannot be set; its text is a sentence for the writer."""


def to_mathml(tex: str, *, display: bool) -> str:
    """Return Temml's markup, which nobody has checked yet.

    Bounded in time, memory and depth. Raises Unset whatever else happens.
    """
    try:
        answer = json.loads(_interpreter(os.getpid())(tex, display, run_gc=False))
    except quickjs.JSException as error:
        # Not the writer's error but a limit, or a formula that upset the translator: what is
        # left of that interpreter serves nobody any more.
        _interpreter.cache_clear()
        if isinstance(error, quickjs.StackOverflow):
            raise Unset("This formula is nested too deeply.") from error
        raise Unset("This formula is too complex to be set.") from error
    if "wrong" in answer:
        raise Unset(_sentence(answer["wrong"]))
    mathml: str = answer["mathml"]
    return mathml


@lru_cache(maxsize=1)
def _interpreter(pid: int) -> quickjs.Function:
    """Start an interpreter; one per process, since a fork has none of its parent's threads."""
    limits = (json.dumps(MACROS), MOST_EXPANSIONS, MOST_EM, MOST_PT)
    code = SOURCE.read_text(encoding="utf-8") + _CALL % limits
    function = quickjs.Function("setFormula", code, own_executor=True)
    function.set_max_stack_size(MOST_STACK)
    function.set_memory_limit(MOST_MEMORY)
    function.set_time_limit(MOST_TIME_S)
    return function


_SENTENCES = [
    (r"Unsupported function name: (\\\S+)", r"The command {} is not known here."),
    (r"No such environment: (\S+)", "The environment {} is not known here."),
    (r"Expected 'EOF', got '&'", "There is an & outside any table or alignment."),
    (r"Expected '\S+', got '(\S+)'", "The {} does not belong where it stands."),
]


def _sentence(message: str) -> str:
    """Turn Temml's message into a sentence for the writer."""
    message = message.strip()
    for pattern, sentence in _SENTENCES:
        if found := re.match(pattern, message):
            return sentence.format(*found.groups())
    reason = re.split(r" at (?:position|end of input)", message)[0].strip(" .:")
    return f"{reason[:200]}."

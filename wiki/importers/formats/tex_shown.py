r"""What TeX shows once its structure is lost: `\hat{Z}_1` is seen as `Z^1`, spaces aside.

Copying a formula as plain text drops all structure: an index is just a character, a hat
follows its letter, a fraction is its two halves. An operator whose name the page's browser
did not know shows nothing at all, so a command that is not in these tables may show one
symbol or none.
"""

import re
import unicodedata

COMMAND = re.compile(r"\\(?:[A-Za-z]+|[^A-Za-z\s])")
MAX_DEPTH = 50

ACCENTS = {
    **dict.fromkeys(("hat", "widehat"), "^ˆ"),
    **dict.fromkeys(("tilde", "widetilde"), "~˜"),
    **dict.fromkeys(("bar", "overline"), "¯‾"),
    **dict.fromkeys(("vec", "overrightarrow"), "→"),
    **dict.fromkeys(("dot",), "˙"),
    **dict.fromkeys(("ddot",), "¨"),
}
# Commands that show their arguments and nothing else, and how many they have.
WRAPPERS = {
    **dict.fromkeys(("frac", "tfrac", "dfrac", "binom"), 2),
    **dict.fromkeys(("mathbf", "mathrm", "mathit", "mathsf", "mathcal", "mathbb"), 1),
    **dict.fromkeys(("boldsymbol", "text", "operatorname", "sqrt", "underline"), 1),
}
# Commands that show their own name.
NAMES = {
    *("arccos", "arcsin", "arctan", "arg", "cos", "cosh", "det", "dim", "exp", "gcd", "inf"),
    *("lim", "ln", "log", "max", "min", "sin", "sinh", "sup", "tan", "tanh"),
}
# Two spellings of one sign: what MathML shows, what TeX types.
SAME = str.maketrans({"−": "-", "′": "'", "∗": "*", "ϕ": "φ", "ϵ": "ε"})


class Differs(Exception):
    """The TeX shows something else."""


def as_shown(text: str) -> str:
    """Write signs that have two spellings in the one used here; the length stays."""
    return text.translate(SAME)


class Reading:
    """TeX read against what is shown. Positions: i in the TeX, j in the shown text.

    shown: without spaces, as as_shown gives it. Every method returns both positions behind
    what it read, and raises Differs when the TeX shows something else. tokens counts what
    was looked at.
    """

    def __init__(self, tex: str, shown: str) -> None:
        self.tex, self.shown = tex, shown
        self.tokens = 0
        self._depth = 0

    def token(self, i: int, j: int) -> tuple[int, int]:
        """Read one token: a character, a command, an index, a group or a space."""
        self.tokens += 1
        if i >= len(self.tex) or self.tex[i] == "}":
            raise Differs
        if self.tex[i].isspace():
            return i + 1, j
        if self.tex[i] in "_^":
            return self._argument(i + 1, j)
        if self.tex[i] == "{":
            return self._argument(i, j)
        if command := COMMAND.match(self.tex, i):
            return self._command(command[0][1:], command.end(), j)
        return i + 1, self._expect(as_shown(self.tex[i]), j)

    def _argument(self, i: int, j: int) -> tuple[int, int]:
        """Read a group in braces, or the one token that stands for it."""
        while i < len(self.tex) and self.tex[i] == " ":
            i += 1
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Differs
        if i >= len(self.tex) or self.tex[i] != "{":
            i, j = self.token(i, j)
        else:
            i += 1
            while self.tex[i : i + 1] != "}":
                i, j = self.token(i, j)
            i += 1
        self._depth -= 1
        return i, j

    def _command(self, name: str, i: int, j: int) -> tuple[int, int]:
        """Read what a command shows; i is behind its name."""
        if name in ACCENTS:
            i, j = self._argument(i, j)
            if j < len(self.shown) and self.shown[j] in ACCENTS[name]:
                return i, j + 1
            raise Differs
        if name in WRAPPERS:
            for _ in range(WRAPPERS[name]):
                i, j = self._argument(i, j)
            return i, j
        if name in NAMES or name in set("{}%&#_$"):
            return i, self._expect(name, j)
        if letter := _greek(name):
            return i, self._expect(as_shown(letter), j)
        # A space, the size of a delimiter, or an operator: one symbol or nothing.
        sign = self.shown[j : j + 1]
        return i, j + bool(sign and not sign.isascii() and not sign.isalpha())

    def _expect(self, sign: str, j: int) -> int:
        if not self.shown.startswith(sign, j):
            raise Differs
        return j + len(sign)


def _greek(name: str) -> str:
    r"""Return the letter that a command such as \sigma or \Omega names, or nothing."""
    size = "CAPITAL" if name[0].isupper() else "SMALL"
    try:
        return unicodedata.lookup(f"GREEK {size} LETTER {name.removeprefix('var').upper()}")
    except KeyError:
        return ""

"""Pairs of texts that make a careless diff or merge slow, hungry or wrong.

Each is as large as a note may be (1 MiB) where size is the point. They are made when asked for,
from fixed seeds: `HOSTILE["shuffled lines"]()` is (old, new).
"""

import random
from collections.abc import Callable

import pytest

from wiki.diffing import alignment

MIB = 1 << 20
Pair = tuple[str, str]


def count_matrix_words(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Note what each call of the uninterruptible LCS costs from now on, in words of its matrix."""
    spent: list[int] = []
    opcodes = alignment.LCSseq.opcodes

    def counted(old: list[int], new: list[int]) -> object:
        spent.append(max(len(old) * -(-len(new) // 64), len(new) * -(-len(old) // 64)))
        return opcodes(old, new)

    monkeypatch.setattr(alignment.LCSseq, "opcodes", counted)
    return spent


def _words(seed: int, count: int) -> list[str]:
    source = random.Random(seed)
    return [f"{source.getrandbits(24):x}" for _ in range(count)]


def _lines(seed: int, size: int) -> str:
    """Text of that many characters in lines of eight words no other seed has."""
    words = [f"{word}{seed}" for word in _words(seed, size // 7)]
    return "\n".join(" ".join(words[k : k + 8]) for k in range(0, len(words), 8))[:size]


def _shuffled(parts: list[str], seed: int = 7) -> list[str]:
    return random.Random(seed).sample(parts, len(parts))


def _one_line() -> Pair:
    return "x" * MIB, "x" * (MIB - 1) + "y"


def _distinct_words_shuffled() -> Pair:
    words = _words(1, MIB // 7)
    return " ".join(words)[:MIB], " ".join(_shuffled(words))[:MIB]


def _every_other_word_changed() -> Pair:
    words = _words(2, MIB // 7)
    changed = [word if k % 2 else "changed" for k, word in enumerate(words)]
    return " ".join(words)[:MIB], " ".join(changed)[:MIB]


def _identical_lines() -> Pair:
    return "the same\n" * 6_000, "the same\n" * 6_001


def _identical_lines_around_a_change() -> Pair:
    return "same\n" * 100_000 + "b\n" + "same\n" * 100_000, "a\n" + "same\n" * 199_998 + "c\n"


def _alternating_lines() -> Pair:
    return "a\nb\n" * (MIB // 4), "b\nb\na\n" * (MIB // 6)


def _two_signs() -> Pair:
    source = random.Random(3)
    old, new = (source.choices("ab", k=MIB // 2) for _ in range(2))
    return "\n".join(old), "\n".join(new)


def _shuffled_lines() -> Pair:
    lines = [f"line {k} of the text" for k in range(20_000)]
    return "\n".join(lines), "\n".join(_shuffled(lines))


def _shuffled_short_lines() -> Pair:
    lines = [f"{k:x}" for k in range(MIB // 6)]
    return "\n".join(lines), "\n".join(_shuffled(lines))


def _nothing_in_common() -> Pair:
    return _lines(4, MIB), _lines(5, MIB)


def _only_newlines() -> Pair:
    return "\n" * MIB, "\n" * (MIB // 2) + "x" + "\n" * (MIB // 2 - 1)


def _every_line_changed() -> Pair:
    lines = _words(6, MIB // 7)
    return "\n".join(lines), "\n".join(f"{line}!" for line in lines)[:MIB]


def _line_ends() -> Pair:
    text = _lines(8, MIB - 20_000)
    return text, text.replace("\n", "\r\n")


def _combining_marks() -> Pair:
    marks = "".join(chr(0x300 + k % 0x70) for k in range(200))
    return f"a{marks} e\u0301 " * 4_000, f"a{marks} \u00e9 " * 4_000


def _emoji() -> Pair:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    return f"{family}\U0001f44d\U0001f3fd \n" * 60_000, f"{family} \U0001f44d \n" * 60_000


def _right_to_left() -> Pair:
    words = ["שָׁלוֹם", "\u202eעולם\u202c", "مرحبا", "بِالعالم", "\u200fabc\u200e"]
    return " ".join(_shuffled(words * 20_000, 1)), " ".join(_shuffled(words * 20_000, 2))


def _end_of_file() -> Pair:
    text = _lines(9, MIB - 8)
    return text, f"{text}\n\n \n"


def _empty_and_full() -> Pair:
    return "", "a\n" * (MIB // 2)


def _one_formula() -> Pair:
    rows = " \\\\\n".join(f"x_{{{k}}} &= y^{{{k}}} + \\frac{{1}}{{{k}}}" for k in range(28_000))
    return f"$$\n{rows}\n$$", f"$$\n{rows}\n\\end\n$$"


def _fences() -> Pair:
    blocks = [f"```python\nf({k})\n```\n" for k in range(10_000)]
    return "".join(blocks), "```\n" + "".join(blocks)


def _unclosed_openers() -> Pair:
    signs = random.Random(10).choices(
        ["$", "$$", "\\(", "\\[", "[[", "](", "`" * 3, "\\"], k=MIB // 2
    )
    return "".join(signs)[:MIB], "\n".join(_shuffled(signs, 1))[:MIB]


def _openers_of_one_kind() -> Pair:
    return "\\(" * (MIB // 2), "\\[\n" * (MIB // 3)


def _signs_only() -> Pair:
    return "!?" * (MIB // 2), "?.!" * (MIB // 3)


HOSTILE: dict[str, Callable[[], Pair]] = {
    function.__name__.strip("_").replace("_", " "): function
    for function in (
        _one_line,
        _distinct_words_shuffled,
        _every_other_word_changed,
        _identical_lines,
        _identical_lines_around_a_change,
        _alternating_lines,
        _two_signs,
        _shuffled_lines,
        _shuffled_short_lines,
        _nothing_in_common,
        _only_newlines,
        _every_line_changed,
        _line_ends,
        _combining_marks,
        _emoji,
        _right_to_left,
        _end_of_file,
        _empty_and_full,
        _one_formula,
        _fences,
        _unclosed_openers,
        _openers_of_one_kind,
        _signs_only,
    )
}

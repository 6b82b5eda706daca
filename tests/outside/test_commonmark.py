"""CommonMark's own 652 examples, with the site's parser and through its sanitiser."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.outside.html import normal
from wiki.markup import as_read, markdown, render

pytestmark = pytest.mark.outside

EXAMPLE = re.compile(r"^`{32} example\n(.*?)^\.\n(.*?)^`{32}$", re.MULTILINE | re.DOTALL)

# Examples that the site answers otherwise on purpose.
DEPARTURES = {611: "a bare address is a link"}
# Schemes that no note may link to; the sanitiser leaves the text of the link.
UNSAFE_SCHEMES = {598: "a+b+c", 599: "made-up-scheme", 601: "localhost"}


@pytest.fixture
def examples(suite: Callable[[str], Path]) -> dict[int, tuple[str, str]]:
    """Every example by its number: Markdown and the HTML it stands for."""
    specification = suite("commonmark-spec/spec.txt").read_text(encoding="utf-8")
    found = EXAMPLE.findall(specification.replace("→", "\t"))
    return dict(enumerate(found, start=1))


@pytest.fixture
def plain(examples: dict[int, tuple[str, str]]) -> dict[int, tuple[str, str]]:
    """The examples without raw HTML, which a note may not hold."""
    return {
        number: (text, html)
        for number, (text, html) in examples.items()
        if not has_raw_html(MarkdownIt("commonmark").parse(text))
    }


def has_raw_html(tokens: list[Token] | None) -> bool:
    return any(
        token.type in ("html_block", "html_inline") or has_raw_html(token.children)
        for token in tokens or ()
    )


def misses(examples: dict[int, tuple[str, str]], make: Callable[[str], str]) -> set[int]:
    """Return the numbers of the examples that come out as another tree of elements."""
    return {
        number for number, (text, html) in examples.items() if normal(make(text)) != normal(html)
    }


def test_there_are_652_examples_and_580_without_raw_html(examples, plain) -> None:
    assert (len(examples), len(plain)) == (652, 580)


def test_the_parser_is_commonmark(examples) -> None:
    parser = MarkdownIt("commonmark", {"html": True})
    assert misses(examples, parser.render) == set()


def test_the_extensions_leave_commonmark_as_it_is(plain, monkeypatch) -> None:
    monkeypatch.setattr(markdown, "sanitize", lambda html: html)
    assert misses(plain, lambda text: str(render(text))) == set(DEPARTURES)


def test_the_sanitiser_drops_only_odd_schemes(plain) -> None:
    expected = set(DEPARTURES) | set(UNSAFE_SCHEMES)
    assert misses(plain, lambda text: str(render(text))) == expected


def test_raw_html_is_shown_as_it_was_typed(examples, plain) -> None:
    escaping = MarkdownIt("commonmark", {"html": False})
    raw = {
        number: (text, escaping.render(text))
        for number, (text, _) in examples.items()
        if number not in plain
    }
    assert len(raw) == 72
    # Readers do not see comments, so their markup is not shown either.
    shown = {number: pair for number, pair in raw.items() if as_read(pair[0]) == pair[0]}
    assert {number for number in raw if "<!--" not in raw[number][0]} <= shown.keys()
    assert misses(shown, lambda text: str(render(text))) == set()

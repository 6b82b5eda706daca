"""What a comment is in a text, and what is not: the one function that everything is made of."""

import doctest
import time

import pytest

from wiki.markup import as_read, comments, render
from wiki.markup.comments import Comment

COMMENTS = [
    # inline, of both kinds, and as many as one likes
    ("Shown %%hidden%% again.", "Shown again."),
    ("a <!-- b --> c %%d%% e", "a c e"),
    ("word%%hidden%%word, 文%%密%%字", "wordword, 文字"),
    ("ends %%hidden%%\nb", "ends\nb"),
    ("hard break?  %%hidden%%\nb", "hard break?\nb"),
    ("%%hidden%%    text", "text"),
    ("%%hidden%% <!--b--> %%c%%text", "text"),
    ("in x2%%hidden%% and (%%b%%)", "in x2 and ()"),
    ("<!--> shown, as in HTML -->", "shown, as in HTML -->"),
    ("<!---> shown", "shown"),
    ("%%it was 100%%% shown", "shown"),
    ("%%%%\nshown\n%%%%", "shown\n"),
    # lines of their own, blank ones within, one side of the blank lines around them
    ("a\n\n%%\nb\n\nc\n%%\n\nd\n", "a\n\nd\n"),
    ("a\n\n<!--\nb\n\nc\n-->\n\nd\n", "a\n\nd\n"),
    ("a\n%%b%%\nc\n", "a\nc\n"),
    ("a\n\n%%b%%\n\n%%c%%\n\nd", "a\n\nd"),
    ("a\n\n%%b%%\n", "a\n"),
    ("%%a%%\n\nb", "b"),
    ("%%a%%", ""),
    ("a %%b\n\n- c\n\n```\nd%% e", "a e"),
    # within containers
    ("> %%\n> b\n> %%\n> c", "> c"),
    ("- %%a%%\n- b %%c%%", "- \n- b"),
    ("- a\n\n%%b%%\n\n    c", "- a\n\n    c"),
    ("| a | %%b | c%% |\n|---|---|\n| %%d%% | e |", "| a | |\n|---|---|\n| | e |"),
    ("[^1]: a %%b%%\n\n    %%c%% d", "[^1]: a\n\n    d"),
    ("term\n: %%a%% b\n\n    %%c%% d", "term\n: b\n\n    d"),
    ("## %%Heading%%\n\ntext", "text"),
    ("## Head %%hidden%%\n\ntext", "## Head\n\ntext"),
    # whichever begins first; code and links in a comment are hidden with it
    ("<!-- %% --> a %% b", "a %% b"),
    ("%% <!-- %% a --> b", "a --> b"),
    ("%%\na\n```\nb %% c\n```\nd\n%%\ne", "e"),
    ("<!--\n```\na --> b\n```\nc\n-->\nd", "d"),
    ("%%write `%%` in code%% a", "a"),
    # no code, though it may look like it
    ("a ` b\n- %%c%% ` d", "a ` b\n- ` d"),
    ("| ` a | %%b%% ` |\n|---|---|", "| ` a | ` |\n|---|---|"),
    ("> ```\n> %%a%%\n\n%%b%% c", "> ```\n> %%a%%\n\nc"),
    ("- ```\n  %%a%%\n\n%%b%% c", "- ```\n  %%a%%\n\nc"),
    ("a\n    %%b%%", "a\n"),
    ("- a\n\n    %%b%% c", "- a\n\n    c"),
    ("costs $5, %%a $6%% b", "costs $5, b"),
    ("a `\n\n%%b%% `", "a `\n\n`"),
    ("- $$ a\n- %%b%% c$$", "- $$ a\n- c$$"),
    # without an end: from the beginning of a line, the rest
    ("a\n\n%% b\n\nc", "a\n"),
    ("a\n\n<!-- b\n\nc", "a\n"),
    ("> %% a\n\nb", ""),
    ("%% a\n\n```\n%%\n```\n", ""),
]
NONE = [
    "`%%code%%` and ``<!-- ` -->``",
    "```\n%%code%%\n```\n\n~~~~\n<!--\n~~~\n-->\n~~~~\n",
    "    %%code%%\n\n\t<!-- code -->\n",
    "> ```\n> %%code%%\n> ```\n",
    "- a\n\n      %%code%%\n",
    "1. ```\n   %%code%%\n   ```\n",
    "a `code\n%%code%%\ncode` b",
    "a\n===\n    %%code%%\n",
    "***\n    %%code%%\n",
    "100%% sure, 50%% off, (30%%) and 20%%.",
    "unclosed %% amid a line, and <!-- too\n\nmore",
    "50 %% off, or `%%` in code",
    r"\%% no comment %%, \<!-- none -->",
    "$a %% b$ and \\(a %% b\\) and $$a\n%% b %% $$",
    "$$\nx\n- y %% z\n+ z %% y\n$$\n",
    "\\begin{align}\n%% a %%\n\\end{align}\n",
    "a % b % c",
    "",
]


@pytest.mark.parametrize(("body", "shown"), COMMENTS)
def test_comments_are_not_read(body, shown):
    assert as_read(body) == shown
    assert as_read(shown) == shown


@pytest.mark.parametrize("body", NONE)
def test_code_formulas_and_percent_signs_are_no_comments(body):
    assert as_read(body) == body


@pytest.mark.parametrize(("body", "shown"), COMMENTS)
def test_a_text_is_set_as_if_its_comments_were_not_there(body, shown):
    assert render(body) == render(shown)


def test_the_writer_is_told_what_is_hidden_and_what_has_no_end():
    assert doctest.testmod(comments).failed == 0
    said = comments.comments("a\n\n%%b%%\n\nc %%d%%\n\n<!-- e\n\nf\n")
    assert said == [
        Comment(3, "%%b%%", False),
        Comment(5, "%%d%%", False),
        Comment(7, "<!-- e\n\nf", True),
    ]


# What would make a careless reader look at the same text over and over.
REPEATED = [
    *("%%", " %%", "%%a ", "<!--", "`%%", "%%`%%`", "$%%", r"\(%%", r"\[ %%", "1. %%x%% 1. "),
    *("%%x%% # h\n", "%%x%% - `\n", "%%\n``` x\n%%\n", "$$ a %%\n", "> %%\n", "a%%\n\n"),
    *("<!-- `-->` ", "~~~~ x\n<!--\n", "| ` %% |\n|--|--|\n", "$a\n%%x%%\n", "\n%%x%%\n\n"),
    *("- " * 50 + "%%\n", ">" * 50 + "%%\n", "%%a%% - " * 60 + "\n"),
]


@pytest.mark.parametrize("piece", REPEATED)
def test_a_hostile_text_is_read_in_linear_time(piece):
    """Of processor time: a tenth of a second; with each piece looked at again for each, minutes."""
    started = time.process_time()
    as_read(piece * (100_000 // len(piece)) + "a %%")
    assert time.process_time() - started < 5

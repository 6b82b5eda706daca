"""Snippets: the fragments of most weight, marked, with ends between words and sentences."""

from time import process_time

import pytest

from wiki.search.plain_text import plain
from wiki.search.query import parse
from wiki.search.snippets import FRAGMENT, Highlighter, fragments, marked

FILL = "Some words that say nothing of it follow each other in a row. " * 8


def wanted(typed, **weights):
    query = parse(typed)
    said = {lexeme: weights.get(lexeme, 1.0) for lexeme in query.lexemes()}
    return Highlighter(said, [phrase.text for phrase in query.phrases])


def shown(text, typed, **weights):
    """Return the fragments, with marked words in brackets."""
    found = fragments(text, wanted(typed, **weights))
    return ["".join(f"[{p.text}]" if p.is_marked else p.text for p in pieces) for pieces in found]


def test_words_are_marked_whatever_their_endings_case_and_accents():
    assert shown("Naïve NETWORKS generalise.", "naive network generalising") == [
        "[Naïve] [NETWORKS] [generalise]."
    ]


def test_the_place_with_most_of_the_words_is_shown():
    text = f"A gate. {FILL} A gate and a head. {FILL} A head."
    assert shown(text, "gate head")[0].startswith("A [gate] and a [head]. Some words")


def test_a_rare_word_tells_more():
    text = f"Gate head gate head. {FILL} The kestrel. {FILL}"
    (first, second) = shown(text, "gate head kestrel", kestrel=9.0)
    assert "[Gate] [head]" in first and "The [kestrel]." in second


def test_a_second_fragment_says_what_the_first_does_not():
    text = f"A gate. {FILL} A gate. {FILL} A head. {FILL}"
    first, second = shown(text, "gate head")
    assert "[gate]" in first and "[head]" in second and "[gate]" not in second
    assert len(shown(text, "gate")) == 1


def test_fragments_end_with_words_and_say_that_they_go_on():
    text = "word " * 500 + "needle " + "word " * 500
    (only,) = shown(text, "needle")
    assert only.startswith("… word") and only.endswith("word …")
    assert len(only) < 2 * FRAGMENT


def test_two_places_that_meet_are_one_fragment():
    text = f"gate {'x ' * 70} head {'y ' * 90} mean"
    assert len(shown(text, "gate head mean")) == 1


def test_a_phrase_is_marked_as_a_whole():
    assert shown("See networks of attention here.", '"network of attention"') == [
        "See [networks of attention] here."
    ]
    assert shown("This is all you need now.", '"all you need"') == ["This is [all you need] now."]
    text = f"A network. Attention. {FILL} A network of attention. {FILL}"
    assert "[network of attention]" in shown(text, '"network of attention"')[0]


def test_marks_that_touch_are_one():
    assert shown("Use pg_trgm and self-attention.", "pg_trgm attention") == [
        "Use [pg_trgm] and self-[attention]."
    ]


def test_what_markdown_adds_is_gone_and_formulas_and_code_stay():
    text = (
        "# A gate\n\n> - **bold** [link](https://x.org/kestrel) to [[Note|that]] [[Other]][^1]\n"
        "1. `code_*of*_it`\n\n```python\nx = a ** b\n```\n\n| a | $Z_1 * Y_2 * X$ |\n|---|---|\n"
        "![alt](/x.png) <https://y.org> \\* __init__ snake_case_name a*b*c"
    )
    assert plain(text) == (
        "A gate · bold link to that Other · `code_*of*_it` x = a ** b · a · $Z_1 * Y_2 * X$ · "
        "alt https://y.org * __init__ snake_case_name a*b*c"
    )


def test_a_word_that_only_an_address_has_is_shown_there():
    assert shown("See [this](https://kestrel.org/x).", "kestrel") == [
        "See [this](https://[kestrel].org/x)."
    ]


def test_a_fragment_never_begins_or_ends_inside_a_formula():
    text = (
        f"{'w ' * 60} $a + b + c + needle + d$ {'w ' * 55}$x + y + z + x + y + z + x$ {'w ' * 99}"
    )
    (only,) = shown(text, "needle")
    assert only.count("$") % 2 == 0 and "[needle]" in only


def test_without_any_of_the_words_the_text_begins():
    assert shown("# Title\n\nBeginning of it. " + FILL, "zebra")[0].startswith("Title · Beginning")
    assert shown("", "zebra") == []
    assert shown("  \n", "zebra") == []


def test_the_letters_of_a_command_are_marked():
    assert shown(r"$Z_1 \odot W$", r"odot") == [r"$Z_1 \[odot] W$"]
    assert shown(r"$Z_1 \odot W$", r"\odot") == [r"$Z_1 [\odot] W$"]


def test_a_title_is_marked_whole():
    pieces = marked("Pay attention to MLPs", wanted("attentive"))
    assert [piece.text for piece in pieces if piece.is_marked] == ["attention"]
    assert "".join(piece.text for piece in pieces) == "Pay attention to MLPs"


def test_the_end_of_a_long_text_is_found():
    text = "common words everywhere here. " * 30_000 + "A rare kestrel, common here."
    assert any("[kestrel]" in one for one in shown(text, "common kestrel", kestrel=9.0))


def test_no_letter_is_lost_or_made():
    text = f"gate [[a|b]] $x$ · {FILL}" * 5
    for pieces in fragments(text, wanted("gate row b")):
        said = "".join(piece.text for piece in pieces).strip(" …")
        assert said in plain(text)


@pytest.mark.parametrize(
    "text",
    ["x" * 1_000_000, "**" * 500_000, "[[" * 500_000, "[" * 1_000_000, "$a" * 500_000,
     "a b " * 250_000, "| a |\n" * 160_000, "`x`" * 330_000, "\\" * 1_000_000, "> " * 500_000,
     "![a](" * 200_000, "<https://" * 100_000, "_a_" * 330_000, "\n" * 1_000_000, "中文" * 330_000,
     "é " * 500_000, "- " * 500_000, "-" * 1_000_000, "# " * 500_000],
)  # fmt: skip
def test_the_longest_text_is_read_in_linear_time(text):
    begin = process_time()
    shown(text, '"a b" x b 中文 é https')
    # Half a second on a busy machine; what grows with the square takes minutes.
    assert process_time() - begin < 5


def test_an_ordinary_note_takes_next_to_none():
    note = ("Attention is a mean of the values, weighed by [keys](/k) that $meet$ queries. " * 60)[
        :4_000
    ]
    begin = process_time()
    for _ in range(20):
        shown(note, "attention mean queries nowhere")
    assert (process_time() - begin) / 20 < 0.2

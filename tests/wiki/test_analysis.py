"""From text to terms."""

import pytest

from wiki.analysis.terms import (
    MAX_LEXEMES,
    MAX_VECTOR_BYTES,
    analyse,
    has_formula,
    term,
    tokens,
)
from wiki.markup import render


def lexemes(text, language="english"):
    return [token.lexeme for token in tokens(text, language)]


@pytest.mark.parametrize(
    ("typed", "also"),
    [
        ("pg_trgm", "pg_trgm"),
        ("PG_TRGM", "pg_trgm"),
        ("use --quiet here", "--quiet"),
        ("self-attention", "self-attention"),
        ('data["_save"] = 1', "_save"),
        ("def __init__(self):", "__init__"),
        ("select 1 as _table, 2", "_table"),
        ("a link to html_, below", "html_"),
        ("_rebuild_fts.py_ is", "_rebuild_fts.py_"),
        ("v2.0.1", "v2.0.1"),
        ("C++ and", "c++"),
        ("from asgi_lifespan import LifespanManager", "manag"),
        (r"$Z_1 \odot W$", r"\odot"),
        (r"\odot", "odot"),
        (r"$Z_{1}$", "z_1"),
        (r"$Z _ { 1 }$", "z_1"),
        (r"$x_{t-1}$", "x_t-1"),
        ("naïve Bayes", "naiv"),
        ("注意力机制", "意力"),
    ],
)
def test_exact_forms_are_kept_beside_the_stems(typed, also):
    assert also in lexemes(typed)


def test_an_underscore_is_no_name_by_itself():
    assert lexemes("_ __ x __c") == ["x", "c"]
    assert lexemes(r"$(u + v)_k$") == ["u", "v", "k"]


def test_the_parts_of_a_name_are_found_too():
    assert {"pg", "trgm"} <= set(lexemes("pg_trgm"))


def test_stop_words_are_dropped_and_still_take_a_place():
    found = list(tokens("attention is all you need"))
    assert [(token.lexeme, token.position) for token in found] == [("attent", 0), ("need", 4)]


def test_tokens_know_where_they_stand():
    text = "The “Naïveté” of pg_trgm’s users"
    for token in tokens(text):
        assert text[token.start : token.end].strip("“”") == text[token.start : token.end]
    assert text[slice(*next((t.start, t.end) for t in tokens(text) if t.is_extra))] == "pg_trgm’s"


MARKS_ALONE = ["รู้", "ู้", "\u3099\u309a", "か\u3099\u309a", "\uff9e", "\uff9e.\uff9e", "\u037a"]


@pytest.mark.parametrize("text", MARKS_ALONE)
def test_marks_without_a_letter_are_no_term_and_still_take_a_place(text):
    found = list(tokens(f"a {text} weight"))
    assert all(token.lexeme for token in found)
    assert "''" not in analyse(text, text).vector
    letters = "".join("ก" if sign != "." else sign for sign in text)
    *_, weight = tokens(f"a {letters} weight")
    assert found[-1].position == weight.position


def test_a_title_counts_twice():
    analysis = analyse("attention", "attention needs")
    assert analysis.terms[term("attent")] == 3
    assert analysis.length == 4


def test_other_languages_are_stemmed_by_their_own_rules():
    assert lexemes("die Häuser", "german") == ["die", "haus"]
    assert lexemes("Running", "simple") == ["running"]


def test_a_vector_stays_within_what_postgresql_takes():
    analysis = analyse("", " ".join(f"w{i:030}" for i in range(MAX_LEXEMES + 1)))
    assert len(analysis.terms) == MAX_LEXEMES
    assert len(analysis.vector) > MAX_VECTOR_BYTES / 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\0",
        "'",
        "\\",
        "_",
        "----",
        "a" * 100_000,
        "_" * 100_000,
        "x_{" * 20_000,
        "a'" * 50_000,
        "-a" * 50_000,
        "a  " * 30_000,
    ],
)
def test_odd_texts_are_read_in_linear_time(text):
    list(tokens(text))


@pytest.mark.parametrize(
    ("body", "has"),
    [
        ("Water is H$_2$O.", True),
        (r"A 3$\times$3 kernel", True),
        ("\\begin{equation}\nx\n\\end{equation}", True),
        ("costs $5 and then $x$", True),
        ("A$7-$8, $PATH:$HOME, `H$_2$O`", False),
        ("```\n\\begin{equation}\n```\n\\begin{itemize}", False),
    ],
)
def test_a_text_has_a_formula_where_its_page_has_one(body, has):
    assert has_formula(body) == has == ("<math" in str(render(body)))

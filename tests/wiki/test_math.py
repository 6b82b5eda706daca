"""Formulas: what is set, what is shown as typed, and that no formula can harm or hang."""

import pytest

from wiki.markup.math import set_formula


@pytest.mark.parametrize("display", [True, False])
def test_a_formula_of_the_old_site_is_set(display):
    made = set_formula(r"s(Z) = Z_1 \odot (W \hat{Z}) ,, b", display=display)
    assert not made.failure
    assert "⊙" in made.html and made.html.count("<mo separator") == 2
    assert made.html.count("annotation encoding") == 1


def test_an_unknown_command_shows_source_and_a_sentence():
    made = set_formula(r"\nosuch{<b>}", display=False)
    assert made.failure == r"The command \nosuch is not known here."
    assert r"<code>\nosuch{&lt;b&gt;}</code>" in made.html and made.failure in made.html

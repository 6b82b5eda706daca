"""What a text holds, found without making its HTML."""

import os

import pytest

from wiki.analysis.terms import analyse
from wiki.markup import render
from wiki.markup.math import SetFormula
from wiki.rendering import sandbox
from wiki.rendering.survey import Survey, survey

TEXT = """# Heading #ml

See [[Attention]] and [[Rain|wet]], `[[code]]`, and #deep/learning.

- \\\\(x_i\\\\) is as good as $x_i$ and $$y$$, and $\\wrongcommand$ is not

```python
[[no link]] #no_tag $no formula$
```
"""


def test_a_survey_finds_what_rendering_finds():
    found, shown = survey(TEXT), render(TEXT)
    links = [slot for slot in found.slots if slot.kind == "wikilink"]
    assert links == [slot for slot in shown.slots if slot.kind == "wikilink"]
    assert found.finish(lambda *_: SetFormula(""), str).rendered().link_keys() == shown.link_keys()
    assert [formula.tex for formula in found.formulas] == ["x_i", "x_i", "y", r"\wrongcommand"]


def test_a_child_tells_which_formulas_cannot_be_set():
    (found,) = sandbox.survey([("", TEXT)])
    assert found.formulas == ("x_i", "y", r"\wrongcommand") and found.unset == (r"\wrongcommand",)


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("#a #A/b-c_d. *#bold* (and #no", ["a", "A/b-c_d", "bold", "no"]),
        ("#[[several words]] and [[x#heading]]", ["several words"]),
        ("#123 #fff #a0b1c2 C# x#y (#y) &#35; #!/bin/sh #include", []),
        ("# A heading\n\n#notaheading", ["notaheading"]),
        ("`#code` $#x$ [#link](#there) https://a.example/#there `x`#y", []),
        (r"\#escaped, but #said", ["said"]),
        (r"\#both and #both", ["both"]),
        ("> - #quoted\n\n| #cell | b |\n|---|---|\n", ["quoted", "cell"]),
    ],
)
def test_tags_inside_a_text(text, tags):
    assert list(survey(text).tags) == tags


def test_a_text_at_a_limit_has_only_a_notice_and_the_others_are_surveyed():
    texts = ["[[one]]", "[a](" * 200_000, "[[two]]", "x" * (sandbox.MAX_CHARACTERS + 1), "[[3]]"]
    found = sandbox.survey([("", text) for text in texts])
    assert [one.notice for one in found] == ["", sandbox.TOO_COMPLEX, "", sandbox.TOO_LONG, ""]
    assert [len(one.slots) for one in found] == [1, 0, 1, 0, 1]


def test_children_that_died_while_idle_cost_nobody_a_survey():
    sandbox.render("one")
    for child in sandbox._pools[os.getpid()].idle:
        child.process.kill()
        child.process.wait()
    said = analyse("A title", "$x$")
    assert sandbox.survey([("A title", "$x$")]) == [Survey(formulas=("x",), analysis=said)]
    assert sandbox.render("*two*").segments == ("<p><em>two</em></p>\n",)

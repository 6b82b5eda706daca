"""Markup: what a text becomes, and that no text can harm or hang."""

import pytest

from wiki.markup import Rendered, bounded, link_key, render

HOSTILE = [
    "<script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "![x](javascript:alert(1))",
    '<img src=x onerror="alert(1)">',
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "$<script>alert(1)</script>$",
    "$$\n<img onerror=alert(1)>\n$$",
    "[[<img onerror=alert(1)>]]",
    "[[a|<img onerror=alert(1)>]]",
    "# <b onclick=x>h</b>",
    "```<script>\n</script>\n```",
]


def test_commonmark():
    assert (
        str(render("# A\n\n*b* `c`\n")) == '<h1 id="n-a">A</h1>\n<p><em>b</em> <code>c</code></p>\n'
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_becomes_code(text):
    html = str(render(text)).lower()
    assert "<script" not in html and "<img onerror" not in html and "<b " not in html
    assert 'href="javascript' not in html and 'href="data' not in html


def test_a_wikilink_is_a_slot_between_two_segments():
    rendered = render("See [[ Pay  attention|that note]].")
    assert rendered.segments == ("<p>See ", ".</p>\n")
    assert rendered.slots[0].payload == {
        "key": "pay attention",
        "title": "Pay attention",
        "text": "that note",
    }
    assert rendered.link_keys() == {"pay attention"}


@pytest.mark.parametrize(
    "text", ["`[[a]]`", "[[]]", "[[ ]]", "[[a", "[[a\nb]]", "    [[a]]", r"\[[a]]"]
)
def test_not_every_bracket_is_a_wikilink(text):
    assert not render(text).slots


def test_formulas_keep_their_source_untouched_by_markdown():
    html = str(render(r"so $a_1 * b_2 * c$ and $$\hat{Z} = s(Z)$$ holds"))
    assert '<code class="math">a_1 * b_2 * c</code>' in html
    assert r'<code class="math display">\hat{Z} = s(Z)</code>' in html


def test_prices_are_not_formulas():
    assert "math" not in str(render("from $5 to $10, or 3 $ and 4 $"))


def test_headings_make_an_outline_with_ids_of_their_own():
    outline = render("# A b\n\n## A b\n\n# ☃\n").outline
    assert [(h.level, h.text, h.id) for h in outline] == [
        (1, "A b", "n-a-b"),
        (2, "A b", "n-a-b-2"),
        (1, "☃", "n-section"),
    ]


def test_a_known_fence_is_a_slot_and_an_unknown_one_is_code():
    text = "```sequence\n1, 2\n```\n\n```python\nx\n```\n"
    rendered = render(text, fences={"sequence"})
    assert [(slot.kind, slot.payload) for slot in rendered.slots] == [
        ("sequence", {"text": "1, 2\n"})
    ]
    assert '<code class="language-python">x' in str(rendered)


def test_the_child_renders_what_the_parser_renders():
    text = "# A\n\n[[b]] $x$ *c* ünï\n"
    assert bounded.render(text) == render(text)


def test_rendered_survives_json():
    rendered = render("# A\n\n[[b]]")
    assert Rendered.from_json(rendered.as_json()) == rendered


def test_a_text_that_takes_too_long_is_shown_as_typed(monkeypatch):
    slow = "[a](" * 60_000
    shown = bounded.render(slow)
    assert shown.notice == bounded.TOO_COMPLEX and shown.segments[0].count("[a](") == 60_000
    assert bounded.render("*fine*").notice == ""


def test_a_text_over_the_cap_is_shown_as_typed():
    shown = bounded.render("<b>" * bounded.MOST_CHARACTERS)
    assert shown.notice == bounded.TOO_LONG and "<b>" not in shown.segments[0]


def test_a_child_that_died_while_idle_costs_nobody_a_text():
    bounded.render("one")
    for child in list(bounded._pools.values())[-1].idle.queue:
        if child is not None:
            child.process.kill()
            child.process.wait()
    assert bounded.render("*two*").segments == ("<p><em>two</em></p>\n",)


def test_link_keys_ignore_case_and_spaces():
    assert link_key(" Pay  ATTENTION ") == link_key("pay attention")

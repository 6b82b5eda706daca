"""Markup: what a text becomes, and that no text can harm or hang."""

import os
import re
import threading
from html import unescape

import pytest

from wiki.markup import Rendered, link_key, render
from wiki.rendering import sandbox

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
    assert "[[Pay attention|that note]]" in str(rendered)
    assert rendered.link_keys() == {"pay attention"}


@pytest.mark.parametrize(
    "text",
    ["[[a]]\n\n[a]: /url", "`[[a]]`", "[[]]", "[[ ]]", "[[a", "[[a\nb]]", "    [[a]]", r"\[[a]]"],
)
def test_not_every_bracket_is_a_wikilink(text):
    assert not render(text).slots


@pytest.mark.parametrize(
    ("text", "tex", "display"),
    [
        (r"so $a_1 * b_2 * c$ holds", "a_1 * b_2 * c", False),
        (r"so \(a_1 * b_2\) holds", "a_1 * b_2", False),
        (r"so $$\hat{Z} = s(Z)$$ holds", r"\hat{Z} = s(Z)", True),
        (r"so \[a_1 * b_2\] holds", "a_1 * b_2", True),
        ("text\n$$\na\n= b\n$$\ntext", "a\n= b", True),
        ("\\[\n- a\n+ b\n\\]", "- a\n+ b", True),
        ("- item\n\n  $$x\n  + y$$\n", "x\n+ y", True),
        ("> $$\n> x\n> $$\n", "x", True),
        (r"$a\$b$", r"a\$b", False),
        ("the $n$th", "n", False),
        ("$x$", "x", False),
    ],
)
def test_formulas_keep_their_source_untouched_by_markdown(text, tex, display):
    html = str(render(text))
    assert html.count("<math") == 1
    assert f'<annotation encoding="application/x-tex">{tex}</annotation>' in html
    assert ('display="block"' in html) == display


@pytest.mark.parametrize(
    "text",
    [
        "from $5 to $10, or 3 $ and 4 $",
        "between $5-$10",
        "from $5/h to 6$, once",
        r"\$x\$ and \\(x",
        "`$x$` and $ x $",
        "add it to $PATH:$HOME or ${PATH}",
        "$$",
        "$$ $$",
        r"\(\) and \[\] and \(",
        "$$\nno end\n\nof it",
        "    $$x$$",
    ],
)
def test_what_only_looks_like_a_formula_stays_text(text):
    assert "<math" not in str(render(text)) and "unset" not in str(render(text))


def test_a_display_formula_in_a_sentence_stays_in_its_paragraph():
    assert "<div" not in str(render("a $$x$$ b"))


def test_headings_make_an_outline_with_ids_of_their_own():
    rendered = render("# A *b* $x$\n\n## A b x\n\n# ☃\n")
    assert [(h.level, h.text, h.id) for h in rendered.headings("n7-")] == [
        (1, "A b x", "n7-a-b-x"),
        (2, "A b x", "n7-a-b-x-2"),
        (1, "☃", "n7-section"),
    ]
    assert re.findall('id="([^"]*)"', str(rendered)) == ["n-a-b-x", "n-a-b-x-2", "n-section"]


def test_ids_begin_as_the_page_wants_wherever_they_stand():
    html = render("# A\n\nb[^1] \ufdd0\n\n[^1]: c\n").fill({0: ""}, "n7-")
    assert sorted(re.findall('(?:id|href)="(#?n[^"]*)"', html)) == [
        *("#n7-fn:1", "#n7-fnref:1", "n7-a", "n7-fn:1", "n7-fnref:1")
    ]
    assert html.count("n7-") == 5, "a text cannot write the mark of an id"


def test_tables_align_by_class_and_scroll():
    html = str(render("| a | b | c |\n|--:|:-:|---|\n| 1 | 2 | 3 |\n"))
    assert html.startswith('<div class="scroll"><table>')
    assert '<td class="end">1</td>\n<td class="middle">2</td>\n<td>3</td>' in html


def test_footnotes_stand_at_the_end_and_lead_back():
    html = str(render("a[^x] b[^x]\n\n[^x]: why\n"))
    assert '<sup class="footnote-ref"><a href="#n-fn:1" id="n-fnref:1"' in html
    assert '<li id="n-fn:1"><p>why' in html and 'href="#n-fnref:1:2"' in html


def test_task_and_definition_lists():
    html = str(render("- [ ] a\n- [x] **b**\n- [y] c\n\nword\n: meaning\n"))
    boxes = re.findall("<input [^>]*>", html)
    assert ["checked" in box for box in boxes] == [False, True]
    assert "<strong>b</strong>" in html and "[y] c" in html
    assert "<dt>word</dt>\n<dd>meaning</dd>" in html


def test_code_is_marked_by_classes_and_keeps_every_character():
    code = "\n\ndef f(x):\n\treturn '<&>'  \n\n"
    html = str(render(f"```python\n{code}```\n"))
    assert '<span class="k">def</span>' in html and "style=" not in html
    assert unescape(re.sub("<[^>]*>", "", html)).rstrip("\n") == code.rstrip("\n")
    assert "<span" not in str(render("```nonsense\ndef\n```\n"))


@pytest.mark.parametrize(
    ("text", "href", "words"),
    [
        ("see https://a.example/b_(c)).", "https://a.example/b_(c)", "https://a.example/b_(c)"),
        ("**http://a.example/?a=b&c=d**", "http://a.example/?a=b&amp;c=d", None),
        ("doi:10.1000/182.", "https://doi.org/10.1000/182", "doi:10.1000/182"),
        ("arXiv:1706.03762v7,", "https://arxiv.org/abs/1706.03762v7", "arXiv:1706.03762v7"),
        ("PMID-8263001[0]", "https://pubmed.ncbi.nlm.nih.gov/8263001/", "PMID-8263001"),
    ],
)
def test_a_bare_address_is_a_link(text, href, words):
    html = str(render(text))
    assert html.count("<a ") == 1 and f'<a href="{href}"' in html
    assert words is None or f">{words}</a>" in html


def test_a_link_that_is_its_own_address_is_marked_so_that_paper_shows_it_once():
    alone = [
        "https://a.example/b",
        "<https://a.example/b>",
        "[https://a.example](https://a.example)",
    ]
    other = ["[b](https://a.example/b)", "[https://a.example *b*](https://a.example)", "[](/b)"]
    assert all('class="bare"' in str(render(text)) for text in [*alone, "https://a.example/é"])
    assert not any("bare" in str(render(text)) for text in [*other, "doi:10.1000/182"])


@pytest.mark.parametrize(
    "text",
    [
        "`https://a.example`",
        "https://",
        "xhttp://a.example",
        "www.a.example",
        "[https://a.example](/b)",
    ],
)
def test_not_every_address_is_linked_again(text):
    assert str(render(text)).count("<a ") == text.count("](")


@pytest.mark.parametrize("address", ["http://e.example/i.png", "//e.example/i.png", "HTTPS://e/i"])
def test_an_image_of_another_site_is_not_loaded(address):
    html = str(render(f"![the $x$ axis]({address})"))
    assert "<img" not in html
    assert re.search('<a class="external-image" href="[^"]*"[^>]*>the x axis</a>', html)


def test_an_image_of_this_site_is_shown():
    assert '<img src="/files/7_1.png" alt="a plot"' in str(render("![a plot](/files/7_1.png)"))


def test_a_known_fence_is_a_slot_and_an_unknown_one_is_code():
    text = "```sequence\n1, 2\n```\n\n```python\nx\n```\n"
    rendered = render(text, fences={"sequence"})
    assert [(slot.kind, slot.payload) for slot in rendered.slots] == [
        ("sequence", {"text": "1, 2\n"})
    ]
    assert '<code class="language-python">' in str(rendered)


def test_the_child_renders_what_the_parser_renders():
    text = "# A\n\n[[b]] $x$ *c* ünï\n"
    assert sandbox.render(text) == render(text)


def test_rendered_survives_json():
    rendered = render("# A\n\n[[b]]")
    assert Rendered.from_json(rendered.as_json()) == rendered


def test_a_text_that_takes_too_long_is_shown_as_typed(monkeypatch):
    slow = "[a](" * 60_000
    shown = sandbox.render(slow)
    assert shown.notice == sandbox.TOO_COMPLEX and shown.segments[0].count("[a](") == 60_000
    assert sandbox.render("*fine*").notice == ""


def test_a_text_over_the_cap_is_shown_as_typed():
    shown = sandbox.render("<b>" * sandbox.MAX_CHARACTERS)
    assert shown.notice == sandbox.TOO_LONG and "<b>" not in shown.segments[0]


def test_a_child_that_died_while_idle_costs_nobody_a_text():
    sandbox.render("one")
    for child in sandbox._pools[os.getpid()].idle:
        child.process.kill()
        child.process.wait()
    assert sandbox.render("*two*").segments == ("<p><em>two</em></p>\n",)


def test_link_keys_ignore_case_and_spaces():
    assert link_key(" Pay  ATTENTION ") == link_key("pay attention")


def test_an_empty_corner_of_a_table_is_no_heading():
    html = str(render("| | b |\n|-|--:|\n| c | d |\n"))
    assert '<tr>\n<td></td>\n<th class="end">b</th>\n</tr>' in html


def test_the_child_writes_script_letters_of_formulas_as_references():
    text = "$\\mathcal{N}$ \u00e9 \u2211"
    shown, told = str(sandbox.render(text)), str(render(text))
    assert max(shown) == "\u2211" < max(told)
    assert unescape(shown) == unescape(told)


def test_no_two_ids_of_a_text_are_equal():
    html = str(render("# A\n\n# A\n\n# A 2\n\n# fn 1\n\n# a b\n\nx[^1]\n\n[^1]: y\n"))
    ids = re.findall('id="([^"]*)"', html)
    assert len(ids) == 7 == len(set(ids))


def test_a_heading_of_two_lines_keeps_its_space():
    assert render("foo\nbar\n===\n").outline[0].text == "foo bar"


@pytest.mark.parametrize("text", ['$\\char"0$', '$\\char"D800$', '$\\char"FFFE$', '$\\char"FDD0$'])
def test_a_formula_cannot_make_a_character_that_no_text_can_hold(text):
    html = str(render(text))
    assert "<math" not in html and "no text can show" in html


def test_a_child_that_is_killed_at_work_is_not_the_fault_of_its_text(monkeypatch):
    ask, killed = sandbox._WorkerProcess.ask, []

    def ask_and_be_killed(child, body):
        if not killed:
            killed.append(body)
            child.process.kill()
        return ask(child, body)

    monkeypatch.setattr(sandbox._WorkerProcess, "ask", ask_and_be_killed)
    assert sandbox.render("*one*") == render("*one*")
    assert killed == ["*one*"]


def test_a_text_whose_child_is_killed_again_and_again_is_shown_as_typed(monkeypatch):
    ask = sandbox._WorkerProcess.ask

    def be_killed(child, body):
        child.process.kill()
        return ask(child, body)

    monkeypatch.setattr(sandbox._WorkerProcess, "ask", be_killed)
    shown = sandbox.render("*one*")
    assert (shown.notice, shown.is_typed) == (sandbox.TOO_BUSY, True)
    monkeypatch.undo()
    assert sandbox.render("*one*") == render("*one*")


def test_a_text_that_is_only_read_is_rendered_once(monkeypatch):
    texts = []
    monkeypatch.setattr(sandbox, "render", lambda body: texts.append(body) or render(body))
    assert sandbox.render_for_reading("*read*") == sandbox.render_for_reading("*read*")
    assert texts == ["*read*"]


def test_who_only_reads_leaves_a_child_to_who_writes(monkeypatch):
    monkeypatch.setattr(sandbox, "MAX_WALL_S", 0.05)
    monkeypatch.setattr(sandbox._pool(), "readers", threading.Semaphore(0))
    assert sandbox.render_for_reading("*all are read*").notice == sandbox.TOO_BUSY
    monkeypatch.undo()
    assert sandbox.render("*written*") == render("*written*")
    assert sandbox.render_for_reading("*all are read*") == render("*all are read*")


@pytest.mark.parametrize("end", ["", "no end \\] $$ here"])
@pytest.mark.parametrize("opening", ["\\[a\n", "> \\[a\n"])
def test_formulas_without_an_end_are_looked_for_once(opening, end):
    assert not sandbox.render(opening * 5_000 + end).is_typed


@pytest.mark.parametrize(
    "text", ["> \\[a\n> b\\]\n", "\\[a\n\n\\[a\n\\]\n", "- \\[a\n\n\\[a\n\\]\n"]
)
def test_a_formula_behind_one_without_an_end_is_set(text):
    assert str(render(text)).count("<math") == 1

"""Where formulas begin and end: beside letters, prices, shell variables, and never in code."""

import pytest

from tests.wiki.mathml_reader import sources, strangers, structure
from wiki.markup import render
from wiki.markup.math import set_formula


@pytest.mark.parametrize(
    ("text", "tex"),
    [
        ("Water is H$_2$O.", ["_2"]),
        ("CO$_2$ and H$_2$O and O$_2$.", ["_2", "_2", "_2"]),
        (r"A 3$\times$3 kernel, 2$^{10}$4.", [r"\times", "^{10}"]),
        (r"x$_i$y z$^2$w a$\to$b", ["_i", "^2", r"\to"]),
        (r"5$^{\circ}$C, 10$\mu$m, 5$\sigma$ and 20$\%$.", [r"^{\circ}", r"\mu", r"\sigma", r"\%"]),
        ("X$_N$Y, SU$(2)$, $n$-th, $k$s, $a$b", ["_N", "(2)", "n", "k", "a"]),
        ("It costs A$7 or US$5-$6, $5, $7.50 (was $9), 5$/month or 6$.", []),
        ("A$7. Set `$HOME/$USER` first, not $HOME or $PATH.", []),
        ('$PATH:$HOME/bin:$PATH and "$HOME"/"$PATH", ${HOME}/${PATH}, ${a}@${b}', []),
        ("$dir/$file $_POST$_GET $AB$C", []),
        ("see https://x.org/?a=$5 and <https://y.org/?b=$c>", []),
        ("[$5 here](https://x.org/?q=$a), $5 [there](https://y.org/?p=$b)", []),
        (r"\$x\$ and $y\$$", [r"y\$"]),
    ],
)
def test_formulas_beside_letters_are_formulas_and_prices_and_variables_text(text, tex):
    html = str(render(text))
    assert sources(html) == tex
    if not tex:
        assert "$" in html and "<math" not in html


@pytest.mark.parametrize(
    ("text", "code", "tex"),
    [
        ("Costs $7 `$a`", ["$a"], []),
        ("Set $HOME or `$PATH` first.", ["$PATH"], []),
        ("Use $x or `$y` here, as in `a$b`.", ["$y", "a$b"], []),
        ("$a `b` c$ and $$a `b` c$$", ["b", "b"], []),
        (r"\(a `\)` b\) and \[a `\]` b\]", [r"\)", r"\]"], []),
        ("`a$b` $x$ ``c$`d`` $y$", ["a$b", "c$`d"], ["x", "y"]),
        ("$$ is a pid:\n```\necho $$\n```\n", ["echo $$\n"], []),
        ("$$a\n`b`\nc$$", ["b"], []),
        ("\\begin{equation}\n`x`\n\\end{equation}", ["x"], []),
        ("\\begin{equation}\n```\nx\n```\n\\end{equation}", ["x\n"], []),
        ("\\begin{equation}\n~~~\nx\n~~~\n\\end{equation}", ["x\n"], []),
        ("$$\n~~~\nx\n~~~\n$$", ["x\n"], []),
        ("`\\begin{equation}x\\end{equation}` `\\eqref{x}`", None, []),
        ("    $$x$$\n\n    \\begin{equation}x\\end{equation}", None, []),
        # A quotation mark of TeX is none of Markdown's.
        ("$\\text{`a'}$ then `b` and $\\text{``c''}$, $\\text{``d''}$", ["b"], 3),
        (r"$x$ \`$y$\`", [], ["x", "y"]),
    ],
)
def test_code_wins_over_a_formula_always(text, code, tex):
    html = str(render(text))
    found = sources(html)
    assert (len(found) if isinstance(tex, int) else found) == tex
    if code is not None:
        assert [piece.partition("</code>")[0] for piece in html.split("<code>")[1:]] == code


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("$$\na = b + c \\\\\nd = e + f\n$$", 2),
        (r"$$ x \\ y $$", 2),
        ("\\[ p \\\\ q \\]", 2),
        (r"$$ a \\[5pt] b \\ c \\ $$", 3),
        (r"$$ a \\ b \tag{1} $$", 3),
        (r"$$ a &= b \\ &= c $$", 2),
        (r"$$ \begin{aligned} a &= b \\ &= c \end{aligned} \\ d $$", 4),
        (r"$$ \def\x{y} \x \\ \x $$", 2),
        (r"$$ a \\ $$", 0),
    ],
)
def test_lines_of_a_display_formula_are_rows(text, rows):
    html = str(render(text))
    assert structure(html).count("mtr") == rows
    assert "<mo></mo>" not in html and not strangers(html.replace("<p>", "").replace("</p>", ""))


@pytest.mark.parametrize(
    ("tex", "parts"),
    [
        (r"\overset{\rightarrow}{AB}", ["mover"]),
        (r"\overset{a}{X}", ["mover"]),
        (r"\overset{2}{x}^3", ["msup", "mover"]),
        (r"\overset{a}{\sum}_1^2", ["msubsup", "mover"]),
        (r"\overset a X", ["mover"]),
        (r"\overset{\text{def}}{=}", ["mover"]),
        (r"\underset{x}{AB}", ["munder"]),
        (r"\underset{x}{\sum}", ["munder"]),
        (r"\stackrel{a}{X} \stackrel{a}{AB}", ["mover", "mover"]),
        (r"\overset{a}{\underset{b}{X}}", ["mover", "munder"]),
        (r"\renewcommand{\stackrel}[2]{\overset{#1}{#2}} \stackrel ab", ["mover"]),
        (r"\overrightarrow{AB}", ["mover"]),
    ],
)
@pytest.mark.parametrize("display", [True, False])
def test_what_is_set_above_is_no_exponent(tex, parts, display):
    made = set_formula(tex, display=display)
    assert not made.failure and structure(made.html) == parts and not strangers(made.html)

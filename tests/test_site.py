"""What the pages of the documentation compute: formulas, saturation, formulas as written, and requests to others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import sympy

import actfn

from . import oracle, website

if not website.EXTENSIONS.exists():
    pytest.skip("needs the source tree", allow_module_level=True)

import facts
import formulas
import offline


@pytest.mark.parametrize("row", list(oracle.ROWS))
def test_formulas_can_be_printed(row: str) -> None:
    """Every row has a definition and a derivative in LaTeX, with braces that match, and no name is left as it was."""
    for equation in (*formulas.equations(actfn.catalog[row]), *formulas.definitions(actfn.catalog[row])):
        left, _, right = equation.partition(" = ")
        assert left and right and equation.count("{") == equation.count("}")
        assert "sigmoid" not in equation and "lambd" not in equation.replace(r"\lambda", "")


@pytest.mark.parametrize(("row", "left"), [("relu", "f(x)"), ("softmax", "y_i"), ("cross_entropy", "L")])
def test_the_left_side_says_of_what(row: str, left: str) -> None:
    """Entries have an index only where rows do: the x of max(x, 0) is a number."""
    assert formulas.equations(actfn.catalog[row])[0].startswith(f"{left} = ")


def test_what_is_printed_is_the_formula(name: str) -> None:
    """What is read for printing has the value of what the oracle reads."""
    row = oracle.ROWS[name]
    given = {sympy.Symbol(key, real=True): value for key, value in oracle.default_params(row).items()}
    given[sympy.Symbol("x", real=True)] = 0.7
    for text in (row.formula, row.derivative):
        printed, meant = (
            float(oracle.expanded(f(text)).subs(given).doit().evalf()) for f in (formulas.parsed, oracle.parse)
        )
        assert np.isclose(printed, meant, rtol=1e-12), text


@pytest.mark.parametrize("row", ["sigmoid", "tanh", "relu", "relu6", "softsign", "gelu"])
def test_saturation_is_where_all_inputs_of_float16_say(row: str) -> None:
    """The edges that bisection finds are those that trying every number finds."""
    x = np.arange(2**16, dtype=np.uint16).view(np.float16)
    x = np.sort(x[np.isfinite(x)]) + np.float16(0)
    zero = facts.backward(actfn.catalog[row], x) == 0
    for found in facts.saturation(actfn.catalog[row]):
        if found.dtype == "float16":
            side = x[::-1] if found.side == "right" else x
            flat = zero[::-1] if found.side == "right" else zero
            last = side[np.argmin(flat) - 1] if not flat.all() else side[-1]
            assert found.gradient == facts.written(float(last), 1 if found.side == "right" else -1, "float16")


def test_the_formula_as_written_fails_where_it_should() -> None:
    """The derivative of the sigmoid has no digits left on the right, that of the ReLU has all."""
    forward, backward = facts.mishaps(actfn.catalog["sigmoid"])
    assert forward.error < 4 and backward.error > 1e4 and float(backward.x) > 5
    assert all(mishap.error == 0 for mishap in facts.mishaps(actfn.catalog["relu"]))


@pytest.mark.parametrize("row", [n for n, r in oracle.ROWS.items() if r.kind in facts.TRIED])
def test_formulas_of_several_inputs_as_written(row: str) -> None:
    """Softmax overflows as it is written; wherever a formula is tried, this library's result is the exact one."""
    found = facts.mishaps(actfn.catalog[row])
    if row in ("softmax", "log_softmax", "logsumexp", "cross_entropy"):
        assert found[0].what == "forward" and found[0].error == np.inf
    for mishap in found:
        assert np.isclose(float(mishap.ours), float(mishap.exact), rtol=3e-7)


@pytest.mark.parametrize("name", ["page.html", "style.css", "script.js"])
def test_requests_to_others_are_found(tmp_path: Path, name: str) -> None:
    """What a browser would fetch is found; what a reader may click, and what is local, is not."""
    foreign = {
        "page.html": '<script src="https://x.org/a.js"></script><link rel="stylesheet" href="//x.org/a.css">',
        "style.css": "@import 'https://x.org/a.css'; a { background: url(https://x.org/a.png) }",
        "script.js": 'fetch("https://x.org/a"); import("https://x.org/b")',
    }[name]
    local = {
        "page.html": '<a href="https://x.org">x</a><script src="a.js"></script><img src="a.png" alt="">',
        "style.css": "/* https://x.org */ a { background: url(a.png) }",
        "script.js": '// https://x.org\nfetch("a")',
    }[name]
    (tmp_path / name).write_text(local)
    assert list(offline.problems(tmp_path)) == []
    (tmp_path / name).write_text(foreign)
    assert len(list(offline.problems(tmp_path))) == 2


def test_pictures_without_a_text_are_found(tmp_path: Path) -> None:
    """An empty text is one that says: for decoration."""
    (tmp_path / "page.html").write_text('<img src="a.png"><img src="b.png" alt="">')
    assert len(list(offline.problems(tmp_path))) == 1


# ---- What no page uses ----------------------------------------------------------------------------------------

PAGE = """<link rel="stylesheet" href="_static/theme.css?digest=1"><p class="seen">π</p>
<script>document.body.classList.add("added")</script>"""
RULES = """.seen{top:0}.added{top:1px}.scripted{top:2px}.tooltip-inner{top:3px}.unused{top:4px}
p::before{content:"\\3b2"}p::after{content:"γ"}@font-face{font-family:F;src:url(F.woff2)}"""


@pytest.fixture
def slimmed(tmp_path: Path) -> Path:
    """A site of one page that uses a part of its stylesheet and of its font."""
    slim = pytest.importorskip("slim", reason="Sphinx, node and fontTools come with the group docs")
    font = slim.PURGECSS.parent / "katex" / "static" / "fonts" / "KaTeX_Math-Italic.woff2"
    if not (slim.PURGECSS / "node_modules").exists() or not font.exists():
        pytest.skip("PurgeCSS and KaTeX are installed by `make docs`")
    static = tmp_path / "_static"
    static.mkdir()
    (tmp_path / "index.html").write_text(PAGE, encoding="utf-8")
    (static / "theme.css").write_text(RULES, encoding="utf-8")
    (static / "site.css").write_text(".unused:lang(ko){top:0}", encoding="utf-8")
    (static / "site.js").write_text('make("div", { className: "scripted" })', encoding="utf-8")
    (static / "F.woff2").write_bytes(font.read_bytes())
    slim.slim(tmp_path)
    return tmp_path


def test_rules_that_no_page_uses_are_dropped(slimmed: Path) -> None:
    """What a page has, what scripts add and what Bootstrap puts together stays; ours is not touched."""
    rules = (slimmed / "_static" / "theme.css").read_text(encoding="utf-8")
    assert [name for name in ("seen", "added", "scripted", "tooltip-inner") if f".{name}{{" not in rules] == []
    assert "unused" not in rules
    assert (slimmed / "_static" / "site.css").read_text(encoding="utf-8") == ".unused:lang(ko){top:0}"


def test_letters_that_no_page_uses_are_dropped(slimmed: Path) -> None:
    """Letters of pages stay, and those that stylesheets write, as they are or by number."""
    ttfont = pytest.importorskip("fontTools.ttLib", reason="fontTools comes with the group docs").TTFont
    with ttfont(slimmed / "_static" / "F.woff2") as font:
        letters = set(font.getBestCmap())
    assert {ord(letter) for letter in "πβγ"} <= letters
    assert ord("ȷ") not in letters


def test_what_has_changed_has_another_address(slimmed: Path) -> None:
    """Browsers that keep a stylesheet or a font of an earlier build ask for the new one."""
    import slim

    static = slimmed / "_static"
    rules, page = (
        (static / "theme.css").read_text(encoding="utf-8"),
        (slimmed / "index.html").read_text(encoding="utf-8"),
    )
    assert f"F.woff2?v={slim.digest(static / 'F.woff2')}" in rules
    assert f"_static/theme.css?v={slim.digest(static / 'theme.css')}" in page
    (static / "theme.css").write_text(RULES.replace("top:0", "top:9px"), encoding="utf-8")
    slim.slim(slimmed)
    assert (slimmed / "index.html").read_text(encoding="utf-8") != page

"""Documentation that runs: every example of every function, of the README and of CONTRIBUTING."""

from __future__ import annotations

import doctest
import inspect
import pydoc
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import actfn

from . import oracle, processes

ROOT = Path(__file__).parent.parent
FUNCTIONS = [n for n in actfn.__all__ if callable(getattr(actfn, n)) and not inspect.isclass(getattr(actfn, n))]
SECTIONS = ("Parameters", "Returns", "Raises", "See Also", "Notes", "Examples")


def run_examples(text: str, name: str) -> int:
    """Run the examples in one session, comparing their output exactly but for white space; how many there were."""
    test = doctest.DocTestParser().get_doctest(text, {"np": np, "actfn": actfn}, name, None, 0)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    report: list[str] = []
    with np.printoptions(legacy=False):
        runner.run(test, out=report.append)
    assert runner.failures == 0, "".join(report)
    return len(test.examples)


def head(text: str) -> str:
    """The text before the examples, where sections are."""
    return inspect.cleandoc(text)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_examples_of_docstrings(function: str) -> None:
    """Each public function, ufuncs included, shows at least one example, and its output is what is printed."""
    text = getattr(actfn, function).__doc__
    assert text, "no docstring"
    assert run_examples(text, function) >= 1, "no example in the docstring"


@pytest.mark.parametrize("row", list(oracle.ROWS))
def test_examples_of_rows(row: str) -> None:
    """The catalog's example runs, and shows the function it belongs to, forward and backward."""
    example = oracle.ROWS[row].example
    assert run_examples(example, row) >= 2
    assert f"actfn.{row}(" in example and f"actfn.{row}_backward(" in example


@pytest.mark.parametrize("function", [n for n in FUNCTIONS if n.removesuffix("_backward") in oracle.ROWS])
def test_numpydoc_sections(function: str) -> None:
    """A summary in one sentence, the definition, and every section that numpydoc asks for; each parameter described."""
    f = getattr(actfn, function)
    text = head(f.__doc__)
    row = oracle.ROWS[function.removesuffix("_backward")]
    first = text.split("\n\n")[0]
    assert first.endswith(".") and len(first) > 10, "no summary"
    assert row.formula in text and row.derivative in text, "neither formula nor derivative"
    positions = [text.find(f"\n{section}\n{'-' * len(section)}\n") for section in SECTIONS]
    assert -1 not in positions, f"sections missing: {[s for s, p in zip(SECTIONS, positions, strict=True) if p < 0]}"
    assert positions == sorted(positions), "sections in another order than numpydoc's"
    if row.source:
        assert row.source.split(",")[0] in text, "no reference"
    section = text[positions[0] : positions[1]]
    described = dict(re.findall(r"^(\*{0,2}\w+)(?: : .*)?\n    (.*)$", section, re.MULTILINE))
    for name, parameter in inspect.signature(f).parameters.items():
        if name not in ("where", "casting", "order", "dtype", "subok", "signature"):
            key = f"**{name}" if parameter.kind is parameter.VAR_KEYWORD else name
            assert described.get(key, "").strip(), f"parameter {name} is not described"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_help_and_signature(function: str) -> None:
    """help() prints the function's name and documentation; the signature names the operands."""
    f = getattr(actfn, function)
    text = pydoc.plain(pydoc.render_doc(f))
    assert function.replace("frelu", "funnel_relu") in text and head(f.__doc__).splitlines()[0] in text
    parameters = list(inspect.signature(f).parameters)
    name = function.removesuffix("_backward")
    if name in oracle.ROWS:
        row = oracle.ROWS[name]
        assert parameters[0] == "grad" if function != name else parameters[0] != "grad"
        assert not any(re.fullmatch(r"x\d", p) for p in parameters), "NumPy's anonymous operands"
        assert set(row.params) <= set(parameters) or row.kind == "rows"
        for param, default in row.params.items():
            if default is not None and param in parameters:
                assert inspect.signature(f).parameters[param].default == default
    if function not in ("get", "set_num_threads", "get_num_threads", "show_config", "threads"):
        assert parameters[0] in ("x", "gate", "logits", "grad")


def test_public_names() -> None:
    """__all__ is complete, without doubles, and every name in it is there."""
    assert len(set(actfn.__all__)) == len(actfn.__all__)
    assert all(hasattr(actfn, name) for name in actfn.__all__)
    for name in oracle.ROWS:
        assert {name, f"{name}_backward"} <= set(actfn.__all__)
    assert set(dir(actfn)) >= set(actfn.__all__)


def spellings() -> list[tuple[str, str]]:
    return [(s, n) for n, row in oracle.ROWS.items() for s in (n, row.title, *row.aliases)]


@pytest.mark.parametrize(("spelling", "name"), spellings(), ids=[s for s, _ in spellings()])
def test_get_finds_every_spelling(spelling: str, name: str) -> None:
    """Names, titles and aliases, in any case, with any separators or none."""
    function = getattr(actfn, name)
    for variant in (spelling, spelling.upper(), spelling.lower(), spelling.replace("_", "-"), spelling.replace("_", ""),
                    spelling.replace("_", " "), spelling.title()):  # fmt: skip
        assert actfn.get(variant) is function, variant


def test_spellings_are_unique() -> None:
    """No spelling means two things."""
    seen: dict[str, str] = {}
    for spelling, name in spellings():
        key = re.sub(r"[\s_-]", "", spelling.casefold())
        assert seen.setdefault(key, name) == name, f"{spelling} is both {seen[key]} and {name}"


@pytest.mark.parametrize("wrong", ["", "reluu", "gelu\n", "relu 7"])
def test_get_names_what_it_does_not_know(wrong: str) -> None:
    """ValueError with the name that was asked for."""
    with pytest.raises(
        ValueError, match="get: name must be an activation or a known alias, got " + re.escape(repr(wrong))
    ):
        actfn.get(wrong)


def test_get_of_something_else() -> None:
    """A number is no name."""
    with pytest.raises(TypeError, match="get"):
        actfn.get(3)  # type: ignore[arg-type]


def test_catalog_is_a_mapping_of_facts() -> None:
    """Rows by name, in order, frozen; each complete."""
    assert list(actfn.catalog) == list(oracle.ROWS) and len(actfn.catalog) == len(oracle.ROWS)
    assert "gelu" in actfn.catalog and "nothing" not in actfn.catalog
    with pytest.raises(KeyError):
        actfn.catalog["nothing"]
    with pytest.raises(AttributeError):
        actfn.catalog["gelu"].name = "other"  # type: ignore[misc]
    for name, row in actfn.catalog.items():
        assert row.name == name and row.title and row.title_ko and row.summary.endswith(".") and row.summary_ko
        assert re.search("[가-힣]", row.summary_ko), name
        assert (row.formula and row.derivative and row.example.startswith(">>> ") and row.range) or row.kind in (
            "gated", "spatial")  # fmt: skip
        assert set(row.param_docs) == set(row.params) and set(row.trains) <= set(row.params)
        # What a row says in English it says in Korean too.
        assert list(row.param_docs_ko) == list(row.param_docs), name
        assert bool(row.edges_ko) == bool(row.edges) and bool(row.target_ko) == bool(row.target), name
        assert row.saturates in ("", "left", "right", "both")
        for dtype, bounds in row.ulp.items():
            assert (
                dtype in ("float16", "float32", "float64") and len(bounds) == 2 and min(bounds) >= 0.5
            ) or dtype == "float16"
        if row.kind == "elementwise":
            assert row.limits and row.slopes
    assert re.match(r"<catalog of \d+ activations: identity, ", repr(actfn.catalog))


# ---- README and CONTRIBUTING ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_examples_of_markdown(name: str) -> None:
    """Every >>> in a code block runs as printed; blocks of one file share their names."""
    path = ROOT / name
    if not path.exists():
        pytest.skip("needs the source tree")
    blocks = re.findall(r"^```python\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL)
    sessions = [block for block in blocks if ">>>" in block and "Activation(" not in block]
    count = run_examples("\n".join(sessions), name)
    assert count or name != "README.md", "the README shows nothing that runs"


DOCS = ROOT / "docs"
# Files of the root, which are pages too; the one is tested above, the other lists changes.
INCLUDED = ("contributing.md", "CHANGELOG.md", "SECURITY.md")
PAGES = [
    page
    for suffix in ("rst", "md", "jinja")
    for page in sorted(DOCS.rglob(f"*.{suffix}"))
    if page.relative_to(DOCS).parts[0] not in INCLUDED
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_examples_of_pages(page: Path) -> None:
    """Every page of the documentation shows something that runs as printed, in one session per page."""
    text = page.read_text(encoding="utf-8")
    for library in re.findall(r"^ *>>> import ([\w.]+)", text, re.MULTILINE):
        pytest.importorskip(library, reason=f"the page needs {library}, which is not installed")
    if page.suffix == ".md":
        text = "\n".join(re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    if page.name == "activation.rst.jinja":
        # Its example is the row's, which is tested above.
        assert "{{ row.example }}" in text
    else:
        assert run_examples(text, page.name), "no >>> on the page"


def test_all_pages_are_tested() -> None:
    """Those that people look for are among them, so the patterns above find what they should."""
    names = {page.relative_to(DOCS).as_posix() for page in PAGES}
    assert {"index.rst", "guides.rst", "guides/tour.rst", "decisions/README.md", "decisions/0003-no-fast-math.md",
            "_templates/activation.rst.jinja", "_templates/index.rst.jinja"} <= names  # fmt: skip


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_links_of_markdown_lead_somewhere(name: str) -> None:
    """Relative links are to files that exist."""
    path = ROOT / name
    if not path.exists():
        pytest.skip("needs the source tree")
    for target in re.findall(r"\]\(([^)#\s]+)", path.read_text()):
        if "://" not in target:
            assert (ROOT / target).exists(), target


def test_the_module_runs() -> None:
    """python -m actfn prints what is installed and its examples, without a warning."""
    text = processes.output("import runpy; runpy.run_module('actfn', run_name='__main__')")
    assert text.startswith(f"actfn    {actfn.__version__}")


def test_texts_survive_any_console() -> None:
    """Korean in the catalog hurts neither import nor help() where the console knows ASCII only."""
    code = "import actfn, pydoc; print(len(pydoc.plain(pydoc.render_doc(actfn.gelu))) > 100)"
    assert processes.output(code, LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0") == "True"


def values_of(text: str) -> list[Any]:
    return re.findall(r">>> (.*)", text)


def test_a_wrong_example_would_be_found() -> None:
    """The comparison is exact: one digit or one sign makes it fail."""
    right = ">>> actfn.gelu(np.array([-6.0, -0.0]))\narray([-5.91952587e-09, -0.00000000e+00])\n"
    assert run_examples(right, "right") == 1 and len(values_of(right)) == 1
    for wrong in (right.replace("587", "588"), right.replace("-0.0000", " 0.0000")):
        with pytest.raises(AssertionError):
            run_examples(wrong, "wrong")

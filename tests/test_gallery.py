"""The gallery runs: every script in a process of its own, block by block, with the examples in its texts."""

from __future__ import annotations

import ast
import doctest
import os
import re
import warnings
from pathlib import Path
from typing import Any

import pytest

from . import oracle, processes

GALLERY = Path(__file__).parent.parent / "gallery"
SCRIPTS = sorted(GALLERY.glob("**/*.py"))
TAG_LEVELS = {"beginner", "intermediate", "advanced"}


def blocks(source: str) -> list[tuple[str, str, int]]:
    """Kind, content and first line of each block: the docstring, the code, and the comments that begin with # %%."""
    tree = ast.parse(source)
    docstring, end = ast.get_docstring(tree, clean=False) or "", tree.body[0].end_lineno or 0
    found = [("text", docstring, 1)]
    lines = source.splitlines()
    k = end
    while k < len(lines):
        start, text = k, lines[k].startswith("# %%")
        k += 1
        if text:
            while k < len(lines) and lines[k].startswith("#"):
                k += 1
            found.append(("text", "\n".join(line[2:] for line in lines[start + 1 : k]) + "\n", start + 2))
        else:
            while k < len(lines) and not lines[k].startswith("# %%"):
                k += 1
            found.append(("code", "\n".join(lines[start:k]) + "\n", start + 1))
    return found


def checks(source: str) -> tuple[int, int]:
    """How many examples its texts have, and how many assertions its code."""
    parts = [(kind, content) for kind, content, _ in blocks(source)]
    return (
        sum(len(doctest.DocTestParser().get_examples(content)) for kind, content in parts if kind == "text"),
        sum(isinstance(node, ast.Assert) for k, c in parts if k == "code" for node in ast.walk(ast.parse(c))),
    )


def play(path: str) -> None:
    """Run a script as a page of the documentation does, and its examples where they stand, in the same names."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    # Without a screen, showing is not an error.
    warnings.filterwarnings("ignore", "FigureCanvasAgg is non-interactive", UserWarning)
    names: dict[str, Any] = {"__name__": "__main__"}
    runner, report = doctest.DocTestRunner(), []
    for kind, content, line in blocks(Path(path).read_text(encoding="utf-8")):
        if kind == "code":
            # Lines in front, so that a traceback says which line of the script it was.
            exec(compile("\n" * (line - 1) + content, path, "exec"), names)
            pages = [plt.figure(number) for number in plt.get_fignums()]
            for number, page in enumerate(pages):
                page.canvas.draw()
                if "ACTFN_GALLERY_FIGURES" in os.environ:
                    folder = GALLERY.parent / os.environ["ACTFN_GALLERY_FIGURES"]
                    folder.mkdir(parents=True, exist_ok=True)
                    page.savefig(folder / f"{Path(path).stem}-{line:03}-{number}.png")
            plt.close("all")
        else:
            examples = doctest.DocTestParser().get_doctest(content, names, Path(path).name, path, line - 1)
            runner.run(examples, out=report.append, clear_globs=False)
            assert not runner.failures, "".join(report)


@pytest.mark.skipif(not SCRIPTS, reason="needs the source tree")
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.stem)
def test_script_runs(script: Path) -> None:
    """Without a warning, with every assertion and example right; it leaves no figure open."""
    code = f"""
        import os, sys
        sys.path.insert(0, {str(GALLERY.parent)!r})
        os.chdir({str(script.parent)!r})
        from tests.test_gallery import play
        play({str(script)!r})
    """
    processes.output(code, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.stem)
def test_script_is_a_page(script: Path) -> None:
    """A title, a level for readers, text between the code, an example that runs, and assertions."""
    source = script.read_text(encoding="utf-8")
    title, line, *_ = (ast.get_docstring(ast.parse(source)) or "").splitlines()
    assert line == "=" * len(title) and len(title) > 10
    tags = re.search(r"^# sphinx_gallery_tags = (\[.*\])$", source, re.MULTILINE)
    assert tags and len(TAG_LEVELS.intersection(ast.literal_eval(tags[1]))) == 1
    assert sum(kind == "text" for kind, _, _ in blocks(source)) >= 3
    examples, assertions = checks(source)
    assert examples, "no >>> in its texts"
    assert assertions, "no claim is asserted"


@pytest.mark.skipif(not SCRIPTS, reason="needs the source tree")
@pytest.mark.parametrize("name", [n for n, row in oracle.ROWS.items() if row.kind != "elementwise"])
def test_function_is_shown(name: str) -> None:
    """A script calls it; those of one variable are all drawn in one script, which takes them from the catalog."""
    called = re.compile(rf"\bactfn\.(torch\.|layers\.)?({name}|{name}_backward|{oracle.ROWS[name].class_name})\b")
    assert any(called.search(script.read_text(encoding="utf-8")) for script in SCRIPTS), (
        "no page of the gallery uses it"
    )


def test_a_wrong_number_would_be_found(tmp_path: Path) -> None:
    """One digit of an example, or a false assertion, stops a script at its line."""
    right = '"""Title"""\n\nx = 2\n\n# %%\n# Text:\n#\n# >>> x + 1\n# 3\n\nassert x == 2\n'
    path = tmp_path / "script.py"
    path.write_text(right)
    play(str(path))
    assert checks(right) == (1, 1)
    for wrong, line in ((right.replace("# 3", "# 4"), "line 8"), (right.replace("== 2", "== 5"), None)):
        path.write_text(wrong)
        with pytest.raises(AssertionError, match=line):
            play(str(path))

"""One page per row of the catalog, an index of them all, and tables of measurements: a Sphinx extension.

Pages are written to docs/functions, which git ignores, where something that they are made of is newer than they are.
"""

import dataclasses
import inspect
import re
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import facts
import figures
import formulas
import jinja2
import measurements
import numpy as np
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.ext.napoleon import Config, NumpyDocstring
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

import actfn
from actfn._docstrings import PARAMETERS
from actfn.catalog import Activation, catalog

DOCS = Path(__file__).parents[1]
TARGET = DOCS / "functions"
PACKAGE = Path(actfn.__file__).parent
COMPUTED = [*PACKAGE.glob("*.py"), *PACKAGE.glob("*.so"), *PACKAGE.glob("*.pyd")]
# Pages about all rows, each with a template of its own.
INDEXES = ("index", "interface")
log = logging.getLogger(__name__)


# ---- reStructuredText -----------------------------------------------------------------------------------------


def table(lines: Iterable[Sequence[str]], classes: str = "") -> str:
    """A list-table whose first line is its head; "" where there is nothing below it."""
    head, *body = lines
    if not body:
        return ""
    text = [".. list-table::", "   :header-rows: 1", "   :align: left", f"   :class: {classes}" if classes else "", ""]
    for line in (head, *body):
        text += [f"   {' ' if k else '*'} - {cell}" for k, cell in enumerate(line)]
    return "\n".join(line.rstrip() for line in text)


def math(latex: str) -> str:
    return f":math:`{latex}`"


def linked(source: str) -> str:
    """Numbers of arXiv, and addresses, as links."""
    source = re.sub(r"arXiv:(\d{4}\.\d{4,5})", r"`arXiv:\1 <https://arxiv.org/abs/\1>`__", source)
    return re.sub(r"(?<!<)\b(https://[^\s;,>]+)(?![^<]*>)", r"`\1 <\1>`__", source)


def said(text: str) -> str:
    """Mathematics where the text is, and otherwise the words that they are."""
    try:
        return math(formulas.latex(text))
    except SyntaxError:
        return text


def title(text: str, line: str = "=") -> str:
    # Twice as wide as the text, for East Asian letters.
    return f"{text}\n{line * (2 * len(text))}"


def fields(function: Any) -> str:
    """Parameters, result and errors of a docstring in numpydoc form, as Sphinx wants them."""
    text = inspect.cleandoc(function.__doc__)
    sections = re.split(r"\n\n(?=[A-Z][\w ]+\n-+\n)", text)
    wanted = [s for s in sections if s.split("\n", 1)[0] in ("Parameters", "Returns", "Raises")]
    return str(NumpyDocstring("\n\n".join(wanted), Config(napoleon_use_rtype=False)))


def signature(name: str) -> str:
    """The call, without those keywords of NumPy's that every ufunc has."""
    function = getattr(actfn, name)
    if not isinstance(function, np.ufunc):
        return f"actfn.{name}{plain_signature(function)}"
    operands = [p.name for p in inspect.signature(function).parameters.values() if p.kind is p.POSITIONAL_ONLY]
    return f"actfn.{name}({', '.join(operands)}, /, out=None, *, where=True, dtype=None, **kwargs)"


def plain_signature(function: Any) -> str:
    """Without annotations, which say to a reader what the fields below say better."""
    signed = inspect.signature(function)
    plain = [p.replace(annotation=p.empty) for p in signed.parameters.values()]
    return str(signed.replace(parameters=plain, return_annotation=signed.empty))


# ---- A row ----------------------------------------------------------------------------------------------------


def properties(row: Activation) -> list[list[str]]:
    """The facts of a row in words: a name and what it is."""
    yes = {True: "yes", False: "no"}
    lines = [["Family", row.family]]
    if row.range:
        lines.append(["Range", math(formulas.interval(row.range))])
    for what, ends in (("Limits", row.limits), ("Limits of the derivative", row.slopes)):
        if ends:
            pairs = zip(ends, row.ends, strict=True)
            lines.append([what, ", ".join(" at ".join(math(formulas.latex(text)) for text in pair) for pair in pairs)])
    at = [f"{said(slope)} at {said(x)}" for x, slope in row.kinks.items()]
    lines.append(["Derivative at kinks", ", ".join(at) or "there are none"])
    if row.target:
        lines.append(["Target", row.target.replace("`", "``")])
    if row.edges:
        lines.append(["Infinities", re.sub(r"\boo\b", "∞", row.edges).replace("-∞", "−∞")])
    if row.kind == "elementwise":
        lines += [
            ["Monotonic", yes[row.monotonic]],
            ["Centred on zero", yes[row.zero_centered] + (", and odd" if row.odd else "")],
            ["Saturates", {"": "no", "both": "on both sides"}.get(row.saturates, f"on the {row.saturates}")],
        ]
    lines.append(["Smooth", yes[row.smooth]])
    if row.trains:
        lines.append(["Learned", ", ".join(f"``{name}``" for name in row.trains)])
    if row.aliases:
        lines.append(["Also known as", ", ".join(f"``{alias}``" for alias in row.aliases)])
    if row.source:
        lines.append(["Source", linked(row.source)])
    return lines


def saturation(row: Activation) -> list[list[str]]:
    """A line per dtype, of both sides."""
    lines: dict[str, list[list[str]]] = {}
    for found in facts.saturation(row):
        lines.setdefault(found.dtype, []).append([found.value, found.gradient])
    return [
        [
            dtype,
            *(
                " or ".join(x for x in dict.fromkeys(column) if x != "nowhere") or "nowhere"
                for column in zip(*sides, strict=True)
            ),
        ]
        for dtype, sides in lines.items()
    ]


def parameters(row: Activation) -> list[list[str]]:
    """Its own, and what other libraries leave to the caller where this one has an argument or another function."""
    arguments = inspect.signature(getattr(actfn, row.name)).parameters
    lines = [["parameter", "default", "what it is", "default in other libraries"]]
    for name in dict.fromkeys((*row.params, *row.elsewhere)):
        default = row.params[name] if name in row.params else arguments[name].default if name in arguments else ""
        what = row.param_docs.get(name) or PARAMETERS.get(name, ("", ""))[1]
        others = "; ".join(f"{value}: {libraries}" for value, libraries in row.elsewhere.get(name, {}).items())
        written = f"{default:.6g}" if isinstance(default, float) else f"{default}"
        shown = "required" if default is None else f"``{written}``" if written else ""
        lines.append([f"``{name}``" if name in arguments else name, shown, what, others.replace("-", "−")])
    filled = [k for k in range(len(lines[0])) if any(line[k] for line in lines[1:])]
    return [[line[k] for k in filled] for line in lines]


def context(row: Activation) -> dict[str, Any]:
    """All that the template of a page asks for."""
    names = [row.name, *(alias for alias in row.aliases if hasattr(actfn, alias))]
    tried = facts.mishaps(row)
    mishaps = [m for m in tried if m.error > 1]
    return {
        "row": row,
        "equations": formulas.equations(row),
        "definitions": formulas.definitions(row),
        "of_rows": formulas.of_rows(row),
        "alt": figures.draw(row, TARGET),
        "properties": table([["fact", "value"], *properties(row)], "facts"),
        "parameters": table(parameters(row), "parameters"),
        "saturation": table([["dtype", "the value is its limit", "the gradient is exactly 0"], *saturation(row)]),
        "tried": tried,
        "mishaps": mishaps,
        "mishap_table": table([["direction", "input", "as written", "actfn", "exact", "error as written"],
                               *([m.what, m.x, m.naive, m.ours, m.exact, f"{measurements.ulp(m.error)} ULP"]
                                 for m in mishaps)]),
        "accuracy": table([["library", "forward", "backward"], *measurements.accuracy(row.name)]),
        "drawn": f"{measurements.drawn_inputs(row.name):,}",
        "bounds": table([["dtype", "forward", "backward"],
                         *([dtype, *(f"{bound:g}" for bound in bounds)] for dtype, bounds in row.ulp.items())]),
        "cost": table(measurements.cost(row.name) or [[]], "measured"),
        "signatures": [signature(name) for name in names],
        "backward_signatures": [signature(f"{name}_backward") for name in names],
        "layer": f"actfn.layers.{row.class_name}{plain_signature(getattr(actfn.layers, row.class_name))}",
        "fields": fields(getattr(actfn, row.name)),
        "backward_fields": fields(getattr(actfn, f"{row.name}_backward")),
    }  # fmt: skip


def comparison() -> str:
    """The table of all functions."""
    lines = [
        [
            "curve",
            "function",
            "definition",
            "range",
            "properties",
            "parameters",
            "error, ULP",
            "ns per element",
            "family",
        ]
    ]
    for row in catalog.values():
        error = measurements.own_errors().get((row.name, "forward", "float32"))
        time, shape = measurements.nanoseconds(row.name), figures.spark(row)
        words = {"smooth": row.smooth, "monotonic": row.monotonic, "zero-centred": row.zero_centered, "odd": row.odd,
                 f"saturates {row.saturates}": row.saturates, "learned": row.trains}  # fmt: skip
        lines.append([
            f":raw-html:`{shape}`" if shape else "", f":doc:`{row.title} <{row.name}>`",
            math(formulas.latex(row.formula)), math(formulas.interval(row.range)) if row.range else "",
            ", ".join(word for word, holds in words.items() if holds), ", ".join(row.params),
            measurements.ulp(error), f"{time:.2f}" if time else "", row.family,
        ])  # fmt: skip
    return table(lines, "sortable functions")


def row_fields() -> str:
    """The fields of a row, with GELU's as an example."""
    row = catalog["gelu"]
    lines = [[f"``{field.name}``", f"``{getattr(row, field.name)!r}``"] for field in dataclasses.fields(row)]
    return table([["field", f"of {row.title}"], *(line for line in lines if line[0] != "``example``")])


# ---- Files ----------------------------------------------------------------------------------------------------


def write(path: Path, text: str) -> None:
    """Only a text that is another one: Sphinx reads what is newer again."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def documented(name: str) -> bool:
    """Whether a name of the package belongs to a row."""
    try:
        catalog.find(name.removesuffix("_backward"))
    except ValueError:
        return False
    return True


def generate(_app: Sphinx) -> None:
    """Write all pages, unless nothing that they are made of has changed since."""
    sources = [*COMPUTED, *measurements.RESULTS.glob("*.json"), *(DOCS / "_ext").glob("*.py"),
               *(DOCS / "_templates").glob("*.jinja"), DOCS.parent / "tests" / "oracle.py"]  # fmt: skip
    stamp = TARGET / ".stamp"
    if stamp.exists() and stamp.stat().st_mtime > max(path.stat().st_mtime for path in sources):
        return
    TARGET.mkdir(exist_ok=True)
    loader = jinja2.FileSystemLoader(DOCS / "_templates")
    environment = jinja2.Environment(
        loader=loader, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {"title": title, "indent": lambda text, by=3: textwrap.indent(text, " " * by)}
    page = environment.get_template("activation.rst.jinja")
    figures.draw_home(TARGET)
    log.info("writing a page for each of %d functions", len(catalog))
    for row in catalog.values():
        write(TARGET / f"{row.name}.rst", page.render(context(row)))
    families = {family: [row for row in catalog.values() if row.family == family] for family in figures.FAMILIES}
    others = [name for name in actfn.__all__ if callable(getattr(actfn, name)) and not documented(name)]
    known = {"comparison": comparison(), "families": families, "others": others, "fields": row_fields()}
    layers = {row.class_name for row in catalog.values()}
    known["layers"] = [name for name in actfn.layers.__all__ if name not in layers]
    for name in INDEXES:
        write(TARGET / f"{name}.rst", environment.get_template(f"{name}.rst.jinja").render(known))
    for path in TARGET.glob("*.rst"):
        if path.stem not in (*catalog, *INDEXES):
            path.unlink()
    stamp.touch()


# ---- Tables in other pages ------------------------------------------------------------------------------------


class Measured(SphinxDirective):
    """`.. measured:: race` puts a table of `TABLES` here."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        for path in measurements.RESULTS.glob("*.json"):
            self.env.note_dependency(str(path))
        return self.parse_text_to_nodes(TABLES[self.arguments[0]]())


def beside(errors: dict[tuple[str, str, str], float]) -> str:
    """A line per function and direction, a column per library, this one first."""
    libraries = list(dict.fromkeys(("actfn", *sorted(library for *_, library in errors))))
    lines = [["function", *libraries]]
    for name in dict.fromkeys(name for name, *_ in errors):
        for direction in measurements.DIRECTIONS:
            label = name if direction == "forward" else f"{name}_backward"
            found = [errors.get((name, direction, library)) for library in libraries]
            lines.append([f":func:`~actfn.{label}`", *map(measurements.ulp, found)])
    return table(lines, "sortable")


def choosing_table() -> str:
    """What a choice depends on: what comes out, what happens to the gradient, cost, and use."""
    lines = [["function", "range", "gradient", "largest slope", "slope at −3", "slope at 3", "mean output", "ns",
              "ns back", "what it is"]]  # fmt: skip
    for row in catalog.values():
        if row.kind == "elementwise":
            times = [measurements.nanoseconds(row.name, direction) for direction in measurements.DIRECTIONS]
            cells = [math(formulas.interval(row.range)), facts.trouble(row), *facts.behaviour(row)]
            cells += [f"{time:.2f}" if time else "" for time in times]
            lines.append([f":doc:`{row.title} </functions/{row.name}>`", *cells, row.summary])
    return table(lines, "sortable choosing")


def torch_table() -> str:
    head, *lines = measurements.beside_torch()
    return table([head, *([f":func:`~actfn.{name}`", *cells] for name, *cells in lines)], "sortable")


TABLES = {
    "race": lambda: table(measurements.race()),
    "accuracy": lambda: beside(measurements.swept_errors()),
    "drawn": lambda: beside(measurements.drawn_errors()),
    "choosing": choosing_table,
    "torch": torch_table,
}


def substitutions() -> str:
    """|worst float32| and the like, for every page."""
    return "\n".join(f".. |{name}| replace:: {value}" for name, value in measurements.headline().items())


def list_decisions(_app: Sphinx, name: str, source: list[str]) -> None:
    """The pages belong below their list, which is written for readers of the repository too."""
    if name == "decisions/README":
        source[0] += "\n```{toctree}\n:hidden:\n:glob:\n*\n```\n"


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("measured", Measured)
    app.connect("builder-inited", generate, priority=100)
    app.connect("source-read", list_decisions)
    # Before Sphinx looks for the images of a page, which it does at 500.
    app.connect("doctree-read", figures.thumbnails, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

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
    if row.kinks:
        at = [f"{said(slope)} at {said(x)}" for x, slope in row.kinks.items()]
        lines.append(["Derivative at kinks", ", ".join(at)])
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
        lines.append(["Also known as", ", ".join(row.aliases)])
    if row.source:
        lines.append(["Source", row.source])
    return lines


def parameters(row: Activation) -> list[list[str]]:
    lines = [
        [f"``{name}``", "required" if default is None else f"``{default:.6g}``", row.param_docs[name]]
        for name, default in row.params.items()
    ]
    return [["parameter", "default", "what it is"], *lines]


def context(row: Activation) -> dict[str, Any]:
    """All that the template of a page asks for."""
    names = [row.name, *(alias for alias in row.aliases if hasattr(actfn, alias))]
    elementwise = row.kind == "elementwise"
    mishaps = [m for m in facts.mishaps(row) if m.error > 1] if elementwise else []
    return {
        "row": row,
        "equations": formulas.equations(row),
        "definitions": formulas.definitions(row),
        "alt": figures.draw(row, TARGET),
        "properties": table([["fact", "value"], *properties(row)], "facts"),
        "parameters": table(parameters(row)),
        "saturation": table([["dtype", "the value is its limit", "the gradient is exactly 0"],
                             *([s.dtype, s.value, s.gradient] for s in facts.saturation(row))]),
        "mishaps": mishaps,
        "mishap_table": table([["direction", "x", "as written", "actfn", "exact", "error as written"],
                               *([m.what, f"{m.x:g}", m.naive, m.ours, m.exact, f"{measurements.ulp(m.error)} ULP"]
                                 for m in mishaps)]),
        "accuracy": table([["library", "forward", "backward"], *measurements.accuracy(row.name)]),
        "bounds": table([["dtype", "forward", "backward"],
                         *([dtype, *(f"{bound:g}" for bound in bounds)] for dtype, bounds in row.ulp.items())]),
        "cost": table(measurements.cost(row.name) or [[]]),
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


def accuracy_table() -> str:
    """Errors of all functions beside those of other libraries."""
    peers = list(dict.fromkeys(peer for *_, peer in measurements.peer_errors()))
    lines = [["function", "actfn", *peers]]
    for name in dict.fromkeys(name for name, *_ in measurements.own_errors()):
        for direction in measurements.DIRECTIONS:
            own = measurements.own_errors().get((name, direction, "float32"))
            errors = [measurements.peer_errors().get((name, direction, peer)) for peer in peers]
            label = name if direction == "forward" else f"{name}_backward"
            lines.append([f":func:`~actfn.{label}`", measurements.ulp(own), *map(measurements.ulp, errors)])
    return table(lines, "sortable")


def choosing_table() -> str:
    """What a choice depends on: cost, and what happens to the gradient."""
    lines = [["function", "ns per element", "largest slope", "gradient at −3", "mean output for normal input"]]
    for row in catalog.values():
        if row.kind == "elementwise":
            time = measurements.nanoseconds(row.name)
            lines.append([f":func:`~actfn.{row.name}`", f"{time:.2f}" if time else "", *facts.behaviour(row)])
    return table(lines, "sortable")


TABLES = {
    "race": lambda: table(measurements.race()),
    "accuracy": accuracy_table,
    "choosing": choosing_table,
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
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""One page per row of the catalog, an index of them all, and tables of measurements: a Sphinx extension.

Pages are written below build/docs, in every language, where something that they are made of is newer than they are.
"""

import dataclasses
import inspect
import pickle
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import facts
import figures
import formulas
import jinja2
import labels
import languages
import measurements
import numpy as np
import translated
from docutils import nodes
from languages import _, of
from sphinx.application import Sphinx
from sphinx.ext.napoleon import Config, NumpyDocstring
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

import actfn
from actfn._docstrings import PARAMETERS
from actfn.catalog import Activation, catalog

DOCS = Path(__file__).parents[1]
PACKAGE = Path(actfn.__file__).parent
COMPUTED = [*PACKAGE.glob("*.py"), *PACKAGE.glob("*.so"), *PACKAGE.glob("*.pyd")]
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
    return f":math:`{in_words(latex)}`"


def in_words(latex: str) -> str:
    """A formula with the words of SymPy in the language that is spoken; Korean says for which x behind the x."""
    before, after = _("for {condition}").split("{condition}")
    latex = re.sub(
        r"\\text\{for\}\\: (.+?)(?= \\\\| \\end)",
        lambda found: rf"\text{{{before}}}{found[1]}\text{{{after}}}", latex,
    )  # fmt: skip
    for text, said_text in (("otherwise", _("otherwise")), (" and ", _(" and "))):
        latex = latex.replace(rf"\text{{{text}}}", rf"\text{{{said_text}}}")
    return latex


def linked(source: str) -> str:
    """Numbers of arXiv, and addresses, as links."""
    source = re.sub(r"arXiv:(\d{4}\.\d{4,5})", r"`arXiv:\1 <https://arxiv.org/abs/\1>`__", source)
    return re.sub(r"(?<!<)\b(https://[^\s;,>]+)(?![^<]*>)", r"`\1 <\1>`__", source)


def said(text: str) -> str:
    """Mathematics where the text is, and otherwise the words that they are."""
    try:
        return math(formulas.latex(text))
    except SyntaxError:
        return _(text)


def title(text: str, line: str = "=") -> str:
    # Twice as wide as the text, for East Asian letters.
    return f"{text}\n{line * (2 * len(text))}"


def fields(function: Any, row: Activation) -> str:
    """Parameters, result and errors of a docstring in numpydoc form, as Sphinx wants them."""
    text = "\n".join(f"{head}\n    {in_row(said, row)}" if said else head for head, said in entries(function))
    return str(NumpyDocstring(text, Config(napoleon_use_rtype=False)))


def entries(function: Any) -> Iterator[tuple[str, str]]:
    """Headings of a docstring, names below them, and what is said of each."""
    sections = re.split(r"\n\n(?=[A-Z][\w ]+\n-+\n)", inspect.cleandoc(function.__doc__))
    for section in sections:
        if section.split("\n", 1)[0] in ("Parameters", "Returns", "Raises"):
            for entry in re.split(r"\n(?=\S)", section):
                head, *said = entry.strip().split("\n")
                yield head, " ".join(line.strip() for line in said)
            yield "", ""


def in_row(said: str, row: Activation) -> str:
    """What is said of a parameter or a result; rows say it in both languages."""
    own = {row.param_docs[name]: text for name, text in of(row, "param_docs").items()} | {row.target: of(row, "target")}
    return languages.apart(own[said]) if said in own else _(said)


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
    yes = {True: _("yes"), False: _("no")}
    lines = [[_("Family"), _(row.family)]]
    if row.range:
        lines.append([_("Range"), math(formulas.interval(row.range))])
    for what, ends in ((_("Limits"), row.limits), (_("Limits of the derivative"), row.slopes)):
        if ends:
            pairs = [[math(formulas.latex(text)) for text in pair] for pair in zip(ends, row.ends, strict=True)]
            lines.append([what, ", ".join(_("{value} at {place}", value=value, place=end) for value, end in pairs)])
    at = [_("{value} at {place}", value=said(slope), place=said(x)) for x, slope in row.kinks.items()]
    lines.append([_("Derivative at kinks"), ", ".join(at) or _("there are none")])
    if row.target:
        lines.append([_("Target"), languages.apart(re.sub("`+", "``", of(row, "target")))])
    if row.edges:
        # Korean particles are letters too.
        edges = re.sub(r"(?<![A-Za-z])oo(?![A-Za-z])", "∞", of(row, "edges"))
        lines.append([_("Infinities"), edges.replace("-∞", "−∞")])
    if row.kind == "elementwise":
        lines += [
            [_("Monotonic"), yes[row.monotonic]],
            [_("Centred on zero"), _("yes, and odd") if row.odd else yes[row.zero_centered]],
            [_("Saturates"), {"": _("no"), "both": _("on both sides"), "left": _("on the left"),
                              "right": _("on the right")}[row.saturates]],
        ]  # fmt: skip
    lines.append([_("Smooth"), yes[row.smooth]])
    if row.trains:
        lines.append([_("Learned"), ", ".join(f"``{name}``" for name in row.trains)])
    if row.aliases:
        lines.append([_("Also known as"), ", ".join(f"``{alias}``" for alias in row.aliases)])
    if row.source:
        lines.append([_("Source"), linked(row.source)])
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
                _(" or ").join(x for x in dict.fromkeys(column) if x != "nowhere") or _("nowhere")
                for column in zip(*sides, strict=True)
            ),
        ]
        for dtype, sides in lines.items()
    ]


def parameters(row: Activation) -> list[list[str]]:
    """Its own, and what other libraries leave to the caller where this one has an argument or another function."""
    arguments = inspect.signature(getattr(actfn, row.name)).parameters
    lines = [[_("parameter"), _("default"), _("what it is"), _("default in other libraries")]]
    for name in dict.fromkeys((*row.params, *row.elsewhere)):
        default = row.params[name] if name in row.params else arguments[name].default if name in arguments else ""
        what = of(row, "param_docs").get(name) or _(PARAMETERS.get(name, ("", ""))[1])
        others = "; ".join(f"{_(value)}: {_(libraries)}" for value, libraries in row.elsewhere.get(name, {}).items())
        written = f"{default:.6g}" if isinstance(default, float) else f"{default}"
        shown = _("required") if default is None else f"``{written}``" if written else ""
        label = f"``{name}``" if name in arguments else _(name)
        lines.append([label, shown, languages.apart(what), others.replace("-", "−")])
    filled = [k for k in range(len(lines[0])) if any(line[k] for line in lines[1:])]
    return [[line[k] for k in filled] for line in lines]


def letters(row: Activation) -> list[str]:
    """What stands in the equations of images and of rows, a sentence for each letter."""
    if row.kind == "spatial" and row.trains:
        return [_("``T`` is the weighted sum of the 3x3 window around the pixel ``x``.")]
    if not formulas.of_rows(row):
        return []
    said = [_("``x`` is a row of ``n`` entries.")]
    if "loss" in row.kind:
        said.append(_("``t`` is the class that is correct."))
    elif "g(" in row.derivative:
        said.append(_("``y`` is the result, and ``g`` the gradient with respect to it."))
    else:
        said.append(_("``y`` is the result."))
    if "G(" in row.formula:
        said.append(_("``G`` is noise."))
    if ", k)" in row.formula:
        said.append(_("``k`` is the place of the largest entry."))
    if "tau" in row.formula and "tau" not in row.params:
        said.append(_("τ is the number that makes the results sum to 1."))
    return said


def context(row: Activation) -> dict[str, Any]:
    """All that the template of a page asks for."""
    names = [row.name, *(alias for alias in row.aliases if hasattr(actfn, alias))]
    tried = facts.mishaps(row)
    mishaps = [m for m in tried if m.error > 1]
    return {
        "row": row,
        "equations": [in_words(equation) for equation in formulas.equations(row)],
        "by_row": formulas.of_rows(row),
        "definitions": [in_words(equation) for equation in formulas.definitions(row)],
        "letters": letters(row),
        "alt": figures.draw(row, languages.source() / "functions"),
        "heading": languages.heading(row),
        "names": dict.fromkeys((row.title, of(row, "title"), *row.aliases)),
        "summary": of(row, "summary"),
        "title": of(row, "title"),
        "properties": table([[_("fact"), _("value")], *properties(row)], "facts"),
        "parameters": table(parameters(row), "parameters"),
        "saturation": table([["dtype", _("the value is its limit"), _("the gradient is exactly 0")], *saturation(row)]),
        "tried": tried,
        "mishaps": mishaps,
        "mishap_table": table([[_("direction"), _("input"), _("as written"), "actfn", _("exact"),
                                _("error as written")],
                               *([_(m.what), m.x, m.naive, m.ours, m.exact, f"{measurements.ulp(m.error)} ULP"]
                                 for m in mishaps)], "measured"),
        "accuracy": table([[_("library"), _("forward"), _("backward")], *measurements.accuracy(row.name)]),
        "drawn": f"{measurements.drawn_inputs(row.name):,}",
        "bounds": table([["dtype", _("forward"), _("backward")],
                         *([dtype, *(f"{bound:g}" for bound in bounds)] for dtype, bounds in row.ulp.items())]),
        "cost": table(measurements.cost(row.name) or [[]], "measured"),
        "signatures": [signature(name) for name in names],
        "backward_signatures": [signature(f"{name}_backward") for name in names],
        "layer": f"actfn.layers.{row.class_name}{plain_signature(getattr(actfn.layers, row.class_name))}",
        "fields": fields(getattr(actfn, row.name), row),
        "backward_fields": fields(getattr(actfn, f"{row.name}_backward"), row),
    }  # fmt: skip


def comparison() -> str:
    """The table of all functions."""
    lines = [
        [
            _("curve"),
            _("function"),
            _("definition"),
            _("range"),
            _("properties"),
            _("parameters"),
            _("error, ULP"),
            _("ns per element"),
            _("family"),
        ]
    ]
    for row in catalog.values():
        error = measurements.own_errors().get((row.name, "forward", "float32"))
        time, shape = measurements.nanoseconds(row.name), figures.spark(row)
        words = {_("smooth"): row.smooth, _("monotonic"): row.monotonic, _("zero-centred"): row.zero_centered,
                 _("odd"): row.odd, _(f"saturates {row.saturates}"): row.saturates,
                 _("learned"): row.trains}  # fmt: skip
        lines.append([
            f":raw-html:`{shape}`" if shape else "", f":doc:`{languages.heading(row)} <{row.name}>`",
            math(formulas.latex(row.formula)), formulas.plain_interval(row.range),
            ", ".join(word for word, holds in words.items() if holds), ", ".join(row.params),
            measurements.ulp(error), f"{time:.2f}" if time else "", _(row.family),
        ])  # fmt: skip
    return table(lines, "sortable functions")


def row_fields() -> str:
    """The fields of a row, with GELU's as an example."""
    row = catalog["gelu"]
    lines = [[f"``{field.name}``", f"``{getattr(row, field.name)!r}``"] for field in dataclasses.fields(row)]
    return table([["field", f"of {row.title}"], *(line for line in lines if line[0] != "``example``")])


# ---- Files ----------------------------------------------------------------------------------------------------


def documented(name: str) -> bool:
    """Whether a name of the package belongs to a row."""
    try:
        catalog.find(name.removesuffix("_backward"))
    except ValueError:
        return False
    return True


def generate(app: Sphinx) -> None:
    """Write all pages in every language, unless nothing that they are made of has changed since."""
    if app.builder.name == "gettext":
        # Of these pages one is translated as what is written by hand is; the other is only named.
        interface(Path(app.srcdir) / "functions")
        languages.write(Path(app.srcdir) / "functions" / "index.rst", title("Functions"))
        return
    if languages.spoken() != "en":
        return
    sources = [*COMPUTED, *measurements.RESULTS.glob("*.json"), *(DOCS / "_ext").glob("*.py"),
               *(DOCS / "_templates").glob("*.jinja"), DOCS.parent / "tests" / "oracle.py",
               *languages.LOCALE.glob("*/LC_MESSAGES/pages.po"),
               *languages.LOCALE.glob("*/LC_MESSAGES/figures.po")]  # fmt: skip
    stamp = languages.source() / "functions" / ".stamp"
    if stamp.exists() and stamp.stat().st_mtime > max(path.stat().st_mtime for path in sources):
        return
    with labels.noted() as words:
        for language in languages.LANGUAGES:
            with languages.speaking(language):
                generate_edition(languages.source() / "functions")
    labels.write("functions", words)
    stamp.touch()


def environment() -> jinja2.Environment:
    loader = jinja2.FileSystemLoader(DOCS / "_templates")
    made = jinja2.Environment(loader=loader, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    made.filters |= {"title": title, "indent": lambda text, by=3: textwrap.indent(text, " " * by)}
    made.globals |= {"_": _}
    return made


def interface(target: Path) -> None:
    """What the package has besides the functions; Sphinx translates it as it does what is written by hand."""
    target.mkdir(parents=True, exist_ok=True)
    names = [name for name in actfn.__all__ if callable(getattr(actfn, name)) and not documented(name)]
    rows = {row.class_name for row in catalog.values()}
    layers = [name for name in actfn.layers.__all__ if name not in rows]
    text = environment().get_template("interface.rst.jinja").render(others=names, layers=layers, fields=row_fields())
    languages.write(target / "interface.rst", text)


def generate_edition(target: Path) -> None:
    """The pages in the language that is spoken."""
    target.mkdir(parents=True, exist_ok=True)
    page = environment().get_template("activation.rst.jinja")
    figures.draw_home(target)
    log.info("writing a page for each of %d functions in %s", len(catalog), languages.LANGUAGES[languages.spoken()])
    for row in catalog.values():
        languages.write(target / f"{row.name}.rst", page.render(context(row)))
    families = {_(family): [row for row in catalog.values() if row.family == family] for family in figures.FAMILIES}
    index = environment().get_template("index.rst.jinja").render(comparison=comparison(), families=families)
    languages.write(target / "index.rst", index)
    interface(target)
    for path in target.glob("*.rst"):
        if path.stem not in (*catalog, "index", "interface"):
            path.unlink()


def words() -> Iterator[str]:
    """What pages take from rows and docstrings and `_` looks up, for those who translate."""
    for row in catalog.values():
        yield row.family
        if row.saturates:
            yield f"saturates {row.saturates}"
        for pair in row.kinks.items():
            yield from (text for text in pair if said(text) == text)
        for name, others in row.elsewhere.items():
            # Numbers, names of libraries and of arguments are the same everywhere.
            yield from (text for pair in others.items() for text in pair if re.search(r"(?<!\w)[a-z]|'s", text))
            yield from [name] if " " in name else []
        for name in (row.name, f"{row.name}_backward"):
            described = {text for _head, text in entries(getattr(actfn, name))}
            yield from sorted(described - {"", *row.param_docs.values(), row.target})
    for path in (DOCS.parent / "gallery").glob("*.py"):
        yield from translated.tags(path)
    yield from measurements.reliability_words()


# ---- Tables in other pages ------------------------------------------------------------------------------------


class Measured(SphinxDirective):
    """`.. measured:: race` puts a table of `TABLES` here."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        for path in (*measurements.RESULTS.glob("*.json"), *measurements.RECORDS.glob("*.json")):
            self.env.note_dependency(str(path))
        # Tables are made in the language of the page; there is nothing to extract.
        if self.env.srcdir == languages.source("gettext"):
            return []
        return self.parse_text_to_nodes(TABLES[self.arguments[0]]())


def beside(errors: dict[tuple[str, str, str], float]) -> str:
    """A line per function and direction, a column per library, this one first."""
    libraries = list(dict.fromkeys(("actfn", *sorted(library for *_rest, library in errors))))
    lines = [[_("function"), *libraries]]
    for name in dict.fromkeys(name for name, *_rest in errors):
        for direction in measurements.DIRECTIONS:
            label = name if direction == "forward" else f"{name}_backward"
            found = [errors.get((name, direction, library)) for library in libraries]
            lines.append([f":func:`~actfn.{label}`", *map(measurements.ulp, found)])
    return table(lines, "sortable")


def choosing_table() -> str:
    """What a choice depends on: what comes out, what happens to the gradient, cost, and use."""
    lines = [[_("function"), _("range"), _("gradient"), _("largest slope"), _("slope at −3"), _("slope at 3"),
              _("mean output"), _("ns"), _("ns back"), _("what it is")]]  # fmt: skip
    for row in catalog.values():
        if row.kind == "elementwise":
            times = [measurements.nanoseconds(row.name, direction) for direction in measurements.DIRECTIONS]
            cells = [formulas.plain_interval(row.range), facts.trouble(row), *facts.behaviour(row)]
            cells += [f"{time:.2f}" if time else "" for time in times]
            lines.append([f":doc:`{languages.heading(row)} </functions/{row.name}>`", *cells, of(row, "summary")])
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
    "situations": lambda: table(measurements.situations()),
    "runs": lambda: table(measurements.runs()),
    "mended": lambda: "\n".join(f"- {languages.apart(text)}" for text in measurements.mended()),
}


def substitutions() -> str:
    """|worst float32| and the like, for every page."""
    return "\n".join(f".. |{name}| replace:: {value}" for name, value in measurements.headline().items())


def list_decisions(_app: Sphinx, name: str, source: list[str]) -> None:
    """The pages belong below their list, which is written for readers of the repository too."""
    if name == "decisions/README":
        source[0] += "\n```{toctree}\n:hidden:\n:glob:\n*\n```\n"


def keep_index(app: Sphinx, exception: Exception | None) -> None:
    """Sphinx saves what it knows before it writes: the search would lose the index of pages not written again."""
    if exception is None:
        (Path(app.doctreedir) / "environment.pickle").write_bytes(pickle.dumps(app.env, pickle.HIGHEST_PROTOCOL))


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("measured", Measured)
    app.connect("config-inited", lambda _app, config: setattr(config, "rst_epilog", substitutions()))
    app.connect("builder-inited", generate, priority=100)
    app.connect("builder-inited", labels.draw_again, priority=100)
    app.connect("env-before-read-docs", translated.generated)
    app.connect("source-read", list_decisions)
    app.connect("build-finished", keep_index)
    # Before Sphinx looks for the images of a page, which it does at 500.
    app.connect("doctree-read", figures.thumbnails, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

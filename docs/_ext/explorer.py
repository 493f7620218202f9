"""The explorer on its page and on that of every activation: a Sphinx extension. What it does is in explorer.js."""

import html
import json
from pathlib import Path
from typing import Any, ClassVar

import figures
import javascript
from docutils import nodes
from docutils.parsers.rst import directives
from languages import _
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

# `make docs` puts it there: the charts, 50 KB, without dependencies.
UPLOT = Path(__file__).parents[2] / "build" / "uplot"


def words() -> dict[str, str]:
    """All that the explorer says."""
    return {
        "open": _("Try it: move x, the parameters and the number of layers"),
        "open_row": _("Try it: move the scores and the parameters"),
        "curves": _("The functions, and dashed their derivatives."),
        "dashed": _(
            "Solid lines are functions, dashed ones derivatives. Point at the chart, or move x, to read values."
        ),
        "depth": _("The size of the gradient after each layer."),
        "stacked": _(
            "The gradient that is left after so many layers z = f(weight · z), on a logarithmic scale, from x on."
        ),
        "layer": _("layer"),
        "layers": _("layers"),
        "weight": _("weight"),
        "function": _("function"),
        "functions": _("Functions"),
        "through": _("after the layers"),
        "row": _("A row of scores, and what becomes of it"),
        "noise": _("Draw noise"),
        "filter": _("Filter functions"),
        "without": _("Without JavaScript there is nothing to move; the figures of the pages stay."),
    }


class Explorer(SphinxDirective):
    """`.. explorer::` with the name of a function, or with nothing for all of them."""

    optional_arguments = 1
    option_spec: ClassVar = {"row": directives.flag}

    def run(self) -> list[nodes.Node]:
        texts = words()
        given = html.escape(json.dumps(texts, ensure_ascii=False))
        missing = f"<noscript><p>{texts['without']}</p></noscript>"
        if self.arguments:
            opened = texts["open_row" if "row" in self.options else "open"]
            text = (f'<details class="explorer" data-name="{self.arguments[0]}" data-words="{given}">'
                    f"<summary>{opened}</summary>{missing}</details>")  # fmt: skip
        else:
            text = f'<div class="explorer" data-words="{given}">{missing}</div>'
        return [nodes.raw("", text, format="html")]


def write(app: Sphinx) -> None:
    """Scripts that are made while the site is, beside those that are copied."""
    if not UPLOT.exists():
        raise ExtensionError(f"{UPLOT} has no uPlot; `make docs` installs it")
    folder = Path(app.outdir, "_static")
    folder.mkdir(parents=True, exist_ok=True)
    colors = f"const COLORS = {json.dumps(figures.COLORS)};\n"
    (folder / "activations.js").write_text(javascript.script() + colors, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("explorer", Explorer)
    app.connect("config-inited", lambda _app, config: config.html_static_path.append(str(UPLOT / "static")))
    app.connect("build-finished", lambda app, error: error or write(app))
    app.add_js_file("explorer.js", loading_method="defer")
    return {"parallel_read_safe": True, "parallel_write_safe": True}

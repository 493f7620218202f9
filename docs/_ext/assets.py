"""What browsers load with a page is what the page uses, and images keep their place: a Sphinx extension."""

from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.images import get_image_size
from sphinx.writers.html5 import HTML5Translator

# How the names of files begin that extensions load on every page, and what is in pages that use them.
USED_BY = {
    "explorer.js": 'class="explorer"',
    "katex": 'class="katex"',
    "sg_gallery": "sphx-glr-",
    "sg_gallery-binder": "binder-badge",
    "sg_gallery-dataframe": "dataframe",
    "sg_gallery-rendered-html": "rendered_html",
    "sg-tags.js": "sphx-glr-",
    "sphinx-design": "sd-",
    "design-tabs.js": "sd-tab-",
}


def pick(_app: Sphinx, _name: str, _template: str, context: dict[str, Any], _document: Any) -> None:
    """Only the stylesheets and scripts that a page uses."""
    body = context.get("body", "")
    unused = tuple(begin for begin, sign in USED_BY.items() if sign not in body)
    for kind in ("css_files", "script_files"):
        context[kind] = [file for file in context[kind] if not Path(file.filename or "").name.startswith(unused)]


def visit_image(self: HTML5Translator, image: nodes.image) -> None:
    """Width and height as attributes: the text below does not jump when the image comes."""
    size = get_image_size(str(Path(self.builder.srcdir) / image["uri"].lstrip("/")))
    HTML5Translator.visit_image(self, image)
    if size is not None:
        self.body[-1] = self.body[-1].replace("<img ", f'<img width="{size[0]}" height="{size[1]}" ', 1)


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_node(nodes.image, override=True, html=(visit_image, HTML5Translator.depart_image))
    # After those who add some for a page.
    app.connect("html-page-context", pick, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

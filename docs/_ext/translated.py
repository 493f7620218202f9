"""What the pages of an edition need besides the texts that gettext translates: a Sphinx extension."""

import ast
import html
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import sphinx_gallery.directives
from docutils import nodes
from languages import BUILD, FOLDERS, LANGUAGES, LOCALE, _, _spoken, apart, messages, spoken
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx_gallery._doctree_links import code_links_block
from sphinx_gallery.gen_rst import _sanitize_rst

log = logging.getLogger(__name__)

# ---- Pages of sphinx-gallery ----------------------------------------------------------------------------------

# Its fixed texts, which have no translations of their own; what varies is in brackets. As in reStructuredText.
BOILERPLATE = {
    r"\*\*Total running time of the script:\*\* \(([\d.]+) minutes ([\d.]+) seconds\)":
        "**Total running time of the script:** ({0} minutes {1} seconds)",
    r":download:`Download Jupyter notebook: ([^<`]+) <([^>]+)>`": ":download:`Download Jupyter notebook: {0} <{1}>`",
    r":download:`Download Python source code: ([^<`]+) <([^>]+)>`":
        ":download:`Download Python source code: {0} <{1}>`",
    r":download:`Download zipped: ([^<`]+) <([^>]+)>`": ":download:`Download zipped: {0} <{1}>`",
    r":download:`Download all examples in Python source code: ([^<`]+) <([^>]+)>`":
        ":download:`Download all examples in Python source code: {0} <{1}>`",
    r":download:`Download all examples in Jupyter notebooks: ([^<`]+) <([^>]+)>`":
        ":download:`Download all examples in Jupyter notebooks: {0} <{1}>`",
}  # fmt: skip


# That there are downloads at the end, which is where they are seen; every summary of a search began with it.
NOTE = re.compile(r"\.\. only:: html\n\n +\.\. note::\n +:class: sphx-glr-download-link-note\n(\n* {8}.+)+")

# What figures of the gallery say to those who do not see them, by name; labels.py fills it.
ALTERNATIVES: dict[str, str] = {}


def fixed_texts(app: Sphinx, name: str, text: list[str]) -> None:
    """Those of sphinx-gallery, and the texts for who does not see its figures, before a page is read."""
    if not name.startswith("auto_gallery/"):
        return
    text[0] = NOTE.sub("", text[0])
    if spoken() == "en":
        return
    app.env.note_dependency(str(LOCALE / spoken() / "LC_MESSAGES" / "pages.po"))
    for pattern, said in BOILERPLATE.items():
        text[0] = re.sub(pattern, lambda found, said=said: _(said).format(*found.groups()), text[0])
    text[0] = re.sub(r"(🏷 )Tags: (.+)", lambda found: found[1] + said_tags(found[2]), text[0])
    text[0] = re.sub(
        r"(\.\. image:: \S*/(\w+?)(?:_dark)?\.png\n(?: +:\w+:.*\n)*? +:alt: )(.+)",
        lambda found: found[1] + (ALTERNATIVES.get(found[2]) or found[3]), text[0],
    )  # fmt: skip


def thumbnails(_app: Sphinx, document: nodes.document) -> None:
    """Titles and introductions in the grids of examples, which sphinx-gallery writes as HTML."""
    if spoken() == "en":
        return

    def translated(text: str) -> str:
        plain = html.unescape(text)
        return html.escape(introductions().get(plain, plain))

    for raw in document.findall(nodes.raw):
        text = raw.astext()
        if "sphx-glr-thumb" in text:
            text = re.sub(r'(tooltip=")([^"]*)', lambda found: found[1] + translated(found[2]), text)
            text = re.sub(r"(data-sgtags=')([^']*)", lambda found: found[1] + translated_tags(found[2]), text)
            text = re.sub(r'(thumbnail-title">)(.*?)(?=<)', lambda found: found[1] + translated(found[2]), text)
            raw.children = [nodes.Text(text)]
            raw.rawsource = text


def tags(script: Path) -> list[str]:
    """Of a page of the gallery."""
    found = re.search(r"^# sphinx_gallery_tags = (\[.*\])$", script.read_text(encoding="utf-8"), re.MULTILINE)
    return ast.literal_eval(found[1]) if found else []


def said_tags(names: str) -> str:
    return _("Tags: {names}", names=", ".join(map(_, names.split(", "))))


def translated_tags(attribute: str) -> str:
    said = [_(tag) for tag in json.loads(html.unescape(attribute))]
    return html.escape(json.dumps(said, ensure_ascii=False), quote=False)


@cache
def introductions() -> dict[str, str]:
    """Titles and first paragraphs of the gallery's pages, without markup, and what they are in the other language."""
    found = {}
    for path in (LOCALE / spoken() / "LC_MESSAGES" / "auto_gallery").glob("*.po"):
        for text, said in messages(spoken(), f"auto_gallery/{path.stem}").items():
            found[_sanitize_rst(text)] = _sanitize_rst(apart(said)).replace("\\ ", "")
    return found


class Wide(str):
    """A heading whose letters count twice, as East Asian ones do where it is underlined."""

    def __len__(self) -> int:
        return 2 * super().__len__()


class MiniGallery(sphinx_gallery.directives.MiniGallery):
    def run(self) -> list[Any]:
        if "add-heading" in self.options:
            self.options["add-heading"] = Wide(self.options["add-heading"])
        return super().run()


# Where markup may stand that is shown as it is.
VERBATIM = (nodes.literal, nodes.literal_block, nodes.doctest_block, nodes.math, nodes.math_block, nodes.raw,
            nodes.comment, nodes.FixedTextElement, nodes.Invisible, addnodes.literal_strong,
            addnodes.desc_signature, code_links_block)  # fmt: skip


def stray_markup(_app: Sphinx, document: nodes.document, name: str) -> None:
    """A warning for every backtick or asterisk that a reader would see: a particle has touched it."""
    if spoken() == "en":
        return
    # Markdown has no substitutions, and absolute values in its text.
    bars = "" if str(document["source"]).endswith(".md") else r"|\|\w+\|"
    for text in document.findall(nodes.Text):
        ancestor, verbatim = text.parent, False
        while ancestor is not None and not verbatim:
            verbatim, ancestor = isinstance(ancestor, VERBATIM), ancestor.parent
        if not verbatim and re.search(r"`|\*\*|(?<!\w)\*\w|\w\*(?!\w)" + bars, text.astext()):
            log.warning("markup is shown as it is: %r", text.astext(), location=name)


# ---- The same page in another language ------------------------------------------------------------------------


def other_pages(app: Sphinx, name: str, _template: str, context: dict[str, Any], _document: Any) -> None:
    """For templates: name and relative address of this page in every other language, and in this one."""
    root = "../" * (name.count("/") + FOLDERS[app.config.language].count("/"))
    context["editions"] = [
        {"code": code, "name": LANGUAGES[code], "url": f"{root}{FOLDERS[code]}{name}.html"} for code in LANGUAGES
    ]


def generated(app: Sphinx, *_rest: Any) -> None:
    """Other editions wait for this file."""
    if spoken() == "en" and app.builder.name == "html":
        (BUILD / "generated").touch()


def both_names(_app: Sphinx, document: nodes.document) -> None:
    """A term of the glossary, 손실(loss), is found by the one name and by the other."""
    for index in document.findall(addnodes.index) if spoken() != "en" else ():
        for kind, text, *rest in list(index["entries"]):
            found = re.fullmatch(r"(.*[가-힣][^(]*?) ?\(([^()]+)\)", text)
            index["entries"] += [(kind, name, *rest) for name in (found.groups() if found else ())]


def begin(_app: Sphinx, config: Any) -> None:
    """All that this process writes is in the language of its edition; the theme does not translate its search box."""
    _spoken[:] = [config.language]
    config.html_theme_options["search_bar_text"] = _("Search the docs ...")
    config.copyright = config.copyright.replace(config.author, _("The actfn developers"))


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("config-inited", begin, priority=100)
    app.add_directive("minigallery", MiniGallery, override=True)
    app.connect("source-read", fixed_texts)
    # Before figures.thumbnails, which takes titles from there.
    app.connect("doctree-read", thumbnails, priority=390)
    app.connect("doctree-resolved", stray_markup)
    app.connect("html-page-context", other_pages)
    app.connect("doctree-read", both_names)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

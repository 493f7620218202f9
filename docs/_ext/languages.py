"""The site in several languages: which there are, where each is built, and how a text is said in another.

English is written, Korean is looked up in docs/locale. `editions.py` builds both, `translated.py` is what Sphinx needs
for the pages of an edition; this is what all parts share.
"""

import contextlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from actfn.catalog import Activation

DOCS = Path(__file__).parents[1]
BUILD = DOCS.parent / "build" / "docs"
LOCALE = DOCS / "locale"
# The first is the one that sources are written in. Names are those that a reader looks for.
LANGUAGES = {"en": "English", "ko": "한국어"}
# Where each starts, below build/docs/html.
FOLDERS = {"en": "", "ko": "ko/"}
_spoken = ["en"]


def spoken() -> str:
    return _spoken[-1]


@contextlib.contextmanager
def speaking(language: str) -> Iterator[None]:
    """What is written inside is in another language."""
    _spoken.append(language)
    try:
        yield
    finally:
        _spoken.pop()


def source(language: str | None = None) -> Path:
    """What Sphinx reads: links to what is written, and what is generated."""
    return BUILD / (language or spoken()) / "docs"


def write(path: Path, text: str) -> None:
    """Only a text that is another one: Sphinx reads what is newer again."""
    content = text.encode()
    if not path.exists() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


# ---- Words ----------------------------------------------------------------------------------------------------


@cache
def messages(language: str, domain: str) -> dict[str, str]:
    """What is translated, from docs/locale/<language>/LC_MESSAGES/<domain>.po."""
    path = LOCALE / language / "LC_MESSAGES" / f"{domain}.po"
    if not path.exists():
        return {}
    # Where only English is spoken, nothing but Python's own library is needed.
    from babel.messages.pofile import read_po

    with path.open("rb") as file:
        return {str(m.id): str(m.string) for m in read_po(file) if m.id and m.string and not m.fuzzy}


def _(text: str, /, **values: Any) -> str:
    """A text of a generated page in the language that is spoken, with {values} filled in."""
    said = text if spoken() == "en" else messages(spoken(), "pages").get(text, text)
    said = said.format(**values) if values else said
    # What is filled in may be markup too.
    return said if spoken() == "en" else apart(said)


def of(row: Activation, field: str) -> Any:
    """A field of a row; what is a sentence, each row says in every language."""
    if spoken() == "en":
        return getattr(row, field)
    found = getattr(row, f"{field}_{spoken()}")
    return apart(found) if isinstance(found, str) else found


def heading(row: Activation) -> str:
    """The title of a page: Korean readers look for both names."""
    own = of(row, "title")
    return own if row.title in own else f"{own} · {row.title}"


# Markup of reStructuredText that must not touch a letter, and Korean particles, which touch what they belong to.
MARKUP = re.compile(
    r"``.+?``|(?::[\w:+.-]+:)?`[^`]+`_{0,2}|\*\*[^*\s](?:[^*]*[^*\s])?\*\*|(?<![\w*])\*[^*\s](?:[^*]*[^*\s])?\*(?!\*)"
    r"|(?<!\w)\|[^|\s][^|]*\|(?!\w*\|)",
    re.DOTALL,
)


def apart(text: str) -> str:
    """The text with an escaped space, which is not shown, wherever a letter touches markup."""
    parts, end = [], 0
    for found in MARKUP.finditer(text):
        parts += [text[end : found.start()], "\\ " if re.search(r"[^\W_]$", text[end : found.start()]) else ""]
        parts += [found[0], "\\ " if re.match(r"\w", text[found.end() :]) else ""]
        end = found.end()
    return "".join([*parts, text[end:]])

"""Words in figures in another language. Scripts and painters say them in English and know nothing of it."""

import contextlib
import importlib.util
import json
import logging as python_logging
import re
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import languages
import matplotlib as mpl
import matplotlib.pyplot as plt
import translated
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.text import Text
from sphinx.application import Sphinx
from sphinx.util import logging

from actfn.catalog import catalog

log = logging.getLogger(__name__)
# Letters that matplotlib's own font does not have. The package is not imported: it needs distutils.
FONT = "NanumGothic"
_package = importlib.util.find_spec("koreanize_matplotlib")
assert _package is not None and _package.origin is not None
for _weight in ("", "Bold"):
    font_manager.fontManager.addfont(Path(_package.origin).parent / "fonts" / f"{FONT}{_weight}.ttf")

# A letter that no font has is an error, and not a box.
warnings.filterwarnings("error", message="Glyph .* missing")


def refuse(record: python_logging.LogRecord) -> bool:
    if "does not have a glyph" in record.getMessage():
        raise ValueError(record.getMessage())
    return True


python_logging.getLogger("matplotlib.mathtext").addFilter(refuse)

# Mathematics and numbers are the same in every language; texts that differ in them alone are one message.
SAME = re.compile(r"\$[^$]*\$|[−-]?\d[\d,]*(?:\.\d+)?(?:e[+−-]?\d+)?")
HANGUL = re.compile("[가-힣]")
# Words of everyday English too, as axes have them.
WORDS_TOO = {"bias", "scale", "slope", "step", "temperature", "threshold", "value", "weight"}
TITLES = {row.title for row in catalog.values()}
# Names, in any spelling.
NAMES = {name for row in catalog.values() for name in (row.name, f"{row.name}_backward", *row.params)} | TITLES
NAMES -= WORDS_TOO
NAMES |= {"actfn", "NumPy", "PyTorch", "JAX", "SciPy", "float16", "float32", "float64", "bfloat16"}
WORDS = Path(languages.BUILD) / "words"
_met: dict[str, None] = {}


def key(text: str) -> str:
    """The text with {} in place of what is the same in every language."""
    return SAME.sub("{}", text.replace("{", "{{").replace("}", "}}"))


def said(text: str) -> str:
    """In the language that is spoken."""
    words = re.sub(r"\{\}|[\W\d_]+", " ", key(text)).split()
    if text in NAMES or not any(len(word) > 1 for word in words) or HANGUL.search(text):
        return text
    _met[key(text)] = None
    found = languages.messages(languages.spoken(), "figures").get(key(text))
    return found.format(*SAME.findall(text)) if found else text


def translate(figure: Figure) -> None:
    """Every text of a figure, and those that ticks write while it is drawn."""
    if languages.spoken() == "en":
        return
    figure.draw_without_rendering()
    for text in figure.findobj(Text):
        text.set_text(text.get_text())


def set_text(self: Text, text: Any) -> None:
    # A text that is being made gets its words before its font. What is set in monospace is code.
    made = hasattr(self, "_fontproperties")
    code = made and self.get_fontfamily() == ["monospace"]
    plain_set_text(self, said(text) if isinstance(text, str) and languages.spoken() != "en" and not code else text)
    if made:
        korean(self)


def begin(self: Text, *arguments: Any, **options: Any) -> None:
    plain_init(self, *arguments, **options)
    korean(self)


def korean(text: Text) -> None:
    """Where mathematics stands among words matplotlib looks into one font only."""
    if HANGUL.search(text.get_text()) and "$" in text.get_text():
        # It has no minus of its own.
        plain_set_text(text, re.sub(r"(\$[^$]*\$)|−", lambda found: found[1] or "$-$", text.get_text()))
        text.set_fontfamily(FONT)


plain_init, plain_set_text = Text.__init__, Text.set_text
Text.__init__, Text.set_text = begin, set_text  # type: ignore[method-assign]


def note(words: Iterable[str]) -> None:
    """Words of a figure that is not drawn again."""
    _met.update(dict.fromkeys(words))


@contextlib.contextmanager
def noted() -> Iterator[list[str]]:
    """Collects the words of what is drawn inside."""
    before, words = dict(_met), []
    _met.clear()
    yield words
    words += _met
    note(before)


def write(name: str, words: Iterable[str]) -> None:
    """For editions.py: the words of what was drawn."""
    languages.write(WORDS / f"{name}.json", json.dumps(list(words), ensure_ascii=False, indent=0))


# ---- Figures of gallery scripts -------------------------------------------------------------------------------


def keep(figure: Figure, path: Path, panel: int | None) -> None:
    """A figure as the script left it, for the editions in other languages."""
    path.with_suffix(".figure").write_bytes(cloudpickle.dumps((panel, figure)))


def draw_again(app: Sphinx) -> None:
    """The figures of the gallery with other words, where a word or the figure has changed."""
    if languages.spoken() == "en" or app.builder.name == "gettext":
        return
    import figures

    there, here = languages.source("en") / "auto_gallery" / "images", Path(app.srcdir) / "auto_gallery" / "images"
    here.mkdir(parents=True, exist_ok=True)
    translations = languages.messages(languages.spoken(), "figures")
    for path in sorted(there.glob("*.figure")):
        light, record = here / f"{path.stem}.png", here / f"{path.stem}.json"
        known = json.loads(record.read_text(encoding="utf-8")) if record.exists() else None
        if (
            known is None
            or known["words"] != {text: translations.get(text) for text in known["words"]}
            or path.stat().st_mtime > record.stat().st_mtime
        ):
            log.info("drawing %s", light.name)
            with mpl.rc_context(figures.style("light")), noted() as words:
                panel, figure = cloudpickle.loads(path.read_bytes())
                translate(figure)
                alt = figures.alternative(figure)
                figures.save_both(figure, light, panel)
                plt.close("all")
            write(path.stem, words)
            known = {"words": {text: translations.get(text) for text in words}, "alt": alt}
            record.write_text(json.dumps(known, ensure_ascii=False), encoding="utf-8")
        translated.ALTERNATIVES[path.stem] = known["alt"]

"""Of stylesheets and fonts browsers load what some page uses: `editions.py build` ends with this.

The theme's stylesheet has rules for all that a site could be, and its font of icons has 2,000 of them for a dozen here.
Sphinx copies both anew whenever it builds, so nothing that a page begins to use is missing.
"""

import json
import re
import subprocess
from hashlib import sha256
from pathlib import Path

from fontTools import subset
from mathematics import NODE

# `make docs` puts it there.
PURGECSS = Path(__file__).parents[2] / "build" / "purgecss"
# JSON in, JSON out. The safelist is what Bootstrap's script puts together from parts.
SCRIPT = """
const { PurgeCSS } = require(process.argv[1]);
const { names, sheets } = JSON.parse(require("fs").readFileSync(0, "utf8"));
new PurgeCSS()
  .purge({
    content: [{ raw: names.join(" "), extension: "html" }],
    css: sheets.map((raw) => ({ raw })),
    defaultExtractor: (text) => text.split(" "),
    safelist: { greedy: [/data-bs-popper/, /tooltip/, /popover/] },
  })
  .then((found) => console.log(JSON.stringify(found.map(({ css }) => css))));
"""
# Our own has nothing else.
WHOLE = {"site.css"}
# All icons by name, for themes that have their users choose; no page loads it.
UNLOADED = {"fontawesome.js"}


def used(pages: list[str], scripts: list[str]) -> list[str]:
    """Every word that may be the name of an element, a class, an attribute or one of its values."""
    code = {text for page in pages for text in re.findall(r"<script>.*?</script>|<[^>]+>", page, re.DOTALL)}
    return sorted({word for text in (*code, *scripts) for word in re.findall(r"[\w-]+", text)})


def purged(sheets: list[str], names: list[str]) -> list[str]:
    """The stylesheets without the rules for what has none of the names."""
    if not (PURGECSS / "node_modules").exists():
        raise FileNotFoundError(f"{PURGECSS} has no PurgeCSS; `make docs` installs it")
    done = subprocess.run(
        [NODE, "-e", SCRIPT, PURGECSS / "node_modules" / "purgecss"],
        input=json.dumps({"names": names, "sheets": sheets}), capture_output=True, check=True, encoding="utf-8",
    )  # fmt: skip
    # A map of what was dropped leads astray.
    return [re.sub(r"/\*# sourceMappingURL=.*?\*/", "", sheet) for sheet in json.loads(done.stdout)]


def shorten(font: Path, letters: set[int]) -> None:
    """Drop the glyphs of all other letters."""
    options = subset.Options(flavor="woff2", layout_features=["*"])
    with subset.load_font(str(font), options, lazy=False) as loaded:
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=letters)
        subsetter.subset(loaded)
        subset.save_font(loaded, str(font), options)


def digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()[:8]


def slim(site: Path) -> None:
    """All pages of all editions decide together."""
    pages = {path: path.read_text(encoding="utf-8") for path in site.rglob("*.html")}
    scripts = [path.read_text(encoding="utf-8") for path in site.rglob("*.js")
               if path.name not in UNLOADED and path.name != "searchindex.js"]  # fmt: skip
    sheets = [path for path in site.rglob("*.css") if path.name not in WHOLE]
    texts = purged([path.read_text(encoding="utf-8") for path in sheets], used([*pages.values()], scripts))
    # Icons are letters that stylesheets write, as they are or by their numbers.
    letters = {ord(letter) for text in (*pages.values(), *texts) for letter in set(text)}
    letters |= {int(code, 16) for text in texts for code in re.findall(r"\\([0-9a-fA-F]{1,6})", text)}
    # Whole, because FreeType hints a letter by the others of its alphabet.
    letters |= set(range(ord("Α"), ord("ω") + 1))
    for font in site.rglob("*.woff2"):
        shorten(font, letters)
    for path, text in zip(sheets, texts, strict=True):
        # What browsers keep is what they were told of: what has changed has another address.
        versions = {url: f"{url}?v={digest(path.parent / url)}" for url in re.findall(r"[^(]+\.woff2(?=\))", text)}
        path.write_text(re.sub(r"[^(]+\.woff2(?=\))", lambda url, v=versions: v[url[0]], text), encoding="utf-8")
    digests = {f"_static{str(path).partition('_static')[2]}": digest(path) for path in site.rglob("*.css")}
    for path, page in pages.items():
        text = re.sub(r"(_static/[^\"?]+\.css)(\?\w+=\w+)?", lambda link: f"{link[1]}?v={digests[link[1]]}", page)
        if text != page:
            path.write_text(text, encoding="utf-8")

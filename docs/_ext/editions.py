"""Both editions of the site, and what is to be translated.

python docs/_ext/editions.py build     the English and the Korean edition, side by side, in build/docs/html
python docs/_ext/editions.py update    bring docs/locale up to date with what is written
python docs/_ext/editions.py check     fail where a translation is missing, fuzzy or of nothing
"""

import io
import json
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

EXT = Path(__file__).parent
# For our modules, and for the oracle and the race, which pages quote.
sys.path[:0] = [str(EXT), str(EXT.parents[1])]

import labels  # noqa: E402
import languages  # noqa: E402
import slim  # noqa: E402
import translated  # noqa: E402
from languages import BUILD, DOCS, LANGUAGES, LOCALE  # noqa: E402

KOREAN = LOCALE / "ko" / "LC_MESSAGES"
# What is not read by Sphinx, but by the modules that write pages and figures.
OWN_DOMAINS = ("pages", "figures", "sphinx")
# Folders of pages that are made while the site is.
GENERATED = ("functions", "auto_gallery")


# ---- Building -------------------------------------------------------------------------------------------------


def mirror(tree: Path) -> None:
    """What is written, beside what is generated. Copies: links of Markdown to pages do not survive symbolic links."""
    here = tree / "docs"
    wanted = {here / path.relative_to(DOCS): path for path in DOCS.rglob("*")
              if path.suffix in (".rst", ".md") and not path.relative_to(DOCS).parts[0].startswith("_")}  # fmt: skip
    # Pages name these by their places in the repository.
    wanted |= {tree / name: DOCS.parent / name for name in ("CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")}
    for old in here.rglob("*"):
        if old.suffix in (".rst", ".md") and old.relative_to(here).parts[0] not in GENERATED and old not in wanted:
            old.unlink()
    for new, path in wanted.items():
        if not new.exists() or new.stat().st_mtime != path.stat().st_mtime:
            new.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, new)
    if not (tree / "gallery").exists():
        (tree / "gallery").symlink_to(DOCS.parent / "gallery")


def write_catalogs() -> None:
    """What Sphinx reads of docs/locale, in build/docs/locale: markup is set apart from the particles that touch it."""
    target = BUILD / "locale"
    kept = set()
    for path in LOCALE.rglob("*.po"):
        catalog = read(path)
        domain = path.relative_to(KOREAN).with_suffix("").as_posix()
        markdown = (DOCS / f"{domain}.md").exists()
        for message in catalog if domain not in OWN_DOMAINS else ():
            if message.id:
                # In Markdown particles may touch markup, but "10. " begins a list, and Sphinx drops such a heading.
                said = message.string
                # Links of a page that is taken in are those of another folder.
                said = said.replace("](docs/", "](../docs/") if domain == "contributing" else said
                message.string = re.sub(r"^(\d+)\.", r"\1\\.", said) if markdown else languages.apart(said)
        new = target / path.relative_to(LOCALE)
        languages.write(new, written(catalog))
        kept |= {new, new.with_suffix(".mo")}
    for old in target.rglob("*.[mp]o"):
        if old not in kept:
            old.unlink()


def sphinx(language: str) -> subprocess.Popen[str]:
    tree, html = BUILD / language, BUILD / "html" / languages.FOLDERS[language]
    command = [sys.executable, "-m", "sphinx", "-n", "-W", "--keep-going", "-D", f"language={language}",
               "-c", DOCS, "-d", tree / "doctrees", tree / "docs", html]  # fmt: skip
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def relay(language: str, process: subprocess.Popen[str]) -> threading.Thread:
    """Lines of several processes on one screen."""

    def copy() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            print(f"{language}: {line}", end="", flush=True)

    thread = threading.Thread(target=copy)
    thread.start()
    return thread


def build() -> int:
    """All editions. The first runs the gallery and writes the pages of functions for all; the others wait for that."""
    generated = BUILD / "generated"
    generated.unlink(missing_ok=True)
    for language in LANGUAGES:
        mirror(BUILD / language)
    write_catalogs()
    first, *others = LANGUAGES
    running = {first: sphinx(first)}
    relays = [relay(first, running[first])]
    while running[first].poll() is None and not generated.exists():
        time.sleep(0.1)
    if generated.exists():
        for language in others:
            copy_gallery(language)
            running[language] = sphinx(language)
            relays.append(relay(language, running[language]))
    failed = [language for language, process in running.items() if process.wait()]
    for thread in relays:
        thread.join()
    if not failed:
        slim.slim(BUILD / "html")
    return len(failed) + check()


def copy_gallery(language: str) -> None:
    """Scripts run once: pages and output are the same in all editions, figures are drawn again with other words."""
    there, here = languages.source("en") / "auto_gallery", languages.source(language) / "auto_gallery"
    here.mkdir(parents=True, exist_ok=True)
    known = set()
    for path in sorted(there.rglob("*")):
        name = path.relative_to(there)
        known.add(here / name)
        if path.is_dir():
            (here / name).mkdir(parents=True, exist_ok=True)
        elif path.suffix == ".figure" or drawn_again(path):
            continue
        elif not (here / name).exists() or (here / name).stat().st_mtime < path.stat().st_mtime:
            shutil.copy2(path, here / name)
    for old in list(here.rglob("*")):
        if old not in known and old.is_file() and old.suffix != ".json":
            old.unlink()


def drawn_again(image: Path) -> bool:
    """Whether labels.py draws it with other words."""
    first = image.with_name(image.stem.removesuffix("_dark") + ".figure")
    return image.suffix == ".png" and image.parent.name != "thumb" and first.exists()


# ---- Catalogs -------------------------------------------------------------------------------------------------


def empty() -> Catalog:
    return Catalog(locale="ko", charset="utf-8", fuzzy=False)


def read(path: Path) -> Catalog:
    if not path.exists():
        return empty()
    with path.open("rb") as file:
        return read_po(file, locale="ko")


# Nothing that changes by itself.
HEADER = 'msgid ""\nmsgstr ""\n"Language: ko\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'


def written(catalog: Catalog) -> str:
    """Nothing that changes by itself: no dates, no numbers of lines."""
    buffer = io.BytesIO()
    for message in catalog:
        # Percent signs and braces of sentences are no formats.
        message.flags &= {"fuzzy"}
    write_po(buffer, catalog, width=100, no_location=True, omit_header=True, ignore_obsolete=True)
    return HEADER + buffer.getvalue().decode().rstrip() + "\n"


def templates() -> Iterator[tuple[str, Catalog]]:
    """Domain by domain, all that can be translated."""
    tree, target = BUILD / "gettext", BUILD / "gettext" / "pot"
    mirror(tree)
    command = [sys.executable, "-m", "sphinx", "-q", "-b", "gettext", "-c", DOCS, "-d", tree / "doctrees",
               "-D", "sphinx_gallery_conf.plot_gallery=0", tree / "docs", target]  # fmt: skip
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    for path in sorted(target.rglob("*.pot")):
        domain = path.relative_to(target).with_suffix("").as_posix()
        # What index and search are called is said by the theme; the index of functions is a generated page.
        template = without_boilerplate(read(path))
        if domain not in ("sphinx", "functions/index") and len(template):
            yield domain, template
    yield "pages", pages_template()
    yield "figures", figures_template()


def without_boilerplate(catalog: Catalog) -> Catalog:
    """Without what is the same in every language, and without what sphinx-gallery says on each page."""
    kept = empty()
    for message in catalog:
        if message.id and in_words(message.id):
            kept.add(message.id)
    return kept


def in_words(text: str) -> bool:
    """Whether there is anything to translate: not in code, formulas, numbers and names."""
    elsewhere = ("^🏷 Tags: ", "^Figure of the page: ", *translated.BOILERPLATE)
    if any(re.search(pattern, text) for pattern in elsewhere) or ("`" not in text and re.search(r"\\[A-Za-z]", text)):
        return False
    words = re.findall(r"[^\W\d_]{2,}", re.sub(r"(?<=`)[^`<]+(?=<)|`+[^`]*`+(?!`)|:[\w:]+:", "", text) + titles(text))
    # A title that stands alone is a heading.
    return bool(set(words) - labels.NAMES) or text in labels.TITLES


def titles(text: str) -> str:
    """Of references that have a title of their own."""
    return " ".join(re.findall(r"`([^`<]+)<[^`>]+>`", text))


def pages_template() -> Catalog:
    """Fixed texts of templates and modules, and what they take from rows and docstrings."""
    import pages

    catalog = empty()
    methods = [("_ext/**.py", "python"), ("_templates/**", "jinja2")]
    found = extract_from_dir(DOCS, methods, keywords={"_": None}, directory_filter=lambda _path: True)
    for _name, _line, text, _comments, _context in found:
        catalog.add(text)
    for text in (*translated.BOILERPLATE.values(), *pages.words()):
        catalog.add(text)
    return catalog


def figures_template() -> Catalog:
    """The words in figures, which are known once they were drawn."""
    catalog = empty()
    for path in sorted((BUILD / "words").glob("*.json")):
        for text in json.loads(path.read_text(encoding="utf-8")):
            catalog.add(text)
    if not catalog:
        print("figures: `make docs` has not drawn them yet, so nothing was compared")
        return read(KOREAN / "figures.po")
    return catalog


def update() -> int:
    """Merge: new texts are empty, changed ones keep the old translation and are marked as fuzzy, lost ones go."""
    known = set()
    for domain, template in templates():
        path = KOREAN / f"{domain}.po"
        known.add(path)
        catalog = read(path)
        catalog.update(template)
        languages.write(path, written(catalog))
    for path in KOREAN.rglob("*.po"):
        if path not in known and path.stem != "sphinx":
            path.unlink()
    return 0


def check() -> int:
    """What is to be done, file by file."""
    problems = total = done = words = 0
    seen = set()
    for domain, template in templates():
        seen.add(domain)
        catalog = read(KOREAN / f"{domain}.po")
        ids = {message.id for message in template if message.id}
        have = {message.id: message for message in catalog if message.id}
        missing = [text for text in ids if text not in have or not have[text].string]
        fuzzy = [text for text in ids & set(have) if have[text].fuzzy]
        stale = [*set(have) - ids, *catalog.obsolete]
        total, done = total + len(ids), done + len(ids) - len(missing) - len(fuzzy)
        count = sum(len(text.split()) for text in [*missing, *fuzzy])
        words += count
        if missing or fuzzy or stale:
            problems += 1
            print(f"{domain}.po: {len(missing)} untranslated, {len(fuzzy)} fuzzy, {len(stale)} stale of {len(ids)}; "
                  f"{count} words to do")  # fmt: skip
    for path in KOREAN.rglob("*.po"):
        domain = path.relative_to(KOREAN).with_suffix("").as_posix()
        if domain not in seen and domain != "sphinx":
            problems += 1
            print(f"{domain}.po belongs to no page")
    print(f"{done} of {total} texts are translated; {words} words to do")
    return problems


if __name__ == "__main__":
    verbs = {"build": build, "update": update, "check": check}
    if len(sys.argv) != 2 or sys.argv[1] not in verbs:
        sys.exit(__doc__)
    sys.exit(bool(verbs[sys.argv[1]]()))

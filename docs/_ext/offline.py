"""Whether a built site asks any other host for anything.

    python docs/_ext/offline.py build/docs/html

Links that a reader may click do not count; what a browser fetches by itself does.
"""

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

# What a browser fetches, by element.
FETCHED = {"script": "src", "img": "src", "source": "srcset", "iframe": "src", "video": "src", "audio": "src",
           "embed": "src", "object": "data", "image": "href", "use": "href"}  # fmt: skip
FOREIGN = re.compile(r"^\s*(https?:)?//", re.IGNORECASE)


class Page(HTMLParser):
    """Collects what a page fetches from other hosts, and pictures without a text."""

    def __init__(self) -> None:
        super().__init__()
        self.problems: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        url = given.get(FETCHED.get(tag, ""), "")
        if tag == "link" and not {"canonical", "prev", "next", "search", "index", "author"} & set(given["rel"].split()):
            url = given.get("href", "")
        if FOREIGN.match(url):
            self.problems.append(f"<{tag}> fetches {url}")
        if tag == "img" and "alt" not in given:
            self.problems.append(f"<img> {given.get('src')} has no alternative text")
        if "url(" in given.get("style", "") and FOREIGN.match(given["style"].split("url(", 1)[1].strip("'\"")):
            self.problems.append(f"style of <{tag}> fetches {given['style']}")


def problems(site: Path) -> Iterator[str]:
    """What would be fetched, file by file."""
    for path in sorted(site.rglob("*")):
        if path.suffix == ".html":
            page = Page()
            page.feed(path.read_text(encoding="utf-8"))
            found = page.problems
        elif path.suffix == ".css":
            text = path.read_text(encoding="utf-8")
            found = re.findall(r"(?:url\(\s*['\"]?|@import\s+['\"])((?:https?:)?//[^'\")]+)", text)
        elif path.suffix in (".js", ".mjs"):
            text = path.read_text(encoding="utf-8")
            found = re.findall(r"(?:fetch|import|importScripts)\(\s*['\"`](https?://[^'\"`]+)", text)
        else:
            found = []
        yield from (f"{path.relative_to(site)}: {problem}" for problem in found)


def main() -> None:
    site = Path(sys.argv[1])
    pages = len(list(site.rglob("*.html")))
    found = list(problems(site))
    print("\n".join(found))
    if found or not pages:
        sys.exit(f"{site}: {len(found)} problems in {pages} pages")
    print(f"{site}: {pages} pages fetch nothing from other hosts, and every picture has a text")


if __name__ == "__main__":
    main()

"""The documentation, for tests: the modules that make it, and the built site's search in a browser."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

EXTENSIONS = Path(__file__).parents[1] / "docs" / "_ext"
# They are scripts beside each other and no package.
sys.path.insert(0, str(EXTENSIONS))

SITE = Path(__file__).parents[1] / "build" / "docs" / "html"
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")


def found(edition: Path, query: str, profile: Path) -> list[str]:
    """The pages that a search of an edition lists, best first, without .html; from a file, without a server."""
    flags = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
    page = f"{(edition / 'search.html').as_uri()}?q={quote(query)}"
    command = [BROWSER, *flags, "--virtual-time-budget=20000", "--dump-dom", page]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    results = done.stdout.partition('id="search-results"')[2]
    return [html.unescape(link) for link in re.findall(r'<li[^>]*>\s*<a href="([^"]+)\.html', results)]

"""The search of the built site, in a browser: what readers type leads to the page that answers."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import quote

import pytest

SITE = Path(__file__).parent.parent / "build" / "docs" / "html"
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")
# Any of the pages is right, and must be among the first three.
ANSWERS = {
    "Heaviside": {"functions/step"},
    "logistic": {"functions/sigmoid"},
    "swish": {"functions/swish", "functions/silu"},
    "SiLU": {"functions/silu"},
    "leaky": {"functions/leaky_relu"},
    "gelu tanh": {"functions/gelu_tanh"},
    "log_softmax backward": {"functions/log_softmax"},
    "derivative of sigmoid": {"functions/sigmoid", "auto_gallery/21_sigmoid_tanh_relu"},
    "logits": {"guides/glossary"},
    "temperature": {"auto_gallery/24_softmax", "functions/softmax"},
    "overflow softmax": {"auto_gallery/24_softmax", "guides/numerics", "functions/softmax"},
    "vanishing gradient": {"guides/choosing", "auto_gallery/40_vanishing_gradients"},
    "dead neurons": {"guides/choosing", "auto_gallery/43_dying_relu"},
    "saturates": {"guides/choosing", "guides/glossary"},
    "which activation": {"guides/choosing"},
}


@pytest.mark.skipif(not BROWSER, reason="needs Chromium")
@pytest.mark.skipif(not (SITE / "searchindex.js").exists(), reason="needs the site, which `make docs` builds")
@pytest.mark.parametrize("query", ANSWERS)
def test_the_search_finds(query: str, tmp_path: Path) -> None:
    """From a file, without a server."""
    flags = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}", "--virtual-time-budget=8000"]
    page = f"{(SITE / 'search.html').as_uri()}?q={quote(query)}"
    done = subprocess.run(
        [BROWSER, *flags, "--dump-dom", page], capture_output=True, text=True, timeout=120, check=True
    )
    results = done.stdout.partition('id="search-results"')[2]
    found = re.findall(r'<li[^>]*>\s*<a href="([^"]+)\.html', results)
    assert ANSWERS[query] & set(found[:3]), found[:5]

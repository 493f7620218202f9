"""The search of the built site, in a browser: what readers type leads to the page that answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from .website import BROWSER, SITE, found

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
    "ReLU": {"functions/relu"},
    "softmax": {"functions/softmax"},
    "softmax function": {"functions/softmax"},
    "tanh": {"functions/tanh"},
    "cross entropy": {"functions/cross_entropy"},
    "gradient": {"guides/glossary"},
    "derivative": {"guides/glossary"},
    "backpropagation": {"guides/glossary"},
    "hidden layer": {"guides/glossary"},
    "exploding gradient": {"auto_gallery/41_exploding_gradients"},
    "perceptron": {"auto_gallery/12_perceptron"},
    "XOR": {"auto_gallery/13_xor_hidden_layer"},
    "attention": {"auto_gallery/45_attention"},
    "batch normalisation": {"auto_gallery/42_remedies"},
    "threads": {"guides/performance"},
    "benchmark": {"guides/performance"},
    "rounding": {"guides/numerics"},
    "bfloat16": {"guides/bfloat16"},
    "install": {"guides/installing"},
    "torch": {"guides/torch"},
    "dask": {"guides/dask"},
}


pytestmark = [
    pytest.mark.skipif(not BROWSER, reason="needs Chromium"),
    pytest.mark.skipif(not (SITE / "searchindex.js").exists(), reason="needs the site, which `make docs` builds"),
]


@pytest.mark.parametrize("query", ANSWERS)
def test_the_search_finds(query: str, tmp_path: Path) -> None:
    """One of the pages that answer is among the first three."""
    pages = found(SITE, query, tmp_path)
    assert ANSWERS[query] & set(pages[:3]), pages[:5]


@pytest.mark.parametrize(
    ("edition", "query"), [("", "derivative"), ("", "threads"), ("ko", "도함수"), ("ko", "스레드"), ("ko", "정확도")]
)
def test_pages_for_developers_come_last(edition: str, query: str, tmp_path: Path) -> None:
    """Whoever asks what a derivative is does not mean how one was decided on."""
    last = [
        page.startswith(("decisions/", "CHANGELOG", "contributing")) for page in found(SITE / edition, query, tmp_path)
    ]
    assert any(last) and not all(last)
    assert last == sorted(last)

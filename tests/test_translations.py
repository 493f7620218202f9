"""The Korean edition: what is translated fits what it translates, and searching finds it, in a browser."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from .website import BROWSER, EXTENSIONS, found

if not EXTENSIONS.exists():
    pytest.skip("needs the source tree", allow_module_level=True)
pofile = pytest.importorskip("babel.messages.pofile", reason="Babel reads catalogs; the group docs installs it")
pytest.importorskip("sphinx", reason="the pages are Sphinx's; the group docs installs it")
languages = pytest.importorskip("languages")

CATALOGS = sorted(languages.LOCALE.rglob("*.po"))


@pytest.mark.parametrize("path", CATALOGS, ids=lambda path: path.relative_to(languages.LOCALE).as_posix())
def test_translations_fill_the_same_places(path: Path) -> None:
    """A translation has the {placeholders} and |substitutions| of its text, and ends with its kind of space."""
    with path.open("rb") as file:
        messages = [m for m in pofile.read_po(file) if m.id and m.string and not m.fuzzy]
    for message in messages:
        for places in (r"(?<!\{)\{\d*(\w*)\}", r"\|[\w ]+\|"):
            there, here = (sorted(re.findall(places, text)) for text in (message.id, message.string))
            assert there == here, message.id
        assert message.string.strip() == message.string or message.id.strip() != message.id, message.id


def test_nothing_is_missing() -> None:
    """Every text is translated, and every translation is of a text."""
    done = subprocess.run([sys.executable, EXTENSIONS / "editions.py", "check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("text", "parted"),
    [
        ("``out=``에 씁니다", "``out=``\\ 에 씁니다"),
        ("값``x``는 *그대로*입니다", "값\\ ``x``\\ 는 *그대로*\\ 입니다"),
        (":doc:`/guides/tour`를 보십시오", ":doc:`/guides/tour`\\ 를 보십시오"),
        ("|machine|에서 쟀습니다", "|machine|\\ 에서 쟀습니다"),
        ("**굵게** 쓴 ``a * b``, 2 * 3", "**굵게** 쓴 ``a * b``, 2 * 3"),
    ],
)
def test_particles_are_set_apart_from_markup(text: str, parted: str) -> None:
    """Otherwise reStructuredText shows the markup, or drops what follows."""
    assert languages.apart(text) == parted


# ---- Searching ------------------------------------------------------------------------------------------------

SITE = languages.BUILD / "html" / "ko"
# What a reader types, and a page that must be among the first three.
QUERIES = {
    "렐루": "functions/relu",
    "ReLU": "functions/relu",
    "relu": "functions/relu",
    "시그모이드": "functions/sigmoid",
    "sigmoid": "functions/sigmoid",
    "시그모이드를": "functions/sigmoid",
    "시그모이드 함수": "functions/sigmoid",
    "소프트맥스": "functions/softmax",
    "소프트맥스 함수": "functions/softmax",
    "소프트맥스의 온도": "auto_gallery/24_softmax",
    "softmax": "functions/softmax",
    "소프트맥스는": "functions/softmax",
    "지수 함수": "functions/exponential",
    "손실 함수": "guides/glossary",
    "도함수": "guides/glossary",
    "기울기": "guides/glossary",
    "기울기 폭주": "auto_gallery/41_exploding_gradients",
    "경사 하강법": "guides/glossary",
    "학습률": "guides/glossary",
    "가중치": "guides/glossary",
    "편향": "guides/glossary",
    "은닉층": "guides/glossary",
    "순전파": "guides/glossary",
    "오버플로": "guides/glossary",
    "미분": "guides/glossary",
    "자릿수": "guides/numerics",
    "스레드": "guides/performance",
    "속도": "guides/performance",
    "게이트": "functions/glu",
    "로그 소프트맥스": "functions/log_softmax",
    "이진 교차 엔트로피": "functions/binary_cross_entropy",
    "파이토치": "guides/torch",
    "온도": "auto_gallery/24_softmax",
    "용어집": "guides/glossary",
    "손실": "guides/glossary",
    "손실을": "guides/glossary",
    "기울기 소실": "guides/glossary",
    "활성화 함수": "guides/glossary",
    "활성화": "guides/glossary",
    "역전파": "guides/glossary",
    "로짓": "guides/glossary",
    "포화": "guides/glossary",
    "꺾인": "guides/glossary",
    "리키 렐루": "functions/leaky_relu",
    "leaky_relu": "functions/leaky_relu",
    "스위시": "functions/swish",
    "미시": "functions/mish",
    "계단": "functions/step",
    "하드맥스": "functions/hardmax",
    "퍼셉트론": "auto_gallery/12_perceptron",
    "뉴런": "auto_gallery/10_one_neuron",
    "죽은 렐루": "auto_gallery/43_dying_relu",
    "초기화": "auto_gallery/42_remedies",
    "어텐션": "auto_gallery/45_attention",
    "교차 엔트로피": "functions/cross_entropy",
    "쌍곡탄젠트": "functions/tanh",
    "PyTorch": "guides/torch",
    "설치": "guides/installing",
    "갤러리": "auto_gallery/index",
    "길잡이": "guides",
}


@pytest.mark.skipif(not BROWSER, reason="searching runs in a browser, and there is no Chromium")
@pytest.mark.skipif(not (SITE / "search.html").exists(), reason="`make docs` has not built the site yet")
@pytest.mark.parametrize(("query", "page"), QUERIES.items(), ids=list(QUERIES))
def test_searching_in_korean(query: str, page: str, tmp_path: Path) -> None:
    """A word is found whatever particle follows it, and a function by either of its names."""
    pages = list(dict.fromkeys(found(SITE, query, tmp_path)))
    assert page in pages[:3], pages[:5]

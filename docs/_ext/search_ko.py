"""Search in Korean, which Sphinx does not have: a Sphinx extension.

Particles and endings are written together with the word before them: 함수는, 함수에서, 미분합니다. The index therefore
holds each word and all its beginnings of two syllables or more, so no list of endings can be incomplete, and search as
you type finds words that are not finished. What a reader types loses its particle.
"""

import re
from collections.abc import Iterator

from sphinx.application import Sphinx
from sphinx.search import SearchLanguage

from actfn.catalog import catalog

HANGUL = re.compile("[가-힣]+")
# Of one script each: in ReLU는 there are two.
WORD = re.compile(r"[가-힣]+|(?:(?![가-힣])\w)+")
# What readers type at the end of a word. Long ones first.
PARTICLES = (
    "에서는 으로는 에서의 에게서 이라는 이란 이라 에서 에게 으로 까지 부터 보다 처럼 하고 이나 에는 와의 과의 로는 "
    "란 은 는 이 가 을 를 의 에 도 로 와 과 만"
)


def names() -> Iterator[tuple[str, str]]:
    """A function's name in Latin and in Korean letters, where each is one word."""
    for row in catalog.values():
        korean = row.title_ko.split(" (")[0]
        if HANGUL.fullmatch(korean):
            yield row.name, korean
            yield row.title.lower(), korean


LATIN = {latin: korean for latin, korean in names() if latin.isidentifier()}
KOREAN = {korean: latin for latin, korean in reversed(LATIN.items())}


def beginnings(word: str) -> list[str]:
    return [word[:k] for k in range(2, len(word))] + [word]


class SearchKorean(SearchLanguage):
    lang = "ko"
    language_name = "Korean"
    js_splitter_code = r"""
var splitQuery = (query) => query.match(/[가-힣]+|(?:(?![가-힣])[\p{L}\p{N}_])+/gu) ?? [];
"""
    js_stemmer_code = rf"""
var Stemmer = function () {{
  const particles = "{PARTICLES}".split(" ");
  this.stemWord = (word) => {{
    const found = particles.find((p) => /[가-힣]/.test(word) && word.endsWith(p) && word.length >= p.length + 2);
    return found ? word.slice(0, -found.length) : word;
  }};
}};
// Titles and the index are compared with all that was typed, which loses its particles too. The text is compared word
// by word, and that something is a function (함수) tells nothing where another word stands before it.
if (typeof Search !== "undefined") {{
  const parsed = Search._parseQuery;
  Search._parseQuery = (query) => {{
    const [, ...terms] = parsed(query.replace(/(\S)\s+함수[가-힣]*\s*$/, "$1"));
    return [query.replace(/[가-힣]+/g, (word) => new Stemmer().stemWord(word)), ...terms];
  }};
}}
"""

    def split(self, input: str) -> list[str]:  # noqa: A002
        """Every beginning of every Korean word; functions by both names."""
        found = []
        for word in WORD.findall(input):
            if HANGUL.match(word):
                begun = beginnings(word)
                found += [*begun, *(KOREAN[part] for part in begun if part in KOREAN)]
            else:
                found.append(word.lower())
                if word.lower() in LATIN:
                    found += beginnings(LATIN[word.lower()])
        return found


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_search_language(SearchKorean)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

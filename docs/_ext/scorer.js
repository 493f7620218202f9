// What the search lists first, where Sphinx goes by titles and words alone. Part of language_data.js of both editions.
var Scorer = {
  // Sphinx' own numbers, all of which a scorer has to have.
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,

  score: ([page, title, , , score]) => {
    // Who develops the library knows where these are; a title of theirs comes after a mention elsewhere.
    if (/^(decisions\/|CHANGELOG|contributing)/.test(page)) score /= 10;
    // Each of 100 pages of functions speaks of gradients and dtypes; guides and the gallery explain them.
    else if (page.startsWith("functions/") && score <= Scorer.term) score *= 0.8;
    // Among equals the shortest title is the one that says nothing else: ReLU before LeakyReLU.
    return score - title.length / 100;
  },
};

// Of several words Sphinx ignores those of two letters, as most Korean ones are, and counts only the best one.
if (typeof Search !== "undefined") {
  const search = Search.performTermsSearch;
  Search.performTermsSearch = (words, excluded) => {
    const { docnames, terms, titleterms } = Search._index;
    const pages = (index, word) => (Object.hasOwn(index, word) ? [index[word]].flat() : []);
    const has = (index, word, page) => pages(index, word).includes(docnames.indexOf(page));
    const found = search(words, excluded);
    const whole = found.filter(([page]) =>
      [...words].every((word) => word.length > 2 || has(terms, word, page) || has(titleterms, word, page)),
    );
    for (const result of whole) {
      const inTitle = [...words].filter((word) => has(titleterms, word, result[0])).length;
      result[4] += 5 * Math.max(inTitle - 1, 0);
    }
    return whole.length ? whole : found;
  };
}

// Tables of class "sortable": a click on a heading sorts, a field above filters. Works without a server.
// Below, what is wider than the page, and what sphinx-gallery's tags need besides.
"use strict";

// What this file says, and what searching says where Sphinx has no translation.
const korean = {
  "Filter": "거르기",
  "Filter the table": "표 거르기",
  "{shown} of {all}": "{all}개 가운데 {shown}개",
  "🏷 Tags:": "🏷 태그:",
  "Clear": "지우기",
};
const say = (text) => (document.documentElement.lang === "ko" ? korean[text] : undefined) ?? text;
if (document.documentElement.lang === "ko" && typeof Documentation !== "undefined") {
  Documentation.addTranslations({
    locale: "ko",
    plural_expr: "0",
    messages: {
      "Search finished, found one page matching the search query.": ["찾은 페이지: ${resultCount}개"],
      "Your search did not match any documents. Please make sure that all words are spelled correctly and that you've selected enough categories.":
        "찾는 말이 있는 페이지가 없습니다. 맞춤법을 확인하거나 더 짧은 낱말로 찾아보십시오.",
    },
  });
}

const text = (row, k) => row.cells[k].textContent.trim();
const number = (value) => (value === "∞" ? Infinity : Number.parseFloat(value.replace(/[,−]/g, (c) => (c === "−" ? "-" : ""))));

function compare(a, b) {
  // Empty cells come last, numbers before words.
  if (a === "" || b === "") return (a === "") - (b === "");
  const [x, y] = [number(a), number(b)];
  return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b) : x === y ? 0 : x - y;
}

function sort(table, k) {
  const heads = [...table.tHead.rows[0].cells];
  const up = heads[k].getAttribute("aria-sort") !== "ascending";
  heads.forEach((head) => head.removeAttribute("aria-sort"));
  heads[k].setAttribute("aria-sort", up ? "ascending" : "descending");
  const rows = [...table.tBodies[0].rows];
  rows.sort((a, b) => {
    const [x, y] = [text(a, k), text(b, k)];
    return x === "" || y === "" ? compare(x, y) : up ? compare(x, y) : compare(y, x);
  });
  table.tBodies[0].append(...rows);
}

function filter(table, words, status) {
  const rows = [...table.tBodies[0].rows];
  for (const row of rows) {
    const content = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => content.includes(word));
  }
  status.textContent = say("{shown} of {all}")
    .replace("{shown}", rows.filter((row) => !row.hidden).length)
    .replace("{all}", rows.length);
}

document.addEventListener("DOMContentLoaded", () => {
  for (const table of document.querySelectorAll("table.sortable")) {
    [...table.tHead.rows[0].cells].forEach((head, k) => {
      if (!head.textContent.trim()) return;
      const button = document.createElement("button");
      button.append(...head.childNodes);
      button.addEventListener("click", () => sort(table, k));
      head.append(button);
    });
    const bar = document.createElement("div");
    bar.className = "table-filter";
    const field = document.createElement("input");
    field.type = "search";
    field.placeholder = say("Filter");
    field.setAttribute("aria-label", say("Filter the table"));
    const status = document.createElement("span");
    status.setAttribute("role", "status");
    const update = () => filter(table, field.value.toLowerCase().split(/\s+/).filter(Boolean), status);
    field.addEventListener("input", update);
    bar.append(field, status);
    (table.closest(".pst-scrollable-table-container") ?? table).before(bar);
    update();
  }
});

// ---- Searching ----

// The index is as large as everything else together; it comes when somebody is about to search. Queries wait for it.
function fetchIndex() {
  if (Search.hasIndex()) return;
  const script = document.createElement("script");
  script.src = `${document.documentElement.dataset.content_root}searchindex.js`;
  document.head.append(script);
}
document.querySelector("#pst-search-dialog input")?.addEventListener("focus", fetchIndex, { once: true });
if (document.querySelector(".bd-search-container")) window.addEventListener("load", fetchIndex);

// ---- What is wider than the page ----

// It fades where there is more to scroll to: scroll bars of phones are out of sight.
window.addEventListener("load", () => {
  const boxes = ".pst-scrollable-table-container, div.math, .figure-scroll, div.highlight pre";
  for (const box of document.querySelectorAll(boxes)) {
    const update = () => box.classList.toggle("more", box.scrollLeft + box.clientWidth < box.scrollWidth - 2);
    box.addEventListener("scroll", update, { passive: true });
    new ResizeObserver(update).observe(box);
  }
});

// ---- The tags of the gallery ----

// A page that was opened from a file may not change its address; browsers throw, and nothing would be filtered.
if (location.protocol === "file:" && typeof TagSet !== "undefined") TagSet.prototype.updateURLTags = () => {};

window.addEventListener("load", () => {
  const list = document.getElementById("sg-tag-list");
  const tags = [...(list?.querySelectorAll(".sphx-glr-tag") ?? [])];
  for (const label of list?.querySelectorAll(".sphx-glr-tag-label") ?? []) label.textContent = say(label.textContent);
  const levels = document.documentElement.lang === "ko" ? ["입문", "중급", "심화"] : ["beginner", "intermediate", "advanced"];
  const place = (tag) => (levels.includes(tag.textContent) ? levels.indexOf(tag.textContent) : 3);
  tags.sort((a, b) => place(a) - place(b) || a.textContent.localeCompare(b.textContent));
  for (const tag of tags) {
    tag.classList.toggle("level", place(tag) < 3);
    tag.role = "button";
    tag.tabIndex = 0;
    tag.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      tag.click();
    });
  }
  list?.querySelector(".sphx-glr-tag-label")?.after(...tags);
});

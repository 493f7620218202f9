// The quality of the built site, in Chromium: `make site-check`.
//
//   accessibility   axe-core finds nothing on the pages below, light and dark, in both editions
//   lighthouse      performance, accessibility and best practices of the same pages are at least 95
//   html            every page is valid
//   links           every link inside the site leads to a page and, where it names one, to an anchor
//   weight          no page needs more than 1.5 MB without its figures
//   requests        no page asks another host
//   explorer        is driven as readers do, by mouse, keyboard and touch
//
// node tools/site_check.mjs build/docs/html [name of a check ...]
//
// It ends with 0 where all hold, 1 where something does not, and 2 where it could not look.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { extname, join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";

// `make site-check` installs them there.
const require = createRequire(resolve("build/site-check/package.json"));
const load = (name) => import(pathToFileURL(require.resolve(name)).href);

const [folder, ...chosen] = process.argv.slice(2);
const SITE = resolve(folder ?? "build/docs/html");
const EDITIONS = existsSync(join(SITE, "ko")) ? ["", "ko/"] : [""];
const PAGES = ["index", "functions/gelu", "functions/softmax", "auto_gallery/24_softmax", "explorer", "search"];
const MODES = ["light", "dark"];
const GOAL = 0.95;
// Milliseconds until a page counts as stuck: machines may be busy.
const PATIENCE = 120_000;
const HEAVY = 1.5e6;
const TYPES = { ".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml",
  ".png": "image/png", ".woff2": "font/woff2", ".json": "application/json", ".ico": "image/x-icon" };
const BROWSERS = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

const problems = [];
const report = (check, problem) => {
  problems.push(`${check}: ${problem}`);
  console.log(`  ${problem}`);
};

function files(directory) {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    return entry.isDirectory() ? files(path) : [path];
  });
}

const html = () => files(SITE).filter((path) => path.endsWith(".html"));

/** A static server that compresses and lets browsers keep what they have, as any host does. */
function serve() {
  const server = createServer((request, response) => {
    let path = join(SITE, decodeURIComponent(new URL(request.url, "http://here").pathname));
    if (existsSync(path) && statSync(path).isDirectory()) path = join(path, "index.html");
    if (!path.startsWith(SITE) || !existsSync(path)) return response.writeHead(404).end();
    const type = TYPES[extname(path)] ?? "application/octet-stream";
    const plain = readFileSync(path);
    const headers = { "content-type": type, "cache-control": "max-age=31536000", "x-size": plain.length };
    const content = /text|svg|json/.test(type) ? gzipSync(plain) : plain;
    if (content !== plain) headers["content-encoding"] = "gzip";
    response.writeHead(200, { ...headers, "content-length": content.length });
    response.end(content);
  });
  return new Promise((ready) => server.listen(0, "127.0.0.1", () => ready(server)));
}

async function opened(browser, url, mode = "light", width = 1280) {
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE);
  await page.setViewport({ width, height: 900, isMobile: width < 600, hasTouch: width < 600 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: mode }]);
  await page.goto(url, { waitUntil: "networkidle0" });
  return page;
}

const all = () => EDITIONS.flatMap((edition) => PAGES.map((page) => `${edition}${page}.html`));

// ---- Checks ---------------------------------------------------------------------------------------------------

async function accessibility({ browser, base }) {
  const { AxePuppeteer } = await load("@axe-core/puppeteer");
  for (const path of all()) {
    for (const mode of MODES) {
      const page = await opened(browser, base + path, mode);
      // What is folded away is looked at as well.
      await page.evaluate(() => document.querySelectorAll("details").forEach((d) => (d.open = true)));
      await new Promise((done) => setTimeout(done, 500));
      const { violations } = await new AxePuppeteer(page).analyze();
      for (const { id, help, nodes } of violations) {
        report("accessibility", `${path} (${mode}): ${id}, ${help}: ${nodes.length} times, ${nodes[0].html.slice(0, 160)}`);
      }
      await page.close();
    }
  }
}

async function lighthouse({ base, port }) {
  const { default: run } = await load("lighthouse");
  const onlyCategories = ["performance", "accessibility", "best-practices"];
  for (const path of all()) {
    const runs = [];
    const look = async () => runs.push((await run(base + path, { port, onlyCategories, logLevel: "error" })).lhr);
    const of = (name) => (a, b) => a.categories[name].score - b.categories[name].score;
    // A busy machine makes a page slow: what falls short is looked at twice more, and the run in the middle counts.
    await look();
    if (onlyCategories.some((name) => runs[0].categories[name].score < GOAL)) await look().then(look);
    const middle = (name) => runs.toSorted(of(name))[runs.length >> 1];
    const scores = onlyCategories.map((name) => [name, middle(name).categories[name].score]);
    console.log(`  ${path}: ${scores.map(([name, score]) => `${name} ${Math.round(100 * score)}`).join(", ")}`);
    for (const [name, score] of scores) {
      if (score >= GOAL) continue;
      const { categories, audits } = middle(name);
      const lost = categories[name].auditRefs.map((ref) => audits[ref.id]).filter((a) => a.score !== null && a.score < 0.9);
      report("lighthouse", `${path}: ${name} ${Math.round(100 * score)}: ${lost.map((a) => `${a.id} ${a.displayValue ?? ""}`).join("; ")}`);
    }
  }
}

async function valid() {
  const { HtmlValidate } = await load("html-validate");
  const validator = new HtmlValidate({ extends: ["html-validate:standard"], rules: RULES });
  const seen = new Map();
  for (const path of html()) {
    const { results } = await validator.validateString(readFileSync(path, "utf8"));
    for (const { ruleId, message, line } of results.flatMap((result) => result.messages)) {
      const key = `${ruleId}: ${message}`;
      seen.set(key, [...(seen.get(key) ?? []), `${relative(SITE, path)}:${line}`]);
    }
  }
  for (const [key, places] of seen) report("html", `${key}: ${places.length} times, ${places[0]}`);
}
// Of style, not of validity.
const RULES = {};

async function links() {
  const anchors = new Map();
  const of = (path) => {
    if (!anchors.has(path)) {
      const text = readFileSync(path, "utf8");
      anchors.set(path, new Set([...text.matchAll(/\s(?:id|name)="([^"]+)"/g)].map((found) => found[1])));
    }
    return anchors.get(path);
  };
  for (const path of html()) {
    const text = readFileSync(path, "utf8").replace(/<script[\s\S]*?<\/script>/g, "");
    for (const [, href] of text.matchAll(/<a\s[^>]*?href="([^"]*)"/g)) {
      const link = href.replaceAll("&amp;", "&");
      if (/^(https?:|mailto:|data:|javascript:)/.test(link)) continue;
      const [target, anchor] = link.split("#");
      let file = target ? resolve(path, "..", decodeURIComponent(target.split("?")[0])) : path;
      if (existsSync(file) && statSync(file).isDirectory()) file = join(file, "index.html");
      if (!existsSync(file)) report("links", `${relative(SITE, path)}: ${href} leads nowhere`);
      else if (anchor && file.endsWith(".html") && !of(file).has(decodeURIComponent(anchor))) {
        report("links", `${relative(SITE, path)}: ${href} has no such anchor`);
      }
    }
  }
}

async function weight({ browser, base }) {
  let heaviest = [0, ""];
  for (const path of html().map((file) => relative(SITE, file))) {
    if (!path.startsWith("ko/") && path.includes("/") && !/^(functions|guides|auto_gallery|decisions)\//.test(path)) continue;
    const page = await browser.newPage();
    page.setDefaultTimeout(PATIENCE);
    let sum = 0;
    page.on("response", async (response) => {
      if (response.request().resourceType() !== "image") sum += Number(response.headers()["x-size"] ?? 0);
      const host = new URL(response.url()).host;
      if (host && host !== new URL(base).host) report("requests", `${path} asks ${host}`);
    });
    await page.goto(base + path, { waitUntil: "load" });
    if (sum > HEAVY) report("weight", `${path}: ${(sum / 1e6).toFixed(2)} MB without figures`);
    if (sum > heaviest[0]) heaviest = [sum, path];
    await page.close();
  }
  console.log(`  the heaviest page is ${heaviest[1]}: ${(heaviest[0] / 1e6).toFixed(2)} MB without figures`);
}

async function explorer({ browser, base }) {
  const expect = (fact, what) => fact || report("explorer", what);
  for (const start of [base, `${pathToFileURL(SITE).href}/`]) {
    for (const edition of EDITIONS) {
      const page = await opened(browser, `${start}${edition}explorer.html`);
      page.on("pageerror", (error) => report("explorer", `${edition}explorer.html: ${error.message}`));
      await page.waitForSelector(".explorer td");
      const rows = () => page.$$eval(".explorer tbody tr", (all) => all.map((row) => [...row.cells].map((c) => c.textContent)));
      // The number under the cursor: sigmoid and its slope at 1, then by keyboard at 1.1.
      const at = Object.fromEntries((await rows()).map(([name, ...cells]) => [name, cells]));
      const sigmoid = Object.entries(at).find(([name]) => /Sigmoid|시그모이드/.test(name))?.[1];
      expect(sigmoid?.[0] === "0.7311" && sigmoid?.[1] === "0.1966", `sigmoid(1) is shown as ${sigmoid}`);
      const x = await page.$(".explorer-slider input");
      await x.focus();
      await page.keyboard.press("ArrowRight");
      const moved = (await rows())[0];
      expect(moved[1] !== sigmoid[0], "an arrow key does not move x");
      // The mouse over the chart moves x.
      const box = await (await page.$(".explorer-chart .u-over")).boundingBox();
      await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
      const middle = (await rows())[0];
      expect(Math.abs(Number.parseFloat(middle[1]) - 0.5) < 0.02, `in the middle of the chart the sigmoid is ${middle[1]}`);
      // Another function, by its box.
      const before = (await rows()).length;
      await page.click(".explorer-list label:first-of-type input");
      expect((await rows()).length === before + 1, "a box adds no function");
      // More layers leave less of the sigmoid's gradient.
      const left = async () => Number.parseFloat((await rows()).find(([name]) => /Sigmoid|시그모이드/.test(name))[3].replace("−", "-"));
      const few = await left();
      const layers = (await page.$$(".explorer-slider input"))[1];
      await layers.focus();
      for (let k = 0; k < 5; k++) await page.keyboard.press("ArrowLeft");
      expect((await left()) > few, "fewer layers do not leave more of the gradient");
      // Softmax of 2, 1, 0.1, -1.
      const last = (await rows()).at(-1);
      expect(last[1] === "0.6381", `the largest entry of softmax is shown as ${last[1]}`);
      // In the dark the charts are drawn anew.
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "dark" }]);
      await page.evaluate(() => (document.documentElement.dataset.theme = "dark"));
      expect(await page.$(".explorer-chart canvas"), "no chart is left in the dark");
      await page.close();
      // A panel opens on the page of a function, on a phone, and a finger moves x.
      const phone = await opened(browser, `${start}${edition}functions/swish.html`, "light", 390);
      await phone.tap("details.explorer summary");
      await phone.waitForSelector("details.explorer td");
      const first = await phone.$eval("details.explorer td", (cell) => cell.textContent);
      await phone.$eval(".explorer-chart", (chart) => chart.scrollIntoView({ block: "center" }));
      const over = await (await phone.$(".explorer-chart .u-over")).boundingBox();
      await phone.touchscreen.tap(over.x + over.width / 4, over.y + over.height / 2);
      const second = await phone.$eval("details.explorer td", (cell) => cell.textContent);
      expect(first !== second, `${edition}functions/swish.html: a finger does not move x`);
      const wide = await phone.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      expect(!wide, `${edition}functions/swish.html is wider than a phone`);
      await phone.close();
    }
  }
}

// ---- All of them ----------------------------------------------------------------------------------------------

const checks = { accessibility, lighthouse, html: valid, links, weight, explorer };
const stop = (message) => {
  console.error(message);
  process.exit(2);
};
const executablePath = BROWSERS.find((path) => path && existsSync(path));
const unknown = chosen.filter((name) => !(name in checks));
if (unknown.length) stop(`No such check: ${unknown.join(", ")}. There are ${Object.keys(checks).join(", ")}.`);
if (!existsSync(join(SITE, "index.html"))) stop(`${SITE} has no index.html: run \`make docs\` first.`);
if (!existsSync("build/site-check/node_modules")) stop("build/site-check is empty: `make site-check` fills it.");
if (!executablePath) stop("No Chromium: install Debian's package chromium, or set CHROMIUM to the path of one.");

const { default: puppeteer } = await load("puppeteer-core");
const server = await serve();
const browser = await puppeteer
  .launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] })
  .catch((error) => stop(`${executablePath} does not start: ${error.message}`));
const context = {
  browser,
  base: `http://127.0.0.1:${server.address().port}/`,
  port: Number(new URL(browser.wsEndpoint()).port),
};
const summary = [];
for (const [name, check] of Object.entries(checks)) {
  if (chosen.length && !chosen.includes(name)) continue;
  console.log(`${name}:`);
  const before = problems.length;
  // What a check stumbles over is a problem too; the others go on.
  await check(context).catch((error) => report(name, `could not be finished: ${error.stack ?? error}`));
  summary.push(`${name}: ${problems.length === before ? "passed" : `${problems.length - before} problems`}`);
}
await browser.close().catch(() => {});
server.close();
console.log(`\n${summary.join("\n")}`);
process.exit(problems.length ? 1 : 0);

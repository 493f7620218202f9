// The explorer: curves, gradients through layers and rows of scores that readers move. Where a page has one, this is
// loaded; what it draws with, uPlot and the functions of activations.js, only when somebody opens it.
"use strict";

(() => {
  const here = document.currentScript.src;
  const POINTS = 481;
  const HEIGHT = 320;
  // A smaller gradient is not drawn, nor one as much too large.
  const TINY = 1e-30;
  const CLASSES = 4;
  let loading;

  const load = (name) =>
    new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = new URL(name, here).href;
      script.onload = resolve;
      script.onerror = () => reject(new Error(`${name} is missing`));
      document.head.append(script);
    });

  const style = (name) =>
    document.head.append(make("link", { rel: "stylesheet", href: new URL(name, here).href }));

  function make(tag, properties, ...children) {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  }

  // Digits that mean something, with a true minus.
  function written(value) {
    if (Number.isNaN(value)) return "NaN";
    if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
    const size = Math.abs(value);
    const text = size !== 0 && (size < 1e-3 || size >= 1e5) ? value.toExponential(3) : value.toFixed(4);
    return text.replace(/-/g, "−");
  }

  const power = (exponent) =>
    exponent === 0 ? "1" : exponent === 1 ? "10" : `10${[...`${exponent}`].map((c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c])).join("")}`;

  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  /** A labelled slider and its number. */
  function slider(label, [low, high, start, step], moved) {
    // A round step, from the start on.
    step ??= 10 ** Math.floor(Math.log10((high - low) / 60));
    const [below, above] = [start - low, high - start].map((way) => Math.round(way / step) * step);
    const input = make("input", { type: "range", min: start - below, max: start + above, step });
    input.value = start;
    const output = make("output");
    const show = () => (output.textContent = step === 1 ? input.value : written(Number(input.value)));
    input.addEventListener("input", () => {
      show();
      moved(Number(input.value));
    });
    show();
    const element = make("label", { className: "explorer-slider" }, make("span", {}, label), input, output);
    element.set = (value) => {
      input.value = value;
      show();
    };
    return element;
  }

  /** A chart of uPlot in the colours of the page, as wide as there is room, drawn anew with the mode. */
  class Chart {
    constructor(label, options) {
      this.element = make("div", { className: "explorer-chart", role: "img", ariaLabel: label });
      this.options = options;
      new ResizeObserver(() => this.resize()).observe(this.element);
    }

    draw(data, series) {
      this.plot?.destroy();
      const ink = color("--pst-color-text-muted");
      const axis = { stroke: ink, grid: { stroke: color("--pst-color-border"), width: 1 }, ticks: { show: false } };
      const { axes = [{}, {}], ...rest } = this.options;
      this.plot = new uPlot(
        {
          width: this.element.clientWidth || 600,
          height: HEIGHT,
          legend: { show: false },
          ...rest,
          axes: axes.map((own) => ({ ...axis, ...own })),
          series: [{}, ...series],
        },
        data,
        this.element,
      );
    }

    resize() {
      const width = this.element.clientWidth;
      if (this.plot && width && width !== this.plot.width) this.plot.setSize({ width, height: HEIGHT });
    }
  }

  // ---- Functions of one variable ----

  /** Curves and slopes with a mark at x, and the gradient through layers z = f(weight z). */
  class Curves {
    constructor(words, activations) {
      this.words = words;
      this.layers = 10;
      this.weight = 1;
      this.curves = new Chart(words.curves, {
        scales: { x: { time: false } },
        cursor: { y: false, drag: { x: false, y: false } },
        hooks: { draw: [(plot) => this.mark(plot)], ready: [(plot) => this.follow(plot)] },
      });
      this.depth = new Chart(words.depth, {
        // Powers of ten; uPlot's own logarithmic scale has a line for each of their multiples.
        scales: { x: { time: false }, y: { range: (_, low, high) => [Math.min(low, -1), Math.max(high, 1)] } },
        cursor: { show: false },
        axes: [
          { label: words.layer, incrs: [1, 2, 5, 10] },
          { incrs: [1, 2, 5, 10], values: (_, ticks) => ticks.map(power) },
        ],
      });
      this.head = make("tr");
      this.body = make("tbody");
      this.sliders = make("div", { className: "explorer-sliders" });
      this.own = make("div", { className: "explorer-sliders" });
      const table = make("table", { className: "table" }, make("thead", {}, this.head), this.body);
      this.element = make(
        "div",
        {},
        this.curves.element,
        make("p", { className: "explorer-note" }, words.dashed),
        this.sliders,
        this.own,
        make("div", { className: "pst-scrollable-table-container", tabIndex: 0 }, table),
        this.depth.element,
        make("p", { className: "explorer-note" }, words.stacked),
      );
      this.show(activations);
    }

    show(activations) {
      const settings = this.settings ?? new Map();
      this.settings = settings;
      this.activations = activations;
      for (const a of activations) {
        if (settings.has(a)) continue;
        settings.set(a, Object.fromEntries(Object.entries(a.sliders).map(([name, limits]) => [name, limits[2]])));
      }
      const bound = (side, pick) => pick(...activations.map((a) => a.plot[side]));
      [this.low, this.high] = activations.length ? [bound(0, Math.min), bound(1, Math.max)] : [-4, 4];
      this.x = Math.min(this.high, Math.max(this.low, this.x ?? 1));
      this.slide = slider("x", [this.low, this.high, this.x], (x) => this.move(x));
      this.sliders.replaceChildren(
        this.slide,
        slider(this.words.layers, [1, 50, this.layers, 1], (n) => {
          this.layers = n;
          this.update();
        }),
        slider(this.words.weight, [0.1, 3, this.weight, 0.05], (w) => {
          this.weight = w;
          this.update();
        }),
      );
      this.own.replaceChildren(
        ...activations.flatMap((a) =>
          Object.entries(a.sliders).map(([name, [low, high, , ...step]]) =>
            slider(
              activations.length > 1 ? `${this.words.title(a)}: ${name}` : name,
              [low, high, settings.get(a)[name], ...step],
              (value) => {
                settings.get(a)[name] = value;
                this.update();
              },
            ),
          ),
        ),
      );
      const heads = [this.words.function, "f(x)", "f′(x)", this.words.through];
      this.head.replaceChildren(...heads.map((text) => make("th", { scope: "col" }, text)));
      this.draw();
    }

    values() {
      const xs = Array.from({ length: POINTS }, (_, k) => this.low + ((this.high - this.low) * k) / (POINTS - 1));
      const column = (a, of) => xs.map((x) => this.at(a, of, x));
      return [xs, ...this.activations.flatMap((a) => [column(a, "value"), column(a, "slope")])];
    }

    /** Null outside the domain. */
    at(a, of, x) {
      const [left, right] = a.ends;
      if ((left !== null && x < left) || (right !== null && x > right)) return null;
      const y = a[of](x, this.settings.get(a));
      return Number.isFinite(y) ? y : null;
    }

    /** The size of the gradient after 0, 1, ... layers. */
    gradients(a) {
      let [z, gradient] = [this.x, 1];
      const sizes = [1];
      for (let k = 0; k < this.layers; k++) {
        const input = this.weight * z;
        gradient *= this.weight * (this.at(a, "slope", input) ?? NaN);
        z = this.at(a, "value", input) ?? NaN;
        sizes.push(Math.abs(gradient));
      }
      return sizes;
    }

    draw() {
      const palette = this.palette();
      const line = (stroke, dash) => ({ stroke, width: 2, dash, points: { show: false } });
      this.curves.draw(
        this.values(),
        this.activations.flatMap((_, k) => [line(palette(k)), line(palette(k), [6, 5])]),
      );
      this.deep = this.activations.map((a) => this.gradients(a));
      this.depth.draw(this.levels(), this.activations.map((_, k) => ({ ...line(palette(k)), points: { show: true, size: 5 } })));
      this.write();
    }

    palette() {
      const dark = document.documentElement.dataset.theme === "dark";
      const colors = COLORS[dark ? "dark" : "light"];
      return (k) => colors[k % colors.length];
    }

    levels() {
      const shown = (size) => (size > TINY && size < 1 / TINY ? Math.log10(size) : null);
      const sizes = this.deep.map((row) => row.map(shown));
      return [Array.from({ length: this.layers + 1 }, (_, k) => k), ...sizes];
    }

    update() {
      this.curves.plot.setData(this.values());
      this.renew();
    }

    /** What depends on x. */
    renew() {
      this.deep = this.activations.map((a) => this.gradients(a));
      this.depth.plot.setData(this.levels());
      this.write();
    }

    move(x) {
      this.x = Math.min(this.high, Math.max(this.low, x));
      this.curves.plot.redraw(false);
      this.renew();
    }

    write() {
      const palette = this.palette();
      this.body.replaceChildren(
        ...this.activations.map((a, k) => {
          const swatch = make("span", { className: "explorer-swatch" });
          swatch.style.background = palette(k);
          const numbers = [this.at(a, "value", this.x), this.at(a, "slope", this.x), this.deep[k].at(-1)];
          const cells = numbers.map((value) => make("td", {}, value === null ? "" : written(value)));
          return make("tr", {}, make("th", { scope: "row" }, swatch, this.words.short(a)), ...cells);
        }),
      );
    }

    /** The place of x, and a dot on each curve. */
    mark(plot) {
      const context = plot.ctx;
      const left = plot.valToPos(this.x, "x", true);
      const { top, height } = plot.bbox;
      context.save();
      context.strokeStyle = color("--pst-color-text-muted");
      context.lineWidth = devicePixelRatio;
      context.beginPath();
      context.moveTo(left, top);
      context.lineTo(left, top + height);
      context.stroke();
      const palette = this.palette();
      this.activations.forEach((a, k) => {
        for (const of of ["value", "slope"]) {
          const y = this.at(a, of, this.x);
          if (y === null) continue;
          context.fillStyle = palette(k);
          context.beginPath();
          context.arc(left, plot.valToPos(y, "y", true), 4 * devicePixelRatio, 0, 2 * Math.PI);
          context.fill();
        }
      });
      context.restore();
    }

    /** Mouse, pen and finger move x. */
    follow(plot) {
      const place = (event) => {
        const x = plot.posToVal(event.clientX - plot.over.getBoundingClientRect().left, "x");
        this.slide.set(x);
        this.move(x);
      };
      plot.over.addEventListener("pointermove", place);
      plot.over.addEventListener("pointerdown", place);
    }
  }

  // ---- Functions of rows ----

  /** Scores that readers move, and what becomes of them. */
  class Rows {
    constructor(words, activation) {
      Object.assign(this, { words, activation, scores: [2, 1, 0.1, -1], settings: {} });
      this.noise = Array(CLASSES).fill(0);
      this.chart = new Chart(words.row, {
        scales: { x: { time: false, range: (_, low, high) => [low - 0.6, high + 0.6] } },
        cursor: { show: false },
        axes: [{ values: (_, ticks) => ticks.map((t) => (Number.isInteger(t) && t > 0 ? `${t}` : "")) }, {}],
      });
      this.body = make("tr");
      const sliders = this.scores.map((score, k) =>
        slider(`x${"₁₂₃₄"[k]}`, [-6, 6, score], (value) => {
          this.scores[k] = value;
          this.draw();
        }),
      );
      for (const [name, limits] of Object.entries(activation.sliders)) {
        this.settings[name] = limits[2];
        sliders.push(
          slider(name, limits, (value) => {
            this.settings[name] = value;
            this.draw();
          }),
        );
      }
      if (/\bG\[/.test(activation.entry)) {
        const again = make("button", { type: "button", className: "btn btn-outline-primary btn-sm" }, words.noise);
        again.addEventListener("click", () => {
          this.noise = this.noise.map(() => -Math.log(-Math.log(Math.random())));
          this.draw();
        });
        sliders.push(again);
      }
      const table = make("table", { className: "table" }, make("tbody", {}, this.body));
      this.element = make(
        "div",
        {},
        this.chart.element,
        make("div", { className: "explorer-sliders" }, ...sliders),
        make("div", { className: "pst-scrollable-table-container", tabIndex: 0 }, table),
      );
      this.draw();
    }

    values() {
      const { activation: a, scores: x, noise: G, settings } = this;
      const row = { x, n: CLASSES, G };
      return Array.from({ length: a.count(CLASSES, settings) }, (_, k) => a.entry(k + 1, row, settings)).flat();
    }

    draw() {
      const values = this.values();
      const fill = color("--pst-color-primary");
      const bars = uPlot.paths.bars({ size: [0.6, 120] });
      this.chart.draw([values.map((_, k) => k + 1), values], [{ fill, stroke: fill, paths: bars, points: { show: false } }]);
      this.body.replaceChildren(
        make("th", { scope: "row" }, this.words.short(this.activation)),
        ...values.map((value) => make("td", {}, written(value))),
      );
    }
  }

  // ---- Pages ----

  function panel(words, activation) {
    return activation.entry ? new Rows(words, activation) : new Curves(words, [activation]);
  }

  /** A list to pick from, all curves in one chart, and a row of scores below. */
  function page(words) {
    const single = ACTIVATIONS.filter((a) => !a.entry);
    const picked = new Set(["sigmoid", "tanh", "relu", "gelu"].map((name) => single.find((a) => a.name === name)));
    const curves = new Curves(words, [...picked]);
    const filter = make("input", { type: "search", placeholder: words.filter, ariaLabel: words.filter });
    const boxes = single.map((a) => {
      const box = make("input", { type: "checkbox", checked: picked.has(a) });
      box.addEventListener("change", () => {
        if (box.checked) picked.add(a);
        else picked.delete(a);
        curves.show([...picked]);
      });
      return make("label", {}, box, words.title(a));
    });
    filter.addEventListener("input", () => {
      const wanted = filter.value.toLowerCase();
      single.forEach((a, k) => {
        boxes[k].hidden = !`${a.name} ${a.title} ${a.korean} ${a.family}`.toLowerCase().includes(wanted);
      });
    });
    const rows = ACTIVATIONS.filter((a) => a.entry);
    const choice = make("select", { ariaLabel: words.function }, ...rows.map((a) => make("option", { value: a.name }, words.title(a))));
    const below = make("div");
    const change = () => {
      below.replaceChildren();
      const chosen = rows.find((a) => a.name === choice.value);
      const shown = new Rows(words, chosen);
      below.append(shown.element);
      shown.draw();
      below.shown = shown;
    };
    choice.value = "softmax";
    choice.addEventListener("change", change);
    const list = make("fieldset", { className: "explorer-list" }, make("legend", {}, words.functions), ...boxes);
    const heading = (text, id) => make("h2", { id }, text);
    const element = make(
      "div",
      { className: "explorer-page" },
      filter,
      list,
      curves.element,
      heading(words.row, "rows"),
      choice,
      below,
    );
    change();
    return { element, draw: () => (curves.draw(), below.shown.draw()) };
  }

  async function start(container) {
    if (container.started) return;
    container.started = true;
    loading ??= Promise.all([style("uPlot.min.css"), load("uPlot.iife.min.js"), load("activations.js")]);
    const words = JSON.parse(container.dataset.words);
    const korean = document.documentElement.lang.startsWith("ko");
    words.title = (a) => (korean ? a.korean : a.title);
    // In a table on a phone there is no room for what a name stands for.
    const meaning = / \([^()]*[가-힣][^()]*\)$/;
    words.short = (a) => (a.title.includes("(") ? words.title(a) : words.title(a).replace(meaning, ""));
    try {
      await loading;
    } catch (error) {
      container.append(make("p", { role: "alert" }, error.message));
      return;
    }
    const { name } = container.dataset;
    const shown = name ? panel(words, ACTIVATIONS.find((a) => a.name === name)) : page(words);
    container.append(shown.element);
    // It had no width before.
    shown.draw();
    new MutationObserver(() => shown.draw()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  }

  document.addEventListener("DOMContentLoaded", () => {
    for (const container of document.querySelectorAll(".explorer")) {
      if (container.tagName !== "DETAILS") start(container);
      else container.addEventListener("toggle", () => container.open && start(container));
    }
  });
})();

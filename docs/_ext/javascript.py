"""The catalog's formulas as JavaScript, for the explorer; tests compare them with the library."""

import json
import re

import sympy
from formulas import of_rows, parsed
from sympy.printing.jscode import JavascriptCodePrinter

from actfn.catalog import FUNCTIONS, Activation, catalog

# What formulas need and JavaScript does not have. erf by its series, from 2.5 on by the continued fraction of erfc.
PRELUDE = """
const {abs: Abs, exp, log, sqrt, tanh, sin, cos, atan, max, min} = Math;
function erfc(x) {
  if (x < 0) return 2 - erfc(-x);
  if (x < 2.5) {
    let term = x, sum = x;
    for (let n = 1; Abs(term) > 1e-17 * sum; n++) {
      term *= -x * x / n;
      sum += term / (2 * n + 1);
    }
    return 1 - 2 / sqrt(Math.PI) * sum;
  }
  let tail = 0;
  for (let n = 60; n > 0; n--) tail = n / 2 / (x + tail);
  return exp(-x * x) / sqrt(Math.PI) / (x + tail);
}
const total = (first, last, term) => {
  let sum = 0;
  for (let j = first; j <= last; j++) sum += term(j);
  return sum;
};
// Where a sum that falls as tau grows is 1.
const solved = (sum) => {
  let [low, high] = [-100, 100];
  for (let k = 0; k < 60; k++) {
    const middle = (low + high) / 2;
    if (sum(middle) > 1) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
};
"""

# Of a row that readers move.
ENTRIES = 4


class Printer(JavascriptCodePrinter):
    """SymPy's, with entries of rows, sums over them, and names of this library."""

    def _print_Function(self, expr):
        name = expr.func.__name__
        arguments = ", ".join(map(self._print, expr.args))
        # x(i) is the entry i of x, from 1 on.
        return f"{name}[{arguments} - 1]" if name in ("x", "y", "g", "G") else f"{name}({arguments})"

    _print_erfc = _print_Function

    def _print_Sum(self, expr):
        ((index, first, last),) = expr.limits
        return f"total({self._print(first)}, {self._print(last)}, ({index}) => {self._print(expr.function)})"

    def _print_KroneckerDelta(self, expr):
        left, right = map(self._print, expr.args)
        return f"({left} === {right} ? 1 : 0)"

    def _print_Tuple(self, expr):
        return f"[{', '.join(map(self._print, expr))}]"

    def _print_Min(self, expr):
        return f"min({', '.join(map(self._print, expr.args))})"

    def _print_Max(self, expr):
        return f"max({', '.join(map(self._print, expr.args))})"


def javascript(text: str) -> str:
    tree = parsed(text)
    return str(Printer({"order": "none"}).doprint(sympy.Tuple(*tree) if isinstance(tree, tuple) else tree))


def span(default: float | None) -> tuple[float, ...]:
    """Of a slider: from where, to where, and where it stands at first."""
    if default is None:
        return -1.0, 1.0, 0.25
    if default == 0:
        return -1.0, 1.0, 0.0
    far = max(1.0, 3 * abs(default))
    near = min(abs(default), far / 50)
    return (near, far, default) if default > 0 else (-far, -near, default)


def sliders(row: Activation) -> dict[str, tuple[float, ...]]:
    """The operands after the first, and the parameters that the formula has; the last number, if any, is a step."""
    operands = {name: (0.0, 1.0, 1.0) if name == "target" else (-2.0, 2.0, 1.0) for name in row.inputs[1:]}
    if row.kind == "spatial" and not of_rows(row):
        # The largest of a window is an operand here.
        operands["T"] = (-2.0, 2.0, 0.0)
    if row.kind == "row loss":
        operands["t"] = (1, ENTRIES, 1, 1)
    used = re.findall(r"\w+", f"{row.formula} {row.derivative}")
    return operands | {name: span(default) for name, default in row.params.items() if name in used}


def function(row: Activation) -> str:
    """An object of the explorer: what moves, and value and slope as functions of the input and of that."""
    names = ", ".join(sliders(row))
    moved = f", {{{names}}}" if names else ""
    value = javascript(row.formula)
    facts = {"name": row.name, "title": row.title, "korean": row.title_ko, "family": row.family,
             "sliders": sliders(row), "plot": row.plot, "ends": ends(row)}  # fmt: skip
    lines = [f"{name}: {json.dumps(fact, ensure_ascii=False)}" for name, fact in facts.items()]
    if not of_rows(row):
        x = row.inputs[0]
        inside = f"!({javascript(row.defined)}) ? NaN : " if row.defined else ""
        lines += [f"{name}: ({x}{moved}) => {inside}{javascript(text)}"
                  for name, text in (("value", row.formula), ("slope", row.derivative))]  # fmt: skip
    else:
        known = ""
        if "tau" in row.formula and "tau" not in row.params:
            known = f"const tau = solved((tau) => total(1, n, (i) => {value})); "
        elif row.formula.startswith("Kronecker"):
            known = "const k = 1 + x.indexOf(max(...x)); "
        count = "1" if not re.search(r"\bi\b", row.formula) or row.kind == "row loss" else "n"
        count = "n / 2" if "2*i" in row.formula else count
        lines += [
            f"count: (n{moved}) => {count}",
            f"entry: (i, {{x, n, G}}{moved}) => {{ {known}return {value}; }}",
        ]
    return "{" + ",\n  ".join(lines) + "}"


def ends(row: Activation) -> list[float | None]:
    """The domain in numbers, None where there is no end."""
    return [None if "oo" in end else float(end) for end in row.ends]


def script() -> str:
    """All functions, in the order of the catalog."""
    named = "\n".join(f"const {name} = (x) => {javascript(text)};" for name, text in FUNCTIONS.items())
    listed = ",\n".join(map(function, catalog.values()))
    return f'"use strict";\nconst ACTIVATIONS = (() => {{{PRELUDE}{named}\nreturn [\n{listed}\n];\n}})();\n'

"""Formulas of the catalog as LaTeX, in the order and the shape in which the catalog writes them."""

import re

import sympy
from sympy.parsing.sympy_parser import parse_expr
from sympy.printing.latex import LatexPrinter

from actfn.catalog import FUNCTIONS, Activation

# Names that textbooks write otherwise; any other name of more than a letter is set upright.
WRITTEN = {"sigmoid": r"\sigma", "Phi": r"\Phi", "phi": r"\varphi", "lambd": r"\lambda", "oo": r"\infty"}
GREEK = {"alpha", "beta", "gamma", "delta", "theta", "tau", "mu", "eta", "kappa", "epsilon"}


def parsed(text: str) -> sympy.Expr:
    """Nothing rearranged; a name before a bracket that SymPy does not know is a function, or an entry of a row."""
    # Piecewise would bring conditions into an order of its own.
    names: dict[str, object] = {"Piecewise": lambda *pieces: sympy.Piecewise(*pieces, evaluate=False)}
    for word, bracket in re.findall(r"([A-Za-z_]\w*)\s*(\(?)", text):
        if word in FUNCTIONS or (bracket and not hasattr(sympy, word)):
            names[word] = sympy.Function(word)
        elif not bracket and word not in ("pi", "oo", "True", "E"):
            names[word] = sympy.Symbol(word, real=True)
    return parse_expr(text, local_dict=names, evaluate=False)


class Printer(LatexPrinter):
    """SymPy's, with subscripts for entries of rows and short decimals."""

    def _print_Symbol(self, expr, _style="plain"):
        return named(expr.name)

    def _print_Function(self, expr, exp=None):
        name = expr.func.__name__
        arguments = ", ".join(map(self._print, expr.args))
        if name in FUNCTIONS:
            text = rf"{named(name)}{{\left({arguments}\right)}}"
        elif isinstance(expr.func, sympy.core.function.UndefinedFunction):
            text = f"{named(name)}_{{{arguments}}}"
        else:
            return super()._print_Function(expr, exp)
        return text if exp is None else f"{text}^{{{exp}}}"

    def _print_Mul(self, expr):
        # 1/x is a product with 1, and -x with -1, as long as nothing is evaluated.
        first, *others = expr.args
        rest = sympy.Mul(*others, evaluate=False) if len(others) > 1 else others[0]
        if first == 1:
            return self._print(rest)
        if isinstance(first, sympy.Mul) and first.args[0] == -1:
            positive = sympy.Mul(*first.args[1:], *others, evaluate=False)
            return f"- {self._print(positive)}"
        return super()._print_Mul(expr)

    def _print_Float(self, expr):
        digits = f"{float(expr):.15g}"
        return digits if len(digits) <= 9 else rf"{digits[:7]}\ldots"

    def _print_And(self, expr):
        return r" \text{ and } ".join(map(self._print, sorted(expr.args, key=str, reverse=True)))


def named(name: str) -> str:
    """A symbol or the head of a function."""
    if name in WRITTEN:
        return WRITTEN[name]
    if name in GREEK:
        return rf"\{name}"
    upright = name.replace("_", r"\_")
    return name if len(name) == 1 else rf"\mathrm{{{upright}}}"


def latex(text: str) -> str:
    """A formula as the catalog writes it."""
    return Printer({"order": "none", "ln_notation": True, "mul_symbol": r" \, "}).doprint(parsed(text))


def interval(text: str) -> str:
    """A range as the catalog writes it: "[0, oo)" or "{0, 1}"."""
    ends = ", ".join(map(latex, text[1:-1].split(", ")))
    return text[0].replace("{", r"\{") + ends + text[-1].replace("}", r"\}")


def plain_interval(text: str) -> str:
    """A range for tables of many, where formulas would be most of the page."""
    return text.replace("oo", "∞").replace("pi", "π").replace("-", "−").replace(" ", "\N{NO-BREAK SPACE}")


def definitions(row: Activation) -> list[str]:
    """Equations for the named functions that a row uses, without those that are the row's own definition."""
    used = [name for name in FUNCTIONS if re.search(rf"\b{name}\(", row.formula + row.derivative)]
    used = [name for name in used if FUNCTIONS[name] != row.formula]
    return [rf"{named(name)}(x) = {latex(FUNCTIONS[name])}" for name in used]


def of_rows(row: Activation) -> bool:
    """Whether a formula is about entries of a row, not about a number; the channels of a pixel are a row."""
    return row.kind in ("rows", "sampled rows", "pieces", "row loss") or (row.kind == "spatial" and not row.trains)


def sides(row: Activation) -> tuple[str, str]:
    """What stands on the left of formula and derivative."""
    entry = "x_i" if of_rows(row) else "x"
    loss = rf"\frac{{\partial L}}{{\partial {entry}}}"
    if "loss" in row.kind:
        return "L", loss
    if entry == "x_i":
        return "y_i" if re.search(r"\bi\b", row.formula) else "y", loss
    if row.inputs == ("x",):
        return "f(x)", "f'(x)"
    inputs = [named(name) for name in row.inputs]
    return f"f({', '.join(inputs)})", rf"\frac{{\partial f}}{{\partial\,{inputs[0]}}}"


def equations(row: Activation) -> tuple[str, str]:
    """The definition and the derivative."""
    left, slope = sides(row)
    return f"{left} = {latex(row.formula)}", f"{slope} = {latex(row.derivative)}"

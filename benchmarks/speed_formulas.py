"""Formulas of the catalog as Python text: what one types into NumPy, numexpr, numba or JAX."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import sympy
from sympy.core.function import AppliedUndef

from tests import oracle


@dataclass
class Text:
    """An expression, the assignments before it and the values of its constants k0, k1, ..."""

    result: str = ""
    steps: dict[str, str] = field(default_factory=dict)
    constants: dict[str, float] = field(default_factory=dict)


@cache
def text_of(
    name: str,
    direction: str,
    *,
    known: tuple[str, ...] = (),
    free: tuple[str, ...] = (),
    branches: bool = False,
    steps: bool = True,
    extremes: bool = True,
) -> Text:
    """The row's formula, or its derivative times g.

    Functions that are `known` keep their names, parameters that are `free` too; all others get their defaults.
    `branches` writes `a if c else b` for where(c, a, b); `steps` names what occurs twice; without `extremes` a
    maximum is a choice too.
    """
    row = oracle.ROWS[name]
    tree = oracle.parse(row.formula if direction == "forward" else row.derivative)
    for function, definition in oracle.facts.FUNCTIONS.items():
        if function not in known:
            body = oracle.parse(definition)
            tree = tree.replace(sympy.Function(function), lambda a, f=body: f.subs(_symbol("x"), a))
    tree = tree.subs({_symbol(p): _number(v) for p, v in oracle.default_params(row).items() if p not in free})
    if direction == "backward":
        tree = _symbol("g") * tree
    tree = tree.evalf(17)
    named, (tree,) = sympy.cse(tree, sympy.numbered_symbols("t")) if steps else ([], [tree])
    text = Text()
    spell = _Speller(text.constants, branches, extremes and not branches)
    text.steps = {symbol.name: spell(value) for symbol, value in named}
    text.result = spell(tree)
    return text


def _symbol(name: str) -> Any:
    return sympy.Symbol(name, real=True)


def _number(value: float) -> Any:
    return sympy.Integer(int(value)) if value == int(value) else sympy.Float(value)


class _Speller:
    """Prints a SymPy tree; numbers become constants, so that every library can give them the dtype of x."""

    def __init__(self, constants: dict[str, float], branches: bool, extremes: bool) -> None:
        self.constants, self.branches, self.extremes = constants, branches, extremes

    def __call__(self, node: Any) -> str:
        if isinstance(node, sympy.Symbol):
            return str(node.name)
        if node.is_number:
            return self._constant(float(node))
        if isinstance(node, sympy.Piecewise):
            (*pieces, (last, _)) = node.args
            text = self(last)
            for value, condition in reversed(pieces):
                text = self._choice(self(condition), self(value), text)
            return text
        if isinstance(node, sympy.Add):
            return self._sum(node)
        if isinstance(node, sympy.Mul):
            return self._product(node)
        if isinstance(node, sympy.Pow):
            return self._power(sympy.nsimplify(node.args[1]), self(node.args[0]))
        args = [self(a) for a in node.args]
        if isinstance(node, sympy.And):
            return f"({' & '.join(args)})"
        if node.is_Relational:
            return f"({args[0]} {node.rel_op} {args[1]})"
        if isinstance(node, sympy.Max | sympy.Min):
            sign, function = (">", "maximum") if isinstance(node, sympy.Max) else ("<", "minimum")
            a, b = args
            return f"{function}({a}, {b})" if self.extremes else self._choice(f"({a} {sign} {b})", a, b)
        function = node.func.__name__ if isinstance(node, AppliedUndef) else node.func.__name__.lower()
        function = {"atan": "arctan"}.get(function, function)
        return f"{function}({', '.join(args)})"

    def _constant(self, value: float) -> str:
        known: Mapping[float, str] = {v: k for k, v in self.constants.items()}
        name = known.get(value, f"k{len(self.constants)}")
        self.constants[name] = value
        return name

    def _choice(self, condition: str, yes: str, no: str) -> str:
        return f"({yes} if {condition} else {no})" if self.branches else f"where({condition}, {yes}, {no})"

    def _sum(self, node: Any) -> str:
        # A term that is not subtracted comes first.
        terms = sorted(node.args, key=lambda term: bool(term.as_coeff_Mul()[0] < 0))
        text = self(terms[0])
        for term in terms[1:]:
            text += f" - {self(-term)}" if term.as_coeff_Mul()[0] < 0 else f" + {self(term)}"
        return f"({text})"

    def _product(self, node: Any) -> str:
        number, rest = node.as_independent(*node.free_symbols, as_Add=False)
        above, below = [], []
        for factor in sympy.Mul.make_args(rest):
            power = factor.args[1] if isinstance(factor, sympy.Pow) else sympy.S.One
            if power.is_negative:
                below.append(self(factor.args[0] ** -power))
            else:
                above.append(self(factor))
        if abs(number) != 1 or not above:
            above.append(self._constant(abs(float(number))))
        text = "*".join(above) + "".join(f"/{b}" for b in below)
        return f"(-({text}))" if bool(number < 0) else f"({text})"

    def _power(self, exponent: Any, base: str) -> str:
        if exponent == sympy.Rational(1, 2):
            return f"sqrt({base})"
        if exponent == 1:
            return base
        if exponent.is_negative:
            return f"({self._constant(1.0)}/{self._power(-exponent, base)})"
        if exponent.q == 2:
            return f"({self._power(exponent - sympy.Rational(1, 2), base)}*sqrt({base}))"
        # NumPy is slow at powers above 2.
        return f"({'*'.join([base] * int(exponent))})" if base.isidentifier() else f"{base}**{exponent}"

"""Errors of functions of several inputs, which cannot be tried at every input: at inputs drawn at random, in float32.

    python -m benchmarks.drawn                 all of them, here and in the libraries that are installed
    python -m benchmarks.drawn softmax glu     some

Rows have 16 entries, some close together and some far apart; gates and scores reach into the tails. Exact values come
from ball arithmetic, those of windows over images from sums without rounding. An error is counted in units of the last
place, where it should be a normal number; that of a gradient which is a difference, such as y * (g - sum), in units of
the last place of the larger term.

Results go into benchmarks/results/drawn.json.
"""

import argparse
import math
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

import actfn
from tests import oracle, row_oracle

from . import peers, sweep

RESULTS = Path(__file__).parent / "results" / "drawn.json"
ROWS, ENTRIES, POINTS, SIDES = 1000, 16, 4000, (20, 25)
TINY = np.finfo(np.float32).tiny
Errors = Callable[[Any], float]


def inputs(name: str) -> list[np.ndarray]:
    """Operands of the forward function, and a gradient, the same for all libraries."""
    rng, kind = np.random.default_rng(11), oracle.ROWS[name].kind
    if oracle.ROWS[name].trains:  # images and windows
        shapes = (2, 4, *SIDES), (4, 3, 3), (2, 4, *SIDES)
        return [rng.normal(size=shape).astype(np.float32) for shape in shapes]
    if kind in ("rows", "row loss"):
        scale = 10.0 ** rng.uniform(-1, 1.5, (ROWS, 1))
        x = (scale * rng.normal(size=(ROWS, ENTRIES)) + 5 * rng.normal(size=(ROWS, 1))).astype(np.float32)
        grad = rng.normal(size=(ROWS, ENTRIES) if name not in row_oracle.REDUCED else ROWS).astype(np.float32)
        return [x, *([rng.integers(0, ENTRIES, ROWS)] if kind == "row loss" else []), grad]
    x = rng.normal(0, 8, POINTS).astype(np.float32)
    other = rng.integers(0, 2, POINTS) if "loss" in kind else rng.normal(size=POINTS)
    return [x, other.astype(np.float32), rng.normal(size=POINTS).astype(np.float32)]


def largest(exact: oracle.Reference, sizes: Any, got: Any) -> float:
    """The largest error among normal numbers, in units of the last place of the exact value or of larger terms."""
    value = np.abs(exact.nearest)
    unit = np.spacing(np.maximum(value, TINY).astype(np.float32)).astype(float)
    terms = np.spacing(np.maximum(np.maximum(value, sizes), TINY).astype(np.float32)).astype(float)
    errors = exact.errors(np.ravel(got)) * unit / terms
    return float(np.max(np.where(np.maximum(value, sizes) >= TINY, errors, 0)))


# ---- What each kind of function should return -----------------------------------------------------------------


def rows(name: str, direction: str) -> tuple[list[list[Any]], list[Errors]]:
    """A call for all rows; a reference for each."""
    x, grad = inputs(name)
    exact = [row_oracle.forward(name, row.tolist(), "float32") for row in x.astype(float)]
    if direction == "forward":
        return [[x]], [lambda got: max(largest(e, 0.0, got[k]) for k, e in enumerate(exact))]
    # All but those that return one number per row start from the output; rounded to float64 it is as good as exact.
    wide = x.astype(float).tolist()
    known = (
        wide if name in row_oracle.REDUCED else [row_oracle.forward(name, r, "float64").nearest.tolist() for r in wide]
    )
    pairs = [
        row_oracle.backward(name, np.atleast_1d(g).tolist(), y, "float32")
        for g, y in zip(grad.astype(float), known, strict=True)
    ]
    return [[grad, x]], [lambda got: max(largest(e, s, got[k]) for k, (e, s) in enumerate(pairs))]


def gated(name: str, direction: str) -> tuple[list[list[Any]], list[Errors]]:
    gate, value, grad = inputs(name)
    row = oracle.ROWS[name]
    columns = [gate.astype(float).tolist(), value.astype(float).tolist()]
    text = row.formula if direction == "forward" else row.derivative
    factors = None if direction == "forward" else grad.astype(float).tolist()
    exact = oracle.evaluate(oracle.formula(text), "float32", ["gate", "value"], columns, factors=factors)
    if name == "glu":  # one array, the gate behind the value
        x = np.stack([value, gate], axis=-1)
        given = [x] if direction == "forward" else [grad[:, None], x]
        return [given], [lambda got: largest(exact, 0.0, got if direction == "forward" else got[:, 1])]
    given = [gate, value] if direction == "forward" else [grad, gate, value]
    return [given], [lambda got: largest(exact, 0.0, got if direction == "forward" else got[0])]


def row_loss(name: str, direction: str) -> tuple[list[list[Any]], list[Errors]]:
    """Row by row: the loss of many is a mean."""
    x, target, _ = inputs(name)
    one = np.ones((), np.float32)
    given: list[list[Any]] = []
    checks: list[Errors] = []
    for row, t in zip(x, target, strict=True):
        given.append([*([one] if direction == "backward" else []), row[None], np.array([t])])
        z = row_oracle.entries(row.astype(float).tolist())
        hot = [int(k == t) for k in range(ENTRIES)]
        if direction == "forward":
            exact = row_oracle.resolve_row(lambda z=z, t=t: [-row_oracle.log_softmax(z)[t]], "float32")
        else:
            exact = row_oracle.resolve_row(
                lambda z=z, hot=hot: [p - one for p, one in zip(row_oracle.softmax(z), hot, strict=True)], "float32"
            )
        checks.append(partial(largest, exact, 0.0 if direction == "forward" else np.array(hot)))
    return given, checks


def pointwise_loss(name: str, direction: str) -> tuple[list[list[Any]], list[Errors]]:
    x, target, _ = inputs(name)
    x, target = x[:ROWS], target[:ROWS]
    row = oracle.ROWS[name]
    names = ["x", "target", *row.params]
    columns = [x.astype(float).tolist(), target.astype(float).tolist(), *([v] * ROWS for v in row.params.values())]
    text = row.formula if direction == "forward" else row.derivative
    one = np.ones((), np.float32)
    given: list[list[Any]] = []
    checks: list[Errors] = []
    for k, values in enumerate(zip(*columns, strict=True)):
        exact = oracle.evaluate(oracle.formula(text), "float32", names, [[v] for v in values])
        given.append([*([one] if direction == "backward" else []), x[k : k + 1], target[k : k + 1]])
        checks.append(partial(largest, exact, 0.0))
    return given, checks


def spatial(name: str, direction: str) -> tuple[list[list[Any]], list[Errors]]:
    if oracle.ROWS[name].trains:
        return window(name, direction)
    # The softmax of the channels, which lie in front.
    (given,), (check,) = rows("softmax", direction)
    return [[np.ascontiguousarray(a.T[:, None]) for a in given]], [lambda got: check(got[:, 0].T)]


def window(name: str, direction: str) -> tuple[list[list[Any]], list[Errors]]:
    """The larger of a pixel and the sum of its window, or the gradient of the image."""
    x, weights, grad = inputs(name)
    sums = added(x, weights)
    if direction == "forward":
        return [[x, weights]], [partial(off, np.maximum(x, sums))]
    through = np.where(sums > x, grad, 0)
    exact = added(through, weights[:, ::-1, ::-1], np.where(sums > x, 0, grad))
    return [[grad, x, weights]], [lambda got: off(exact, got[0])]


def added(x: np.ndarray, weights: np.ndarray, *more: np.ndarray) -> np.ndarray:
    """The weighted sums of all 3x3 windows. A product of float32 is exact in double, and fsum rounds once."""
    wide = np.pad(x.astype(float), ((0, 0), (0, 0), (1, 1), (1, 1)))
    height, width = x.shape[2:]
    terms = [wide[..., r : r + height, c : c + width] * weights.astype(float)[:, r, c, None, None]
             for r, c in product(range(3), repeat=2)]  # fmt: skip
    return np.apply_along_axis(math.fsum, 0, np.stack([*terms, *more]))


def off(exact: np.ndarray, got: Any) -> float:
    size = np.abs(exact)
    errors = np.abs(got - exact) / np.spacing(np.maximum(size, TINY).astype(np.float32))
    return float(np.max(np.where(size >= TINY, errors, 0)))


REFERENCES = {"rows": rows, "gated": gated, "row loss": row_loss, "pointwise loss": pointwise_loss, "spatial": spatial}


def measure(name: str, direction: str) -> dict[str, float]:
    """The largest error by library, this one first."""
    given, checks = REFERENCES[oracle.ROWS[name].kind](name, direction)
    errors = {}
    contenders = {"actfn": peers.ours(name, direction), **peers.peers_of(name, direction)}
    calls = {peer: contender.prepare for peer, contender in contenders.items()}
    if oracle.ROWS[name].trains:  # Windows have no default to prepare a call with.
        function = getattr(actfn, name if direction == "forward" else f"{name}_backward")
        calls = {"actfn": lambda *operands: partial(function, *operands)}
    for peer, prepare in calls.items():
        with np.errstate(all="ignore"):
            results = [unpacked(prepare(*operands)()) for operands in given]
        errors[peer] = max(check(result) for check, result in zip(checks, results, strict=True))
    return errors


def unpacked(result: Any) -> Any:
    """An array, or a list of several; some libraries return one in a list."""
    parts = [np.asarray(part) for part in result] if isinstance(result, tuple | list) else [np.asarray(result)]
    return parts[0] if len(parts) == 1 else parts


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.drawn", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="activations; all that have several inputs by default")
    names = [name for name, row in oracle.ROWS.items() if row.kind in REFERENCES]
    chosen = parser.parse_args().names or names
    if unknown := set(chosen) - set(names):
        parser.error(f"not a function of rows, a gate, a loss or of images: {', '.join(sorted(unknown))}")
    for name in chosen:
        inputs = POINTS if oracle.ROWS[name].kind == "gated" or oracle.ROWS[name].trains else ROWS
        for direction in peers.DIRECTIONS:
            found = []
            for peer, error in measure(name, direction).items():
                row = {"name": name, "direction": direction, "dtype": "float32", "peer": peer, "version": version(peer)}
                found.append({**row, "normal ulp": sweep.plain(sweep.rounded_up(error)), "inputs": inputs})
                print(f"{name:21} {direction:9} {peer:12} {error:.3g}", flush=True)
            sweep.save(found, "python -m benchmarks.drawn", RESULTS)


if __name__ == "__main__":
    main()

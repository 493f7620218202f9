"""The proof of the float32 bounds: every kernel at every one of the 4,294,967,296 inputs.

    python -m benchmarks.sweep                     all activations, all builds
    python -m benchmarks.sweep gelu --build v3     one function, one build
    python -m benchmarks.sweep --every 4099        a sample

Each result is compared with a double reference that shares no code with the kernels. Where the two differ by more than
rounding explains, ball arithmetic decides. A run can be interrupted: finished parts are kept in build/sweep, and full
runs go into benchmarks/results/sweep.json.
"""

import argparse
import datetime
import hashlib
import importlib
import json
import multiprocessing
import os
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from tests import oracle

from .reference import reference

PARTS = 64
PART = 2**32 // PARTS
# Small enough for the intermediate arrays to stay in the cache.
CHUNK = 1 << 15
STATE = Path("build/sweep")
RESULTS = Path(__file__).parent / "results" / "sweep.json"
# Errors above this are not explained by one rounding, and are decided by ball arithmetic.
SUSPECT = 0.51
DIRECTIONS = ("forward", "backward")


def kernels_of(build: str) -> Any:
    kernels = importlib.import_module(f"actfn._kernels_{build}")
    kernels.set_num_threads(1)
    return kernels


def apply(build: str, name: str, direction: str, x: Any) -> Any:
    """The kernel at its default parameters; a gradient of 1 gives the derivative."""
    row, ufuncs = oracle.ROWS[name], kernels_of(build).ufuncs
    params = oracle.default_params(row).values()
    return ufuncs[name](x, *params) if direction == "forward" else ufuncs[f"{name}_backward"](1.0, x, *params)


def errors(got: Any, exact: Any) -> Any:
    """|got - exact| in units of the last place of float32 at exact, subnormals included."""
    exponent = np.maximum(np.frexp(exact)[1], -125) - 24
    return np.abs(got.astype(np.float64) - exact) / np.ldexp(1.0, exponent)


def decide(name: str, direction: str, x: Any, got: Any) -> Any:
    """The errors by ball arithmetic."""
    found = oracle.elementwise(name, direction, "float32", [float(v) for v in x])
    return found.errors(got)


# Name, direction, builds, every, part.
Job = tuple[str, str, tuple[str, ...], int, int]


def sweep_part(job: Job) -> dict[str, Any]:
    """One part of the inputs: per build the largest error, where, and how many inputs are not correctly rounded."""
    name, direction, builds, every, part = job
    exact_of = reference(name, direction)
    found = {build: {"ulp": 0.5, "at": None, "wrong": 0} for build in builds}
    first = part * PART + (-part * PART) % every
    for start in range(first, (part + 1) * PART, CHUNK * every):
        stop = min(start + CHUNK * every, (part + 1) * PART)
        x = np.arange(start, stop, every, dtype=np.uint64).astype(np.uint32).view(np.float32)
        exact = exact_of(x.astype(np.float64))
        with np.errstate(all="ignore"):
            correct = exact.astype(np.float32)
        for build in builds:
            got = apply(build, name, direction, x)
            wrong = np.flatnonzero((got != correct) & ~(np.isnan(got) & np.isnan(correct)))
            if not wrong.size:
                continue
            with np.errstate(all="ignore"):
                error = errors(got[wrong], exact[wrong])
            suspects = np.flatnonzero(~(error <= SUSPECT))
            if suspects.size:
                error[suspects] = decide(name, direction, x[wrong[suspects]], got[wrong[suspects]])
            best = found[build]
            best["wrong"] += int(np.count_nonzero(error > 0.5))
            worst = int(np.argmax(error))
            if error[worst] > best["ulp"]:
                best.update(ulp=float(error[worst]), at=float(x[wrong[worst]]))
    return found


def source_hash() -> str:
    """Of all that the kernels are made of: results of other sources are not reused."""
    root = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted([*(root / "src").glob("*.p*"), root / "setup.py"]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def units(names: list[str], directions: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    return ((name, direction) for name in names for direction in directions)


def run(names: list[str], builds: tuple[str, ...], every: int, processes: int) -> Iterator[list[dict[str, Any]]]:
    """Per name its results; parts that an earlier run of the same sources finished are taken from disk."""
    state = STATE / source_hash() / f"every-{every}"
    state.mkdir(parents=True, exist_ok=True)
    jobs = [(n, d, builds, every, part) for n, d in units(names, DIRECTIONS) for part in range(PARTS)]

    def path(job: Job) -> Path:
        return state / f"{job[0]}-{job[1]}-{'+'.join(builds)}-{job[4]:02}.json"

    todo = [job for job in jobs if not path(job).exists()]
    with (
        multiprocessing.get_context("spawn").Pool(processes) as pool,
        tqdm(total=len(jobs), initial=len(jobs) - len(todo), unit="part", smoothing=0.02) as bar,
    ):
        finished = zip(todo, pool.imap(sweep_part, todo), strict=True)
        for name in names:
            while not all(path(job).exists() for job in jobs if job[0] == name):
                job, found = next(finished)
                path(job).write_text(json.dumps(found))
                bar.set_description(f"{job[0]} {job[1]}")
                bar.update()
            yield [result(name, d, build, [path(j) for j in jobs if j[:2] == (name, d)]) for d in DIRECTIONS
                   for build in builds]  # fmt: skip


def result(name: str, direction: str, build: str, parts: list[Path]) -> dict[str, Any]:
    found = [json.loads(part.read_text())[build] for part in parts]
    worst = max(found, key=lambda part: float(part["ulp"]))
    return {
        "name": name,
        "direction": direction,
        "build": build,
        "ulp": round(worst["ulp"], 6),
        "at": worst["at"],
        "not correctly rounded": sum(part["wrong"] for part in found),
    }


def save(rows: list[dict[str, Any]], command: str) -> None:
    """Into the results, in place of older ones of the same function, direction and build."""
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    fresh = {(row["name"], row["direction"], row["build"]) for row in rows}
    stamp = {"date": str(datetime.date.today()), "processor": processor(), "command": command}
    merged = [row for row in known if (row["name"], row["direction"], row["build"]) not in fresh]
    merged += [row | stamp for row in rows]
    merged.sort(key=lambda row: (list(oracle.ROWS).index(row["name"]), row["direction"] == "backward", row["build"]))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text("[\n" + ",\n".join(json.dumps(row) for row in merged) + "\n]\n")


def main() -> None:
    from actfn import _build

    parser = argparse.ArgumentParser(prog="python -m benchmarks.sweep", description="Errors over all float32 inputs.")
    parser.add_argument("names", nargs="*", help="activations; all by default")
    parser.add_argument("--build", action="append", choices=_build.available(), help="all that run here by default")
    parser.add_argument("--every", type=int, default=1, help="take every n-th input only")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    options = parser.parse_args()
    elementwise = [name for name, row in oracle.ROWS.items() if row.kind == "elementwise"]
    if unknown := set(options.names) - set(elementwise):
        parser.error(f"not an element-wise activation: {', '.join(sorted(unknown))}")
    builds = tuple(options.build or _build.available())
    command = f"python -m benchmarks.sweep --every {options.every}"
    for rows in run(options.names or elementwise, builds, options.every, options.processes):
        if options.every == 1:
            save(rows, command)
        for row in rows:
            print(f"{row['name']:15} {row['direction']:8} {row['build']:4} {row['ulp']:.4f} ULP at {row['at']}, "
                  f"{row['not correctly rounded']:,} not correctly rounded")  # fmt: skip


if __name__ == "__main__":
    main()

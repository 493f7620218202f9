"""The proof of the accuracy bounds: float32 at every one of the 4,294,967,296 inputs.

    python -m benchmarks.sweep                     all activations, all builds
    python -m benchmarks.sweep gelu --build v3     one function, one build
    python -m benchmarks.sweep --every 4099        a sample
    python -m benchmarks.sweep --dtype float64     a million inputs per function, drawn to hurt
    python -m benchmarks.sweep --dtype float16     all 65,536 inputs

float32 results are compared with a double reference that shares no code with the kernels; where the two differ by more
than rounding explains, ball arithmetic decides. The other dtypes are left to ball arithmetic alone. A run can be
interrupted: finished parts are kept in build/sweep. Full runs go into benchmarks/results/sweep.json.
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
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from tests import oracle, samples

from .reference import reference

PARTS = 64
PART = 2**32 // PARTS
# Small enough for the intermediate arrays to stay in the cache.
CHUNK = 1 << 15
# Inputs per function in float64.
HARD = 1_000_000
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
    exponent = np.frexp(np.maximum(np.abs(exact), np.finfo(np.float32).tiny))[1] - 24
    return np.abs(got.astype(np.float64) - exact) / np.ldexp(1.0, exponent)


@dataclass(frozen=True)
class Job:
    """One part of the inputs of one function."""

    name: str
    direction: str
    dtype: str
    builds: tuple[str, ...]
    every: int
    part: int

    @property
    def path(self) -> Path:
        file = f"{self.name}-{self.direction}-{'+'.join(self.builds)}-{self.part:02}.json"
        return STATE / source_hash() / f"{self.dtype}-every-{self.every}" / file

    def inputs(self) -> Iterator[Any]:
        """The part's inputs, a chunk at a time."""
        if self.dtype == "float32":
            first = self.part * PART + (-self.part * PART) % self.every
            for start in range(first, (self.part + 1) * PART, CHUNK * self.every):
                stop = min(start + CHUNK * self.every, (self.part + 1) * PART)
                yield np.arange(start, stop, self.every, dtype=np.uint64).astype(np.uint32).view(np.float32)
            return
        if self.dtype == "float16":
            every = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
        else:
            every = samples.values("float64", HARD)
        yield np.array_split(every[:: self.every], PARTS)[self.part]


def not_correct(name: str, direction: str, x: Any, got: Any, exact: Any) -> tuple[Any, Any]:
    """Where float32 results are not correctly rounded, and their errors: by the double reference `exact`, or where
    that leaves a doubt by ball arithmetic."""
    with np.errstate(all="ignore"):
        wrong = np.flatnonzero((got != exact.astype(np.float32)) & ~(np.isnan(got) & np.isnan(exact)))
        error = errors(got[wrong], exact[wrong])
    suspects = wrong[~(error <= SUSPECT)]
    if suspects.size:
        balls = oracle.elementwise(name, direction, "float32", x[suspects].tolist())
        error[~(error <= SUSPECT)] = balls.errors(got[suspects])
    return wrong, error


def sweep_part(job: Job) -> dict[str, Any]:
    """Per build the largest error, where, and how many inputs there are and are not correctly rounded.

    Results that are correctly rounded count as 0.5 ULP.
    """
    found = {build: {"ulp": 0.5, "at": None, "wrong": 0, "inputs": 0} for build in job.builds}
    for x in job.inputs():
        results = {build: apply(build, job.name, job.direction, x) for build in job.builds}
        with np.errstate(all="ignore"):  # signalling NaN are among the inputs
            wide = x.astype(np.float64)
        double = reference(job.name, job.direction)(wide) if job.dtype == "float32" else None
        balls = None
        for build, got in results.items():
            if job.dtype == "float32":
                wrong, error = not_correct(job.name, job.direction, x, got, double)
            else:
                balls = balls or oracle.elementwise(job.name, job.direction, job.dtype, x.tolist())
                wrong, error = np.arange(x.size), balls.errors(got)
            best = found[build]
            best["inputs"] += x.size
            best["wrong"] += int(np.count_nonzero(error > 0.5))
            if error.size and error.max() > best["ulp"]:
                worst = int(np.argmax(error))
                best.update(ulp=float(error[worst]), at=float(x[wrong[worst]]))
    return found


@cache
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


def run(
    names: list[str], dtype: str, builds: tuple[str, ...], every: int, processes: int
) -> Iterator[list[dict[str, Any]]]:
    """Per name its results; parts that an earlier run of the same sources finished are taken from disk."""
    jobs = [Job(n, d, dtype, builds, every, part) for n in names for d in DIRECTIONS for part in range(PARTS)]
    jobs[0].path.parent.mkdir(parents=True, exist_ok=True)
    todo = [job for job in jobs if not job.path.exists()]
    with (
        multiprocessing.get_context("spawn").Pool(processes) as pool,
        tqdm(total=len(jobs), initial=len(jobs) - len(todo), unit="part", smoothing=0.02) as bar,
    ):
        finished = zip(todo, pool.imap(sweep_part, todo), strict=True)
        for name in names:
            mine = [job for job in jobs if job.name == name]
            while not all(job.path.exists() for job in mine):
                job, found = next(finished)
                job.path.write_text(json.dumps(found))
                bar.set_description(f"{job.name} {job.direction}")
                bar.update()
            yield [result([job for job in mine if job.direction == d], build) for d in DIRECTIONS for build in builds]


def result(jobs: list[Job], build: str) -> dict[str, Any]:
    """The parts of one function and direction put together."""
    found = [json.loads(job.path.read_text())[build] for job in jobs]
    worst = max(found, key=lambda part: float(part["ulp"]))
    return {
        "name": jobs[0].name,
        "direction": jobs[0].direction,
        "dtype": jobs[0].dtype,
        "build": build,
        "ulp": round(worst["ulp"], 6),
        "at": worst["at"],
        "inputs": sum(part["inputs"] for part in found),
        "not correctly rounded": sum(part["wrong"] for part in found),
    }


def key(row: dict[str, Any]) -> tuple[int, str, bool, str]:
    """The order of the results."""
    return list(oracle.ROWS).index(row["name"]), row["dtype"], row["direction"] == "backward", row["build"]


def save(rows: list[dict[str, Any]], command: str) -> None:
    """Into the results, in place of older ones of the same function, dtype, direction and build."""
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    stamp = {"date": str(datetime.date.today()), "processor": processor(), "command": command}
    merged = {key(row): row for row in known} | {key(row): row | stamp for row in rows}
    RESULTS.parent.mkdir(exist_ok=True)
    lines = ",\n".join(json.dumps(merged[k]) for k in sorted(merged))
    RESULTS.write_text(f"[\n{lines}\n]\n")


def main() -> None:
    from actfn import _build

    parser = argparse.ArgumentParser(prog="python -m benchmarks.sweep", description="Errors over all float32 inputs.")
    parser.add_argument("names", nargs="*", help="activations; all by default")
    parser.add_argument("--dtype", default="float32", choices=("float16", "float32", "float64"))
    parser.add_argument("--build", action="append", choices=_build.available(), help="all that run here by default")
    parser.add_argument("--every", type=int, default=1, help="take every n-th input only")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    options = parser.parse_args()
    elementwise = [name for name, row in oracle.ROWS.items() if row.kind == "elementwise"]
    if unknown := set(options.names) - set(elementwise):
        parser.error(f"not an element-wise activation: {', '.join(sorted(unknown))}")
    builds = tuple(options.build or _build.available())
    command = f"python -m benchmarks.sweep --dtype {options.dtype}"
    for rows in run(options.names or elementwise, options.dtype, builds, options.every, options.processes):
        if options.every == 1:
            save(rows, command)
        for row in rows:
            print(f"{row['name']:15} {row['direction']:8} {row['build']:4} {row['ulp']:.4f} ULP at {row['at']}, "
                  f"{row['not correctly rounded']:,} not correctly rounded")  # fmt: skip


if __name__ == "__main__":
    main()

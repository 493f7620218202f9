"""The proof of the accuracy bounds: float32 at every one of the 4,294,967,296 inputs.

    python -m benchmarks.sweep                     all activations, all builds
    python -m benchmarks.sweep gelu --build v3     one function, one build
    python -m benchmarks.sweep gelu --build v3 --beside v4    only where v3 returns other bits than v4, which is swept
    python -m benchmarks.sweep --every 4099        a sample
    python -m benchmarks.sweep --dtype float64     a million inputs per function, drawn to hurt
    python -m benchmarks.sweep --dtype float16     all 65,536 inputs
    python -m benchmarks.sweep --peers             other libraries, at every 257th float32 input

float32 results are compared with a double reference that shares no code with the kernels; where the two differ most,
and where a result is not finite, ball arithmetic decides. The other dtypes are left to ball arithmetic alone. A run can
be interrupted: finished parts are kept in build/sweep. Full runs go into benchmarks/results/sweep.json.

Peers are the libraries of benchmarks/peers.py that are installed, and are held to the same reference; what they return
goes into benchmarks/results/peers.json.
"""

import argparse
import datetime
import hashlib
import importlib
import json
import math
import multiprocessing
import os
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from tests import oracle, samples

from . import peers, speed
from .reference import reference

PARTS = 64
PART = 2**32 // PARTS
# Small enough for the intermediate arrays to stay in the cache.
CHUNK = 1 << 15
# Peers get a whole part at once: JAX compiles for every chunk.
PEER_CHUNK = 1 << 18
PEER_EVERY = 257
# Inputs per function in float64.
HARD = 1_000_000
STATE = Path("build/sweep")
RESULTS = Path(__file__).parent / "results" / "sweep.json"
PEER_RESULTS = RESULTS.with_name("peers.json")
# Errors above this are not explained by one rounding.
SUSPECT = 0.51
# Balls would take days for all of those. They decide the largest of a chunk; for the others the double reference is
# good enough, which is tested to 1/256 ULP.
DECIDED = 16
FLOAT = np.finfo(np.float32)
DIRECTIONS = ("forward", "backward")


@cache
def kernels_of(build: str) -> Any:
    kernels = importlib.import_module(f"actfn._kernels_{build}")
    kernels.set_num_threads(1)
    return kernels


def apply(build: str, name: str, direction: str, x: Any) -> Any:
    """The kernel, or the peer's function, at its default parameters; a gradient of 1 gives the derivative."""
    if build in peers.LIBRARIES:
        with np.errstate(all="ignore"):
            return peers.peers_of(name, direction)[build].apply(x)
    row, ufuncs = oracle.ROWS[name], kernels_of(build).ufuncs
    params = oracle.default_params(row).values()
    return ufuncs[name](x, *params) if direction == "forward" else ufuncs[f"{name}_backward"](ones(x), x, *params)


def ones(x: Any) -> Any:
    """As many as x has elements: a gradient as users have it, which is read where it lies."""
    return _ones(x.dtype)[: x.size] if x.size <= CHUNK else np.ones_like(x)


@cache
def _ones(dtype: Any) -> Any:
    return np.ones(CHUNK, dtype)


def errors(got: Any, exact: Any) -> Any:
    """|got - exact| in units of the last place of float32 at exact, subnormals included."""
    exponent = np.frexp(np.maximum(np.abs(exact), FLOAT.tiny))[1] - 24
    return np.abs(got.astype(np.float64) - exact) / np.ldexp(1.0, exponent)


@dataclass(frozen=True)
class Job:
    """One part of the inputs of one function."""

    name: str
    direction: str
    dtype: str
    # Of this library; or the names of peers.
    builds: tuple[str, ...]
    every: int
    part: int
    # A build that was swept already.
    beside: str = ""

    @property
    def path(self) -> Path:
        beside = f"-beside-{self.beside}" if self.beside else ""
        file = f"{self.name}-{self.direction}-{'+'.join(self.builds)}{beside}-{self.part:02}.json"
        return STATE / source_hash(self.builds) / f"{self.dtype}-every-{self.every}" / file

    def inputs(self) -> Iterator[Any]:
        """The part's inputs, a chunk at a time."""
        if self.dtype == "float32":
            first = self.part * PART + (-self.part * PART) % self.every
            chunk = self.every * (PEER_CHUNK if peers.LIBRARIES.keys() & self.builds else CHUNK)
            for start in range(first, (self.part + 1) * PART, chunk):
                stop = min(start + chunk, (self.part + 1) * PART)
                yield np.arange(start, stop, self.every, dtype=np.uint64).astype(np.uint32).view(np.float32)
            return
        if self.dtype == "float16":
            every = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
        else:
            every = samples.values("float64", HARD)
        yield np.array_split(every[:: self.every], PARTS)[self.part]


def not_correct(build: str, name: str, direction: str, x: Any, got: Any, exact: Any) -> tuple[Any, Any]:
    """Where float32 results are not correctly rounded, and their errors: by the double reference `exact`.

    The largest of them, which is what a bound rests on, and all that is not finite are decided by ball arithmetic.
    """
    with np.errstate(all="ignore"):
        rounded = exact.astype(np.float32)
        wrong = np.flatnonzero(got.view(np.uint32) != rounded.view(np.uint32))
        same = (got[wrong] == rounded[wrong]) | (np.isnan(got[wrong]) & np.isnan(rounded[wrong]))
        wrong = wrong[~same]
        error = errors(got[wrong], exact[wrong])
    finite = np.isfinite(error)
    suspects = np.flatnonzero(~(error <= SUSPECT) & finite)
    suspects = suspects[np.argsort(error[suspects])[-DECIDED:]]
    if build in peers.LIBRARIES:
        error[np.isnan(error)] = np.inf
    else:
        suspects = np.append(suspects, np.flatnonzero(~finite))
    if suspects.size:
        balls = oracle.elementwise(name, direction, "float32", x[wrong[suspects]].tolist())
        error[suspects] = balls.errors(got[wrong[suspects]])
    return wrong, error


def keep_worst(best: dict[str, Any], which: str, x: Any, error: Any) -> None:
    if error.size and error.max() > best[f"{which}ulp"]:
        worst = int(np.argmax(error))
        best |= {f"{which}ulp": float(error[worst]), f"{which}at": float(x[worst])}


NOTHING = {"ulp": 0.5, "at": None, "wrong": 0, "inputs": 0, "normal ulp": 0.5, "normal at": None}


def sweep_part(job: Job) -> dict[str, Any]:
    """Per build the largest error, where, and how many inputs there are and are not correctly rounded.

    Results that are correctly rounded count as 0.5 ULP. Peers may flush subnormal numbers to zero, which is millions of
    ULP: they have a second error, of the results that should be normal numbers.
    """
    found: dict[str, Any] = {build: dict(NOTHING) for build in job.builds}
    if job.beside:
        return differences(job, found)
    for x in job.inputs():
        results = {build: apply(build, job.name, job.direction, x) for build in job.builds}
        with np.errstate(all="ignore"):  # signalling NaN are among the inputs
            wide = x.astype(np.float64)
        double = reference(job.name, job.direction)(wide) if job.dtype == "float32" else None
        balls = before = None
        for build, got in results.items():
            if job.dtype == "float32":
                if before is None or got.tobytes() != before.tobytes():
                    wrong, error = not_correct(build, job.name, job.direction, x, got, double)
                before = got
            else:
                balls = balls or oracle.elementwise(job.name, job.direction, job.dtype, x.tolist())
                wrong, error = np.arange(x.size), balls.errors(got)
            best = found[build]
            best["inputs"] += x.size
            best["wrong"] += int(np.count_nonzero(error > 0.5))
            keep_worst(best, "", x[wrong], error)
            if build in peers.LIBRARIES:
                normal = (abs(double[wrong]) >= FLOAT.tiny) & (abs(double[wrong]) <= FLOAT.max)
                keep_worst(best, "normal ", x[wrong], np.where(normal, error, 0.0))
    return found


def differences(job: Job, found: dict[str, Any]) -> dict[str, Any]:
    """As `sweep_part`, of float32 inputs where a build returns other bits than the one that was swept; how many more
    are not correctly rounded than there."""
    for x in job.inputs():
        swept = apply(job.beside, job.name, job.direction, x)
        for build in job.builds:
            got = apply(build, job.name, job.direction, x)
            other = np.flatnonzero(got.view(np.uint32) != swept.view(np.uint32))
            found[build]["inputs"] += x.size
            if not other.size:
                continue
            there = x[other]
            with np.errstate(all="ignore"):
                double = reference(job.name, job.direction)(there.astype(np.float64))
            wrong, error = not_correct(build, job.name, job.direction, there, got[other], double)
            before = not_correct(job.beside, job.name, job.direction, there, swept[other], double)[1]
            found[build]["wrong"] += int(np.count_nonzero(error > 0.5)) - int(np.count_nonzero(before > 0.5))
            keep_worst(found[build], "", there[wrong], error)
    return found


@cache
def source_hash(builds: tuple[str, ...]) -> str:
    """Of all that the kernels, or the peers' functions, are made of: results of other sources are not reused."""
    root = Path(__file__).parents[1]
    versions = [f"{peer} {version(peer)}" for peer in builds if peer in peers.LIBRARIES]
    formulas = (root / "benchmarks").glob("*.py") if versions else []
    digest = hashlib.sha256(" ".join(versions).encode())
    for path in sorted([*(root / "src").glob("*.p*"), root / "setup.py", root / "src/actfn/catalog.py", *formulas]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def swept_peers(name: str, direction: str) -> tuple[str, ...]:
    return tuple(peer for peer in peers.peers_of(name, direction) if peers.LIBRARIES[peer].swept)


def run(
    names: list[str],
    dtype: str,
    builds: Callable[[str, str], tuple[str, ...]],
    every: int,
    processes: int,
    beside: str = "",
) -> Iterator[list[dict[str, Any]]]:
    """Per name its results for the builds, or peers, of each direction; parts that an earlier run of the same sources
    finished are taken from disk."""
    jobs = [
        Job(n, d, dtype, builds(n, d), every, part, beside) for n in names for d in DIRECTIONS for part in range(PARTS)
    ]
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
                job.path.parent.mkdir(parents=True, exist_ok=True)
                job.path.write_text(json.dumps(found))
                bar.set_description(f"{job.name} {job.direction}")
                bar.update()
            yield [result([job for job in mine if job.direction == d], build)
                   for d in DIRECTIONS for build in builds(name, d)]  # fmt: skip


def result(jobs: list[Job], build: str) -> dict[str, Any]:
    """The parts of one function and direction put together.

    Where bits are those of a build that was swept, the largest error is at most what it is there.
    """
    found = [json.loads(job.path.read_text())[build] for job in jobs]
    if jobs[0].beside:
        row = swept(jobs[0])
        wrong = row["not correctly rounded"]
        found.append(NOTHING | {"wrong": wrong})
        if sum(part["wrong"] for part in found):
            found[-1] |= {"ulp": row["ulp"], "at": row["at"]}
    peer = build in peers.LIBRARIES

    def worst(which: str) -> dict[str, Any]:
        part = max(found, key=lambda part: float(part[f"{which}ulp"]))
        return {f"{which}ulp": plain(rounded_up(part[f"{which}ulp"])), f"{which}at": plain(part[f"{which}at"])}

    return {
        "name": jobs[0].name,
        "direction": jobs[0].direction,
        "dtype": jobs[0].dtype,
        **({"peer": build, "version": version(build)} if peer else {"build": build}),
        **worst(""),
        **(worst("normal ") if peer else {}),
        "inputs": sum(part["inputs"] for part in found),
        "not correctly rounded": sum(part["wrong"] for part in found),
    }


def swept(job: Job) -> Any:
    """What is known of the build that was swept."""
    who = (job.name, job.direction, job.dtype, job.beside)
    return next(r for r in json.loads(RESULTS.read_text())
                if (r["name"], r["direction"], r["dtype"], r["build"]) == who)  # fmt: skip


def rounded_up(error: float) -> float:
    """To six digits; an error is never made smaller."""
    return math.ceil(1e6 * error - 1e-6) / 1e6 if math.isfinite(error) else error


def plain(number: float | None) -> float | str | None:
    """The number as JSON can have it: "inf", "-inf" and "nan" are strings."""
    return number if number is None or math.isfinite(number) else str(number)


def key(row: dict[str, Any]) -> tuple[int, str, bool, str]:
    """The order of the results."""
    who = row.get("peer") or row["build"]
    return list(oracle.ROWS).index(row["name"]), row["dtype"], row["direction"] == "backward", who


def save(rows: list[dict[str, Any]], command: str, results: Path) -> None:
    """Into the results, in place of older ones of the same function, dtype, direction and build or peer."""
    known = json.loads(results.read_text()) if results.exists() else []
    stamp = {"date": str(datetime.date.today()), "processor": processor(), "command": command}
    merged = {key(row): row for row in known} | {key(row): row | stamp for row in rows}
    results.parent.mkdir(exist_ok=True)
    lines = ",\n".join(json.dumps(merged[k], allow_nan=False) for k in sorted(merged))
    results.write_text(f"[\n{lines}\n]\n")


def main() -> None:
    from actfn import _build

    parser = argparse.ArgumentParser(prog="python -m benchmarks.sweep", description="Errors over all float32 inputs.")
    parser.add_argument("names", nargs="*", help="activations; all by default")
    parser.add_argument("--dtype", default="float32", choices=("float16", "float32", "float64"))
    parser.add_argument("--build", action="append", choices=_build.available(), help="all that run here by default")
    parser.add_argument("--beside", default="", choices=_build.available(), help="a build that was swept already")
    parser.add_argument("--peers", action="store_true", help="measure other libraries instead")
    parser.add_argument("--every", type=int, help=f"take every n-th input only; {PEER_EVERY} is usual for peers")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    options = parser.parse_args()
    elementwise = [name for name, row in oracle.ROWS.items() if row.kind == "elementwise"]
    if unknown := set(options.names) - set(elementwise):
        parser.error(f"not an element-wise activation: {', '.join(sorted(unknown))}")
    if options.peers and (options.dtype != "float32" or options.build):
        parser.error("peers are measured in float32, and are not built here")
    if options.beside and (options.dtype != "float32" or options.peers or options.every):
        parser.error("beside a build that was swept is for float32 at all inputs")
    builds = tuple(options.build or (build for build in _build.available() if build != options.beside))
    usual = PEER_EVERY if options.peers else 1
    every = options.every or usual
    command = f"python -m benchmarks.sweep --dtype {options.dtype}"
    if options.peers:
        command = f"python -m benchmarks.sweep --peers --every {every}"
        # As with the kernels, it is the processes that share the work.
        os.environ.update(speed.environment(1))
    contenders = swept_peers if options.peers else lambda *_: builds
    names = options.names or elementwise
    for rows in run(names, options.dtype, contenders, every, options.processes, options.beside):
        if every == usual:
            save(rows, command, PEER_RESULTS if options.peers else RESULTS)
        for row in rows:
            normal = f", {float(row['normal ulp']):.4f} if normal" if options.peers else ""
            print(f"{row['name']:15} {row['direction']:8} {row.get('peer') or row['build']:4} "
                  f"{float(row['ulp']):.4f} ULP at {row['at']}{normal}, "
                  f"{row['not correctly rounded']:,} not correctly rounded")  # fmt: skip


if __name__ == "__main__":
    main()

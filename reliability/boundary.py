"""Calls with arguments of every kind, to crash the library or to make it write where it must not.

`python -m reliability.boundary --minutes 60`. Bytes stand for calls (see tests/hostile.py). Where atheris is
installed (`pip install --group fuzz`), libFuzzer changes them and keeps what runs through new lines of the package;
elsewhere they are changed blindly. The calls are made in a child process, which is started anew after a crash.
`--replay HEX` makes one call and says what it was; the corpus is in reliability/corpus/boundary.txt.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import json
import mmap
import os
import re
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np

CORPUS = Path(__file__).parent / "corpus" / "boundary.txt"
MOST = 40  # bytes of a call
GIBIBYTES = 6  # for the child
SLOW = 60  # seconds after which a call hangs
CORPUS_BYTES = 6000


def corpus() -> list[bytes]:
    return [bytes.fromhex(line) for line in CORPUS.read_text(encoding="ascii").split()] if CORPUS.exists() else []


# ---- The child ------------------------------------------------------------------------------------------------


def changed(rng: np.random.Generator, known: list[bytes]) -> bytes:
    """Without coverage: a known call with some bytes replaced, or bytes of no origin."""
    data = bytearray(known[rng.integers(len(known))] if known and rng.random() < 0.5 else rng.bytes(MOST))
    for _ in range(rng.integers(1, 5)):
        data[rng.integers(len(data)) : rng.integers(len(data) + 1)] = rng.bytes(rng.integers(1, 4))
    return bytes(data[:MOST])


def child(work: Path, seconds: int, seed: int) -> None:
    """Call until the time is up; the call being made and the count lie in `now`, where a crash leaves them."""
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (GIBIBYTES << 30,) * 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    guided = find_spec("atheris") is not None
    if guided:
        import atheris

        with atheris.instrument_imports(include=["actfn"]):
            import actfn  # noqa: F401
    from tests import hostile

    with (work / "now").open("r+b") as file:
        now = mmap.mmap(file.fileno(), 0)
    seen: set[str] = set()

    def one(data: bytes) -> None:
        calls = struct.unpack_from("<q", now)[0]
        struct.pack_into(f"<qb{MOST}s", now, 0, calls + 1, min(len(data), MOST), data[:MOST])
        try:
            hostile.check(data[:MOST])
        except hostile.FaultError as fault:
            # One of a kind is enough.
            kind = f"{hostile.a_call(data)[0]}: " + re.sub(r"\d+", "", str(fault)[:50])
            if kind not in seen:
                seen.add(kind)
                with (work / "faults").open("a", encoding="utf-8") as found:
                    found.write(json.dumps({"data": data[:MOST].hex(), "what": str(fault), "kind": kind}) + "\n")

    if guided:
        options = [f"-max_len={MOST}", f"-max_total_time={seconds}", f"-timeout={SLOW}", f"-artifact_prefix={work}/",
                   "-rss_limit_mb=0", f"-seed={seed}", "-verbosity=0", "-print_final_stats=0"]  # fmt: skip
        atheris.Setup([sys.argv[0], *options, str(work / "corpus")], one)
        atheris.Fuzz()
        return
    faulthandler.enable()
    rng, known = np.random.default_rng(seed), corpus()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        faulthandler.dump_traceback_later(SLOW, exit=True)
        one(changed(rng, known))


def replay(data: bytes) -> None:
    faulthandler.enable()
    from tests import hostile

    name, positional, keywords, _ = hostile.a_call(data)
    print(hostile.described(name, positional, keywords), flush=True)
    print(*hostile.check(data), sep=": ")


# ---- The parent -----------------------------------------------------------------------------------------------


def calls_made(work: Path) -> tuple[int, bytes]:
    """How many calls there were, and the bytes of the last."""
    calls, length, data = struct.unpack_from(f"<qb{MOST}s", (work / "now").read_bytes())
    return calls, data[:length]


def children(work: Path, minutes: float) -> Iterator[tuple[int, int]]:
    """Keep a child at work, yielding the seconds gone and the crashes so far."""
    start, crashes, seed = time.monotonic(), 0, int(time.time())
    while (left := minutes * 60 - (time.monotonic() - start)) > 1:
        # A new one now and then: what only shows in a fresh process shows sooner.
        part = str(int(min(left, 600)))
        command = [sys.executable, "-m", "reliability.boundary", "--child", str(work), part, str(seed + crashes)]
        with (work / "output").open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output)
            try:
                while process.poll() is None:
                    time.sleep(1)
                    yield int(time.monotonic() - start), crashes
            finally:
                process.kill()
                process.wait()
        if process.returncode != 0:
            crashes += 1
            tail = (work / "output").read_text(encoding="utf-8", errors="replace")[-3000:]
            with (work / "faults").open("a", encoding="utf-8") as found:
                data = calls_made(work)[1].hex()
                found.write(json.dumps({"data": data, "what": f"exit status {process.returncode}\n{tail}"}) + "\n")
        seed += 1


def smallest(work: Path) -> list[bytes]:
    """A part of what libFuzzer has found that runs through most lines, of a few kilobytes."""
    found = sorted((file.read_bytes() for file in (work / "corpus").iterdir()), key=lambda data: (len(data), data))
    few: list[bytes] = []
    for data in found:
        if sum(2 * len(d) + 1 for d in [*few, data]) <= CORPUS_BYTES:
            few.append(data)
    return few


def fuzz(minutes: float, work: Path, keep: bool) -> int:
    from tqdm import tqdm

    from reliability import record

    (work / "corpus").mkdir(parents=True, exist_ok=True)
    for k, data in enumerate(corpus()):
        (work / "corpus" / f"known-{k}").write_bytes(data)
    (work / "now").write_bytes(bytes(64))
    (work / "faults").write_text("")
    crashes = gone = 0
    with tqdm(total=int(minutes * 60), unit="s") as bar, contextlib.suppress(KeyboardInterrupt):
        for gone, crashes in children(work, minutes):
            bar.update(gone - bar.n)
            faults = (work / "faults").read_text(encoding="utf-8").splitlines()
            bar.set_postfix(calls=calls_made(work)[0], faults=len(faults), crashes=crashes)
    faults = {json.loads(line).get("kind", line): json.loads(line) for line in (work / "faults").open(encoding="utf-8")}
    for fault in faults.values():
        print(f"python -m reliability.boundary --replay {fault['data']}\n    {fault['what']}\n")
    if keep:
        few = smallest(work)
        CORPUS.parent.mkdir(exist_ok=True)
        CORPUS.write_text("".join(f"{data.hex()}\n" for data in few if data), encoding="ascii")
    figures = {"minutes": round(gone / 60), "calls": calls_made(work)[0], "crashes or hangs": crashes,
               "other faults": len(faults) - crashes, "calls kept that reach new lines": len(corpus())}  # fmt: skip
    if keep:
        record.save("boundary", f"python -m reliability.boundary --minutes {minutes:g}", figures)
    return len(faults)


def main() -> int:
    command = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    command.add_argument("--minutes", type=float, default=60, help="how long (60)")
    command.add_argument("--work", type=Path, help="where to keep what is found meanwhile (a new directory)")
    command.add_argument("--no-record", action="store_true", help="leave the record and the corpus as they are")
    command.add_argument("--replay", metavar="HEX", help="make one call")
    command.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = command.parse_args()
    if options.child:
        child(Path(options.child[0]), int(options.child[1]), int(options.child[2]))
        return 0
    if options.replay is not None:
        replay(bytes.fromhex(options.replay))
        return 0
    scratch: Callable[[], Path] = lambda: Path(tempfile.mkdtemp(prefix="boundary-"))  # noqa: E731
    return min(fuzz(options.minutes, options.work or scratch(), not options.no_record), 1)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    sys.exit(main())

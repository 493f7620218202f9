"""Run the tests under the address and undefined-behaviour sanitizers: `python -m reliability.sanitizers`.

The compiled modules are built anew in build/sanitize, and what the sanitizers find is collected while the tests run. A
loop with their checks in it is not made SIMD by the compiler: what they see are the indices of every loop, and the
instructions that are written by hand; tests/test_guard_pages.py and `python -m reliability.valgrind` look at the code
that people run.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from tqdm import tqdm

from . import record, scratch

# Of the checks, those for NULL and for the sizes of objects only repeat what the address sanitizer sees; without them
# it takes half the time to compile.
FLAGS = "-O1 -fsanitize=address,undefined -fno-sanitize=null,object-size -fsanitize-recover=all"
# They start compilers, browsers or other people's compiled code, read the text of the repository, or measure memory,
# of which the sanitizers need more.
LEFT_OUT = (
    "test_builds", "test_docs", "test_explorer", "test_gallery", "test_memory", "test_neighbours",
    "test_new_activation", "test_scalars",
    "test_search", "test_site", "test_source", "test_speed", "test_torch", "test_translations",
    "test_typing",
)  # fmt: skip


def reports(folder: Path) -> Counter[str]:
    """What was found, by its first line, and how often."""
    found: Counter[str] = Counter()
    for file in folder.iterdir():
        for line in file.read_text(errors="replace").splitlines():
            if match := re.search(r"runtime error: .*|ERROR: AddressSanitizer: \S+", line):
                found[f"{line.split(':')[0].rpartition('/')[2]}: {match[0]}" if "runtime" in line else match[0]] += 1
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", nargs="*", help="test files, by default all but those that start other programs")
    parser.add_argument("--build", default="v4", help="the compiled module: base, v3 or v4")
    parser.add_argument("--keep", action="store_true", help="take what was built before")
    options = parser.parse_args()
    copy = scratch.ROOT / "build" / "sanitize"
    if not options.keep:
        copy = scratch.built("sanitize", FLAGS, options.build)
    files = options.files or sorted(
        str(path.relative_to(copy)) for path in (copy / "tests").glob("test_*.py") if path.stem not in LEFT_OUT
    )
    folder = copy / "reports"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    common = "print_stacktrace=1:halt_on_error=0"
    environment = {
        **os.environ,
        "ACTFN_BUILD": options.build,
        "PYTHONPATH": "src",
        "PYTHONMALLOC": "malloc",
        "LD_PRELOAD": scratch.runtime("libasan.so"),
        # Not leaks: Python keeps what it has until it ends. `python -m reliability.leaks` looks for those.
        "ASAN_OPTIONS": f"{common}:detect_leaks=0:allocator_may_return_null=1:log_path={folder}/address",
        "UBSAN_OPTIONS": f"{common}:log_path={folder}/undefined",
    }
    counts: Counter[str] = Counter()
    for file in tqdm(files):
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", file]
        result = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
        last = result.stdout.strip().rpartition("\n")[2]
        outcomes = {kind: int(count) for count, kind in re.findall(r"(\d+) (passed|failed|skipped|errors?)", last)}
        counts.update(outcomes)
        if result.returncode not in (0, 5):
            tqdm.write(
                f"{file}: exit status {result.returncode}, {last}\n{result.stdout[-2000:]}{result.stderr[-2000:]}"
            )
    found = reports(folder)
    for text, count in found.most_common():
        print(f"{count:6} {text}")
    figures = {
        "build": options.build,
        "test files": len(files),
        "tests passed": counts["passed"],
        "tests failed": counts["failed"] + counts["error"] + counts["errors"],
        "faults of memory": sum(n for text, n in found.items() if "AddressSanitizer" in text),
        "undefined behaviour": sum(n for text, n in found.items() if "runtime error" in text),
        "left out": ", ".join(LEFT_OUT),
    }
    record.save(f"sanitizers-{options.build}", "python -m reliability.sanitizers", figures)


if __name__ == "__main__":
    main()

"""A copy of the repository that is built with other flags, beside the build that people use."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
COMPILER = os.environ.get("CC", "gcc")


def built(name: str, flags: str, builds: str) -> Path:
    """The folder build/NAME with what git knows of, compiled with the flags after its own; only what is new."""
    copy = ROOT / "build" / name
    listed = ["git", "ls-files", "-co", "--exclude-standard"]
    for file in subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines():
        source, target = ROOT / file, copy / file
        if source.is_file() and not (target.exists() and source.read_bytes() == target.read_bytes()):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    # setup.py puts its flags last; and asks for OpenMP by linking a program, which needs them too.
    compiler = copy / "compiler"
    compiler.write_text(f'#!/bin/sh\nexec {COMPILER} "$@" {flags}\n')
    compiler.chmod(0o755)
    subprocess.run(
        [sys.executable, "setup.py", "-q", "build_ext", "--inplace"], cwd=copy, check=True,
        env={**os.environ, "CC": str(compiler), "ACTFN_BUILDS": builds},
    )  # fmt: skip
    return copy


def runtime(library: str) -> str:
    """Where the compiler keeps the runtime of a sanitizer."""
    found = subprocess.run([COMPILER, f"-print-file-name={library}"], capture_output=True, text=True, check=True)
    return found.stdout.strip()

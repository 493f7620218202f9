"""What SECURITY.md promises: no connection, no program, no file, and no text or data of a user's that is executed.

Python's audit hooks see all of these, whoever asks for them; each test listens in a process of its own.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from . import processes
from .situations import situation

ROOT = Path(__file__).parent.parent

# Keeps what matters of every event: its name, and its first argument as text.
LISTEN = """
import json, sys

QUIET = ("import", "object.__", "code.__new__", "os.listdir", "os.scandir", "sys._getframe", "marshal.", "gc.",
         "cpython.", "glob.", "builtins.id", "sys.addaudithook", "sys.unraisablehook", "os.putenv", "os.getxattr",
         "setopencodehook", "function.__new__", "mmap.__new__")
heard, quiet = [], [False]

def hook(event, arguments):
    if quiet[0] or event.startswith(QUIET):
        return
    quiet[0] = True
    try:
        if event == "open":
            path, mode, flags = (*arguments, 0, 0)[:3]
            # Reading is nobody's harm, /dev/null nobody's file.
            if not (flags & 3) and not set(str(mode)) & set("wax+") or str(path) == "/dev/null":
                return
        first = arguments[0] if arguments else ""
        if event == "compile" and not str(arguments[1]).startswith(("<", "None")):
            first = f"module {arguments[1]}"
        if hasattr(first, "co_filename"):
            first = f"code of {first.co_filename}"
        heard.append([event, first.decode("utf-8", "replace") if isinstance(first, bytes) else str(first)])
    finally:
        quiet[0] = False
"""
USER = "__import__('pathlib').Path('pwned').touch()"


def heard(code: str, **environment: str) -> list[list[str]]:
    """What Python reports while the code runs; the code says itself from when on."""
    printed = processes.output(f"{LISTEN}\n{code}\nquiet[0] = True\nprint()\nprint(json.dumps(heard))", **environment)
    found: list[list[str]] = json.loads(printed.splitlines()[-1])
    return found


def own(event: list[str]) -> bool:
    """Modules that are imported; definitions that actfn, dataclasses and named tuples make of identifiers."""
    name, what = event
    made = r"\s*def \w+\([\w\s,=*]*\)( *-> *\w+)?:\n.*|lambda _cls, [\w, ]+: _tuple_new\(_cls, \([\w, ]+\)\)"
    if name == "compile":
        return what == "None" or what.startswith("module ") or re.fullmatch(made, what, re.DOTALL) is not None
    return name == "exec" and what.startswith("code of")


def test_the_listener_hears() -> None:
    """All that the other tests exclude."""
    code = f"""
sys.addaudithook(hook)
import pickle, socket, subprocess, tempfile
eval("1 + 1")
pickle.loads(pickle.dumps(hook))
socket.socket().close()
subprocess.run([sys.executable, "-c", ""])
open({str(ROOT / "README.md")!r}).close()
tempfile.TemporaryFile().close()
"""
    names = {event for event, _ in heard(code)}
    assert {"compile", "pickle.find_class", "socket.__new__", "subprocess.Popen", "open"} <= names
    assert not [what for event, what in heard(code) if event == "open" and "README" in what]


@situation("hostile data")
def test_importing_does_nothing_else() -> None:
    """But define its functions."""
    found = heard("import numpy\nsys.addaudithook(hook)\nimport actfn", ACTFN_KEEP_MIB="64")
    assert [event for event in found if not own(event)] == []
    texts = [what for event, what in found if event == "compile" and "ufunc(" in what]
    assert len(texts) > 10 and all(re.fullmatch(r"def \w+\([\w, =*]+\):\n    return [\w(), =*]+", t) for t in texts)


@situation("hostile data")
def test_calling_does_nothing_else() -> None:
    """Every function with its arguments, and with a user's text in the place of each of them."""
    code = f"""
import inspect, warnings, numpy as np
warnings.simplefilter("ignore")
from tests import calls, test_messages
import actfn
USER = {USER!r}
layers = [getattr(actfn.layers, name) for name in actfn.layers.__all__]
catalog = dict(actfn.catalog)

def everything():
    for call in test_messages.CALLS:
        call.run()
        for name in inspect.signature(getattr(actfn, call.name)).parameters:
            if name != "kwargs":
                for value in (USER, [USER], np.array(USER), np.array([USER], object)):
                    try:
                        call.run(**{{name: value}})
                    except (TypeError, ValueError):
                        pass
    for refused in (actfn.get, actfn.set_num_threads, *layers):
        try:
            refused(USER)
        except (TypeError, ValueError):
            pass

quiet[0] = True
sys.addaudithook(hook)
# What NumPy imports when it is first asked is its own.
everything()
quiet[0] = False
everything()
"""
    assert heard(code) == []


COMMANDS: dict[str, list[str]] = {
    "": [],
    "list": ["list", "gelu"],
    "show": ["show", "gelu", "prelu", "--set", "weight=0.5"],
    "show, with a user's name": ["show", USER],
    "show, with a user's value": ["show", "elu", "--set", f"alpha={USER}"],
    "bench": ["bench", "relu", "--sizes", "1", "--threads", "1"],
    "plot": ["plot", "gelu", "-o", "curve.svg"],
    "doctor": ["doctor"],
}


@situation("hostile data")
@pytest.mark.parametrize("command", COMMANDS)
def test_commands_do_what_they_say(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`plot` writes its file, `doctor` starts this Python; nothing else writes, connects, starts or unpickles."""
    if command == "plot" and not find_spec("matplotlib"):
        pytest.skip("needs matplotlib")
    monkeypatch.chdir(tmp_path)
    code = f"""
import os, runpy, warnings
import numpy
warnings.simplefilter("ignore")
{"import matplotlib.pyplot, matplotlib.backends.backend_svg" if command == "plot" else ""}
sys.argv = ["actfn", *{COMMANDS[command]!r}]
sys.addaudithook(hook)
try:
    runpy.run_module("actfn", run_name="__main__", alter_sys=True)
except SystemExit:
    pass
"""
    found = heard(code)
    others = [event for event in found if event[0] not in ("compile", "exec")]
    assert not [event for event in found if USER in event[1] or "pwned" in event[1]]
    if command == "doctor":
        # uname is what the module `platform` asks for the processor.
        started = ("subprocess.Popen", "os.posix_spawn")
        others = [event for event in others if event[0] not in started or event[1] not in (sys.executable, "uname")]
    allowed = {"plot": r"open|os\.(remove|rename|mkdir)|tempfile\..*|shutil\..*"}.get(command, "(?!)")
    assert [event for event in others if not re.fullmatch(allowed, event[0])] == []
    assert [path.name for path in tmp_path.iterdir()] == (["curve.svg"] if command == "plot" else [])


# ---- What a release is built from -----------------------------------------------------------------------------

needs_sources = pytest.mark.skipif(not (ROOT / "setup.py").exists(), reason="needs the source tree")


def pins(name: str) -> dict[str, list[tuple[str, int]]]:
    """Versions and numbers of hashes of a file with pins, by name; markers make several of one."""
    text = (ROOT / ".github" / "requirements" / f"{name}.txt").read_text().replace("\\\n", " ")
    found: dict[str, list[tuple[str, int]]] = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            package, version = re.match(r"([\w.-]+)==([\w.]+)", line).groups()  # type: ignore[union-attr]
            found.setdefault(package.lower(), []).append(
                (version, len(re.findall(r"--hash=sha256:[0-9a-f]{64}\b", line)))
            )
    return found


@needs_sources
def test_what_a_release_is_built_with_is_pinned() -> None:
    """By hashes, all of it, in versions that pyproject.toml allows."""
    requirements: Any = pytest.importorskip("packaging.requirements")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = {"build": [*project["build-system"]["requires"], "build"], "audit": project["dependency-groups"]["audit"]}
    for name, needed in wanted.items():
        pinned = pins(name)
        assert all(hashes >= 1 for versions in pinned.values() for _, hashes in versions)
        for requirement in map(requirements.Requirement, needed):
            versions = [version for version, _ in pinned[requirement.name.lower()]]
            assert versions and all(version in requirement.specifier for version in versions), requirement


@needs_sources
def test_the_workflows_install_nothing_without_hashes() -> None:
    """What builds the release; what a user would install is tested as such."""
    text = (ROOT / ".github" / "workflows" / "wheels.yml").read_text()
    installing = [line.strip() for line in text.splitlines() if "pip" in line and " install " in line]
    assert len(installing) == 3
    assert all("--require-hashes" in line or line.endswith("install dist/*.tar.gz") for line in installing)
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["cibuildwheel"]
    assert "--require-hashes" in tool["before-build"] and tool["build-frontend"]["args"] == ["--no-isolation"]
    for uses in re.findall(r"uses: (\S+)", text):
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", uses), uses


@needs_sources
def test_the_policy_is_part_of_the_project() -> None:
    """In the source distribution, and linked where people look."""
    assert "SECURITY.md" in (ROOT / "MANIFEST.in").read_text()
    assert "SECURITY.md" in (ROOT / "CONTRIBUTING.md").read_text()

"""Build the source distribution and the wheel twice and compare the bytes: `python -m reliability.supply`.

Twice, in folders of other names and lengths, minutes apart, from what is committed; with the pinned tools of
.github/requirements, installed by their hashes. The clock of both is that of the last commit (SOURCE_DATE_EPOCH).
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from tqdm import tqdm

from . import record

ROOT = Path(__file__).parent.parent
PINS = ROOT / ".github" / "requirements" / "build.txt"
FOLDERS = ("here", "somewhere-else-with-a-longer-name/below")


def git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout


def tools(folder: Path) -> Path:
    """A Python that has what a release is built with, and nothing else."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(PINS)], check=True)
    return python


def built(python: Path, folder: Path, what: list[str], builds: str) -> dict[str, bytes]:
    """The distributions, by their names, of the last commit unpacked into the folder."""
    folder.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(git("archive", "HEAD"))) as sources:
        sources.extractall(folder, filter="data")
    environment = {**os.environ, "SOURCE_DATE_EPOCH": git("log", "-1", "--format=%ct").decode().strip()}
    if builds:
        environment["ACTFN_BUILDS"] = builds
    command = [str(python), "-m", "build", "--no-isolation", *what]
    done = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"reliability.supply: {' '.join(command)} failed\n{done.stdout[-3000:]}")
    return {path.name: path.read_bytes() for path in sorted((folder / "dist").iterdir())}


def members(data: bytes) -> dict[str, tuple[object, ...]]:
    """What is in an archive: each file's metadata and a hash of its content, in its order."""
    if zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {
                i.filename: (i.date_time, i.external_attr, hashlib.sha256(archive.read(i)).hexdigest())
                for i in archive.infolist()
            }
    found = {}
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for i in archive:
            content = archive.extractfile(i) if i.isfile() else None
            digest = hashlib.sha256(content.read()).hexdigest() if content else ""
            found[i.name] = (i.mtime, i.mode, i.uid, i.gid, i.uname, i.gname, digest)
    return found


def differences(first: bytes, second: bytes) -> list[str]:
    """What differs, as a reader can look for it; nothing where the bytes are the same."""
    if first == second:
        return []
    a, b = members(first), members(second)
    found = [f"{name}: {a.get(name)} and {b.get(name)}" for name in {**a, **b} if a.get(name) != b.get(name)]
    return found or ["the order of the files" if list(a) != list(b) else "the archive around the files"]


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m reliability.supply", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--builds", default="", help="which of the modules to compile, as in ACTFN_BUILDS; all if empty"
    )
    parser.add_argument("--only", choices=("sdist", "wheel"), help="one of the two; nothing is recorded then")
    options = parser.parse_args()
    what = [f"--{options.only}"] if options.only else ["--sdist", "--wheel"]
    with tempfile.TemporaryDirectory() as scratch, tqdm(total=3, desc="installing tools") as progress:
        python = tools(Path(scratch, "tools"))
        made = []
        for folder in FOLDERS:
            progress.update()
            progress.set_description(f"building in {folder}")
            made.append(built(python, Path(scratch, folder), what, options.builds))
        progress.update()
    assert list(made[0]) == list(made[1])
    found = {name: differences(made[0][name], made[1][name]) for name in made[0]}
    for name, lines in found.items():
        outcome = "differs" if lines else "the same bytes"
        print(f"{name}: {outcome}, sha256 {hashlib.sha256(made[0][name]).hexdigest()}")
        print("".join(f"  {line}\n" for line in lines), end="")
    if not options.only:
        names = {
            "sdist": next(n for n in found if n.endswith(".tar.gz")),
            "wheel": next(n for n in found if n.endswith(".whl")),
        }
        figures: dict[str, int | float | str] = {"compiled modules": options.builds or "all"}
        for label, name in (("source distribution", names["sdist"]), ("wheel", names["wheel"])):
            figures[f"files in the {label}"] = len(members(made[0][name]))
            figures[f"differences between two builds of the {label}"] = len(found[name])
        record.save("supply", "python -m reliability.supply", figures)
    raise SystemExit(any(found.values()))


if __name__ == "__main__":
    main()

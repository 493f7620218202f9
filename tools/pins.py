"""Write the versions and hashes of all that builds and examines a release: `python tools/pins.py`, with uv installed.

The workflow installs these files with --require-hashes and builds without isolation: nothing comes in by another way.
"""

import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
PINS = ROOT / ".github" / "requirements"


def main() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = {
        "build": [*project["build-system"]["requires"], "build"],
        "audit": project["dependency-groups"]["audit"],
    }
    oldest = project["project"]["requires-python"].removeprefix(">=")
    PINS.mkdir(exist_ok=True)
    for name, requirements in wanted.items():
        subprocess.run(
            ["uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes", "--no-annotate",
             "--python-version", oldest, "--custom-compile-command", "make pins",
             "--output-file", str(PINS / f"{name}.txt"), "-"],
            input="\n".join(requirements), text=True, check=True,
        )  # fmt: skip


if __name__ == "__main__":
    main()

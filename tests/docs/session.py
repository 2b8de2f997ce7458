"""A reader's session: a folder like a checkout, and commands run in it one after the other."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("README*.md"), *ROOT.glob("docs/**/*.md")])

# What would run these tests again, or takes very long, is shown by the pages but not done.
SHOWN_ONLY = {"make test": "make -n test", "make bench": "make -n bench"}

PYTHON = """\
#!/bin/sh
case "$1 $2 $3" in
    "-m sim run") shift 2; exec "{python}" -m tests.docs.remembered "{remembered}" "$@" ;;
esac
exec "{python}" "$@"
"""


class Session:
    """Commands of one page, in a new checkout that is set up with the Python of these tests.

    Parameters
    ----------
    folder : an empty folder, for the checkout
    remembered : a folder that sessions share, so that none simulates what another has
    """

    def __init__(self, folder: Path, remembered: Path) -> None:
        for name in ("Makefile", "constraints.txt", "pyproject.toml"):
            shutil.copy(ROOT / name, folder)
        shutil.copytree(ROOT / "scenarios", folder / "scenarios")
        shutil.copytree(ROOT / "results/baseline", folder / "results/baseline")
        programs = folder / ".venv" / "bin"
        programs.mkdir(parents=True)
        python = programs / "python"
        python.write_text(
            PYTHON.format(python=sys.executable, remembered=remembered), encoding="utf-8"
        )
        python.chmod(0o755)
        for stamp in ("python.stamp", "run.stamp", "dev.stamp"):
            (folder / ".venv" / stamp).touch()
        self.folder = folder
        self.status = 0

    def run(self, text: str) -> str:
        """Run one line and return what it prints; `$?` is the status of the line before."""
        done = subprocess.run(
            ["sh", "-c", f"(exit {self.status})\n{SHOWN_ONLY.get(text, text)}"],
            cwd=self.folder,
            env=_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            timeout=900,
            check=False,
        )
        self.status = done.returncode
        return done.stdout


def _environment() -> dict[str, str]:
    """Return the environment of a person at a prompt, also where a make runs these tests."""
    plain = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("MAKE") and name != "SIM_LANG"
    }
    return {**plain, "NO_COLOR": "1", "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}

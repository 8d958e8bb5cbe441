"""The idioms of README and docs in strict mode: mypy here, pyright in `.ci/run` with all the rest."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_the_idioms_are_clean_under_mypy(tmp_path):
    pytest.importorskip("mypy")
    command = [sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path), "tests/idioms.py"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout


def test_the_idioms_are_strict_under_pyright():
    assert (ROOT / "tests/idioms.py").read_text().startswith("# pyright: strict\n")

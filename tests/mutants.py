"""Does some test fail for every proof that is broken? Each mutant of `cases/mutants.py` is tried in a copy.

    python tests/mutants.py [--only TEXT] [--seed S] [--seconds 600]

A copy of the package gets one change, and the tests that the mutant names run on it: one of them must fail. A
mutant that none notices *survives*, and is a proof that nothing guards.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cases.mutants import ALL, Mutant

ROOT = Path(__file__).parent.parent
# The exit status of pytest if a test failed, and if none did; and the one of no answer in time.
FAILED, PASSED, SILENT = 1, 0, -1


@contextmanager
def copied() -> Iterator[Path]:
    """A copy of the package beside the tests, in a folder that is removed at the end."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ignored = shutil.ignore_patterns("__pycache__")
        for part in ("tracer", "tests"):
            shutil.copytree(ROOT / part, folder / part, ignore=ignored)
        shutil.copy(ROOT / "pyproject.toml", folder)
        yield folder


def changed(mutant: Mutant) -> str:
    """The text of the mutant's file with its change.

    Raises
    ------
    ValueError
        If the text to replace does not occur exactly once.
    """
    text = (ROOT / "tracer" / mutant.file).read_text(encoding="utf-8")
    if (many := text.count(mutant.old)) != 1:
        raise ValueError(f"{mutant.file} must hold once what breaks {mutant.breaks}; it does {many} times")
    return text.replace(mutant.old, mutant.new)


def status_of(folder: Path, tests: tuple[str, ...], seed: int, seconds: float) -> tuple[int, str]:
    """The exit status of some tests in a copy, and the line that says why, or why there is no answer."""
    command = [sys.executable, "-m", "pytest", "-n", "0", "-x", "-q", "-p", "no:cacheprovider"]
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
    given = {"PYTHONPATH": str(folder), "TRACER_SEED": str(seed), **threads}
    try:
        run = subprocess.run(
            [*command, *(f"tests/{test}" for test in tests)],
            cwd=folder,
            env=os.environ | given,
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        return SILENT, f"no answer after {seconds:g} s"
    said = [line for line in run.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return run.returncode, (said or run.stdout.splitlines()[-1:] or [""])[0]


def _write(path: Path, text: str, second: int) -> None:
    """Write a file as of a second of its own: Python compiles it anew if the second or size changes."""
    path.write_text(text, encoding="utf-8")
    os.utime(path, (second, second))


def survivors(mutants: list[Mutant], seed: int, seconds: float) -> list[Mutant]:
    """The mutants that no test notices; says of each what noticed it."""
    left: list[Mutant] = []
    clock = int(time.time())
    with copied() as folder:
        for number, mutant in enumerate(mutants, 1):
            path, began = folder / "tracer" / mutant.file, time.perf_counter()
            whole = path.read_text(encoding="utf-8")
            _write(path, changed(mutant), clock + 2 * number)
            status, line = status_of(folder, mutant.tests, seed, seconds)
            _write(path, whole, clock + 2 * number + 1)
            left += [] if status == FAILED else [mutant]
            word = {FAILED: "caught", PASSED: "SURVIVES"}.get(status, f"STATUS {status}")
            took = time.perf_counter() - began
            print(f"{number:3} {word:8} {took:4.0f} s  {mutant.file}: {mutant.breaks}. {line}", flush=True)
    return left


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", default="", help="mutants whose file or name holds this text")
    parser.add_argument("--seed", type=int, default=0, help="of the tests that draw random cases")
    parser.add_argument("--seconds", type=float, default=600.0, help="limit of each run of tests")
    asked = parser.parse_args()
    chosen = [mutant for mutant in ALL if asked.only in f"{mutant.file}: {mutant.breaks}"]
    left = survivors(chosen, asked.seed, asked.seconds)
    print(f"{len(chosen)} mutants, {len(left)} survive (seed {asked.seed})")
    return min(1, len(left))


if __name__ == "__main__":
    sys.exit(main())

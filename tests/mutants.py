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
# The exit status of pytest if a test failed, and if none did.
FAILED, PASSED = 1, 0


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
    """The exit status of some tests in a copy, and the last line that says why; too long is a failure."""
    command = [sys.executable, "-m", "pytest", "-n", "0", "-x", "-q", "-p", "no:cacheprovider"]
    paths = [f"tests/{test}" for test in tests]
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
    given = {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "TRACER_SEED": str(seed), **threads}
    run = subprocess.Popen(
        [*command, *paths],
        cwd=folder,
        env=os.environ | given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        output, _ = run.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        run.kill()
        run.communicate()
        return FAILED, f"no answer after {seconds:g} s"
    said = [line for line in output.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return run.returncode, (said or output.splitlines()[-1:] or [""])[0]


def survivors(mutants: list[Mutant], seed: int, seconds: float) -> list[Mutant]:
    """The mutants that no test notices; says of each what noticed it."""
    left = []
    with copied() as folder:
        for number, mutant in enumerate(mutants, 1):
            path, began = folder / "tracer" / mutant.file, time.perf_counter()
            path.write_text(changed(mutant), encoding="utf-8")
            status, line = status_of(folder, mutant.tests, seed, seconds)
            shutil.copy(ROOT / "tracer" / mutant.file, path)
            caught = status == FAILED
            left += [] if caught else [mutant]
            word = "caught" if caught else "SURVIVES" if status == PASSED else f"status {status}"
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

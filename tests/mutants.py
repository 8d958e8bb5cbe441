"""Does some test fail for every proof that is broken? Each mutant of `cases/mutants.py` is tried.

    python tests/mutants.py [--only TEXT] [--seed S] [--seconds 600]

A process that has loaded the package and all tests forks; in the fork the code of one function is replaced,
and the tests that the mutant names run: one of them must fail. A mutant that none notices *survives*, and is
a proof that nothing guards. Where a change is not in a function, as that of a table, or where none notices,
the tests run in a new process on a copy of the package.
"""

import argparse
import gc
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from inspect import CO_OPTIMIZED
from pathlib import Path
from types import CodeType, FunctionType

import pytest

import tracer
from cases.mutants import ALL, Mutant

ROOT = Path(__file__).parent.parent
PACKAGE = Path(tracer.__file__).parent
PYTEST = ["-n", "0", "-x", "-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
# The exit status of pytest if a test failed, and if none did; and the one of no answer in time.
FAILED, PASSED, SILENT = 1, 0, -1


def changed(mutant: Mutant) -> str:
    """The text of the mutant's file with its change.

    Raises
    ------
    ValueError
        If the text to replace does not occur exactly once.
    """
    text = (PACKAGE / mutant.file).read_text(encoding="utf-8")
    if (many := text.count(mutant.old)) != 1:
        raise ValueError(f"{mutant.file} must hold once what breaks {mutant.breaks}; it does {many} times")
    return text.replace(mutant.old, mutant.new)


# Functions ----------------------------------------------------------------------------------------


def codes(code: CodeType) -> Iterator[CodeType]:
    """A code object and all those inside it."""
    yield code
    for part in code.co_consts:
        if isinstance(part, CodeType):
            yield from codes(part)


def own(code: CodeType) -> tuple:
    """What a code object does itself, whatever those inside it do."""
    constants = [repr(part) for part in code.co_consts if not isinstance(part, CodeType)]
    return code.co_code, code.co_names, code.co_varnames, constants


def replacements(mutant: Mutant) -> dict[str, CodeType] | None:
    """The new code of all functions of the mutant's file, by qualified name; None if another part differs."""
    path = str(PACKAGE / mutant.file)
    old = compile(Path(path).read_text(encoding="utf-8"), path, "exec")
    new = compile(changed(mutant), path, "exec")
    pairs = list(zip(codes(old), codes(new), strict=False))
    differing = [b for a, b in pairs if own(a) != own(b)]
    if not differing or not all(code.co_flags & CO_OPTIMIZED for code in differing):
        return None
    return {code.co_qualname: code for code in codes(new) if "<" not in code.co_qualname}


def replace_functions(file: str, new: dict[str, CodeType]) -> None:
    """Replace the code of all functions of a file of the package, wherever they are referred to."""
    path = str(PACKAGE / file)
    for function in gc.get_objects():
        if isinstance(function, FunctionType) and function.__code__.co_filename == path:
            code = new.get(function.__code__.co_qualname)
            if code is not None and len(code.co_freevars) == len(function.__code__.co_freevars):
                function.__code__ = code


# Runs ---------------------------------------------------------------------------------------------


def in_a_fork(mutant: Mutant, new: dict[str, CodeType], seconds: float) -> tuple[int, str]:
    """The exit status of the mutant's tests in a fork of this process, and what they say."""
    with tempfile.TemporaryFile("w+") as said:
        if not (child := os.fork()):
            for stream in (1, 2):
                os.dup2(said.fileno(), stream)
            replace_functions(mutant.file, new)
            status = pytest.main([*PYTEST, *(str(ROOT / "tests" / test) for test in mutant.tests)])
            sys.stdout.flush()
            os._exit(int(status))
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                said.seek(0)
                return os.waitstatus_to_exitcode(status), said.read()
            time.sleep(0.05)
        os.kill(child, 9)
        os.waitpid(child, 0)
        return SILENT, ""


def in_a_copy(mutant: Mutant, seconds: float) -> tuple[int, str]:
    """The exit status of the mutant's tests on a copy of the package, and what they say."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in (PACKAGE, ROOT / "tests"):
            shutil.copytree(part, folder / part.name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", folder)
        (folder / "tracer" / mutant.file).write_text(changed(mutant), encoding="utf-8")
        command = [sys.executable, "-m", "pytest", *PYTEST, *(f"tests/{test}" for test in mutant.tests)]
        given = {"cwd": folder, "env": os.environ | {"PYTHONPATH": name}, "timeout": seconds}
        try:
            run = subprocess.run(command, capture_output=True, text=True, check=False, **given)
        except subprocess.TimeoutExpired:
            return SILENT, ""
        return run.returncode, run.stdout


def is_caught(mutant: Mutant, seconds: float) -> bool:
    """Whether a test notices a mutant; prints which."""
    began, new = time.perf_counter(), replacements(mutant)
    status, said = (PASSED, "") if new is None else in_a_fork(mutant, new, seconds)
    # Functions that have built tables when they are imported are changed too late in a fork.
    if status == PASSED:
        status, said = in_a_copy(mutant, seconds)
    named = [line for line in said.splitlines() if line.startswith(("FAILED", "ERROR"))]
    word = {FAILED: "caught", PASSED: "SURVIVES", SILENT: "NO ANSWER"}.get(status, f"STATUS {status}")
    seconds = time.perf_counter() - began
    print(f"{word:9} {seconds:4.0f} s  {mutant.file}: {mutant.breaks}. {(named or [''])[0]}", flush=True)
    return status == FAILED


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", default="", help="mutants whose file or name holds this text")
    parser.add_argument("--seed", default="0", help="of the tests that draw random cases")
    parser.add_argument("--seconds", type=float, default=600.0, help="limit of each run of tests")
    asked = parser.parse_args()
    os.environ |= {"TRACER_SEED": asked.seed, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    chosen = [mutant for mutant in ALL if asked.only in f"{mutant.file}: {mutant.breaks}"]
    files = {str(ROOT / "tests" / test.partition("::")[0]) for mutant in chosen for test in mutant.tests}
    # The forks find all tests collected.
    if pytest.main([*PYTEST, "-q", "--collect-only", "--no-header", *sorted(files)]) != PASSED:
        return 1
    left = [mutant for mutant in chosen if not is_caught(mutant, asked.seconds)]
    print(f"{len(chosen)} mutants, {len(left)} not caught (seed {asked.seed})")
    return min(1, len(left))


if __name__ == "__main__":
    sys.exit(main())

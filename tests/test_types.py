"""The idioms and the code of README and docs under mypy and pyright, README's in strict mode.

pyright reads the idioms in `.ci/run` with all the rest. Libraries without types are Any to mypy. pyright
infers their types from their code, partially or wrongly: a data set of scikit-learn is a tuple to it. So its
rules about unknown types are off in README's blocks that import them, and it reads no such pages of docs.
Functions in docs have no annotations, as most users write them.
"""

import ast
import doctest
import json
import re
import subprocess
import sys

import pytest

from cases.pages import README, ROOT, WITH_CODE, blocks_of, is_missing

# The libraries that have no types, or not enough of them.
UNTYPED = re.compile(r"^\s*(?:from|import) (?:sklearn|torch|dask|distributed)\b", re.M)
UNKNOWN = ("MissingTypeStubs", "UnknownVariableType", "UnknownMemberType", "UnknownArgumentType")


def checked(*command, folder=ROOT):
    run = subprocess.run(
        [sys.executable, "-m", *map(str, command)], cwd=folder, capture_output=True, text=True, check=False
    )
    return run.returncode, run.stdout


def mypy(tmp_path, *given):
    pytest.importorskip("mypy")
    return checked(
        "mypy", "--config-file", ROOT / "pyproject.toml", "--cache-dir", tmp_path / "cache", *given
    )


def pyright(folder):
    pytest.importorskip("basedpyright")
    rules = {"typeCheckingMode": "standard", "reportMissingTypeStubs": False, "pythonVersion": "3.11"}
    (folder / "pyrightconfig.json").write_text(json.dumps({**rules, "extraPaths": [str(ROOT)]}))
    return checked("basedpyright", "--pythonpath", sys.executable, "--level", "error", folder=folder)


def code_of(block):
    """The code of a block; the values that a session shows are printed, as pyright takes no bare ones."""
    if block["kind"] == "python":
        return block["code"]
    examples = doctest.DocTestParser().get_examples(block["code"])
    return "".join(
        f"print(\n{e.source})\n" if e.want and is_expression(e.source) else e.source for e in examples
    )


def is_expression(source):
    return len(body := ast.parse(source).body) == 1 and isinstance(body[0], ast.Expr)


def of_readme(folder):
    """README's blocks of code, each a file, as it is pasted alone."""
    for k, block in enumerate(blocks_of(README)):
        off = [f"report{rule}=false" for rule in UNKNOWN] if UNTYPED.search(block["code"]) else []
        (folder / f"readme_{k}.py").write_text(f"# pyright: {', '.join(['strict', *off])}\n{code_of(block)}")
    return sorted(folder.glob("readme_*.py"))


def of_docs(folder, left_out=None):
    """Each page of docs as a file, but those with a match of `left_out`."""
    for page in WITH_CODE:
        code = "\n".join(code_of(block) for block in blocks_of(page) if not is_missing(block))
        if page != README and not (left_out and left_out.search(code)):
            (folder / f"docs_{page.stem}.py").write_text(code)
    return sorted(folder.glob("docs_*.py"))


def test_the_idioms_are_clean_under_mypy(tmp_path):
    status, said = mypy(tmp_path, "tests/idioms.py")
    assert status == 0, said


def test_the_idioms_are_strict_under_pyright():
    assert (ROOT / "tests/idioms.py").read_text().startswith("# pyright: strict\n")


def test_the_code_of_readme_and_docs_is_clean_under_mypy(tmp_path):
    strict, loose = of_readme(tmp_path), of_docs(tmp_path)
    assert len(strict) >= 2
    assert len(loose) >= 10
    status, said = mypy(tmp_path, *strict)
    assert status == 0, said
    relaxed = "--allow-untyped-defs", "--allow-untyped-calls", "--ignore-missing-imports"
    status, said = mypy(tmp_path, *relaxed, *loose)
    assert status == 0, said


def test_the_code_of_readme_and_docs_is_clean_under_pyright(tmp_path):
    assert len(of_readme(tmp_path)) >= 2
    assert len(of_docs(tmp_path, UNTYPED)) >= 5
    status, said = pyright(tmp_path)
    assert status == 0, said


def test_a_wrong_call_is_found(tmp_path):
    (tmp_path / "readme_0.py").write_text("# pyright: strict\nimport tracer\ntracer.load(1).margin('a')\n")
    assert mypy(tmp_path, tmp_path / "readme_0.py")[0] == 1
    assert pyright(tmp_path)[0] == 1

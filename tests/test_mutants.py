"""The mutants of `mutants.py` are still those of this package: each change applies, and its tests exist."""

import ast
from collections import Counter
from pathlib import Path

import pytest

from cases.mutants import ALL
from mutants import changed

FEWEST = 150


@pytest.mark.parametrize("mutant", ALL, ids=lambda mutant: f"{mutant.file}: {mutant.breaks}")
def test_a_mutant_is_a_program_that_its_tests_can_try(mutant):
    ast.parse(changed(mutant))
    for test in mutant.tests:
        assert (Path(__file__).parent / test.partition("::")[0]).exists(), test


def test_there_are_many_mutants_and_no_two_are_the_same():
    assert len(ALL) >= FEWEST
    assert Counter((mutant.file, mutant.old, mutant.new) for mutant in ALL).most_common(1)[0][1] == 1

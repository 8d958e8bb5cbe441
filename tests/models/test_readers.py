"""The table of what is read says what the readers' tables have, and what is proven of their examples."""

import pytest

import readers
import tracer
from cases.estimators import EXAMPLES
from tracer.models.scikit_learn import estimators


@pytest.mark.parametrize("name", estimators.READERS)
def test_every_estimator_has_an_example_whose_boundary_is_proven(name):
    assert readers.status(name) is tracer.Status.PROVEN


def test_examples_are_of_estimators_that_are_read():
    assert set(EXAMPLES) <= set(estimators.READERS)


def test_the_table_in_the_documentation_is_up_to_date():
    text = readers.PAGE.read_text(encoding="utf-8")
    drawn = readers.with_table(text, readers.table(list(estimators.READERS)))
    assert text == drawn, "run python tests/readers.py"

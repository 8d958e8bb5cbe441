"""The examples in the docstrings of public names run, and every verb has one."""

import doctest
from io import StringIO

import pytest

import tracer

VERBS = ("trace", "trace_from", "solve", "partition", "trace_many", "load", "as_network", "example")


def examples_of(name):
    """The doctests of a public name and of its methods."""
    # Not by module: a decorated function has the globals of its decorator.
    found = doctest.DocTestFinder().find(getattr(tracer, name), f"tracer.{name}", module=False, globs={})
    return [test for test in found if test.examples]


EXAMPLES = [test for name in tracer.__all__ if name != "__version__" for test in examples_of(name)]


@pytest.mark.parametrize("test", EXAMPLES, ids=lambda test: test.name)
def test_example_runs(test):
    report = StringIO()
    result = doctest.DocTestRunner().run(test, out=report.write)
    assert result.failed == 0, report.getvalue()


@pytest.mark.parametrize("verb", VERBS)
def test_verb_has_an_example(verb):
    assert f"tracer.{verb}" in {test.name for test in EXAMPLES}

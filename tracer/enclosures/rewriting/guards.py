"""Guards: choices inside a branch that are decided by the condition of the branch.

``np.where(r < 1, np.exp(-1 / np.where(r < 1, 1 - r, 1)), 0)`` chooses twice, so that floats never divide by
0. Only where r < 1 is the outer branch of any effect, and there the inner choice is ``1 - r``: without the
guard it is the same function, and on a cell where r − 1 has both signs the inner branch goes to 0 with
``1 - r``, instead of having all values between 0 and 1. A condition that holds decides itself, the parts of a
conjunction, and other comparisons of the same two functions; one that does not hold decides itself, and the
parts of a disjunction.
"""

from typing import Any

import numpy as np

from tracer.enclosures.rewriting.expression import Node, Nodes, Truth

_CONJUNCTIONS = (np.logical_and, np.bitwise_and)
_DISJUNCTIONS = (np.logical_or, np.bitwise_or)
_NEGATIONS = (np.logical_not, np.invert)
# What each comparison of two functions says of the others of the same functions, where it holds.
_FOLLOWS: dict[Any, dict[Any, bool]] = {
    np.less: {np.less_equal: True, np.greater: False, np.greater_equal: False},
    np.greater: {np.greater_equal: True, np.less: False, np.less_equal: False},
    np.less_equal: {np.greater: False},
    np.greater_equal: {np.less: False},
}


def without_guards(nodes: Nodes, root: Node) -> Node:
    """An expression without the choices that are decided by the branch that they are in.

    Raises
    ------
    Unenclosable
        If that takes too many nodes.
    """

    def of_branches(node: Node, terms: list[Any]) -> Any:
        if node.evaluate is not np.where or not isinstance(terms[0], Truth):
            return None
        condition, a, b = terms
        return nodes.of(
            np.where,
            condition,
            _where(nodes, a, _implied(condition, True)),
            _where(nodes, b, _implied(condition, False)),
            kinked=True,
        )

    return nodes.rewritten(root, of_branches)


def _where(nodes: Nodes, branch: Any, known: dict[Any, bool]) -> Any:
    """A branch, a node or a number, where some conditions are known to hold, or not to."""

    def decided(node: Node, terms: list[Any]) -> Any:
        if node.evaluate is not np.where:
            return None
        holds = _holds(terms[0], known)
        chosen = None if holds is None else terms[1 if holds else 2]
        # A number is no array: its reciprocal may raise.
        return chosen if isinstance(chosen, Node) else None

    return nodes.rewritten(branch, decided) if isinstance(branch, Node) else branch


def _implied(condition: Truth, holds: bool) -> dict[Node, bool]:
    """Whether conditions hold, of which that is known where one holds, or does not hold."""
    found: dict[Node, bool] = {}
    waiting: list[tuple[Any, bool]] = [(condition, holds)]
    while waiting:
        condition, holds = waiting.pop()
        if condition in found:
            continue
        found[condition] = holds
        if condition.evaluate in _NEGATIONS:
            waiting.append((condition.terms[0], not holds))
        elif condition.evaluate in (_CONJUNCTIONS if holds else _DISJUNCTIONS):
            waiting += [(part, holds) for part in condition.terms if isinstance(part, Truth)]
    return found


def _holds(condition: Any, known: dict[Any, bool]) -> bool | None:
    """Whether a condition holds where others are `known`; None if that is not known."""
    if condition in known:
        return known[condition]
    for other, holds in known.items():
        if holds and isinstance(condition, Truth) and condition.terms == other.terms:
            return _FOLLOWS.get(other.evaluate, {}).get(condition.evaluate)
    return None

"""A formula as an expression: operations on operations, down to the coordinates and to numbers.

Equal operations on the same terms are one `Node`. So a formula can be rewritten before it is enclosed, and
evaluated afterwards on everything that the formula itself is evaluated on: arrays of floats, and stand-ins.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tracer.enclosures.formulas.argument import Argument
from tracer.enclosures.formulas.stand_in import Reading, Unenclosable
from tracer.enclosures.formulas.switches import COMBINATIONS, COMPARISONS
from tracer.enclosures.formulas.ufuncs import Operation

# Expressions with more operations are not rewritten.
MOST_NODES = 4096


@dataclass(frozen=True, eq=False)
class Node:
    """A function: `evaluate` of some terms, nodes and numbers; of a coordinate, None of its number.

    `number` is larger than those of its terms. With `kinked` it, or one of its terms, may have kinks.
    """

    number: int
    evaluate: Any
    terms: tuple[Any, ...]
    kinked: bool = False


class Truth(Node):
    """A condition."""


class Nodes:
    """The nodes of one expression and of those that it is rewritten to."""

    def __init__(self) -> None:
        self._known: dict[Any, Node] = {}

    def coordinate(self, number: int) -> Node:
        """x1 or x2."""
        return self._known.setdefault(("coordinate", number), Node(len(self._known), None, (number,)))

    def of(self, evaluate: Any, *terms: Any, kinked: bool = False) -> Node:
        """The node of an operation.

        Raises
        ------
        Unenclosable
            If there are too many.
        """
        key = (evaluate, *map(_key, terms))
        if key not in self._known:
            if len(self._known) >= MOST_NODES:
                raise Unenclosable("too many operations to rewrite")
            kind = Truth if evaluate in COMPARISONS or evaluate in COMBINATIONS else Node
            kinked = kinked or any(term.kinked for term in terms if isinstance(term, Node))
            self._known[key] = kind(len(self._known), evaluate, terms, kinked)
        return self._known[key]

    def rewritten(self, root: Node, rule: Callable[[Node, list[Any]], Any]) -> Any:
        """An expression rewritten node by node, terms first: to what a `rule` gives, unless that is None.

        The rule gets the node, and its terms as they have been rewritten.
        """
        done: dict[Any, Any] = {}
        for node in below(root):
            terms = [done.get(term, term) if isinstance(term, Node) else term for term in node.terms]
            found = None if node.evaluate is None else rule(node, terms)
            if found is None:
                same = node.evaluate is None or all(a is b for a, b in zip(terms, node.terms, strict=True))
                found = node if same else self.of(node.evaluate, *terms, kinked=node.kinked)
            done[node] = found
        return done[root]


class Recorded(Argument):
    """A function as a `Node`."""

    __slots__ = ()
    condition = Truth

    @classmethod
    def coordinates(cls, nodes: Nodes) -> tuple["Recorded", "Recorded"]:
        """Both coordinates."""
        reading = RecordedReading(nodes)
        return cls(nodes.coordinate(0), reading), cls(nodes.coordinate(1), reading)

    def calculate(self, operation: Operation, evaluate: Callable[..., Any], terms: list[Any]) -> Node:
        """The operation itself."""
        # An array of one number may be changed later.
        fixed = [term[()] if isinstance(term, np.ndarray) else term for term in terms]
        return self._nodes.of(evaluate, *fixed, kinked=operation.kinked)

    def filled(self, number: float) -> Node:
        """A constant."""
        return self._nodes.of(np.positive, np.float64(number))

    def as_number(self, condition: Node) -> Node:
        """1 or 0."""
        return self._nodes.of(as_float, condition, kinked=True)

    @property
    def _nodes(self) -> Nodes:
        reading: Any = self.reading
        return reading.nodes


class RecordedReading(Reading):
    """One call of a formula that is recorded."""

    __slots__ = ("nodes",)

    def __init__(self, nodes: Nodes) -> None:
        super().__init__()
        self.nodes = nodes


class Expression:
    """The callable of two coordinates that an expression is."""

    def __init__(self, root: Node) -> None:
        self._order = below(root)
        self.__name__ = "rewritten formula"

    def __call__(self, x1: Any, x2: Any) -> Any:
        """The value at arrays of coordinates, or at stand-ins."""
        values: dict[int, Any] = {}
        for node in self._order:
            if node.evaluate is None:
                values[node.number] = (x1, x2)[node.terms[0]]
                continue
            terms = (values[term.number] if isinstance(term, Node) else term for term in node.terms)
            values[node.number] = node.evaluate(*terms)
        return values[self._order[-1].number]


def recorded(f: Callable[..., Any]) -> tuple[Nodes, Node] | None:
    """A formula as an expression; None if it is none, or too long."""
    nodes = Nodes()
    x1, x2 = Recorded.coordinates(nodes)
    try:
        with np.errstate(all="ignore"):
            return nodes, x1.read(f(x1, x2))
    # f may raise anything on stand-ins.
    except Exception:
        return None


def as_float(condition: Any) -> Any:
    """A condition as 1 or 0."""
    return condition.astype(float)


def _key(term: Any) -> Any:
    """What equal terms have in common; zeros differ by their signs, and numbers by their types."""
    if isinstance(term, Node):
        return term.number
    # How a number is printed may be rounded.
    if isinstance(term, np.generic):
        return type(term), term.tobytes()
    return type(term), int(term) if isinstance(term, int) else float.hex(term)


def below(root: Node) -> list[Node]:
    """All nodes of an expression, each behind its terms."""
    found: set[Node] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            if node.evaluate is not None:
                waiting.extend(term for term in node.terms if isinstance(term, Node))
    return sorted(found, key=lambda node: node.number)

"""Linear models and their probabilities, as converters of scikit-learn write them [1]_.

A classifier has scores z = W x + b, a row for each class, and a link: none, softmax, or a logistic function
of each score. With two classes the rows are often exact opposites, (−z, z): then the logistic functions are
1 − p and p of one p = 1 / (1 + exp(−z)). Probabilities that are divided by their sum are unchanged where that
sum is 1: those of a softmax, and of such a pair.

References
----------
.. [1] Operators of the domain ai.onnx.ml, https://onnx.ai/onnx/operators/.
"""

import numpy as np

from tracer.arrays import Array
from tracer.models.lowering.affine import Affine
from tracer.models.lowering.maxima import product
from tracer.models.lowering.tensor import Tensor
from tracer.models.onnx.operators.tensors import Node, Operator, Unread, Value

LABELS = "the labels of classes jump: read the scores, the other output"
SUM = (
    "a division by the sum of the entries is read where that sum is 1, after a softmax or the two "
    "probabilities of a linear classifier: export without it, or pass the estimator to tracer.as_network"
)
# Rows of weights and bias from p to 1 − p and p.
PAIR = np.array([[-1.0], [1.0]]), np.array([1.0, 0.0])


def _scores(node: Node, x: Tensor) -> tuple[Tensor, Array]:
    """``W x + b`` of a row x, and the rows (W, b)."""
    b = np.array(node.get("intercepts") or [0.0], dtype=np.float64)
    W = np.array(node.get("coefficients"), dtype=np.float64).reshape(len(b), -1)
    return Tensor(x.affine.matmul(W).plus(b), (1, len(b))), np.column_stack([W, b])


def _classifier(node: Node, x: Tensor) -> list[Value | Unread]:
    """The labels, which are not read, and what the link makes of the scores."""
    z, rows = _scores(node, x)
    link = node.get("post_transform", "NONE")
    labels = node.get("classlabels_ints") or node.get("classlabels_strings") or rows
    single = len(rows) == 1 and len(labels) == 2 and link == "LOGISTIC"
    if len(labels) != len(rows) and not single:
        raise ValueError(f"{len(labels)} classes must have a row of coefficients each; got {len(rows)}")
    if link == "LOGISTIC" and (single or _are_opposite(rows)):
        return [Unread(LABELS), _pair(z)]
    if link not in ("NONE", "LOGISTIC", "SOFTMAX"):
        raise ValueError(f"post_transform must be NONE, LOGISTIC or SOFTMAX; got {link}")
    activation = {"LOGISTIC": "sigmoid", "SOFTMAX": "softmax"}.get(link)
    return [Unread(LABELS), z if activation is None else z.activated(activation)]


def _regressor(node: Node, x: Tensor) -> Tensor:
    if node.get("post_transform", "NONE") != "NONE":
        raise ValueError(f"post_transform must be NONE; got {node.get('post_transform')}")
    return _scores(node, x)[0]


def _are_opposite(rows: Array) -> bool:
    return len(rows) == 2 and (rows[0] == -rows[1]).all()


def _pair(z: Tensor) -> Tensor:
    """1 − p and p, where the last entry of a row z is the logit of p."""
    weight, bias = PAIR
    logit = z.at(z.places[:, -1:]).affine
    return Tensor(logit.activated("sigmoid").matmul(weight).plus(bias), (1, 2))


def shares(x: Tensor) -> Tensor:
    """The entries over their sum, where that is known to be 1.

    Raises
    ------
    ValueError
        If it is not.
    """
    source = x.affine.as_source
    if source is not None and source.activation == "softmax":
        return x
    logits = None if source is None or source.activation != "sigmoid" else source.affine
    if logits is not None and _are_opposite_maps(logits):
        return _pair(Tensor(logits, x.shape))
    if not _is_pair(x.affine):
        raise ValueError(SUM)
    return x


def _is_pair(y: Affine) -> bool:
    """Whether the outputs are 1 − p and p of a sigmoid p."""
    if y.outputs != 2 or len(y.terms) != 1 or y.bias_radius.any() or y.bias.tolist() != PAIR[1].tolist():
        return False
    ((source, matrix),) = y.terms.items()
    weight, radius = matrix.arrays()
    return source.activation == "sigmoid" and not radius.any() and np.array_equal(weight, PAIR[0])


def _are_opposite_maps(z: Affine) -> bool:
    """Whether the outputs are −z and z of one z, exactly: nothing has been rounded."""
    parts = [matrix.arrays() for matrix in z.terms.values()] + [(z.bias[:, None], z.bias_radius[:, None])]
    return all(_are_opposite(values) and not radii.any() for values, radii in parts)


def _normalise(node: Node, x: Tensor) -> Tensor:
    if node.get("norm", "MAX") != "L1":
        raise ValueError(f"norm must be L1; got {node.get('norm', 'MAX')}")
    return shares(x)


def _scale(node: Node, x: Tensor) -> Tensor:
    """``(x − offset) · scale``; offset and scale are numbers, or have a number for each feature."""
    offset, scale = (
        np.array(node.get(name, [default])) for name, default in (("offset", 0.0), ("scale", 1.0))
    )
    return product(x.plus(-offset), scale)


OF_TENSORS: dict[str, Operator] = {
    "Scaler": _scale,
    "LinearClassifier": _classifier,
    "LinearRegressor": _regressor,
    "Normalizer": _normalise,
}

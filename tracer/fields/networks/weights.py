"""The weights of a layer: arrays, or sparse matrices (CSR), which store no zeros.

A sparse weight is a `scipy.sparse.csr_array`; its radii are another one with the same pattern, as a weight
that is not stored is exactly 0. SciPy's module of sparse matrices is imported only where one is made.
"""

import sys
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tracer.arrays import Array, Indices, Mask, Matrix, Signs
from tracer.enclosures.rounding import UP
from tracer.fields.checks import conversion_errors, frozen_array, need_finite, said, shown
from tracer.fields.files.budget import draw

# A product with a sparse matrix takes less time than BLAS's if at most this share of its numbers is stored;
# but not if the array is small, or has few rows or columns, as that of a field and that of a plane have.
LARGEST_SHARE = 0.15
SMALL_ARRAY, FEW_ROWS = 2**13, 8
MOST_COLUMNS = 10**8
# The arrays of a sparse matrix.
ARRAYS = ("data", "indices", "indptr")


def is_sparse(matrix: Any) -> bool:
    """Whether this is a matrix or an array of `scipy.sparse`."""
    module = sys.modules.get("scipy.sparse")
    return module is not None and module.issparse(matrix)


def is_faster_as_array(weight: Matrix) -> bool:
    """Whether products with a sparse `weight` take less time if it is stored as an array."""
    size = weight.shape[0] * weight.shape[1]
    return min(weight.shape) < FEW_ROWS or size < SMALL_ARRAY or weight.nnz > LARGEST_SHARE * size


def frozen_weight(weight: Any, radius: Any) -> tuple[Matrix, Matrix]:
    """Read-only copies of a weight and its radii, 0 if `radius` is None; both arrays, or both sparse.

    Raises
    ------
    ValueError
        If an entry is not finite, a radius is negative, or the shapes or patterns differ.
    """
    if not is_sparse(weight):
        W = frozen_array("weight", weight, ndim=2, exact=False)
        return W, frozen_radius("weight_radius", radius, W, weight)
    given = _sorted("weight", weight)
    data = given.data.astype(np.float64)
    need_finite("the stored numbers of weight", data)
    if radius is not None:
        if not is_sparse(radius):
            raise ValueError(f"weight_radius must be sparse, as weight is; got {shown(radius)}")
        other = _sorted("weight_radius", radius)
        same = other.shape == given.shape and all(
            np.array_equal(getattr(other, name), getattr(given, name)) for name in ("indptr", "indices")
        )
        if not same:
            raise ValueError(
                f"weight_radius must have the shape {given.shape} of weight, and store radii where it stores "
                f"numbers; got {shown(radius)}: make it as a copy of weight with other data"
            )
        radius = other.data
    R = frozen_radius("weight_radius", radius, data, given.data) if len(data) else data
    found = [type(given)((part, given.indices, given.indptr), shape=given.shape) for part in (data, R)]
    if is_faster_as_array(given):
        draw(2, *given.shape)
        found = [part.toarray() for part in found]
    for part in found:
        for array in (part,) if isinstance(part, np.ndarray) else [getattr(part, name) for name in ARRAYS]:
            array.flags.writeable = False
    return found[0], found[1]


def frozen_radius(name: str, radius: ArrayLike | None, of: Array, given: Any) -> Array:
    """Read-only radii of numbers `of`, with the errors of their conversion from the numbers `given`.

    Raises
    ------
    ValueError
        If they are negative or of another shape.
    """
    array = frozen_array(name, np.zeros_like(of) if radius is None else radius, ndim=of.ndim)
    if array.shape != of.shape or (array < 0).any():
        raise ValueError(f"{name} must be nonnegative and of shape {of.shape}; got {array.shape}")
    errors = conversion_errors(given, of)
    if errors is not None:
        array = (array + errors) * UP
        array.flags.writeable = False
    return array


def _sorted(name: str, matrix: Any) -> Any:
    """A copy of a sparse matrix as a CSR array with ascending columns, each at most once in a row."""
    from scipy.sparse import coo_array, csr_array

    if matrix.ndim != 2 or 0 in matrix.shape or matrix.dtype.kind not in "biuf":
        raise ValueError(
            f"{name} must be an array or a sparse matrix of numbers, of two dimensions and not empty; "
            f"got {matrix.dtype} of shape {matrix.shape}"
        )
    if matrix.shape[1] > MOST_COLUMNS:
        raise ValueError(f"{name} must have at most {MOST_COLUMNS} columns; got {matrix.shape[1]}")
    # SciPy converts a matrix without a look at its indices; what it does not convert is copied here.
    if matrix.format == "coo":
        matrix = coo_array((matrix.data, matrix.coords), shape=matrix.shape)
    elif hasattr(matrix, "indptr"):
        matrix = matrix.copy()
        _need_ascending(matrix.indptr)
        matrix.check_format(full_check=True)
    found: Any = csr_array(matrix)
    if max(found.nnz, found.shape[1]) <= np.iinfo(np.int32).max:
        # Half the memory: products take less time.
        found.indices, found.indptr = found.indices.astype(np.int32), found.indptr.astype(np.int32)
    found.sort_indices()
    falls = np.diff(found.indices) <= 0
    starts = found.indptr[1:-1]
    falls[starts[(starts > 0) & (starts < found.nnz)] - 1] = False
    if falls.any() or found.nnz != matrix.nnz:
        raise ValueError(f"{name} must store every entry once: call its sum_duplicates() first")
    return found


def _need_ascending(indptr: Indices) -> None:
    """Raise a ValueError unless the places at which rows start are numbers from 0 on that never decrease.

    SciPy's own check takes differences, which may overflow, and none where the last is 0; SciPy then sorts
    numbers outside its arrays.
    """
    if indptr.min(initial=0) < 0:
        raise ValueError(f"indptr must not be negative; got {indptr.min()}")
    falls = np.flatnonzero(indptr[1:] < indptr[:-1])
    if len(falls):
        before, after = indptr[falls[0]], indptr[falls[0] + 1]
        raise ValueError(f"indptr must never decrease; got {after} after {before}")


def row_keys(weight: Matrix, bias: Array, symmetric: Mask, number: Array) -> tuple[Signs, Iterator[bytes]]:
    """A sign for each row of ``W x + b``, and a key: equal for rows and numbers that are equal up to signs.

    The sign of a row is −1 if it is `symmetric` and its first number that is not 0 is negative.
    """
    if isinstance(weight, np.ndarray):
        table = np.column_stack([weight, bias])
        leading = table[np.arange(len(bias)), (table != 0).argmax(axis=1)]
        sign = _signs(leading, symmetric)
        # Adding 0.0 turns −0.0 into 0.0.
        keys = np.column_stack([sign[:, None] * table + 0.0, number])
        return sign, (key.tobytes() for key in keys)
    ends = weight.indptr
    first = np.append(weight.data, 0.0)[ends[:-1]]
    sign = _signs(np.where((ends[1:] > ends[:-1]) & (first != 0), first, bias), symmetric)
    data = np.repeat(sign, np.diff(ends)) * weight.data + 0.0
    last = np.column_stack([sign * bias + 0.0, number])
    return sign, (
        weight.indices[start:end].tobytes() + data[start:end].tobytes() + last[k].tobytes()
        for k, (start, end) in enumerate(pairwise(ends))
    )


def _signs(leading: Array, symmetric: Mask) -> Signs:
    return np.where(symmetric & (leading < 0), -1, 1).astype(np.int8)


# Files ----------------------------------------------------------------------------------------------


def to_form(weight: Matrix) -> list | dict:
    """A weight in a JSON object: rows of numbers; of a sparse weight its arrays."""
    if isinstance(weight, np.ndarray):
        return weight.tolist()
    arrays = {name: getattr(weight, name).tolist() for name in ARRAYS}
    return {"shape": list(weight.shape), **arrays}


def of_form(form: Any) -> Any:
    """The weight that `to_form` wrote.

    Raises
    ------
    ValueError
        If the arrays of a sparse weight do not fit each other.
    """
    if not isinstance(form, dict) or not {"shape", *ARRAYS} <= form.keys():
        return form
    from scipy.sparse import csr_array

    try:
        indices, indptr = (np.array(form[name], dtype=np.int64) for name in ("indices", "indptr"))
        _need_ascending(indptr)
        found = csr_array((np.asarray(form["data"]), indices, indptr), shape=tuple(form["shape"]))
        found.check_format(full_check=True)
    except Exception as error:
        raise ValueError(f"weight must be sparse, with arrays that fit each other: {said(error)}") from None
    return found

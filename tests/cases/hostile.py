"""Values that no argument is made for; what is not installed is left out."""

import itertools
import math
from decimal import Decimal
from fractions import Fraction
from importlib.util import find_spec
from pathlib import PurePosixPath

import numpy as np
from scipy import sparse


class Raising:
    """Everything that Python may ask of it raises."""

    def _raise(self, *_):
        raise RuntimeError("hostile")

    __repr__ = __str__ = __float__ = __index__ = __int__ = __bool__ = __len__ = __iter__ = _raise
    __array__ = __eq__ = __lt__ = __getitem__ = __fspath__ = __contains__ = _raise
    __hash__ = None


class Talkative:
    def __repr__(self):
        return "many words\n" * 100_000


class LikeAnArray:
    """An array that goes wrong when it is read, as one on another device does."""

    shape, dtype = (2, 2), "float64"

    def __array__(self, *_, **__):
        raise RuntimeError("it is elsewhere")


def values():
    """A name and a maker for each value."""
    of_itself = []
    of_itself.append(of_itself)
    table = {
        "nan": math.nan,
        "inf": math.inf,
        "minus inf": -math.inf,
        "10**400": 10**400,
        "-10**400": -(10**400),
        "10**5000": 10**5000,
        "largest float": 1.7e308,
        "smallest float": 5e-324,
        "zero": 0,
        "minus one": -1,
        "half": 0.5,
        "2**63": 2**63,
        "complex": 1j,
        "complex of numpy": np.complex128(1 + 1j),
        "text": "text",
        "empty text": "",
        "number as text": "1e-3",
        "long text": "x" * 10**6,
        "null character": "a\0b",
        "surrogate": "\ud800",
        "bytes": b"bytes",
        "None": None,
        "True": True,
        "False": False,
        "bool of numpy": np.True_,
        "empty list": [],
        "empty dict": {},
        "dict": {"a": 1},
        "set": {1, 2},
        "ragged": [[1, 2], [3]],
        "nans": [[math.nan, 1], [0, 1]],
        "texts": [["a", "b"], ["c", "d"]],
        "Nones": [None, None],
        "big integers": [10**400, 1],
        "list of itself": of_itself,
        "nested": [[[[[[[1]]]]]]],
        "long list": [0.0] * 10**5,
        "masked": np.ma.masked,
        "masked array": np.ma.array([[0.0, 1.0], [0.0, 1.0]], mask=[[0, 1], [0, 0]]),
        "masked numbers": np.ma.array([0.5, 0.5], mask=[0, 1]),
        "masked number": np.ma.array(0.5, mask=True),
        "array of no dimension": np.array(0.5),
        "empty array": np.zeros((0, 2)),
        "three dimensions": np.zeros((2, 2, 2)),
        "array": np.array([[0.0, 1.0], [0.0, 1.0]]),
        "far points": np.array([[1e300, -1e300], [1e-300, 700.0]]),
        "complex array": np.array([[0, 1j], [0, 1]]),
        "objects": np.frompyfunc(lambda _: Raising(), 1, 1)(np.zeros((2, 2))),
        "array of texts": np.array(["a", "b"]),
        "structured": np.zeros(2, dtype=[("a", float), ("b", int)]),
        "dates": np.array(["2020-01-01", "2021-01-01"], dtype="datetime64[D]"),
        "longdouble": np.longdouble(1) / 3,
        "beyond float64": np.array([np.finfo(np.longdouble).max] * 2),
        "float16": np.array([1, 2], dtype=np.float16),
        "Fraction": Fraction(1, 3),
        "large Fraction": Fraction(10**400, 3),
        "Decimal": Decimal("0.1"),
        "Decimal nan": Decimal("sNaN"),
        "sparse": sparse.csr_array(np.eye(2)),
        "object": object(),
        "raising": Raising(),
        "raising ones": [Raising(), Raising()],
        "talkative": Talkative(),
        "talkative ones": [Talkative()] * 2,
        "elsewhere": LikeAnArray(),
        "class": dict,
        "module": math,
        "path": PurePosixPath("nowhere/at/all"),
        "range": range(3),
        "Ellipsis": ...,
        "NotImplemented": NotImplemented,
        "slice": slice(1),
        "exception": ValueError("x" * 1000),
        "memory": memoryview(b"abc"),
        "generator": (k for k in ()),
        "endless": itertools.repeat(Raising(), 3),
    }
    return table | _of_pandas() | _of_torch()


def _of_pandas():
    if find_spec("pandas") is None:
        return {}
    import pandas as pd

    return {
        "NA": pd.NA,
        "NaT": pd.NaT,
        "Series": pd.Series([0.5, 0.5]),
        "Series with NA": pd.Series([1, None], dtype="Int64"),
        "categories": pd.Categorical(["a", "b"]),
        "DataFrame": pd.DataFrame({"a": [0.0, 0.0], "b": [1.0, 1.0]}),
        "DataFrame of texts": pd.DataFrame({"a": ["x", "y"], "b": ["z", "w"]}),
    }


def _of_torch():
    if find_spec("torch") is None:
        return {}
    import torch

    return {
        "tensor": torch.tensor([[0.0, 1.0], [0.0, 1.0]]),
        "tensor of a number": torch.tensor(0.5),
        "tensor with a gradient": torch.tensor([0.5, 0.5], requires_grad=True),
        "number with a gradient": torch.tensor(0.5, requires_grad=True),
        "tensor without numbers": torch.zeros((2, 2), device="meta"),
        "complex tensor": torch.zeros(2, dtype=torch.complex64),
        "bfloat16": torch.zeros(2, dtype=torch.bfloat16),
        "sparse tensor": torch.zeros((2, 2)).to_sparse(),
        "module of torch": torch.nn.Linear(2, 3),
    }

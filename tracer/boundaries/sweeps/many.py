"""The function `trace_many`: many boundaries on any executor, yielded in the order of their problems."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Sequence, Sized
from concurrent.futures import Executor
from typing import Any

from tracer.boundaries.sweeps.execution import SerialExecutor, Sweep
from tracer.boundaries.sweeps.folder import Folder
from tracer.boundaries.sweeps.outcome import Outcome
from tracer.boundaries.work import MAX_CELLS, TOLERANCE, Limits, Progress
from tracer.fields.checks import positive_integer, shown

IN_FLIGHT = 64


def trace_many(
    problems: Iterable[Sequence[Any]],
    executor: Executor | None = None,
    *,
    folder: str | os.PathLike[str] | None = None,
    in_flight: int = IN_FLIGHT,
    tolerance: float = TOLERANCE,
    max_cells: int = MAX_CELLS,
    time_limit: float | None = None,
    progress: bool = False,
) -> Generator[Outcome, None, None]:
    """Trace the boundaries of many problems, one after another or on an executor, and yield them in order.

    Parameters
    ----------
    problems : iterable
        Of ``(field, bounds)``, the arguments of `tracer.trace`, or ``(field, bounds, keywords)`` with a
        dictionary of `tolerance`, `max_cells`, `time_limit` for this problem. A generator is consumed lazily,
        so a hundred thousand problems need no memory. Only boundaries are traced, no partitions, and no
        curves from a seed.
    executor : concurrent.futures.Executor, optional
        Where to trace: a ``ProcessPoolExecutor``, Dask's ``client.get_executor()``, or any other executor. By
        default problems are traced in the calling thread, one after another. The executor is not shut down.
    folder : path, optional
        Where each boundary is written as soon as it is finished, as ``.npz`` (`Boundary.load` reads it),
        named by the problem's index and a fingerprint of its field, bounds and keywords. Problems whose
        boundaries are in the folder are not traced again, so a sweep that was killed resumes when it is run
        again. Problems that fail have no file, and are tried again.
    in_flight : int
        The largest number of problems that are being traced, or finished and waiting in memory for their
        turn. Twice the number of workers or more keeps the workers busy. Without an executor it is 1.
    tolerance, max_cells, time_limit
        As in `tracer.trace`, for problems without keywords of their own.
    progress : bool
        Whether to show the number of finished problems on the standard error stream.

    Returns
    -------
    generator of Outcome
        In the order of the problems. `Outcome.boundary` is the boundary, or raises the exception that tracing
        raised: `Outcome.error`. A problem that fails does not stop the others. Problems are submitted while
        the generator is consumed; if it is closed early, or interrupted, problems that have not started are
        cancelled. On a ``ProcessPoolExecutor`` an interrupt ends the workers, too.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind. On drawing: if a problem is not of the form above.
    ValueError
        If an argument is out of range. On drawing: if the folder contains the boundary of another problem
        with the same index. On reading: if a file of the folder is damaged, of an earlier version, or not the
        boundary of the problem in its name.
    concurrent.futures.BrokenExecutor, concurrent.futures.CancelledError
        If the executor breaks down on every problem, or the work is cancelled. With a folder no finished
        boundary is lost.

    Notes
    -----
    Processes that each use all cores for BLAS slow each other down. Set ``OPENBLAS_NUM_THREADS=1``
    (``MKL_NUM_THREADS=1``) in the environment before Python starts; Dask does so for its workers by itself.
    Give a pool of processes ``mp_context=multiprocessing.get_context("spawn")``: a fork of a process that has
    threads may hang. Idle workers of such a pool survive if their parent is killed, and must be ended as
    well; Dask's workers end by themselves.

    A field that cannot be pickled for another process (a `Function` of a lambda cannot), or not be written to
    the folder (a `Function` cannot), is the error of its outcome, a TypeError. A problem that ends its worker
    process is tried once more, alone, and then its outcome has the error; so is one that hangs in its field
    for more than twice its `time_limit` and half a minute, whose process is ended. The other problems go on
    in a new pool of the same kind. Dask's scheduler does the first by itself; in threads, or in this process,
    a field that does not return cannot be ended.

    A killed run leaves at most one unfinished file for each process, hidden, under a name that is never read;
    the next run deletes it.

    Examples
    --------
    All pairs of outputs on planes that turn about an axis; a ``ProcessPoolExecutor()`` as second argument
    uses all cores:

    >>> from itertools import combinations
    >>> import numpy as np
    >>> import tracer
    >>> network, bounds = tracer.example("iris")
    >>> angles = np.linspace(0, np.pi / 4, 3)
    >>> planes = [tracer.Plane([4, 1], [np.cos(t), np.sin(t)], [-np.sin(t), np.cos(t)]) for t in angles]
    >>> problems = (
    ...     (network.margin(i, j).restrict(plane), [(-1, 1), (-1, 1)])
    ...     for plane in planes
    ...     for i, j in combinations(range(network.n_outputs), 2)
    ... )
    >>> [len(outcome.boundary) for outcome in tracer.trace_many(problems)]
    [1, 1, 1, 1, 1, 1, 1, 1, 1]
    """
    try:
        drawn, known = enumerate(problems), len(problems) if isinstance(problems, Sized) else None
    except TypeError:
        raise TypeError(f"problems must be an iterable of (field, bounds); got {shown(problems)}") from None
    if executor is not None and not isinstance(executor, Executor):
        raise TypeError(
            "executor must be a concurrent.futures.Executor, such as ProcessPoolExecutor(), or Dask's "
            f"client.get_executor(); got {shown(executor)}"
        )
    in_flight = positive_integer("in_flight", in_flight) if executor is not None else 1
    limits = Limits.of(tolerance, max_cells, time_limit)
    line = Progress(progress)
    kept = None if folder is None else Folder(folder)
    sweep = Sweep(drawn, known, limits, executor or SerialExecutor(), kept, in_flight, line)
    return sweep.outcomes()

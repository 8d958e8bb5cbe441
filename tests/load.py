"""Does memory grow, or does a handle stay open, with thousands of traces, pictures and files in one process?

    python tests/load.py [--rounds 10000] [--pictures 2000] [--growth 5]

After a warm-up each kind of work is done again and again. What the process holds may grow by some MB in all,
and the number of its open files and threads not at all. Pictures that nobody asked for must not stay: of a
display that made a figure of its own pyplot keeps the figure, as of any other, until it is closed.
"""

import argparse
import gc
import os
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

import tracer
from cases.problems import BOX, FOLDED, T1, T2, T3

# Of each kind of work, how often before anything is measured.
WARM = 30


def resident() -> float:
    """MB of memory that this process holds; its peak where the system does not tell."""
    pages = Path("/proc/self/statm")
    if pages.exists():
        return int(pages.read_text().split()[1]) * resource.getpagesize() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def handles() -> int:
    """The number of open files and threads."""
    files = Path("/proc/self/fd")
    return threading.active_count() + (len(list(files.iterdir())) if files.exists() else 0)


def traces(number: int) -> None:
    """A network, a formula, a callable or a seed; every one of them is another field."""
    shift = 1e-3 * (number % 97)
    network = (T1, T2, T3, FOLDED)[number % 4]
    kind = number % 5
    if kind < 2:
        tracer.trace(network.level(0, shift), BOX, max_cells=3000)
    elif kind == 2:
        tracer.trace(lambda x, y: x**2 + y**2 - 1 - shift, BOX, max_cells=3000)
    elif kind == 3:
        tracer.trace(lambda x, y: np.asarray(x).clip(-9, 9) ** 2 + y - shift, BOX, max_cells=400)
    else:
        circle = tracer.Function(lambda x, y: x**2 + y**2 - 1 - shift)
        curve = tracer.trace_from(circle, (1.0, 0.1), BOX)
        curve(np.linspace(0, curve.length, 50))


def partitions(number: int) -> None:
    """A classifier, and the nearest change of its decision."""
    rng = np.random.default_rng(number % 7)
    layers = [tracer.Layer(rng.normal(size=(6, 2)), rng.normal(size=6), "tanh")]
    found = tracer.partition(
        tracer.Network([*layers, tracer.Layer(rng.normal(size=(3, 6)), np.zeros(3))]), BOX
    )
    found.nearest([[0.1, 0.2], [1.0, -2.0]])


def files(number: int) -> None:
    """A boundary written, and read again."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"b{('.npz', '.csv', '.geojson')[number % 3]}"
        boundary = tracer.trace(T2, BOX, max_cells=3000)
        boundary.save(path)
        if path.suffix == ".npz":
            tracer.Boundary.load(path)


def pictures(number: int) -> None:
    """A picture on given axes, in a notebook, or as a file: none of them stays."""
    from matplotlib.figure import Figure

    boundary = tracer.trace(T1, BOX, max_cells=3000)
    if number % 3 == 0:
        boundary.plot(Figure().subplots())
    elif number % 3 == 1:
        boundary._repr_png_()
    else:
        with tempfile.TemporaryDirectory() as folder:
            boundary.save(Path(folder) / "b.svg")


def displays(number: int) -> None:
    """A display of an estimator that makes a figure, which its user closes."""
    from matplotlib import pyplot
    from sklearn.linear_model import LogisticRegression

    X = np.random.default_rng(0).normal(size=(30, 2))
    display = tracer.BoundaryDisplay.from_estimator(LogisticRegression().fit(X, X[:, 0] > 0), X)
    pyplot.close(display.figure_)


@contextmanager
def watched(name: str, rounds: int, growth: float, wrong: list[str]) -> Iterator[None]:
    """Say how memory and handles have changed; note what grew."""
    gc.collect()
    memory, open_, began = resident(), handles(), time.perf_counter()
    yield
    gc.collect()
    more, left, seconds = resident() - memory, handles() - open_, time.perf_counter() - began
    bad = more > growth or left > 0
    wrong += [name] * bad
    print(f"{name:12} {rounds:6} rounds {seconds:7.1f} s: {more:+6.1f} MB, {left:+d} handles {'GREW' * bad}")


def no_figure_stays(wrong: list[str]) -> None:
    """Whether pyplot keeps a figure that nobody asked for."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None and (many := len(pyplot.get_fignums())):
        wrong.append("figures")
        print(f"pyplot keeps {many} figures")


WORK: tuple[tuple[Callable[[int], None], float], ...] = (
    (traces, 1.0),
    (partitions, 0.1),
    (files, 0.1),
)
DRAWN: tuple[tuple[Callable[[int], None], float], ...] = ((pictures, 0.75), (displays, 0.25))


def run(rounds: int, drawn: int, growth: float) -> list[str]:
    """The kinds of work that grew."""
    os.environ.setdefault("MPLBACKEND", "Agg")
    wrong: list[str] = []
    for kinds, many in ((WORK, rounds), (DRAWN, drawn)):
        for work, share in kinds:
            times = int(share * many)
            for number in range(min(WARM, times)):
                work(number)
            with watched(work.__name__, times, growth, wrong):
                for number in range(times):
                    work(number)
    no_figure_stays(wrong)
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10_000)
    parser.add_argument("--pictures", type=int, default=2_000)
    parser.add_argument("--growth", type=float, default=5.0, help="MB by which each kind of work may grow")
    asked = parser.parse_args()
    wrong = run(asked.rounds, asked.pictures, asked.growth)
    print(f"{len(wrong)} kinds of work grew" + f": {', '.join(wrong)}" * bool(wrong))
    return min(1, len(wrong))


if __name__ == "__main__":
    sys.exit(main())

"""Forged files of boundaries and partitions: does one load as proven?

A forgery takes the numbers of a file, those of another one and a generator, and changes them in one way. With
the digest that was written before, none may load. With one computed anew, those that contradict themselves
may not; how many are not told from true ones is counted, and no violation:

    python tests/forgeries.py --files 10000 [--seed S]
"""

import argparse
import secrets
import struct
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path
from zlib import crc32

import numpy as np

import tracer
from cases.problems import BOX, FOLDED, T1, T2, T3, T5, WIDE
from cases.random_networks import network_of
from tracer.boundaries.columns import DIGEST, digest
from tracer.curves.pieces import Pieces

PER_CURVE = {
    "curves.sizes": ("curves.points", "curves.error_bound"),
    "turning.sizes": ("turning.point", "turning.s", "turning.coordinate"),
}
ROWS = (
    "curves.sizes",
    "curves.proven",
    "curves.tolerance",
    "curves.ends",
    "curves.branches",
    "turning.sizes",
)


def numbers_of(path):
    with np.load(path) as file:
        return dict(file)


def save_numbers(path, numbers, anew=False):
    """A file of numbers with the digest that is among them, or one that fits."""
    numbers = {name: np.asarray(array) for name, array in numbers.items()}
    if anew:
        numbers[DIGEST] = np.array(digest({k: v for k, v in numbers.items() if k != DIGEST}))
    path.write_bytes(container({f"{name}.npy": member(array) for name, array in numbers.items()}))


def member(array):
    """The bytes that `numpy.save` writes for an array of plain numbers or texts."""
    header = f"{{'descr': {array.dtype.str!r}, 'fortran_order': False, 'shape': {array.shape}, }}"
    start = f"{header:<{-(11 + len(header)) % 64 + len(header)}}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(start)) + start + array.tobytes()


def container(members):
    """A zip archive of stored members, as `numpy.savez` writes it, which takes ten times as long."""
    parts, entries, place = [], [], 0
    for name, data in members.items():
        given = struct.pack("<HHHHHIIIHH", 20, 0, 0, 0, 33, crc32(data), len(data), len(data), len(name), 0)
        parts += [b"PK\x03\x04", given, name.encode(), data]
        entries += [b"PK\x01\x02\x14\x00", given, struct.pack("<HHHII", 0, 0, 0, 0, place), name.encode()]
        place += 30 + len(name) + len(data)
    listed = b"".join(entries)
    end = struct.pack("<HHHHIIH", 0, 0, len(members), len(members), len(listed), place, 0)
    return b"".join([*parts, listed, b"PK\x05\x06", end])


def changed(rng, forge, numbers, other):
    """The numbers after a forgery; of what it changes there are copies."""
    mine = {name: array.copy() for name, array in numbers.items()}
    return mine | forge(rng, mine, other)


def rows_of_curves(numbers, which):
    """Only those curves, in that order."""
    kept = {name: numbers[name][which] for name in ROWS}
    for sizes, names in PER_CURVE.items():
        cuts = np.cumsum(numbers[sizes])[:-1]
        for name in names:
            parts = np.split(numbers[name], cuts)
            kept[name] = np.concatenate([numbers[name][:0], *(parts[k] for k in which)])
    parts = np.split(numbers["curves.pieces"], np.cumsum(numbers["curves.sizes"] - 1)[:-1])
    return kept | {
        "curves.pieces": np.concatenate([numbers["curves.pieces"][:0], *(parts[k] for k in which)])
    }


def one_curve_dropped(rng, numbers, other):
    count = len(numbers["curves.sizes"])
    return rows_of_curves(numbers, np.delete(np.arange(count), rng.integers(count)))


def all_curves_dropped(rng, numbers, other):
    return rows_of_curves(numbers, np.arange(0))


def one_curve_doubled(rng, numbers, other):
    count = len(numbers["curves.sizes"])
    return rows_of_curves(numbers, np.insert(np.arange(count), 0, rng.integers(count)))


def curves_of_another(rng, numbers, other):
    return rows_of_curves(other, np.arange(len(other["curves.sizes"])))


def curves_moved(rng, numbers, other):
    """Points and pieces by a thousandth of the box, or a third."""
    by = rng.choice([1e-3, 0.05]) * np.ptp(numbers["bounds"], axis=1) * rng.choice([-1, 1], 2)
    numbers["curves.pieces"][:, 0, :2] += by
    return {"curves.points": numbers["curves.points"] + by}


def one_point_moved(rng, numbers, other):
    k = rng.integers(len(numbers["curves.points"]))
    numbers["curves.points"][k] += 1e-3 * np.ptp(numbers["bounds"], axis=1)
    return {}


def curves_run_backwards(rng, numbers, other):
    """F is negative on their left then."""
    cuts = np.cumsum(numbers["curves.sizes"])[:-1]
    parts = [x[::-1] for x in np.split(numbers["curves.points"], cuts)]
    split = np.split(numbers["curves.pieces"], np.cumsum(numbers["curves.sizes"] - 1)[:-1])
    pieces = [Pieces(part).reversed().coefficients for part in split]
    return {"curves.points": np.concatenate(parts), "curves.pieces": np.concatenate(pieces)}


def lengths_changed(rng, numbers, other):
    numbers["curves.pieces"][..., 2] *= rng.choice([-1, 0.5, 1.001, 3])
    return {}


def error_bounds_shrunk(rng, numbers, other):
    return {"curves.error_bound": numbers["curves.error_bound"] * rng.choice([0, 1e-3, 0.5, 0.9])}


def error_bounds_negative(rng, numbers, other):
    return {"curves.error_bound": -numbers["curves.error_bound"] - 1e-12}


def status_changed(rng, numbers, other):
    now = str(numbers["certificate.status"])
    return {"certificate.status": np.array(rng.choice([s for s in tracer.Status.__members__ if s != now]))}


def certificate_of_another(rng, numbers, other):
    return {name: other[name] for name in other if name.startswith(("certificate.", "proof"))}


def proof_dropped(rng, numbers, other):
    parts = {name: numbers[name][:0] for name in numbers if name.startswith("proof.")}
    return parts | {"proof": np.array(False)}


def charts_dropped(rng, numbers, other):
    """Nearest points would be proven where the boundary may be nearer."""
    keep = rng.uniform(size=len(numbers["proof.charts"])) < 0.5
    keep[0] = False
    return {name: numbers[name][keep] for name in ("proof.charts", "proof.dependent")}


def charts_made_empty(rng, numbers, other):
    return {
        "proof.empty": np.concatenate([numbers["proof.empty"], numbers["proof.charts"]]),
        "proof.charts": numbers["proof.charts"][:0],
        "proof.dependent": numbers["proof.dependent"][:0],
    }


def field_of_another(rng, numbers, other):
    return {name: other[name] for name in ("field", "network")}


def box_of_another(rng, numbers, other):
    return {name: 0.5 * numbers[name] for name in ("bounds", "certificate.bounds")}


def box_widened(rng, numbers, other):
    return {"certificate.bounds": numbers["certificate.bounds"] * 1.01}


def tolerance_changed(rng, numbers, other):
    return {"curves.tolerance": numbers["curves.tolerance"] * rng.choice([-1, 1e-3])}


def ends_changed(rng, numbers, other):
    numbers["curves.ends"][rng.integers(len(numbers["curves.ends"]))] = rng.integers(-1, 5, 2)
    return {}


def closed_opened(rng, numbers, other):
    flipped = np.where(numbers["curves.ends"] < 0, 0, -1)
    return {"curves.ends": flipped}


def turning_points_moved(rng, numbers, other):
    return {"turning.s": 0.9 * numbers["turning.s"], "turning.point": 0.99 * numbers["turning.point"]}


def one_bit_flipped(rng, numbers, other):
    """Anywhere in the numbers."""
    names = [name for name, array in numbers.items() if array.nbytes and name != DIGEST]
    sizes = np.array([numbers[name].nbytes for name in names])
    name = str(rng.choice(names, p=sizes / sizes.sum()))
    data = bytearray(numbers[name].tobytes())
    data[rng.integers(len(data))] ^= 1 << rng.integers(8)
    return {name: np.frombuffer(bytes(data), numbers[name].dtype).reshape(numbers[name].shape)}


def one_number_changed(rng, numbers, other):
    names = [name for name, array in numbers.items() if array.size and array.dtype.kind == "f"]
    name = str(rng.choice(names))
    place = rng.integers(numbers[name].size)
    numbers[name].flat[place] = rng.choice(
        [0.0, -1.0, 1e300, np.nan, np.inf, numbers[name].flat[place] * 1.5]
    )
    return {}


def counts_changed(rng, numbers, other):
    name = rng.choice(["certificate.crossings", "certificate.cells", "stats.cells", "curves.sizes"])
    return {name: numbers[name] + rng.integers(1, 9)}


# Of partitions ----------------------------------------------------------------------------------------


def classes_permuted(rng, numbers, other):
    """The labels of regions, whose rings have other classes."""
    return {"regions.output": np.roll(numbers["regions.output"], 1)}


def labels_permuted(rng, numbers, other):
    return {"labels": np.roll(numbers["labels"], 1)}


def argmin_changed(rng, numbers, other):
    return {"argmin": ~numbers["argmin"]}


def outputs_of_arcs_changed(rng, numbers, other):
    changed = numbers["curves.outputs"].copy()
    changed[rng.integers(len(changed))] = np.sort(rng.choice(len(numbers["labels"]), 2, replace=False))
    return {"curves.outputs": changed}


def half_edge_reversed(rng, numbers, other):
    k = rng.choice(np.flatnonzero(numbers["edges.number"] >= 0))
    numbers["edges.reverse"][k] ^= True
    return {}


def half_edge_of_another_arc(rng, numbers, other):
    k = rng.choice(np.flatnonzero(numbers["edges.number"] >= 0))
    numbers["edges.number"][k] = rng.integers(-1, len(numbers["curves.sizes"]))
    return {}


def corner_moved(rng, numbers, other):
    k = rng.integers(len(numbers["edges.points"]))
    numbers["edges.points"][k] += rng.choice([-1e-3, 1e-3], 2) * np.ptp(numbers["bounds"], axis=1)
    return {}


def ring_opened(rng, numbers, other):
    numbers["edges.nodes"][rng.integers(len(numbers["edges.nodes"]))] += [1, 0]
    return {}


def rings_cut_anew(rng, numbers, other):
    """Half-edges of one ring given to another, or holes to other pieces."""
    several = [name for name in ("rings.sizes", "pieces.sizes", "regions.sizes") if len(numbers[name]) > 1]
    name = str(rng.choice(several))
    i, j = rng.choice(len(numbers[name]), 2, replace=False)
    numbers[name][[i, j]] += [1, -1]
    return {}


def junctions_moved(rng, numbers, other):
    return {"junctions.point": numbers["junctions.point"] + 1e-3 * np.ptp(numbers["bounds"], axis=1)}


def junctions_unlinked(rng, numbers, other):
    return {"curves.junctions": np.full_like(numbers["curves.junctions"], -1)}


def charts_of_other_classes(rng, numbers, other):
    """Nearest points would be proven where the borders of other classes may be nearer."""
    n, classes = len(numbers["labels"]), numbers["charts.classes"].copy()
    classes[:, :2] = np.sort((classes[:, :2] + 1) % n, axis=1)
    classes[:, 2] = -1
    return {"charts.classes": classes}


def charts_of_a_partition_dropped(rng, numbers, other):
    names = ("proof.charts", "proof.dependent", "charts.classes")
    return {name: numbers[name][1:] for name in names}


# Those that contradict themselves whatever the digest says.
# The forgeries of both kinds of files: those that contradict the rest of a file, and those that may not.
SHARED = [
    curves_moved,
    one_point_moved,
    lengths_changed,
    error_bounds_negative,
    proof_dropped,
    field_of_another,
    box_of_another,
    box_widened,
    closed_opened,
    turning_points_moved,
]
PLAUSIBLE = [
    error_bounds_shrunk,
    status_changed,
    tolerance_changed,
    ends_changed,
    one_bit_flipped,
    one_number_changed,
    counts_changed,
]

CONTRADICTORY = [
    *SHARED,
    one_curve_dropped,
    all_curves_dropped,
    one_curve_doubled,
    curves_of_another,
    curves_run_backwards,
    certificate_of_another,
    charts_dropped,
    charts_made_empty,
]
FORGERIES = [*CONTRADICTORY, *PLAUSIBLE]

CONTRADICTORY_PARTITIONS = [
    *SHARED,
    classes_permuted,
    labels_permuted,
    argmin_changed,
    half_edge_reversed,
    half_edge_of_another_arc,
    corner_moved,
    ring_opened,
    rings_cut_anew,
    junctions_moved,
    junctions_unlinked,
    charts_of_a_partition_dropped,
]
PARTITION_FORGERIES = [
    *CONTRADICTORY_PARTITIONS,
    outputs_of_arcs_changed,
    charts_of_other_classes,
    *PLAUSIBLE,
]


def bytes_forged(rng, data):
    """The bytes of a file cut off, or with some of them changed or left out."""
    how, place = rng.integers(3), int(rng.integers(len(data)))
    if how == 0:
        return data[:place]
    if how == 1:
        return data[:place] + data[place + 1 + int(rng.integers(99)) :]
    return data[:place] + bytes([data[place] ^ (1 << int(rng.integers(8)))]) + data[place + 1 :]


def sources(seed, folder):
    """Files of proven boundaries; all of them load."""
    problems = [(T1, BOX), (T2, BOX), (T3, BOX), (T5, BOX), (FOLDED, BOX), (tracer.ExponentialSum(T3), BOX)]
    problems += [(lambda x, y: x * y - 0.1, WIDE), (lambda x, y: x**2 + y**2 - 1, WIDE)]
    problems += [(p.field, p.bounds) for p, _ in (network_of(seed, k, widest=8) for k in range(12))]
    for k, (field, bounds) in enumerate(problems):
        boundary = tracer.trace(field, bounds, max_cells=5000, time_limit=2)
        if len(boundary) and boundary.certificate.complete:
            boundary.save(folder / f"{k}.npz")
            assert repr(tracer.Boundary.load(folder / f"{k}.npz")) == repr(boundary)
            yield folder / f"{k}.npz"


def partition_sources(seed, folder):
    """Files of proven partitions; all of them load."""
    rng = np.random.default_rng(seed)
    problems = [
        tracer.example("iris"),
        ([lambda x, y: 2 - x**2 - y**2, lambda x, y: x, lambda x, y: -x], WIDE),
    ]
    for _ in range(10):
        hidden = tracer.Layer(rng.normal(size=(6, 2)) * 2, rng.normal(size=6), "tanh")
        problems.append((tracer.Network([hidden, tracer.Layer(rng.normal(size=(4, 6)), np.zeros(4))]), BOX))
    for k, (network, bounds) in enumerate(problems):
        partition = tracer.partition(network, bounds, max_cells=5000, time_limit=2)
        if len(partition.arcs) and partition.certificate.complete:
            partition.save(folder / f"p{k}.npz")
            assert repr(tracer.Partition.load(folder / f"p{k}.npz")) == repr(partition)
            yield folder / f"p{k}.npz"


# Of each kind of result its class, its files and its forgeries.
KINDS = (
    (tracer.Boundary, sources, FORGERIES),
    (tracer.Partition, partition_sources, PARTITION_FORGERIES),
)


def same(numbers, forged):
    """Whether a forgery left everything as it was: there was nothing of the kind to forge."""
    return all(
        np.asarray(forged[k]).shape == v.shape and np.asarray(forged[k]).tobytes() == v.tobytes()
        for k, v in numbers.items()
    )


def loads(kind, path, tally, key):
    """Whether a file loads; it is refused by its name."""
    try:
        kind.load(path)
    except ValueError as error:
        tally[f"{key}: refused"] += str(path) in str(error)
        return False
    return True


def run(files, seed, folder):
    """Violations among forged files of each kind, one sentence each, and the tally."""
    tally, wrong = Counter(), []
    for kind, true, forgeries in KINDS:
        wrong += run_kind(kind, list(true(seed, folder)), forgeries, files, seed, folder, tally)
    return wrong, tally


def run_kind(kind, true, forgeries, files, seed, folder, tally):
    """Violations among forged files of one kind."""
    rng, wrong = np.random.default_rng(seed), []
    numbers, path = [numbers_of(source) for source in true], folder / "forged.npz"
    for n in range(files):
        if n % 1000 == 999:
            print(f"{n + 1} files, {len(wrong)} violations", flush=True)
        k, other = rng.permutation(len(true))[:2]
        if n % 10 == 9:
            data = true[k].read_bytes()
            forged = bytes_forged(rng, data)
            path.write_bytes(forged)
            # What is between the members does not matter.
            if loads(kind, path, tally, "bytes") and not same(numbers[k], numbers_of(path)):
                wrong.append(f"{n}: other bytes")
            continue
        forge = forgeries[rng.integers(len(forgeries))]
        forged = changed(rng, forge, numbers[k], numbers[other])
        if same(numbers[k], forged):
            tally["nothing of the kind to forge"] += 1
            continue
        save_numbers(path, forged)
        if loads(kind, path, tally, forge.__name__):
            wrong.append(f"{n}: {forge.__name__}")
        save_numbers(path, forged, anew=True)
        believed = loads(kind, path, tally, f"{forge.__name__}, digest anew")
        key = f"{kind.__name__}, {forge.__name__}, digest anew: not told from a true one"
        tally[key] += believed
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    warnings.simplefilter("error")
    with tempfile.TemporaryDirectory() as folder:
        wrong, tally = run(options.files, options.seed, Path(folder))
    for key, value in sorted(tally.items()):
        print(f"{key:70} {value}")
    print("\n".join([*wrong, f"{len(wrong)} violations"]))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())

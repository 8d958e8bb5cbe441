"""Random distance functions, proven, with lengths and areas held against shapely's.

As a script, many of them; the first 300 are the ones that must all hold:

    python tests/random_distances.py --count 300 [--first N]
"""

import argparse
import sys

import numpy as np

import tracer
from cases.distances import BOX, random_shape

SEED = 20
# Errors allowed in lengths and areas, relative to these or absolute.
ERROR = 1e-9


def claims(number):
    """What is wrong with a distance function, one sentence each."""
    shape = random_shape(np.random.default_rng([SEED, number]))
    length, area = shape.measures(BOX)
    boundary = tracer.trace(shape.f, BOX)
    if boundary.certificate.status is not tracer.Status.PROVEN:
        yield f"{boundary.certificate.status.name}: {shape.name}"
        return
    for kind, found, exact in (("length", boundary.length, length), ("area", boundary.area(-1), area)):
        if not abs(found - exact) <= ERROR * max(1.0, exact):
            yield f"{kind} {found:.12g}, not {exact:.12g}: {shape.name}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--first", type=int, default=0)
    asked, wrong = parser.parse_args(), 0
    for number in range(asked.first, asked.first + asked.count):
        for sentence in claims(number):
            wrong += 1
            print(f"{number}: {sentence}", flush=True)
    print(f"{asked.count} distance functions, {wrong} wrong")
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())

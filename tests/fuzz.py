"""Mutated files of every kind that is read: does one end in anything but a result or the documented error?

The files are those of `cases.mutations`: small valid ones that the project makes itself, changed. A loader
must return what can be used, or raise a ValueError that names the file, and take no more than is promised: 5
seconds of a processor and 500 MB for a file of 20 kB, in proportion for a larger one.

    python tests/fuzz.py --files 100000 [--kinds .onnx .json] [--seed S] [--first N] [--seconds LIMIT]
        [--keep FOLDER]

A file is made from the seed, its kind and its number: ``--seed S --kinds K --first N --files 1`` repeats it.
Files lie in memory where the system can do that, as writing to a disk takes longer than reading most of them.
"""

import argparse
import multiprocessing
import os
import resource
import secrets
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from cases import keras_server
from cases.mutations import KERAS, KINDS
from cases.onnx_mutations import some

SECONDS, MEGABYTES, SMALL = 5.0, 500.0, 20_000
# A process that would take this much more than it has is ended by MemoryError, in megabytes.
ROOM = 4 * MEGABYTES
# Megabytes by which the memory that a file takes may be overestimated.
UNSEEN = 20.0
# Files made from the same whole ones, and read by one process.
BATCH = 500
# A folder of Linux that lies in memory; None for that of the system.
IN_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def resident():
    """The memory of this process in megabytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


def peak():
    """The largest memory of this process in megabytes since `forget_peak`, to which resetting takes .2 ms."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def forget_peak():
    Path("/proc/self/clear_refs").write_text("5")


def end_of(kind, path):
    """How reading a file ends: "loads", "refused", or what is wrong."""
    try:
        kind.read(path)
    except ValueError as error:
        if not any(name in str(error) for name in (path.name, *kind.names)):
            return f"the message names no file: {str(error)[:200]}"
        return "refused" if len(str(error)) < 1000 else f"a message of {len(str(error))} characters"
    except BaseException as error:
        return f"{type(error).__name__}: {str(error)[:200]}"
    return "loads"


def out_of_time(*_):
    raise TimeoutError


def verdict(kind, path):
    """How reading a file ends, and the seconds of its process and the megabytes that it takes."""
    allowed = max(1.0, path.stat().st_size / SMALL)
    before, began = resident(), time.process_time()
    if peak() > before + UNSEEN:
        forget_peak()
    signal.setitimer(signal.ITIMER_REAL, 20 * SECONDS * allowed)
    try:
        end = end_of(kind, path)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    taken, memory = time.process_time() - began, peak() - before
    if end in ("loads", "refused") and (taken > SECONDS * allowed or memory > MEGABYTES * allowed):
        end = f"{end} after {taken:.1f} s and {memory:.0f} MB"
    return end, taken, memory


def files_of(suffix, seed, first, count, folder):
    """The numbers, paths and contents of mutated files of a kind, one after another."""
    kind, path = KINDS[suffix], Path(folder) / f"changed{suffix}"
    name, batch, whole = sum(suffix.encode()), None, []
    for k in range(first, first + count):
        if k // BATCH != batch:
            batch = k // BATCH
            whole = kind.sources(np.random.default_rng([seed, name, batch]), Path(folder))
        rng = np.random.default_rng([seed, name, k, 1])
        kind.mutated(rng, some(rng, whole), path)
        yield k, path


def batch_of(task):
    """The verdicts of a batch of files of a kind; those that are wrong are kept."""
    suffix, seed, first, count, keep = task
    signal.signal(signal.SIGALRM, out_of_time)
    warnings.simplefilter("error")
    used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (used + int(ROOM * 2**20),) * 2)
    counts, wrong, slowest, largest = Counter(), [], (0.0, 0), (0.0, 0)
    with ExitStack() as open_:
        folder = open_.enter_context(tempfile.TemporaryDirectory(dir=IN_MEMORY))
        if suffix in KERAS:
            open_.enter_context(keras_server.used(Path(folder)))
        for k, path in files_of(suffix, seed, first, count, folder):
            end, taken, memory = verdict(KINDS[suffix], path)
            slowest, largest = max(slowest, (taken, k)), max(largest, (memory, k))
            counts[end if end in ("loads", "refused") else "wrong"] += 1
            if end not in ("loads", "refused"):
                wrong.append(f"{suffix} {k}: {end}")
                print(wrong[-1], flush=True)
                if keep:
                    (Path(keep) / f"{seed}_{k}{suffix}").write_bytes(path.read_bytes())
    return counts, wrong, slowest, largest


def campaign(suffix, options):
    """The number of files of a kind that end wrong; what was found is printed."""
    stop = options.first + options.files
    starts = range(options.first, stop, BATCH)
    tasks = [(suffix, options.seed, start, min(BATCH, stop - start), options.keep) for start in starts]
    counts, wrong, slowest, largest = Counter(), [], (0.0, 0), (0.0, 0)
    with multiprocessing.get_context("fork").Pool(options.processes, maxtasksperchild=1) as pool:
        for some_counts, some_wrong, slow, large in pool.imap_unordered(batch_of, tasks):
            if time.monotonic() > options.until:
                break
            counts += some_counts
            wrong += some_wrong
            slowest, largest = max(slowest, slow), max(largest, large)
    ends = ", ".join(f"{number} {end}" for end, number in sorted(counts.items()))
    print(
        f"{suffix}: {ends}; slowest {slowest[0]:.1f} s (file {slowest[1]}), largest {largest[0]:.0f} MB "
        f"(file {largest[1]})",
        flush=True,
    )
    return len(wrong)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000, help="of each kind")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("--seconds", type=float, default=np.inf, help="after which no more are tried")
    parser.add_argument("--keep", help="a folder for the files that end wrong")
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    if options.keep:
        Path(options.keep).mkdir(parents=True, exist_ok=True)
    options.until = time.monotonic() + options.seconds
    print(f"seed {options.seed}", flush=True)
    wrong = sum(campaign(suffix, options) for suffix in options.kinds)
    print(f"{wrong} wrong")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())

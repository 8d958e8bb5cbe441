"""Mutated ONNX files: does reading one end in anything but a network or the documented error?

The files are those of `cases.onnx_mutations`: random graphs of one to eight operators, and networks for
images, changed. `tracer.load` must return a network, or raise ValueError within `SECONDS` of the process and
`MEGABYTES`:

    python tests/fuzz_onnx.py --files 100000 [--seed S] [--first N] [--keep FOLDER]

Every file is made from the seed and its number, so ``--seed S --first N --files 1`` repeats one.
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
from pathlib import Path

import numpy as np

import tracer
from cases.onnx_mutations import mutated, some, sources

SECONDS, MEGABYTES = 10.0, 500.0
# A process that would take this much more than it has is ended by MemoryError, in megabytes.
ROOM = 4 * MEGABYTES
# Files read by one process.
BATCH = 500


def peak(reset=False):
    """The largest memory of this process in megabytes; since the last reset, where the system knows it."""
    if reset:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    with open("/proc/self/status") as file:
        found = {line.split(":")[0]: line.split()[1] for line in file if line.startswith(("VmHWM", "VmRSS"))}
    return int(found["VmRSS" if reset else "VmHWM"]) / 1024


def out_of_time(*_):
    raise TimeoutError


def verdict(path):
    """How reading a file ends, and the seconds of its process and the megabytes that it takes."""
    before, began = peak(reset=True), time.process_time()
    signal.setitimer(signal.ITIMER_REAL, 9 * SECONDS)
    try:
        tracer.load(path)
        end = "loads"
    except ValueError as error:
        end = "refused"
        if len(str(error)) > 1000:
            end = f"a message of {len(str(error))} characters"
    except BaseException as error:
        end = f"{type(error).__name__}: {str(error)[:200]}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    taken, memory = time.process_time() - began, peak() - before
    if end == "refused" and (taken > SECONDS or memory > MEGABYTES):
        end = f"{end} after {taken:.1f} s and {memory:.0f} MB"
    return end, taken, memory


def batch_of(task):
    """The verdicts of a batch of files; those that are wrong are kept."""
    seed, first, count, keep = task
    signal.signal(signal.SIGALRM, out_of_time)
    warnings.simplefilter("error")
    used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (used + int(ROOM * 2**20),) * 2)
    counts, wrong, slowest, largest = Counter(), [], (0.0, 0), (0.0, 0)
    number, whole = None, []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "changed.onnx"
        for k in range(first, first + count):
            if k // BATCH != number:
                number, whole = k // BATCH, sources(seed, k // BATCH)
            rng = np.random.default_rng([seed, k, 1])
            content = mutated(rng, some(rng, whole))
            path.write_bytes(content)
            end, taken, memory = verdict(path)
            slowest, largest = max(slowest, (taken, k)), max(largest, (memory, k))
            counts[end if end in ("loads", "refused") else "wrong"] += 1
            if end not in ("loads", "refused"):
                wrong.append(f"file {k}: {end}")
                print(wrong[-1], flush=True)
                if keep:
                    (Path(keep) / f"{seed}_{k}.onnx").write_bytes(content)
    return counts, wrong, slowest, largest


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("--keep", help="a folder for the files that end wrong")
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    starts = range(options.first, options.first + options.files, BATCH)
    stop = options.first + options.files
    tasks = [(options.seed, start, min(BATCH, stop - start), options.keep) for start in starts]
    counts, wrong, slowest, largest = Counter(), [], (0.0, 0), (0.0, 0)
    with multiprocessing.get_context("fork").Pool(options.processes, maxtasksperchild=1) as pool:
        for some_counts, some_wrong, slow, large in pool.imap_unordered(batch_of, tasks):
            counts += some_counts
            wrong += some_wrong
            slowest, largest = max(slowest, slow), max(largest, large)
    print(", ".join(f"{number} {end}" for end, number in sorted(counts.items())))
    print(f"slowest {slowest[0]:.1f} s (file {slowest[1]}), largest {largest[0]:.0f} MB (file {largest[1]})")
    print(f"{len(wrong)} wrong")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())

"""Run all benchmarks, or those named, then draw the tables and the figures.

    python benchmarks/run.py [NAME ...]

Each runs in a process of its own, one after the other, on a machine that should do nothing else (all
together less than twenty minutes on two cores; `pip install -e ".[bench]"` first). TRACER_RUNS=1 runs
everything about once. AUTO-07p and codac are measured where they are installed; see vs_auto.py and
vs_codac.py.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
# The last reads what others wrote.
NAMES = (
    "vs_contours",
    "vs_grid_roots",
    "vs_display",
    "vs_auto",
    "vs_continuation",
    "vs_codac",
    "piecewise_linear",
    "accuracy",
    "sizes",
    "curves",
    "inputs",
    "limit",
    "memory",
    "enclosures",
    "many",
    "goals",
)
# Processes that share the cores would each start as many threads as there are.
ENVIRONMENT = {"many": {"OPENBLAS_NUM_THREADS": "1"}}
FIGURES = (
    "scaling",
    "depth_and_inputs",
    "conclusion",
    "vs_grid_roots",
    "continuation",
    "noisy_moons",
    "relu_moons",
)


def run(path, **environment):
    """Run a script; whether it ended well."""
    began = time.perf_counter()
    print(f"== {path.stem}", flush=True)
    code = subprocess.run([sys.executable, path], env=os.environ | environment, check=False).returncode
    print(f"== {path.stem}: {time.perf_counter() - began:.0f} s", flush=True)
    return code == 0


def main():
    """Run what is asked for; the exit status is 1 if something failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}")
    names = parser.parse_args().names or NAMES
    if unknown := set(names) - set(NAMES):
        parser.error(f"NAME must be one of {', '.join(NAMES)}; got {', '.join(sorted(unknown))}")
    failed = [name for name in names if not run(HERE / f"{name}.py", **ENVIRONMENT.get(name, {}))]
    drawn = [HERE / "tables.py", *(HERE.parent / "figures" / f"{name}.py" for name in FIGURES)]
    failed += [path.stem for path in drawn if not run(path)]
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()

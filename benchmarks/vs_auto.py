"""How long does AUTO-07p take for the one branch of T1 that it is given a point of?

    python benchmarks/vs_auto.py

AUTO follows F(u, p) = 0, here with u = x2 and p = x1, by pseudo-arclength from a point on the side of the
box to the opposite one: one branch, not proven, and the start is ours (`tracer.solve`). Its equations are
compiled once; what is timed is the executable, in turn with `tracer.trace` of the same problem, which is
given nothing and proves that there is one curve. F is evaluated at AUTO's points as it writes them, to ten
digits after the point. AUTO is found where Debian's package puts it (`apt install auto-07p gfortran`), or
below AUTO_DIR; elsewhere the report says that nothing was measured.
Writes results/vs_auto.json.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from contours import chords_of, traced_row
from measurement import in_turn, write
from standing_problems import T1_BOUNDS, T1_LEVEL, T1_OUT, T1_ROWS, t1

import tracer
from tracer.boundaries.tracing import TOLERANCE
from tracer.cli.grid_comparison import chord_error
from tracer.fields.box import Box

AUTO = Path(os.environ.get("AUTO_DIR", "/usr/lib/auto-07p"))
HOW = "apt install auto-07p gfortran, or set AUTO_DIR to AUTO-07p's folder"
# The largest step of the pseudo-arclength: 0.1 is AUTO's usual one, the others make the points denser.
STEPS = (0.1, 0.03, 0.01)
FLAGS = ("-O2", "-std=legacy", "-fopenmp")
EQUATIONS = """
subroutine func(ndim, u, icp, par, ijac, f, dfdu, dfdp)
  implicit none
  integer, intent(in) :: ndim, ijac, icp(*)
  double precision, intent(in) :: u(ndim), par(*)
  double precision, intent(out) :: f(ndim)
  double precision, intent(inout) :: dfdu(ndim, ndim), dfdp(ndim, *)
  double precision, parameter :: a({n}) = (/{a}/), b({n}) = (/{b}/)
  double precision, parameter :: c({n}) = (/{c}/), v({n}) = (/{v}/)
  double precision :: s({n})
  s = 1d0 / (1d0 + exp(-(a * par(1) + b * u(1) + c)))
  f(1) = sum(v * s) + ({d})
  dfdu(1, 1) = sum(v * s * (1d0 - s) * b)
  dfdp(1, 1) = sum(v * s * (1d0 - s) * a)
end subroutine
subroutine stpnt(ndim, u, par, t)
  implicit none
  integer, intent(in) :: ndim
  double precision, intent(inout) :: u(ndim), par(*)
  double precision, intent(in) :: t
  par(1) = {p}
  u(1) = {u}
end subroutine
subroutine bcnd
end subroutine
subroutine icnd
end subroutine
subroutine fopt
end subroutine
subroutine pvls
end subroutine
"""
# Derivatives are given; no bifurcations, no output but the points; the end is located to EPSS.
CONSTANTS = """
NDIM=1, IPS=0, ICP=[1], ISP=0, ILP=0, ISW=1, JAC=1, NMX=10000, NPR=100000, IID=0
EPSL=1e-10, EPSU=1e-10, EPSS=1e-7, DS=0.01, DSMIN=1e-6, DSMAX={step}, IADS=1
UZSTOP={{1: {stop}}}
"""


def fortran(numbers):
    """Doubles as Fortran writes them."""
    return ", ".join(f"{x!r}d0" for x in numbers)


def build(folder):
    """Write and compile the equations: the executable."""
    (left, _), _ = T1_BOUNDS
    start = tracer.solve(t1(), T1_BOUNDS, x1=left).points[0].tolist()
    a, b, c = (fortran(column) for column in zip(*T1_ROWS, strict=True))
    at = {"p": fortran(start[:1]), "u": fortran(start[1:])}
    out = {"v": fortran(T1_OUT), "d": fortran([T1_LEVEL])}
    source, executable = folder / "t1.f90", folder / "t1.exe"
    source.write_text(EQUATIONS.format(n=len(T1_ROWS), a=a, b=b, c=c, **out, **at))
    objects = sorted((AUTO / "lib").glob("*.o"))
    subprocess.run(
        ["gfortran", *FLAGS, source, *objects, "-o", executable], cwd=folder, check=True, capture_output=True
    )
    return executable


def way(executable, step):
    """AUTO's executable, run once in a folder of its own, which is returned."""
    folder = executable.parent / f"{step}"
    folder.mkdir()
    constants = CONSTANTS.format(stop=T1_BOUNDS[0][1], step=step)

    def run():
        subprocess.run([executable], input=constants, cwd=folder, text=True, check=True, capture_output=True)
        return folder

    return run


def points(folder):
    """The points that AUTO wrote, shape (n, 2)."""
    rows = [line.split() for line in (folder / "fort.7").read_text().splitlines()]
    return np.array([[float(row[4]), float(row[6])] for row in rows if row[0] == "1"])


def auto_row(step, done):
    """What AUTO reached."""
    x = points(done.result)
    return {
        "largest step": step,
        "points": len(x),
        "largest |F|": np.abs(t1().value(x)).max(),
        "beyond the box": max(0.0, x[-1, 0] - T1_BOUNDS[0][1]),
        "error": chord_error(t1(), Box.from_bounds(T1_BOUNDS), chords_of([x])),
        **done.row(),
    }


def measured():
    """AUTO and tracing in turn."""
    with tempfile.TemporaryDirectory() as folder:
        executable = build(Path(folder))
        done = in_turn(
            {"traced": lambda: tracer.trace(t1(), T1_BOUNDS)}
            | {step: way(executable, step) for step in STEPS}
        )
        traced = done.pop("traced")
        residual = max(np.abs(t1().value(curve.points)).max() for curve in traced.result)
        return {
            "measured": True,
            "tolerance": TOLERANCE,
            "traced": traced_row(traced) | {"largest |F|": residual},
            "AUTO-07p": [auto_row(step, run) for step, run in done.items()],
        }


def at_hand():
    """Whether AUTO's objects and the compiler are installed."""
    return (AUTO / "lib" / "main.o").is_file() and shutil.which("gfortran") is not None


def main():
    """Measure, print and write."""
    report = measured() if at_hand() else {"measured": False, "how": HOW}
    print(report)
    write("vs_auto", report)


if __name__ == "__main__":
    main()

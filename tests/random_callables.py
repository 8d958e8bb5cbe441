"""Random callables with default arguments: kinks, jumps, poles, products, compositions, noise, exceptions.

Whatever F is, a verb ends, raises nothing but what F raised itself, and its curves lie where F changes sign.
As a script, many callables:

    python tests/random_callables.py --count 20000 [--seed S] [--first N] [--seconds LIMIT]

Every callable is made from the seed and its number. Some are formulas that the library reads, most
are hidden from it. A curve is on the change of sign if F is positive a little to its left and negative
a little to its right; where F only touches 0, if F is tiny beside its values nearby.
"""

import argparse
import signal
import sys
import time
import warnings
from collections import Counter

import numpy as np

import tracer

# No callable takes longer, in seconds of CPU; it is ended after twice as long.
MOST_SECONDS = 10.0
# Points of each curve that are looked at, and of how many curves.
PLACES, MOST_CURVES = 15, 40
# Distances from a curve, in box units, at which F has its signs: of floats, of floats of single precision.
NEAR = 10.0 ** np.arange(-12, -5)
NEAR_SINGLE = 10.0 ** np.arange(-7, -2)
# Values of F that count as 0 beside those at the distance `AROUND`.
TINY, AROUND = 1e-9, 1e-2
# The share of callables for which `solve` and `trace_from` are called too.
OTHER_VERBS = 0.2

SMOOTH = [
    "np.sin({})",
    "np.cos(3*{})",
    "np.tanh(2*{})",
    "np.exp(-{}**2)",
    "{}**2",
    "{}**3",
    "np.arctan(4*{})",
]
SMOOTH += ["np.hypot({}, 0.5)", "np.exp({})", "np.sin(12*{})", "np.log1p(np.exp({}))", "(1 - {}**2)"]
KINKED = ["np.abs({})", "np.maximum({}, 0)", "np.clip({}, -0.4, 0.6)", "np.sqrt(np.abs({}))", "np.cbrt({})"]
KINKED += [
    "np.where({} > 0, 1, 0.2) * {}",
    "np.abs(np.sin(3*{}))",
    "np.maximum({}, 0)**1.5",
    "np.fmin({}, 1)",
]
JUMPING = [
    "np.sign({})",
    "np.where({} > 0, 1.0, -0.7)",
    "np.floor(3*{})",
    "np.round(2*{})",
    "np.mod({}, 0.7)",
]
JUMPING += [
    "np.heaviside({}, 0.5)",
    "({} > 0.1)",
    "np.trunc(4*{})",
    "np.arctan2({}, -1 - {})",
    "np.rint({}*1e3)/1e3",
]
POLES = ["1/{}", "np.tan(2*{})", "1/({}**2)", "np.log(np.abs({}))", "1/np.sin(3*{})", "1/(np.abs({}) - 0.5)"]
DOMAINS = [
    "np.sqrt({})",
    "np.log({})",
    "np.arcsin({})",
    "np.arccosh({})",
    "np.power({}, 1.5)",
    "np.arctanh({})",
]
PAIRS = [
    "({} + {})",
    "({} - {})",
    "({} * {})",
    "({} * {})",
    "({} / {})",
    "np.maximum({}, {})",
    "np.minimum({}, {})",
]
PAIRS += ["np.hypot({}, {})", "np.arctan2({}, {})", "np.where({} > {}, x, y)", "np.copysign({}, {})"]
KINDS = {"smooth": [], "kinks": KINKED, "jumps": JUMPING, "poles": POLES, "domains": DOMAINS}
KINDS["all"] = [*KINKED, *JUMPING, *POLES, *DOMAINS]


class Own(Exception):
    """What a callable raises itself."""


class Endless(BaseException):
    """A callable took too long: no `except Exception` stops it."""


class Hidden:
    """A formula that is no formula for the library: in double or single precision, noisy, or raising."""

    def __init__(self, f, manner, limit):
        self.f, self.manner, self.limit = f, manner, limit

    def __call__(self, x, y):
        kind = np.float32 if self.manner == "single" else np.float64
        x, y = np.asarray(x, dtype=kind), np.asarray(y, dtype=kind)
        if self.manner == "raising" and (x > self.limit).any():
            raise Own
        value = self.f(x, y)
        if self.manner == "noisy":
            value = value + 1e-9 * np.sin(1e11 * (x + 0.7 * y))
        return value


def text_of(rng, special, depth):
    """A random formula of x and y, some of whose functions are `special`."""
    if depth == 0 or rng.random() < 0.1:
        a, b, c = np.round(rng.normal(size=3), 3)
        return str(rng.choice([f"({a}*x + {b}*y + {c})", "x", "y", f"(x*x + y*y - {abs(c)})", "(x*y)"]))
    if rng.random() < 0.5:
        return str(rng.choice(PAIRS)).format(
            text_of(rng, special, depth - 1), text_of(rng, special, depth - 1)
        )
    table = special if special and rng.random() < 0.5 else SMOOTH
    return str(rng.choice(table)).replace("{}", text_of(rng, special, depth - 1))


class Case:
    """A callable with its box."""

    def __init__(self, manner, text, box, limit=np.inf, kind=""):
        self.manner, self.text, self.box, self.kind = manner, text, np.asarray(box), kind
        formula = eval(f"lambda x, y: {text}", {"np": np})
        self.f = formula if manner == "formula" else Hidden(formula, manner, limit)
        self.plain = Hidden(formula, "single" if manner == "single" else "double", limit)

    @classmethod
    def random(cls, rng):
        """Made from a random generator."""
        kind = str(rng.choice(list(KINDS)))
        level = float(np.round(rng.normal() * 0.5, 3))
        text = f"{text_of(rng, KINDS[kind], rng.integers(1, 5))} - {level}"
        center, size = rng.normal(size=2) * rng.choice([0, 1]), 10 ** rng.uniform(-0.7, 0.7, 2)
        manners = ["formula", "double", "single", "noisy", "raising"]
        manner = str(rng.choice(manners, p=[0.3, 0.5, 0.07, 0.06, 0.07]))
        box = np.stack([center - size, center + size], axis=1)
        return cls(manner, text, box, rng.uniform(*box[0]), kind)

    def __str__(self):
        return f"{self.manner}, {self.text} in {self.box.tolist()}"

    def values(self, x):
        """F at points (..., 2)."""
        with np.errstate(all="ignore"):
            found = self.plain(x[..., 0], x[..., 1])
        return np.broadcast_to(np.asarray(found, dtype=np.float64), x.shape[:-1])


def claims(rng, tally):
    """What is wrong with one callable, one sentence each."""
    case = Case.random(rng)
    yield from claims_of(case, rng, tally)


def claims_of(case, rng, tally):
    """What is wrong with a callable."""
    tally[f"callables, {case.kind}"] += 1
    result, seconds = yield from outcome(case, "trace", lambda: tracer.trace(case.f, case.box), ())
    tally["seconds of traces"] += seconds
    if result is not None:
        tally[f"{case.manner}: {result.certificate.status.name}"] += 1
        tally["curves"] += len(result)
        chosen = rng.permutation(len(result))[:MOST_CURVES]
        for curve in (result[int(k)] for k in chosen):
            tally["curves along jumps"] += curve.jumps
            yield from (f"{sentence}: {case}" for sentence in off_the_sign_change(case, curve, tally))
    if rng.random() < OTHER_VERBS:
        at = float(rng.uniform(*case.box[1]))
        yield from outcome(case, "solve", lambda: tracer.solve(case.f, case.box, x2=at), ())
        seed = rng.uniform(*case.box.T)
        found, _ = yield from outcome(
            case, "trace_from", lambda: tracer.trace_from(case.f, seed, case.box), ("seed must",)
        )
        if found is not None and found.length:
            yield from (
                f"trace_from {seed.tolist()}, {s}: {case}" for s in off_the_sign_change(case, found, tally)
            )


def outcome(case, verb, call, expected):
    """The result of a verb, or None, and its seconds of CPU; it may raise the messages `expected`."""
    began, result = time.process_time(), None
    signal.setitimer(signal.ITIMER_PROF, 2 * MOST_SECONDS)
    try:
        result = call()
    except Own:
        pass
    except Endless:
        yield f"{verb} does not end: {case}"
    except Exception as error:
        if not str(error).startswith(expected or "\0"):
            yield f"{verb} raises {type(error).__name__}: {error}: {case}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    seconds = time.process_time() - began
    if MOST_SECONDS < seconds < 2 * MOST_SECONDS:
        yield f"{verb} takes {seconds:.1f} s: {case}"
    return result, seconds


def off_the_sign_change(case, curve, tally):
    """A sentence if F has no change of sign at some point of a curve."""
    sides, single = case.box[:, 1] - case.box[:, 0], case.manner in ("single", "noisy")
    tally["points of curves"] += PLACES
    if curve.jumps or "a contour of a lattice" in repr(curve):
        yield from off_the_jump(case, curve.points[:: len(curve.points) // PLACES + 1], sides)
        return
    s = curve.length * np.linspace(0, 1, PLACES + 2)[1:-1]
    x, along = curve(s), curve.tangent(s) / sides
    along = along / np.hypot(*along.T)[:, None]
    left = np.stack([-along[:, 1], along[:, 0]], axis=1) * sides
    offsets = (NEAR_SINGLE if single else NEAR)[:, None, None] * left
    # Beside an open end the normal may leave the box; F is evaluated there all the same.
    above, below = case.values(x + offsets), case.values(x - offsets)
    fine = ((above >= 0) & (below <= 0) & (above != below)).any(axis=0)
    if not fine.all():
        around = np.abs([case.values(x + AROUND * left), case.values(x - AROUND * left)])
        here = np.abs(case.values(x))
        noise = 1e-6 if single else 0.0
        fine |= here <= (TINY + noise) * np.nanmax(np.append(around, here[None], axis=0), axis=0, initial=0.0)
    if not fine.all():
        k = int(np.argmin(fine))
        yield (
            f"{np.count_nonzero(~fine)} of {len(x)} points of a curve with ends "
            f"{[end.name for end in curve.ends]} off the change of sign, "
            f"at {x[k].tolist()} F is {case.values(x[k]):.3g}"
        )


def off_the_jump(case, x, sides):
    """A sentence if F has one sign around some vertex of a polygon along a jump."""
    angles = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    around = np.stack([np.cos(angles), np.sin(angles)], axis=1)[:, None] * NEAR_SINGLE[:, None, None, None]
    values = case.values(x + around * sides)
    fine = ((values >= 0).any(axis=1) & (values <= 0).any(axis=1)).any(axis=0)
    if not fine.all():
        yield f"vertex {x[int(np.argmin(fine))].tolist()} of a polygon along no jump"


def _end(*_):
    raise Endless


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=np.inf)
    asked, tally, wrong = parser.parse_args(), Counter(), 0
    signal.signal(signal.SIGPROF, _end)
    warnings.simplefilter("error")
    began, number = time.monotonic(), asked.first
    while number < asked.first + asked.count and time.monotonic() < began + asked.seconds:
        for sentence in claims(np.random.default_rng([asked.seed, number]), tally):
            wrong += 1
            print(f"{number}: {sentence}", flush=True)
        number += 1
        if number % 500 == 0:
            print(f"{number} callables, {time.monotonic() - began:.0f} s, {wrong} wrong", flush=True)
    for key, count in sorted(tally.items()):
        print(f"{key:40} {count:.6g}")
    print(f"{number - asked.first} callables, {wrong} wrong")
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())

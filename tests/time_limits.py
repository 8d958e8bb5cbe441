"""Is `time_limit` kept on hard problems: jumps, noise, slow callables, deep and wide networks?

As a script: python tests/time_limits.py [--limits 1 2 5] [--only NAME] [--share 0.2]

The clock is that of the processor, so that other processes do not count, plus the seconds that slow callables
claim to take. A limit may be passed by a share of it and the time of two calls of the field.
"""

import argparse
import sys
import time
from itertools import pairwise

import numpy as np

import tracer

SQUARE = [(-2.0, 2.0), (-2.0, 2.0)]
SECONDS_OF_CALL = 0.01


class Clock:
    """Seconds of the processor, and those that somebody has claimed."""

    def __init__(self):
        self.claimed = 0.0

    def __call__(self):
        return time.process_time() + self.claimed


class Timed:
    """A hidden callable that claims some seconds for every call, and notes the longest one."""

    def __init__(self, f, clock, seconds=0.0):
        self.f, self.clock, self.seconds, self.longest = f, clock, seconds, 0.0

    def __call__(self, x, y):
        x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        began = self.clock()
        value = self.f(x, y)
        self.clock.claimed += self.seconds
        self.longest = max(self.longest, self.clock() - began)
        return value


def network(seed, widths, activation, scale):
    """A random network whose weights vary on the scale that keeps its signals alive."""
    rng = np.random.default_rng(seed)
    layers = []
    for n, m in pairwise(widths):
        weight, bias = rng.normal(size=(m, n)) * scale / np.sqrt(n), rng.normal(size=m) * scale / 3
        layers.append(tracer.Layer(weight, bias, activation if len(layers) < len(widths) - 2 else "linear"))
    return tracer.Network(layers)


def zero(seed, widths, activation, scale):
    """A network that is 0: each of its last neurons is there twice, with opposite weights."""
    *layers, last, output = network(seed, widths, activation, scale).layers
    W, b = np.tile(last.weight, (2, 1)), np.tile(last.bias, 2)
    both = np.hstack([output.weight, -output.weight])
    return tracer.Network([*layers, tracer.Layer(W, b, activation), tracer.Layer(both, 0 * output.bias)])


CALLABLES = {
    "jump, vertical": lambda x, y: np.where(x < 0.1, y - 1, y + 1),
    "jump, circle": lambda x, y: np.where(x * x + y * y < 2, 1.0, -1.0),
    "jumps, floor": lambda x, y: np.floor(7 * x) - 3 * y,
    "jumps, checkers": lambda x, y: np.sign(np.sin(9 * x) * np.sin(9 * y)) * (1 + x * x),
    "jumps, mod": lambda x, y: np.mod(5 * x + y, 1) - 0.5 - 0.3 * np.sin(8 * y),
    "steps of a thousandth": lambda x, y: np.rint((x * x + y * y - 1) * 1e3) / 1e3 - 1e-4,
    "kinks": lambda x, y: np.abs(np.sin(8 * x)) - np.abs(np.cos(7 * y)),
    "poles": lambda x, y: np.tan(5 * x) - 1 / np.sin(4 * y),
    "noise 1e-9": lambda x, y: x * x + y * y - 1 + 1e-9 * np.sin(1e11 * (x + y)),
    "noise 1e-3": lambda x, y: x * x + y * y - 1 + 1e-3 * np.sin(1e11 * (x + y)),
    "noise only": lambda x, y: np.sin(1e11 * (x + 0.7 * y)),
    "single precision": lambda x, y: (x.astype(np.float32) ** 2 + np.sin(9 * y.astype(np.float32))) - 1,
    "waves": lambda x, y: np.sin(50 * x) * np.sin(50 * y),
    "waves, a level": lambda x, y: np.sin(50 * x) * np.sin(50 * y) - 0.1,
    "zero": lambda x, y: 0 * x,
    "zero beside one": lambda x, y: np.maximum(x * x + y * y - 1, 0),
    "squared": lambda x, y: (x * x + y * y - 1) ** 2,
    "nan in half": lambda x, y: np.sqrt(x) - y * y,
    "essential": lambda x, y: np.sin(1 / (x * x + y * y)) - 0.5,
    "vertical": lambda x, y: np.cbrt(np.sin(9 * x)) - y,
}
FORMULAS = {
    "formula, waves": lambda x, y: np.sin(50 * x) * np.sin(50 * y),
    "formula, a level": lambda x, y: np.sin(50 * x) * np.sin(50 * y) - 0.1,
    "formula, zero": lambda x, y: x - x,
    "formula, squared": lambda x, y: (x * x + y * y - 1) ** 2,
    "formula, essential": lambda x, y: np.sin(1 / (x * x + y * y)) - 0.5,
    "formula, jump": lambda x, y: np.where(x * x + y * y < 2, y - 1, y + 1),
    "formula, poles": lambda x, y: np.tan(5 * x) - 1 / np.sin(4 * y),
    "formula, kinks": lambda x, y: np.abs(np.sin(8 * x)) - np.abs(np.cos(7 * y)),
}
NETWORKS = {
    "deep, tanh": ((2, 50, 50, 50, 50, 50, 50, 1), "tanh", 1.6),
    "deep, relu": ((2, 50, 50, 50, 50, 50, 50, 1), "relu", 1.6),
    "deeper, sigmoid": ((2, *[20] * 14, 1), "sigmoid", 5.0),
    "wide, tanh": ((2, 4000, 1), "tanh", 3.0),
    "wide, relu": ((2, 1000, 100, 1), "relu", 2.0),
    "wide and deep": ((2, 300, 300, 300, 1), "silu", 3.0),
    "very wide, tanh": ((2, 2048, 2048, 1), "tanh", 3.0),
    "very wide, relu": ((2, 2048, 2048, 1), "relu", 3.0),
    "wider, tanh": ((2, 8192, 1), "tanh", 3.0),
    "wider, relu": ((2, 8192, 1), "relu", 3.0),
    "widest, leaky relu": ((2, 20_000, 1), "leaky_relu", 3.0),
    "wide, hardtanh": ((2, 300, 300, 300, 1), "hardtanh", 3.0),
    "very deep, relu": ((2, *[50] * 20, 1), "relu", 2.0),
}
ZEROS = {
    "zero, tanh": ((2, 16, 16, 1), "tanh", 2.0),
    "zero, wide gelu": ((2, 512, 1), "gelu", 2.0),
    "zero, deep silu": ((2, 16, 16, 16, 16, 1), "silu", 2.0),
    "zero, relu": ((2, 16, 16, 1), "relu", 2.0),
}
CLASSIFIERS = {
    "classes, tanh": ((2, 40, 40, 6), "tanh", 3.0),
    "classes, relu": ((2, 30, 30, 8), "relu", 2.0),
    "ten classes, wide tanh": ((2, 1024, 1024, 10), "tanh", 2.0),
    "ten classes, wide relu": ((2, 1024, 1024, 10), "relu", 2.0),
    "a hundred classes": ((2, 64, 64, 100), "tanh", 3.0),
    "a thousand classes": ((2, 1000), "linear", 3.0),
    "classes, deep gelu": ((2, *[40] * 6, 6), "gelu", 3.0),
}
# Where `trace_from` starts, and which line `solve` takes.
SEED, LINE = (0.7, 0.9), 0.3
SLOW = ("jump, circle", "waves, a level", "noise 1e-3", "single precision")
FROM_SEED = ("waves, a level", "noise 1e-3", "single precision", "kinks", "waves", "vertical")


def problems(clock):
    """A name, a function of the seconds allowed, and the seconds of the longest call of the field so far."""

    def traced(name, field, box=SQUARE):
        longest = (lambda: field.longest) if isinstance(field, Timed) else (lambda: 0.0)
        return name, lambda limit: tracer.trace(field, box, time_limit=limit), longest

    yield from (traced(name, Timed(f, clock)) for name, f in CALLABLES.items())
    yield from (traced(f"slow: {n}", Timed(CALLABLES[n], clock, SECONDS_OF_CALL)) for n in SLOW)
    for name in FROM_SEED:
        slow = Timed(CALLABLES[name], clock, SECONDS_OF_CALL)
        yield (
            f"from a seed: {name}",
            lambda limit, f=slow: tracer.trace_from(f, SEED, SQUARE, time_limit=limit),
            lambda f=slow: f.longest,
        )
        yield (
            f"on a line: {name}",
            lambda limit, f=slow: tracer.solve(f, SQUARE, x2=LINE, time_limit=limit),
            lambda f=slow: f.longest,
        )
    yield from (traced(name, f) for name, f in FORMULAS.items())
    yield from (traced(name, network(0, *made)) for name, made in NETWORKS.items())
    yield from (traced(name, zero(0, *made)) for name, made in ZEROS.items())
    for name, made in CLASSIFIERS.items():
        classes = network(0, *made)
        yield (
            name,
            lambda limit, classes=classes: tracer.partition(classes, SQUARE, time_limit=limit),
            lambda: 0.0,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--limits", type=float, nargs="+", default=[1, 2, 5])
    parser.add_argument("--only", default="")
    parser.add_argument("--share", type=float, default=0.2)
    asked, late, many = parser.parse_args(), 0, 0
    clock = Clock()
    time.perf_counter = clock
    tracer.trace(CALLABLES["squared"], SQUARE, time_limit=0.1)  # whatever is imported on first use
    for name, call, longest in problems(clock):
        if asked.only not in name:
            continue
        for limit in asked.limits:
            began = clock()
            result = call(limit)
            seconds = clock() - began
            is_late = seconds > (1 + asked.share) * limit + 2 * longest()
            late, many = late + is_late, many + 1
            if is_late or limit == asked.limits[-1]:
                print(f"{name:28} {limit:g} s: {seconds:6.2f} s {'LATE' * is_late}  {result!r}", flush=True)
    print(f"{many} runs, {late} late")
    return min(late, 1)


if __name__ == "__main__":
    sys.exit(main())

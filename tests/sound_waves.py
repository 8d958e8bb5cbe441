"""What is printed of curves beside the proof: lengths, turning points, polylines and predictions, on waves.

Sums of waves of any size and frequency lie on a line or a circle, whose points are known as closely as one
likes; the tolerance is anything. As a script, many of them:

    python tests/sound_waves.py --curves 1000 [--seed S] [--first N] [--seconds LIMIT]

Every curve is made from the seed and its number. What is not called finished is counted, and not held to it.
"""

import argparse
import time
from collections import Counter

import numpy as np

import tracer

BOUNDS = [(-1, 1), (-1, 1)]
STEEPEST = 3.0
HIGHEST = 5000.0
# Points of the reference for each radian of the highest wave.
FINE = 50


class Waves:
    """A line or a circle with waves on it: y = w(x), or (x − a)² + (y − b)² = r² + w(x)."""

    def __init__(self, rng):
        n = rng.integers(1, 4)
        frequency = 10 ** rng.uniform(0.5, np.log10(HIGHEST), n)
        size = np.minimum(10 ** rng.uniform(-6, -2, n), STEEPEST / frequency / n)
        self.waves = list(zip(size.tolist(), frequency.tolist(), rng.uniform(0, 2 * np.pi, n), strict=True))
        self.closed = bool(rng.random() < 0.5)
        self.slope = float(rng.choice([0.0, rng.uniform(-0.5, 0.5)]))
        self.height = float(rng.uniform(-0.3, 0.3))
        self.a, self.b, self.radius = rng.uniform([-0.1, -0.1, 0.3], [0.1, 0.1, 0.8]).tolist()
        self.highest = frequency.max()

    def wave(self, x):
        return sum(size * np.sin(frequency * x + phase) for size, frequency, phase in self.waves)

    def rate(self, x):
        return sum(size * frequency * np.cos(frequency * x + phase) for size, frequency, phase in self.waves)

    def __call__(self, x, y):
        if self.closed:
            return (x - self.a) ** 2 + (y - self.b) ** 2 - self.radius**2 - self.wave(x)
        return y - self.height - self.slope * x - self.wave(x)

    def known(self):
        """Points along it (n, 2), its length, and how often it turns; None where it is no graph."""
        return self._on_circle() if self.closed else self._on_line()

    def _on_line(self):
        x = np.linspace(-1, 1, int(2 * FINE * self.highest) // 2 * 2 + 20_001)
        rate = self.slope + self.rate(x)
        speed = np.hypot(1, rate)
        # Simpson's rule.
        weights = np.full(len(x), 2.0)
        weights[1::2], weights[[0, -1]] = 4, 1
        length = (weights * speed).sum() * (x[1] - x[0]) / 3
        y = self.height + self.slope * x + self.wave(x)
        return np.stack([x, y], axis=1), length, np.count_nonzero(rate[1:] * rate[:-1] < 0)

    def _on_circle(self):
        # Off the axes: no turning point is a point of these.
        t = 0.0123 + np.linspace(0, 2 * np.pi, int(3 * FINE * self.highest) + 20_000, endpoint=False)
        c, s, r = np.cos(t), np.sin(t), np.full(len(t), self.radius)
        step, across = r, r
        for _ in range(60):
            x = self.a + r * c
            across = 2 * r - self.rate(x) * c
            step = (r * r - self.radius**2 - self.wave(x)) / across
            r = r - step
        if not (np.abs(step).max() < 1e-13 and across.min() > 0):
            return None
        x, y = self.a + r * c, self.b + r * s
        gx, gy = 2 * (x - self.a) - self.rate(x), 2 * (y - self.b)
        along = r * (gx * s - gy * c) / (gx * c + gy * s)
        turns = sum(np.count_nonzero(g * np.roll(g, 1) < 0) for g in (gx, gy))
        points = np.stack([x, y], axis=1)
        return np.append(points, points[:1], axis=0), np.hypot(r, along).mean() * 2 * np.pi, turns


def claims(rng, tally):
    """What is wrong with one curve, one sentence each."""
    waves, tolerance = Waves(rng), 10 ** rng.uniform(-12, -2)
    known = waves.known()
    if known is None:
        return
    field = tracer.Function(waves)
    boundary = tracer.trace(field, BOUNDS, tolerance=tolerance)
    tally[boundary.certificate.status.name] += 1
    tally["evaluations"] += boundary.stats.evaluations
    if not boundary.certificate.complete or len(boundary) != 1:
        return
    (curve,), (points, length, turns) = boundary, known
    asked = f"{'circle' if waves.closed else 'line'} with {waves.waves} at {tolerance:.3g}"
    tally["turning points"] += turns
    if not abs(curve.length / length - 1) <= 1e-8 + 2 * tolerance:
        yield f"length {curve.length!r} for {length!r}: {asked}"
    if len(curve.turning_points) != turns:
        yield f"{len(curve.turning_points)} turning points for {turns}: {asked}"
    x = curve.pieces(rng.uniform(0, curve.length, 10_000))
    value, gradient = field.value_and_gradient(x)
    if not (off := (np.abs(value) / np.hypot(*gradient.T)).max() / 2) <= 3 * tolerance + 1e-13:
        yield f"predictions are off by {off:.3g}: {asked}"
    chords = 10 ** rng.uniform(-7, -2)
    some = points[:: max(1, len(points) // 50_000)]
    off = farthest(some, curve.polyline(chords)) / 2
    if not off <= 1.001 * chords:
        yield f"chords of {chords:.3g} are off by {off:.3g}: {asked}"


def farthest(points, vertices):
    """The largest distance of points along a curve from its polyline, of the segments next to each."""
    from scipy.spatial import KDTree

    sides = np.diff(vertices, axis=0)
    size = np.hypot(*sides.T)
    parts = np.maximum(1, np.ceil(size / size.sum() * 100_000)).astype(int)
    side = np.repeat(np.arange(len(sides)), parts)
    share = (np.arange(len(side)) - np.repeat(np.cumsum(parts) - parts, parts) + 0.5) / parts[side]
    tree = KDTree(vertices[side] + share[:, None] * sides[side])
    least = np.full(len(points), np.inf)
    for near in side[tree.query(points, k=4)[1]].T:
        away = points - vertices[near]
        w = (away * sides[near]).sum(axis=1) / np.maximum((sides[near] ** 2).sum(axis=1), 1e-300)
        least = np.minimum(least, np.hypot(*(away - np.clip(w, 0, 1)[:, None] * sides[near]).T))
    return least.max()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--curves", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=np.inf)
    asked, tally, wrong = parser.parse_args(), Counter(), 0
    end = time.monotonic() + asked.seconds
    for number in range(asked.first, asked.first + asked.curves):
        if time.monotonic() > end:
            break
        tally["curves"] += 1
        for sentence in claims(np.random.default_rng([asked.seed, number]), tally):
            wrong += 1
            print(f"{number}: {sentence}", flush=True)
    print(dict(tally), f"{wrong} wrong")
    return min(wrong, 1)


if __name__ == "__main__":
    raise SystemExit(main())

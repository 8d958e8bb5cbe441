"""Published networks in two forms, where they are at hand; they are no part of the project."""

import json
from pathlib import Path

import numpy as np

import tracer

NETWORKS = Path(__file__).resolve().parents[3] / "shared" / "networks"


def original(name, suffix):
    """The file that a network came in."""
    (path,) = (NETWORKS / name).glob(f"*{suffix}")
    return path


def reference(name):
    """The network as JSON, and 1000 random inputs of the range it is made for."""
    path = NETWORKS / name / f"{name}.json"
    network = tracer.load(path)
    low, high = np.transpose(json.loads(path.read_text())["input_range"])
    return network, np.random.default_rng(0).uniform(low, high, (1000, network.n_inputs))


def agreement(a, b):
    """The largest difference, relative to the largest output."""
    return np.abs(a - b).max() / np.abs(b).max()

"""Randomised soundness tests draw a fresh seed each run and print it."""

import os
import secrets

import pytest


@pytest.fixture
def fresh_seed():
    """A new seed, printed with a failure; TRACER_SEED repeats one."""
    seed = int(os.environ.get("TRACER_SEED", secrets.randbits(32)))
    print(f"TRACER_SEED={seed}")
    return seed

"""Other arithmetics: the control word of this thread, set through fesetenv where its place is known."""

import ctypes
import platform
import sys
from contextlib import contextmanager

import pytest

X86 = {"flush": 0x8000, "denormals-are-zero": 0x40, "down": 0x2000, "up": 0x4000, "zero": 0x6000}
ARM = {"flush": 1 << 24, "up": 1 << 22, "down": 2 << 22, "zero": 3 << 22}
# Where the word is in fenv_t, and its bits.
PLACES = {
    ("linux", "x86_64"): (28, X86),
    ("linux", "aarch64"): (0, ARM),
    ("darwin", "x86_64"): (4, X86),
    ("darwin", "arm64"): (8, ARM),
}
PLACE, BITS = PLACES.get((sys.platform, platform.machine()), (0, {}))
if "denormals-are-zero" in BITS:
    BITS["both"] = BITS["flush"] | BITS["denormals-are-zero"]
MODES = list(BITS)
needs_modes = pytest.mark.skipif(not MODES, reason="where the control word is in fenv_t is not known here")


def set_bits(bits):
    """Set bits of this thread's control word, and give the environment before."""
    library = ctypes.CDLL(None)
    before = ctypes.create_string_buffer(512)
    library.fegetenv(before)
    after = ctypes.create_string_buffer(before.raw)
    word = int.from_bytes(after.raw[PLACE : PLACE + 4], "little") | bits
    after[PLACE : PLACE + 4] = word.to_bytes(4, "little")
    library.fesetenv(after)
    return before


@contextmanager
def arithmetic(mode):
    """Another arithmetic, one of `MODES`."""
    before = set_bits(BITS[mode])
    try:
        yield
    finally:
        ctypes.CDLL(None).fesetenv(before)

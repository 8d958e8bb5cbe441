"""The command ends with a status and at most one line, whenever it is stopped."""

import os
import signal
import subprocess
import sys
import time
from itertools import pairwise

import numpy as np
import pytest

import tracer

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals")

# Where the shell has it ignored, as for jobs in the background, an interrupt is none.
RUN = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from tracer.cli.running import run; {}; run()"
)
# Sends the process a signal when it imports a module.
WHILE_IMPORTING = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
class Stop:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            os.kill(os.getpid(), {number})
sys.meta_path.insert(0, Stop())
from tracer.cli.running import run
run()
"""


@pytest.fixture
def slow(tmp_path):
    """A network so deep and steep that a million cells decide nothing."""
    rng, path, sizes = np.random.default_rng(0), tmp_path / "slow.json", [2, *[50] * 8, 2]
    layers = [tracer.Layer(rng.normal(0, 1, (m, n)), rng.normal(0, 1, m), "tanh") for n, m in pairwise(sizes)]
    tracer.Network(layers).save(path)
    return path


def test_an_interrupt_of_the_work_ends_with_130_and_leaves_nothing(slow, tmp_path):
    code = RUN.format("print('imported', flush=True)")
    arguments = ["trace", str(slow), "--bounds", "-2", "2", "-2", "2", "-o", str(tmp_path / "b.npz")]
    command = [sys.executable, "-c", code, *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"imported\n"
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        try:
            error = process.communicate(timeout=30)[1].decode()
        finally:
            process.kill()
    assert process.returncode == 130
    assert error == "tracer: interrupted\n"
    assert list(tmp_path.iterdir()) == [slow]


@pytest.mark.parametrize(
    ("name", "number", "status", "says"),
    [
        ("tracer.cli.parser", signal.SIGINT, 130, "interrupted"),
        ("numpy", signal.SIGTERM, 143, "terminated"),
        ("matplotlib.figure", signal.SIGINT, 130, "interrupted"),
    ],
)
def test_a_signal_while_importing_ends_without_a_traceback(name, number, status, says, tmp_path):
    code = WHILE_IMPORTING.format(name=name, number=int(number))
    command = [sys.executable, "-c", code, "trace", "-q", "-o", str(tmp_path / "p.png")]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (status, "", f"tracer: {says}\n")
    # A picture is being written when matplotlib is imported: nothing of it is left.
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_goes_away_is_no_error():
    command = f"{sys.executable} -m tracer trace --help | head -1"
    run = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert (run.stdout[:6], run.stderr) == ("usage:", "")

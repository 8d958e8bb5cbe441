"""A share of `fuzz.py`: mutated files of every kind are read, or refused by the documented error."""

import subprocess
from contextlib import nullcontext

import pytest

pytest.importorskip("resource", reason="the fuzzing forks and limits memory, which Windows cannot")

from cases import keras_server
from cases.mutations import KERAS, KINDS
from fuzz import end_of, files_of

FILES = {".npz": 30, ".partition.npz": 10}


@pytest.mark.parametrize("suffix", KINDS)
def test_mutated_files_are_read_or_refused(suffix, fresh_seed, tmp_path):
    with keras_server.used(tmp_path) if suffix in KERAS else nullcontext():
        ends = {
            k: end_of(KINDS[suffix], path)
            for k, path in files_of(suffix, fresh_seed, 0, FILES.get(suffix, 60), tmp_path)
        }
    wrong = {k: end for k, end in ends.items() if end not in ("loads", "refused")}
    assert wrong == {}, (
        f"python tests/fuzz.py --seed {fresh_seed} --kinds {suffix} --first {min(wrong)} --files 1"
    )
    assert "refused" in ends.values() or len(ends) < 20


@pytest.mark.parametrize("suffix", KERAS)
def test_files_read_by_forks_end_as_those_read_by_new_processes(suffix, fresh_seed, tmp_path):
    for _, path in files_of(suffix, fresh_seed, 0, 2, tmp_path):
        alone = end_of(KINDS[suffix], path)
        with keras_server.used(tmp_path):
            assert end_of(KINDS[suffix], path) == alone


def test_a_file_that_ends_its_process_is_one_error_and_the_next_is_read(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import os\n\ndef run(path):\n    os.write(1, b'read') if path == 'a' else os._exit(3)\n"
    )
    with keras_server.started(tmp_path, str(script)) as run:
        for _ in range(2):
            assert run(["a"]).stdout == b"read"
            with pytest.raises(subprocess.CalledProcessError):
                run(["b"])

"""A share of `fuzz.py`: mutated files of every kind are read, or refused by the documented error."""

import pytest

from cases.mutations import KINDS
from fuzz import end_of, files_of

# Every Keras file is read by a process of its own.
FILES = {".h5": 2, ".keras": 2, ".npz": 30, ".partition.npz": 10}


@pytest.mark.parametrize("suffix", KINDS)
def test_mutated_files_are_read_or_refused(suffix, fresh_seed, tmp_path):
    ends = {
        k: end_of(KINDS[suffix], path)
        for k, path in files_of(suffix, fresh_seed, 0, FILES.get(suffix, 60), tmp_path)
    }
    wrong = {k: end for k, end in ends.items() if end not in ("loads", "refused")}
    assert wrong == {}, (
        f"python tests/fuzz.py --seed {fresh_seed} --kinds {suffix} --first {min(wrong)} --files 1"
    )
    assert "refused" in ends.values() or len(ends) < 20

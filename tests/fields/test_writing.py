"""Files are written whole, keep their modes and their links, and leave nothing behind."""

import errno
import os
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tracer.fields.files import writing
from tracer.fields.files.writing import PREFIX, clean, whole_file

TREE = Path(writing.__file__).parents[3]
# Writes half of a file, says so, and waits to be ended.
WRITER = """
import sys, time
from pathlib import Path
from tracer.fields.files.writing import whole_file
with whole_file(Path(sys.argv[1])) as name:
    name.write_text("half")
    print(name, flush=True)
    time.sleep(60)
"""


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def written(target, text="new"):
    with whole_file(target) as name:
        name.write_text(text)


def aged(path, seconds=2 * writing.NEW):
    os.utime(path, (time.time() - seconds,) * 2)


@pytest.mark.skipif(os.name != "posix", reason="modes of files are those of POSIX")
@pytest.mark.parametrize("umask", [0o022, 0o077, 0o000])
def test_a_file_has_the_mode_of_the_users_other_files(tmp_path, umask):
    before = os.umask(umask)
    try:
        written(tmp_path / "new.txt")
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(written, (tmp_path / f"{k}.txt" for k in range(200))))
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert {mode(path) for path in tmp_path.iterdir()} == {0o666 & ~umask}


@pytest.mark.skipif(os.name != "posix", reason="modes of files are those of POSIX")
def test_a_file_that_is_written_over_keeps_its_mode_and_a_link_stays_one(tmp_path):
    real, link = tmp_path / "folder" / "real.txt", tmp_path / "link.txt"
    real.parent.mkdir()
    real.write_text("old")
    real.chmod(0o600)
    link.symlink_to(Path("folder") / "real.txt")
    written(link)
    assert (link.is_symlink(), real.read_text(), mode(real)) == (True, "new", 0o600)
    dangling = tmp_path / "dangling.txt"
    dangling.symlink_to("none.txt")
    written(dangling)
    assert (dangling.is_symlink(), (tmp_path / "none.txt").read_text()) == (True, "new")


def test_errors_of_the_system_name_the_file(tmp_path):
    target = tmp_path / "full.txt"
    with pytest.raises(OSError, match=r"No space left on device: '.*full\.txt'"), whole_file(target):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="processes are ended as on POSIX")
def test_what_a_process_leaves_that_was_ended_is_deleted_and_no_more(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(TREE)}
    command = [sys.executable, "-c", WRITER, str(tmp_path / "file.txt")]
    writers = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) for _ in range(2)
    ]
    try:
        ended, alive = (Path(writer.stdout.readline().strip()) for writer in writers)
        writers[0].terminate()
        writers[0].wait()
        clean.cache_clear()
        written(tmp_path / "other.txt")
        assert ended.exists()  # it is new, and may be about to be locked
        for path in (ended, alive):
            aged(path)
        clean.cache_clear()
        written(tmp_path / "other.txt")
        assert [path.name for path in tmp_path.iterdir() if path.name.startswith(PREFIX)] == [alive.name]
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
            writer.stdout.close()

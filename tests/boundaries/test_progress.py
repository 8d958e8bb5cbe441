"""How far the work is: said after a second, on the standard error stream, and only if asked for."""

from cases.problems import BOX, T2, traced


def test_progress_is_silent_for_a_second(capsys):
    traced(T2, BOX, progress=True)
    assert capsys.readouterr() == ("", "")


def test_progress_goes_to_standard_error_and_is_cleared(capsys, monkeypatch):
    monkeypatch.setattr("tracer.boundaries.work.QUIET_SECONDS", 0)
    traced(T2, BOX, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("\rtracer: ")
    assert "% of the box decided" in err
    assert err.endswith("\r")
    assert err.split("\r")[-2].strip() == ""
    traced(T2, BOX)
    assert capsys.readouterr() == ("", "")

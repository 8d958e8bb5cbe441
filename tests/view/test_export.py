"""Results as tables of pandas."""

import pytest

import tracer


def test_a_data_frame_chooses_rows_by_its_column_closed():
    pytest.importorskip("pandas")
    network, bounds = tracer.example("moons")
    boundary = tracer.trace(network.margin(0, 1), bounds)
    frame = boundary.to_pandas()
    assert set(frame[frame.closed].curve) == {k for k, curve in enumerate(boundary) if curve.closed}
    divided = tracer.partition(*tracer.example("iris"))
    assert list(divided.to_pandas().columns) == list(divided.table())

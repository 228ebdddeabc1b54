"""Prometheus takes every expression of the dashboards, and finds data in a real run's series."""

import json

import pytest

from tests.monitoring.prometheus_server import find_programs, prometheus_with
from tests.monitoring.recording import BOARDS, Recording

_WITHOUT_DATA = {
    "Stopped campaigns",  # none was stopped
}


@pytest.fixture(scope="module")
def series():
    programs = find_programs()
    if programs is None:
        pytest.skip("prometheus is not installed; on Debian it is in the package prometheus")
    with prometheus_with(Recording.read("boards"), programs) as found:
        yield found


@pytest.mark.parametrize("board", BOARDS, ids=lambda path: path.stem)
def test_each_panel_has_data(series, board):
    empty = {
        panel["title"]
        for panel in json.loads(board.read_text(encoding="utf-8"))["panels"]
        for target in panel.get("targets", [])
        if not series.evaluate(target["expr"])
    }
    assert empty <= _WITHOUT_DATA

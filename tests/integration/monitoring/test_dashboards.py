"""Each expression of the shipped dashboards is valid and asks for metrics and labels that exist."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator

import pytest
import yaml

from operations.metrics.names import DESCRIPTIONS
from tests.monitoring.recording import ROOT, RULES, as_yaml

_BOARDS = sorted((ROOT / "deploy" / "grafana" / "dashboards").glob("*.json"))
_SELECTOR = re.compile(r"\b(issuance_\w+|issuance:[\w:]+)(?:\{([^}]*)\})?")
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)")
_LEGEND = re.compile(r"{{(\w+)}}")
_OF_HISTOGRAMS = ("_bucket", "_sum", "_count")
_OF_PROMETHEUS = {"job", "instance", "alertname", "alertstate"}
_LABELS = {each.name: {*each.labels, *_OF_PROMETHEUS} for each in DESCRIPTIONS} | {
    f"{each.name}{suffix}": {*each.labels, *_OF_PROMETHEUS, "le"}
    for each in DESCRIPTIONS
    for suffix in _OF_HISTOGRAMS
    if each.kind == "histogram"
}
_RULES = yaml.safe_load(RULES.read_text(encoding="utf-8"))
_RECORDED = {
    rule["record"]: _OF_PROMETHEUS
    for group in _RULES["groups"]
    for rule in group["rules"]
    if "record" in rule
}


def _expressions() -> Iterator[tuple[str, str, str]]:
    """Yield the board, the expression and the legend of each query."""
    for path in _BOARDS:
        board = json.loads(path.read_text(encoding="utf-8"))
        for panel in board["panels"]:
            for target in panel.get("targets", []):
                yield path.stem, target["expr"], target["legendFormat"]
        for variable in board["templating"]["list"]:
            if variable["type"] == "query":
                query = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
                assert query is not None
                yield path.stem, f"group by ({query[2]}) ({query[1]})", ""
        for annotation in board["annotations"]["list"]:
            yield path.stem, annotation["expr"], ""


def _expressions_of_rules() -> Iterator[tuple[str, str, str]]:
    for group in _RULES["groups"]:
        for rule in group["rules"]:
            yield RULES.stem, rule["expr"], ""


_ALL = [*_expressions(), *_expressions_of_rules()]


def test_there_are_three_boards_with_queries():
    assert [path.stem for path in _BOARDS] == [
        "issuance-campaigns",
        "issuance-overview",
        "issuance-system",
    ]
    assert len(list(_expressions())) > 30


@pytest.mark.parametrize(("board", "expression", "legend"), _ALL, ids=lambda text: text[:40])
def test_it_asks_for_metrics_and_labels_that_exist(board, expression, legend):
    known = _LABELS | _RECORDED
    asked = _SELECTOR.findall(expression)
    assert asked or "ALERTS" in expression or "up{" in expression
    labels: set[str] = set(_OF_PROMETHEUS)
    for name, selector in asked:
        assert name in known, f"{board}: there is no metric {name}"
        labels |= known[name]
        chosen = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector))
        assert chosen <= known[name], f"{board}: {name} has no label {chosen - known[name]}"
    grouped = {
        each.strip() for text in _GROUPING.findall(expression) for each in text.split(",") if each
    }
    assert {*grouped, *_LEGEND.findall(legend)} - {""} <= labels


def test_every_expression_is_valid(tmp_path):
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed; on Debian it is in the package prometheus")
    rules = [
        {"record": f"board:query:{number}", "expr": re.sub(r"\$\w+", ".*", expression)}
        for number, (_, expression, _) in enumerate(_ALL)
    ]
    file = tmp_path / "queries.yml"
    file.write_text(as_yaml({"groups": [{"name": "queries", "rules": rules}]}), encoding="utf-8")
    done = subprocess.run(
        [promtool, "check", "rules", str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_panels_do_not_overlap_and_say_what_they_show():
    for path in _BOARDS:
        taken: set[tuple[int, int]] = set()
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
            place = panel["gridPos"]
            cells = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            assert not cells & taken, f"{path.stem}: {panel['title']}"
            assert place["x"] + place["w"] <= 24
            taken |= cells
            assert panel["type"] == "row" or panel["description"]

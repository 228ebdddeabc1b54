import json
import re
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest

from simulator.catalogue import load_catalogue
from simulator.demo_catalogue import DEMO
from simulator.faults import Kind, read_plan
from simulator.magic import MAGIC
from simulator.switches import Switches

_PAGE = Path(__file__).parents[3] / "docs" / "reference" / "simulator.md"
TEXT = _PAGE.read_text(encoding="utf-8")
CATALOGUE, PLAN = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)


def test_the_documented_catalogue_can_be_loaded(tmp_path):
    path = tmp_path / "catalogue.json"
    path.write_text(CATALOGUE)
    assert load_catalogue(path).rewards[0].name == "Tea"


def test_the_documented_fault_plan_is_valid():
    plan = read_plan(json.loads(PLAN))
    assert (plan.next[0].count, plan.next[1].path, plan.seed) == (3, "/issuals", 7)


@pytest.mark.parametrize(
    "word",
    [
        *(field.name for field in fields(Switches)),
        *get_args(Kind),
        *MAGIC,
        *(str(reward.reward_id) for reward in DEMO.rewards),
    ],
)
def test_every_switch_fault_magic_ending_and_reward_is_documented(word):
    assert re.search(rf"\b{word}\b", TEXT)

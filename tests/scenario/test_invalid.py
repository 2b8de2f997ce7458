"""The corpus of faulty scenarios: each says in its first lines what must be said about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.errors import ScenarioError
from sim.scenario.loader import load
from tests.scenario.files import ROOT

FOLDER = ROOT / "tests" / "scenarios" / "invalid"
CORPUS = sorted(FOLDER.glob("*.yaml"))
EXPECT = "# expect: "


def test_the_corpus_is_there():
    assert len(CORPUS) >= 300


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_every_fault_is_named_with_its_place(path: Path):
    lines = path.read_text(encoding="utf-8").splitlines()
    expected = [line.removeprefix(EXPECT) for line in lines if line.startswith(EXPECT)]
    assert expected, "the file does not say what to expect"
    with pytest.raises(ScenarioError) as caught:
        load(path)
    told = [
        str(problem).removeprefix(f"{path}:").removeprefix(f"{FOLDER}/")
        for problem in caught.value.problems
    ]
    assert told == expected

"""Thousands of damaged scenarios: each runs, or is refused with places; soon, and in little memory.

Hypothesis damages valid scenarios, their fields and their text; another process loads and runs
them (`worker.py`), so that a crash, a hang or a hunger for memory is a failed test and not its end.
"""

from __future__ import annotations

from hypothesis import event, given, settings
from hypothesis import strategies as st

from sim.scenario.problems import Problems
from sim.scenario.yaml_tree import read_tree
from tests.mutants.asking import Worker
from tests.mutants.bases import Base, bases
from tests.mutants.damage import TREE_DAMAGE, shuffled_table, strewn
from tests.mutants.tree import document, grown
from tests.mutants.worker import SCENARIO

EXAMPLES = settings.default.max_examples * 3
TIMES = st.sampled_from([1, 1, 1, 2, 3])
ALONE = ("does not exist", "is not UTF-8 text", "is not text: line", "a folder, not a file")


@st.composite
def mutants(draw: st.DrawFn) -> Base:
    """Draw a valid scenario, and damage it a few times."""
    files = dict(draw(bases()).files)
    tables = [name for name in files if name != SCENARIO]
    how = draw(st.sampled_from(["fields", "fields", "text"]))
    if how == "fields":
        root = grown(read_tree(files[SCENARIO], "", Problems()))
        for _ in range(draw(TIMES)):
            draw(st.sampled_from(TREE_DAMAGE))(draw, root)
        files[SCENARIO] = document(root)
    elif tables and draw(st.booleans()):
        name = draw(st.sampled_from(tables))
        for _ in range(draw(TIMES)):
            damage = draw(st.sampled_from([shuffled_table, strewn]))
            files[name] = damage(draw, files[name])
    else:
        for _ in range(draw(TIMES)):
            files[SCENARIO] = strewn(draw, files[SCENARIO])
    return Base(files)


def test_a_damaged_scenario_runs_or_is_refused_with_places(worker: Worker) -> None:
    """And enough of them run: if all were refused at once, this would say little."""

    @settings(max_examples=EXAMPLES)
    @given(mutant=mutants(), engine=st.sampled_from(["packet", "reference"]))
    def search(mutant: Base, engine: str) -> None:
        found = worker.ask(mutant, engine=engine)
        event(found["became"])
        assert found["became"] in ("ran", "refused", "too large"), found["told"][-1]
        if found["became"] == "refused":
            assert found["told"]
            for file, line, text in found["told"]:
                assert text.isprintable()
                assert len(text) < 10_000
                assert file in mutant.files, text
                assert line or any(reason in text for reason in ALONE), text

    search()
    total = worker.counts.total()
    assert worker.counts["ran"] > total / 10, worker.counts
    assert worker.counts["refused"] > total / 10, worker.counts
    assert worker.counts["too large"] < total / 10, worker.counts

"""Crossings, rounds and answers, of invented verdicts."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from sim.studies.answer import answer_of
from sim.studies.bisection import crossings, next_numbers, numbers_left
from sim.studies.over import Over, read_over, with_tolerance
from tests.studies.conftest import points
from tests.studies.test_over import written


def over(text: str = "1..9 Mbit/s", tolerance: str = "1 Mbit/s") -> Over:
    return with_tolerance(read_over(text, written()), tolerance)


def search(question: Over, met, *, count: int = 5) -> dict[Decimal, list[bool]]:
    """Search as a study does; `met` gives the verdicts at a number."""
    verdicts: dict[Decimal, list[bool]] = {}
    wanted = question.first(count)
    while wanted:
        assert not set(wanted) & set(verdicts), "a number is tried twice"
        verdicts.update((number, met(number)) for number in wanted)
        left = numbers_left(question, verdicts)
        wanted = next_numbers(question, verdicts)
        assert left >= len(wanted)
    return verdicts


limits = st.lists(st.decimals(1, 9, places=4), min_size=1, max_size=4)


@given(limits, st.lists(st.booleans(), min_size=4, max_size=4))
def test_every_requirement_is_found_to_the_tolerance(at, upward):
    """Requirement r breaks at `at[r]`, upwards or downwards."""
    question = over(tolerance="0.02 Mbit/s")

    def met(number):
        return [(number <= limit) == up for limit, up in zip(at, upward, strict=False)]

    verdicts = search(question, met)
    found = crossings(verdicts)
    for r, limit in enumerate(at):
        here = [each for each in found if each.requirement == r]
        if limit >= 9:
            assert here == []
            continue
        (crossing,) = here
        assert crossing.low <= limit <= crossing.high
        assert crossing.high - crossing.low <= Decimal("0.02")
        assert crossing.breaks == upward[r]
        assert crossing.missed == (crossing.high if upward[r] else crossing.low)


def test_a_requirement_that_breaks_twice_is_found_twice():
    """Met, missed, met among the first points: both crossings are bisected."""
    question = over(tolerance="0.1 Mbit/s")
    verdicts = search(question, lambda number: [not Decimal("2.6") < number < Decimal("5.3")])
    first, second = crossings(verdicts)
    assert first.low <= Decimal("2.6") <= first.high
    assert second.low <= Decimal("5.3") <= second.high
    assert (first.breaks, second.breaks) == (True, False)
    assert all(each.high - each.low <= Decimal("0.1") for each in (first, second))


def test_points_are_shared():
    """Two requirements that break at one place cost no more than one."""
    question = over(tolerance="0.1 Mbit/s")
    one = search(question, lambda number: [number < 4])
    two = search(question, lambda number: [number < 4, number >= 4])
    assert list(one) == list(two)


def test_nothing_is_tried_twice_where_nothing_breaks():
    assert len(search(over(), lambda number: [True, False])) == 5


def spans(*verdicts):
    answer = answer_of(over(), points(*verdicts))
    return [(int(span.low), int(span.high)) for span in answer.spans], answer


def test_the_answer_is_the_span_in_which_all_are_met():
    found, answer = spans((1, "++"), (3, "++"), (5, "+-"), (9, "--"))
    assert found == [(1, 3)]
    (span,) = answer.spans
    assert span.below is None
    assert span.above is not None
    assert (span.above.met, span.above.missed, span.above.broken) == (3, 5, (1,))
    assert [each.state for each in answer.standings] == ["breaks", "breaks"]


def test_a_span_may_begin_above_the_range():
    found, answer = spans((1, "-+"), (3, "-+"), (5, "++"), (9, "+-"))
    assert found == [(5, 5)]
    below, above = answer.spans[0].below, answer.spans[0].above
    assert below is not None
    assert above is not None
    assert (below.missed, below.broken, above.missed, above.broken) == (3, (0,), 9, (1,))


def test_what_is_never_met_is_set_aside():
    found, answer = spans((1, "+-"), (5, "--"), (9, "--"))
    assert found == [(1, 1)]
    assert [each.number for each in answer.missed] == [1]
    assert [each.number for each in answer.breaking] == [0]


def test_there_may_be_no_span_and_there_may_be_several():
    assert spans((1, "+-"), (5, "-+"), (9, "-+"))[0] == []
    assert spans((1, "+"), (3, "-"), (5, "+"), (7, "-"), (9, "+"))[0] == [(1, 1), (5, 5), (9, 9)]


def test_what_never_breaks_leaves_the_whole_range():
    found, answer = spans((1, "++"), (9, "++"))
    assert found == [(1, 9)]
    assert answer.breaking == ()
    assert [each.state for each in answer.standings] == ["met", "met"]


def test_where_nothing_is_ever_met_there_is_no_span():
    assert spans((1, "--"), (9, "--"))[0] == []

"""The map: each province in the colour of its loss, and the rooms that lost most as points."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgba
from matplotlib.patches import PathPatch
from matplotlib.text import Text

from sim.language.language import ENGLISH, Language
from sim.plots import country, shades, style
from sim.results.files import write
from sim.results.stored import read_run
from tests.results.conftest import hold, requirement, results_of
from tests.results.meetings import Meeting, scenario

# In the provinces of their names; the last two are on no outline but in none's way.
PLACES = {"79": (10.78, 106.70), "80": (10.53, 106.41)}
LOSS = requirement("rooms", "loss", 0.5, 0.18)


def meeting(*, names=(), requirements=(), places=True):
    """Return the results of a meeting whose sites have positions, and other names if wanted."""
    plain = scenario(requirements=requirements)
    sites = []
    for i, site in enumerate(plain.sites):
        north, east = PLACES["80" if site.id.startswith(("80", "794")) else "79"]
        spread = {"latitude": north + i / 1000, "longitude": east + i / 500} if places else {}
        name = dict(names).get(site.id, site.name)
        sites.append(dataclasses.replace(site, name=name, **spread))
    return results_of(hold(Meeting(dataclasses.replace(plain, sites=tuple(sites)))))


def stored_of(results, folder):
    folder.mkdir()
    write(results, folder, created=datetime(2021, 9, 5, 8, 30, tzinfo=UTC))
    return read_run(folder)


def drawn(stored, language=ENGLISH):
    with style.style():
        figure = country.draw(stored, language)
        figure.draw_without_rendering()
    return figure


def points_of(axes):
    (points,) = (each for each in axes.collections if isinstance(each, PathCollection))
    return points.get_offsets()


def branch_loss(results):
    """Return the loss of each child of the root, summed room by room."""
    network, rooms = results.network, results.measures.endpoints
    sums = {}
    for i, s in enumerate(rooms.site.tolist()):
        branch = network.sites[network.path(s)[0]].id
        lost, due = sums.get(branch, (0, 0))
        sums[branch] = lost + int(rooms.lost[i].sum()), due + int(rooms.due[i])
    return {branch: lost / due for branch, (lost, due) in sums.items()}


def test_provinces_have_the_colour_of_their_loss(tmp_path):
    results = meeting(names={"79": "Hồ Chí Minh", "80": "LONG AN"})
    figure = drawn(stored_of(results, tmp_path / "run"))
    fills = {
        patch.get_label(): patch.get_facecolor()
        for patch in figure.axes[0].patches
        if isinstance(patch, PathPatch)
    }
    expected = branch_loss(results)
    assert expected["80"] > expected["79"] > 0.1
    assert fills["79"] != fills["80"]
    # The darker, the worse, also without colours (ITU-R BT.601).
    grey = {code: fills[code][:3] @ np.array([0.299, 0.587, 0.114]) for code in ("79", "80")}
    assert grey["80"] < grey["79"] - 0.2
    others = {fill for code, fill in fills.items() if code not in ("79", "80")}
    assert others == {to_rgba("white")}
    legend = [text.get_text() for text in figure.axes[1].get_legend().get_texts()]
    for row in expected.values():
        (words,) = (words for words in legend if " to " in words and _holds(words, 100 * row))
        assert words.endswith("%")


def _holds(words, percent):
    low, high = (float(part.removesuffix(" %")) for part in words.split(" to "))
    return low <= percent < high


def test_points_are_the_rooms_above_the_limit(tmp_path):
    results = meeting(requirements=(LOSS,))
    figure = drawn(stored_of(results, tmp_path / "run"))
    rooms, network = results.measures.endpoints, results.network
    above = {
        (network.sites[s].longitude, network.sites[s].latitude): loss
        for s, loss in zip(rooms.site.tolist(), rooms.loss.tolist(), strict=True)
        if loss > 0.18
    }
    assert 0 < len(above) < 10
    main = points_of(figure.axes[0])
    assert {tuple(point) for point in main.tolist()} == set(above)
    # The worst last, so that none hides it.
    assert tuple(main[-1]) == max(above, key=above.get)
    legend = [text.get_text() for text in figure.axes[1].get_legend().get_texts()]
    assert f"{len(above)} rooms that lost more than 18 %" in legend
    for inset in figure.axes[2:13]:
        assert points_of(inset).tolist() == main.tolist()


def test_without_a_limit_the_worst_ten_are_points(tmp_path):
    figure = drawn(stored_of(meeting(), tmp_path / "run"))
    assert len(points_of(figure.axes[0])) == 10


def test_the_archipelagos_and_island_districts_are_in_insets(tmp_path):
    figure = drawn(stored_of(meeting(), tmp_path / "run"))
    texts = {text.get_text() for text in figure.findobj(Text)}
    assert {"Quần đảo Hoàng Sa (Đà Nẵng)", "Quần đảo Trường Sa (Khánh Hòa)"} <= texts
    assert {box.name for box in country.ISLANDS} <= texts
    islands = {
        box.name: [line for line in axes.lines if line.get_marker() == "o"]
        for box, axes in zip((country.HOANG_SA, country.TRUONG_SA), figure.axes[2:4], strict=True)
    }
    assert [len(dots) for dots in islands.values()] == [6, 15]


@pytest.mark.parametrize("code", ["en", "vi"])
def test_no_inset_or_text_leaves_the_page(tmp_path, code):
    figure = drawn(stored_of(meeting(requirements=(LOSS,)), tmp_path / "run"), Language(code))
    page = figure.bbox
    for text in figure.findobj(Text):
        if text.get_text() and text.get_visible():
            box = text.get_window_extent()
            assert page.x0 <= box.x0, text
            assert box.x1 <= page.x1, text


def test_elsewhere_every_room_is_a_point(tmp_path):
    results = meeting(names={"79": "Bavaria", "80": "Saxony"})
    figure = drawn(stored_of(results, tmp_path / "run"))
    rooms, network = results.measures.endpoints, results.network
    expected = {
        (network.sites[s].longitude, network.sites[s].latitude) for s in rooms.site.tolist()
    }
    assert {tuple(point) for point in points_of(figure.axes[0]).tolist()} == expected
    assert len(expected) == 10
    (points,) = figure.axes[0].collections
    places = [tuple(point) for point in points.get_offsets().tolist()]
    fills = dict(zip(places, points.get_facecolors().tolist(), strict=True))
    worst = max(rooms.site.tolist(), key=lambda s: rooms.loss[rooms.site.tolist().index(s)])
    at = network.sites[worst].longitude, network.sites[worst].latitude
    assert sum(fills[at][:3]) == min(sum(fill[:3]) for fill in fills.values())


def test_without_positions_there_is_no_map(tmp_path):
    assert country.draw(stored_of(meeting(places=False), tmp_path / "run"), ENGLISH) is None


@pytest.mark.parametrize(
    ("losses", "classes"),
    [
        ([], ()),
        ([0.0], ()),
        ([0.003], ((0.002, 0.005),)),
        ([0.002, 0.0019], ((0.001, 0.002), (0.002, 0.005))),
        ([1.0], ((0.5, 1.0),)),
        ([1e-12, 0.02], ((0.0, 1e-9), (0.02, 0.05))),
        (
            [10.0**-k for k in range(1, 9)] + [5e-4],
            tuple((float(f"1e-{k}"), float(f"1e-{k - 1}")) for k in range(7, 0, -1)),
        ),
    ],
)
def test_classes_are_those_that_occur(losses, classes):
    scale = shades.scale(losses)
    assert scale.classes == classes
    colours = [sum(colour[:3]) for colour in scale.colours]
    assert colours == sorted(colours, reverse=True)
    for loss in losses:
        within = [
            i for i, (low, high) in enumerate(classes) if low <= loss < high or loss == high == 1
        ]
        if within:
            assert scale.colour(loss) == scale.colours[within[0]]
    assert scale.colour(0.0) == scale.colour(float("nan")) == shades.NOTHING

"""What can be judged of a scenario whose sites cannot be read: all that names none of them."""

from __future__ import annotations

from sim.scenario import joining
from sim.scenario.agenda import check_turns
from sim.scenario.document import Document
from sim.scenario.events import check_times
from sim.scenario.inventory import check_cells
from sim.scenario.lines import check_line_fields
from sim.scenario.relays import check_relay_fields
from sim.scenario.signalling import check_timers
from sim.scenario.streams import check_media


def check_alone(document: Document) -> None:
    """Record what is wrong with the parts of a scenario, each taken by itself."""
    check_line_fields(document)
    check_cells(document)
    check_relay_fields(document)
    check_media(document)
    check_turns(document)
    check_times(document)
    joining.check_times(document)
    check_timers(document)

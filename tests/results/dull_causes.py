"""Why a room was dark, by reading the whole journal again for every moment: slow and plain."""

from __future__ import annotations

from collections import Counter

from sim.control.journal import Event
from sim.network.names import line_number

GOES_ON = (Event.MOVED, Event.REVERTED, Event.SERVED)


class Moment:
    """All that the journal has said by an instant."""

    def __init__(self, scenario, network, journal, now_ns):
        self.scenario, self.network = scenario, network
        self.line = {site: site for site in range(1, len(network.sites))}
        self.faults, self.taken = [], set()
        self.does = {}
        refused, acting = set(), set()
        for number, entry in enumerate(journal):
            if entry.at_ns > now_ns:
                break
            if entry.event is Event.FAULT:
                self.faults.append(entry.fault)
            elif entry.event is Event.REPAIR:
                self.faults.remove(entry.fault)
                self.taken = {pair for pair in self.taken if pair[0] != entry.fault}
            elif entry.event is Event.TOOK_OVER:
                self.taken.add((entry.fault, entry.site))
            elif entry.event in (*GOES_ON, Event.NOTICED):
                if entry.event in GOES_ON[:2]:
                    self.line[entry.site] = entry.line
                acting.discard(entry.site)
                self.does.pop(entry.site, None)
                if entry.event is Event.NOTICED:
                    acting.add(entry.site)
                    refused.discard(entry.site)
                    self.does[entry.site] = "holding"
            elif entry.event is Event.HELD:
                self.does[entry.site] = "holding"
            elif entry.event is Event.ASKED:
                later = (e.event for e in journal[number + 1 :] if e.site == entry.site)
                later = (e for e in later if e is Event.REFUSED or e in GOES_ON)
                in_vain = next(later, None) is Event.REFUSED
                self.does[entry.site] = "refused" if in_vain else "signalling"
            elif entry.event is Event.REFUSED:
                refused.add(entry.site)
                self.does[entry.site] = "refused"
                if entry.site not in acting:
                    del self.does[entry.site]
            elif entry.event is Event.NO_BACKUP:
                self.does[entry.site] = "refused" if entry.site in refused else "no_backup"
                refused.discard(entry.site)

    def down(self, *, line=None, relay=None, room=None):
        """Return the faults that hold a part down."""
        found = []
        for number in self.faults:
            fault = self.scenario.faults[number]
            lines = [line_number(self.network, name) for name in fault.lines]
            relays = [self.network.index[site] for site in fault.relays]
            relays = [site for site in relays if (number, site) not in self.taken]
            rooms = [self.network.index[site] for site in fault.rooms]
            if line in lines or relay in relays or room in rooms:
                found.append(number)
        return found

    def why(self, room, will_be_taken):
        """Return the cause at this moment, None where nothing is down, and the lines on the way."""
        own = self.down(room=room)
        if self.network.relay[room]:
            own += self.down(relay=room)
        on_way, site, does = [self.line.get(room, -1)], room, []
        if own:
            return ("detecting" if will_be_taken(room, self) else "unwatched"), on_way
        watched = {each.tier for each in self.scenario.detection if each.bfd or each.consent}
        while site:
            line = self.line[site]
            above = int(self.network.line_parent[line])
            if site in self.does:
                does.append(self.does[site])
            if self.down(line=line) or self.down(relay=above):
                others = [each for each in does if each != "no_backup"]
                if does:
                    return (others or does)[0], on_way
                watches = self.network.sites[site].tier in watched or will_be_taken(above, self)
                return ("detecting" if watches else "unwatched"), on_way
            site = above
            on_way.append(self.line.get(site, -1))
        return None, on_way


def dull_causes(scenario, network, journal, room, from_ns, until_ns, *, joined):
    """Return how long a room was dark for which cause."""
    dates = sorted({from_ns, *(e.at_ns for e in journal if from_ns < e.at_ns < until_ns)})

    def will_be_taken(relay, moment):
        for entry in journal:
            if entry.event is not Event.TOOK_OVER or entry.site != relay:
                continue
            if entry.fault in moment.faults and (entry.fault, relay) not in moment.taken:
                begun = [e.at_ns for e in journal if (e.event, e.fault) == BEGUN(entry.fault)]
                ends = [e.at_ns for e in journal if (e.event, e.fault) == ENDED(entry.fault)]
                since_ns = max(at_ns for at_ns in begun if at_ns <= moment.now_ns)
                until_ns = min((at_ns for at_ns in ends if at_ns > since_ns), default=2**62)
                if since_ns <= entry.at_ns < until_ns:
                    return True
        return False

    seen = []
    for at_ns, end_ns in zip(dates, [*dates[1:], until_ns], strict=True):
        moment = Moment(scenario, network, journal, at_ns)
        moment.now_ns = at_ns
        seen.append((end_ns - at_ns, *moment.why(room, will_be_taken)))
    spent, fed_again = Counter(), False
    for number, (length_ns, cause, on_way) in enumerate(seen):
        fed_again |= number > 0 and on_way != seen[number - 1][2]
        if cause is not None:
            fed_again = True
        elif fed_again:
            cause = "key_frame"
        elif joined:
            cause = "joining"
        else:
            rest = seen[number:]
            down = [i for i, (_, later, _) in enumerate(rest) if later is not None]
            before_ns = sum(each[0] for each in seen[: number + down[0]]) if down else 0
            is_wait = down and before_ns <= scenario.dark_after_ns
            cause = rest[down[0]][1] if is_wait else "loss"
        spent[cause] += length_ns
    return dict(spent)


def BEGUN(fault):  # noqa: N802 - it is a constant with a hole
    return Event.FAULT, fault


def ENDED(fault):  # noqa: N802 - as above
    return Event.REPAIR, fault

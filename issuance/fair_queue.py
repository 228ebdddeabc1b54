"""Sharing: whose chunk comes next when campaigns have weights. Start-time fair queueing; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

WEIGHT_MIN, WEIGHT_MAX = 1, 100


@dataclass(frozen=True, slots=True)
class Contender:
    """A campaign that wants turns.

    Attributes:
        key: its own.
        weight: `WEIGHT_MIN` to `WEIGHT_MAX`; its share is this by the sum of all weights.
        due: jobs of it that could be taken; may be counted up to a chunk more than the room.
        chunk_size: most jobs of one turn, at least 1.
    """

    key: int
    weight: int
    due: int
    chunk_size: int


@dataclass(frozen=True, slots=True)
class Turn:
    """One chunk of a contender."""

    key: int
    size: int


class FairScheduler:
    """Gives turns in proportion to the contenders' weights, exact to one chunk.

    It remembers each contender's lead from round to round. A new or returning contender starts at
    the current virtual time: no penalty, no credit. Several schedulers that share one window are
    fair too, because each shares its own part fairly.
    """

    def __init__(self) -> None:
        self._leads: dict[int, float] = {}
        """Jobs by weight that a contender is ahead of the turn that was given last; above 0."""

    def take(self, room: int, contenders: Sequence[Contender], *, may_cut: bool) -> list[Turn]:
        """Fill the room with turns; returns them in their order.

        Args:
            room: most jobs.
            contenders: all that want turns.
            may_cut: the first turn may be cut to the room. Others that do not fit wait for the next
                round, or chunks would become crumbs; only who is alone fills the room to the last
                job.
        """
        left = {each.key: each.due for each in contenders}
        line = [
            (self._leads.get(each.key, 0.0), place)
            for place, each in enumerate(contenders)
            if each.due
        ]
        heapify(line)
        now, turns = 0.0, list[Turn]()
        while line and room > 0:
            start, place = line[0]
            contender = contenders[place]
            whole = min(contender.chunk_size, left[contender.key])
            size = min(whole, room)
            if size < whole and len(contenders) > 1 and not (may_cut and not turns):
                break
            turns.append(Turn(contender.key, size))
            now, room = start, room - size
            left[contender.key] -= size
            self._leads[contender.key] = start + size / contender.weight
            heappop(line)
            if left[contender.key]:
                heappush(line, (self._leads[contender.key], place))
        # A lone contender takes nothing from others.
        alone = len(contenders) == 1
        self._leads = (
            {} if alone else {key: lead - now for key, lead in self._leads.items() if lead > now}
        )
        return turns


def size_chunk(
    weight: int, weights: Sequence[int], *, window: int, most: int, shared: float
) -> int:
    """Say how many jobs make a chunk of a campaign, so that each turn of all campaigns is short.

    Args:
        weight: the campaign's.
        weights: of all campaigns that have work, this one too.
        window: most jobs queued; each campaign must find a place in it.
        most: a chunk's size while a campaign is alone, at least 1.
        shared: the mean size while several are at it. A heavier campaign's chunks are larger, so
            that one chunk of each is a whole round; from `most` on all have that size, and the
            heavier has more of them.
    """
    count = len(weights)
    if count <= 1:
        return most
    wanted = most if shared >= most else round(shared * count * weight / sum(weights))
    return max(1, min(wanted, most, window // count))

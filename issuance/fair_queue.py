"""Start-time fair queueing: whose chunk comes next when campaigns have weights. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

WEIGHT_MIN, WEIGHT_MAX = 1, 100


@dataclass(frozen=True, slots=True)
class Contender:
    """A campaign that competes for turns.

    Attributes:
        key: identifies the campaign.
        weight: `WEIGHT_MIN` to `WEIGHT_MAX`; its share is this divided by the sum of all weights.
        due: jobs that could be taken; may be up to one chunk more than the room.
        chunk_size: most jobs in one turn, at least 1.
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
        """How far each contender is ahead of the last turn, in jobs divided by weight; above 0."""

    def take(self, room: int, contenders: Sequence[Contender], *, may_cut: bool) -> list[Turn]:
        """Fill the room with turns and return them in order.

        Args:
            room: most jobs to take.
            contenders: all campaigns that compete.
            may_cut: whether the first turn may be cut to fit the room. Other turns that do not fit
                wait for the next round, so that chunks do not become tiny. A lone contender always
                fills the room to the last job.
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
        # A lone contender takes nothing from others, so it gets no lead.
        alone = len(contenders) == 1
        self._leads = (
            {} if alone else {key: lead - now for key, lead in self._leads.items() if lead > now}
        )
        return turns


def size_chunk(
    weight: int, weights: Sequence[int], *, window: int, most: int, shared: float
) -> int:
    """Choose how many jobs make a chunk of a campaign, so that every campaign's turn comes soon.

    Args:
        weight: the campaign's weight.
        weights: the weights of all campaigns that have work, including this one.
        window: most jobs queued; each campaign must have room in it.
        most: the largest chunk, at least 1; its size while a campaign is alone.
        shared: the mean size while several campaigns have work. Heavier campaigns get larger
            chunks, so that one chunk of each makes a whole round. If this is `most` or more, all
            chunks have that size, and heavier campaigns get more of them.
    """
    count = len(weights)
    if count <= 1:
        return most
    wanted = most if shared >= most else round(shared * count * weight / sum(weights))
    return max(1, min(wanted, most, window // count))


def share_window(window: int, wanted: Sequence[int]) -> list[int]:
    """Divide a window: what an account does not need of its equal share goes to others.

    Args:
        window: jobs to divide.
        wanted: what each wants, 0 or more.

    Returns:
        What each gets, in order; at least 1 where something is wanted.
    """
    shares = [0] * len(wanted)
    left, places = window, sorted(range(len(wanted)), key=wanted.__getitem__)
    for behind, place in enumerate(places):
        fair = left // (len(places) - behind)
        shares[place] = min(wanted[place], max(fair, 1))
        left = max(0, left - shares[place])
    return shares

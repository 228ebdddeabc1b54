"""How many lines to compare, and what a comparison of a sample shows of all lines.

Lines are drawn without replacement, so the number of differing ones among them is hypergeometric.
"""

from math import exp, lgamma

CONFIDENCE_PERCENT = 95
LESS_THAN_PER_MILLE = 1
"""What a sample without a difference shows: fewer than this many of 1,000 lines differ."""
_RISK = 1 - CONFIDENCE_PERCENT / 100 + 1e-9
"""With room for rounding."""


def sample_size(population: int) -> int:
    """Return the fewest lines that show, if none differs, that fewer than 0.1 % of all differ.

    At 95 % confidence: had 0.1 % or more differed, at least one of the sample would have differed
    in 95 of 100 samples. It is 2,995 for a campaign of any size, and fewer for a small one.
    """
    if population <= 0:
        return 0
    too_many = -(-population * LESS_THAN_PER_MILLE // 1000)
    least, most = 1, population
    while least < most:
        middle = (least + most) // 2
        if _none_of(population, too_many, middle) <= _RISK:
            most = middle
        else:
            least = middle + 1
    return least


def most_differing(population: int, compared: int, differing: int) -> int:
    """Return the most lines of all that may differ, at 95 % confidence.

    Args:
        population: all lines.
        compared: the lines of the sample.
        differing: those of the sample that differ.
    """
    least, most = differing, population - (compared - differing)
    while least < most:
        middle = (least + most + 1) // 2
        if _at_most(population, middle, compared, differing) > _RISK:
            least = middle
        else:
            most = middle - 1
    return least


def _none_of(population: int, marked: int, drawn: int) -> float:
    """Return the probability that no marked one is drawn."""
    fewer, more = sorted((marked, drawn))
    chance = 1.0
    for place in range(fewer):
        chance *= max(0, population - more - place) / (population - place)
    return chance


def _at_most(population: int, marked: int, drawn: int, most: int) -> float:
    """Return the probability that at most this many marked ones are drawn."""
    rest = population - marked
    fewest = max(0, drawn - rest)
    whole = _log_choose(population, drawn)
    return sum(
        exp(_log_choose(marked, found) + _log_choose(rest, drawn - found) - whole)
        for found in range(fewest, min(most, marked, drawn) + 1)
    )


def _log_choose(population: int, drawn: int) -> float:
    return lgamma(population + 1) - lgamma(drawn + 1) - lgamma(population - drawn + 1)
